"""Metrics computed from predictions: counts, accuracies with intervals, losses. No plotting."""

from catdog_keras._intervals import wilson_interval
from catdog_keras.evaluation._baseline import baseline_accuracy
from catdog_keras.evaluation._calibrate import calibrate
from catdog_keras.evaluation._class_metrics import AveragedMetrics, ClassMetrics
from catdog_keras.evaluation._compare import Comparisons, compare
from catdog_keras.evaluation._count_labels import count_labels
from catdog_keras.evaluation._evaluate_classifier import evaluate_classifier
from catdog_keras.evaluation._evaluation import Evaluation, ExampleLoss
from catdog_keras.evaluation._grad_cam import grad_cam
from catdog_keras.evaluation._mcnemar import Comparison
from catdog_keras.evaluation._precision_recall import PrecisionRecallCurve
from catdog_keras.evaluation._reliability import ReliabilityBin
from catdog_keras.evaluation._roc import RocCurve

__all__ = [
    "AveragedMetrics",
    "ClassMetrics",
    "Comparison",
    "Comparisons",
    "Evaluation",
    "ExampleLoss",
    "PrecisionRecallCurve",
    "ReliabilityBin",
    "RocCurve",
    "baseline_accuracy",
    "calibrate",
    "compare",
    "count_labels",
    "evaluate_classifier",
    "grad_cam",
    "wilson_interval",
]
