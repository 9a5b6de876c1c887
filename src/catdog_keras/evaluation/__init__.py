"""Numbers from predictions: counts, accuracies with their intervals, errors. No drawing."""

from catdog_keras.evaluation.classifier import evaluate_classifier
from catdog_keras.evaluation.evaluation import Evaluation, PictureLoss
from catdog_keras.evaluation.explanation import class_activation
from catdog_keras.evaluation.intervals import wilson_interval
from catdog_keras.evaluation.labels import baseline_accuracy, label_counts

__all__ = [
    "Evaluation",
    "PictureLoss",
    "baseline_accuracy",
    "class_activation",
    "evaluate_classifier",
    "label_counts",
    "wilson_interval",
]
