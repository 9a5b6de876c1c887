"""Metrics computed from predictions: counts, accuracies with intervals, losses. No plotting."""

from catdog_keras._intervals import wilson_interval
from catdog_keras.evaluation.calibration import calibrate
from catdog_keras.evaluation.class_scores import AverageScores, ClassScores
from catdog_keras.evaluation.classifier import evaluate_classifier
from catdog_keras.evaluation.comparison import Comparison
from catdog_keras.evaluation.evaluation import Evaluation
from catdog_keras.evaluation.explanation import class_activation
from catdog_keras.evaluation.labels import baseline_accuracy, label_counts
from catdog_keras.evaluation.pairing import compare
from catdog_keras.evaluation.picture_loss import PictureLoss
from catdog_keras.evaluation.reliability import ReliabilityBin
from catdog_keras.evaluation.roc import RocCurve

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
