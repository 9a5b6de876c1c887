"""Functions that return an uncompiled `keras.Model` ending in logits."""

from catdog_keras.models.acceleration import accelerate
from catdog_keras.models.backbones import BACKBONES, WeightsNotFoundError
from catdog_keras.models.fine_tuning import FineTuning, fine_tune
from catdog_keras.models.folding import fold_batch_norm
from catdog_keras.models.front import input_range
from catdog_keras.models.head_training import fit_head
from catdog_keras.models.learning_rates import LearningRateSweep, find_learning_rate
from catdog_keras.models.pipeline_check import check_pipeline
from catdog_keras.models.pipeline_report import PipelineFinding, PipelineReport
from catdog_keras.models.stripping import strip_augmentation
from catdog_keras.models.test_time import predict_with_augmentation
from catdog_keras.models.transfer import model_classes, transfer_model
from catdog_keras.models.tutorial import build_model1, build_model2, build_model3

__all__ = [
    "BACKBONES",
    "FineTuning",
    "LearningRateSweep",
    "PipelineFinding",
    "PipelineReport",
    "WeightsNotFoundError",
    "accelerate",
    "build_model1",
    "build_model2",
    "build_model3",
    "check_pipeline",
    "find_learning_rate",
    "fine_tune",
    "fit_head",
    "fold_batch_norm",
    "input_range",
    "model_classes",
    "predict_with_augmentation",
    "strip_augmentation",
    "transfer_model",
]
