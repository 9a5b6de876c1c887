"""Metrics computed from predictions: counts, accuracies with intervals, losses. No plotting."""

from catdog_keras._intervals import wilson_interval
from catdog_keras.evaluation._calibration import calibrate
from catdog_keras.evaluation._compare import compare
from catdog_keras.evaluation._evaluate_classifier import evaluate_classifier
from catdog_keras.evaluation._evaluation import Evaluation, PictureLoss
from catdog_keras.evaluation._grad_cam import class_activation
from catdog_keras.evaluation._labels import baseline_accuracy, label_counts
from catdog_keras.evaluation._mcnemar import Comparison
from catdog_keras.evaluation._metrics import AverageScores, ClassScores, ReliabilityBin, RocCurve

__all__ = [
    "AverageScores",
    "ClassScores",
    "Comparison",
    "Evaluation",
    "PictureLoss",
    "ReliabilityBin",
    "RocCurve",
    "baseline_accuracy",
    "calibrate",
    "class_activation",
    "compare",
    "evaluate_classifier",
    "label_counts",
    "wilson_interval",
]
