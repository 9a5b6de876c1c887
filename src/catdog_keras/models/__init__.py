"""Functions that build an image classifier, and prediction with test-time augmentation."""

from catdog_keras.models._backbones import BACKBONES, WeightsNotFoundError
from catdog_keras.models._get_class_names import get_class_names
from catdog_keras.models._predict_probabilities import predict_probabilities
from catdog_keras.models._predict_tta import predict_tta
from catdog_keras.models._transfer_model import transfer_model
from catdog_keras.models._tutorial_networks import build_model1, build_model2, build_model3

__all__ = [
    "BACKBONES",
    "WeightsNotFoundError",
    "build_model1",
    "build_model2",
    "build_model3",
    "get_class_names",
    "predict_probabilities",
    "predict_tta",
    "transfer_model",
]
