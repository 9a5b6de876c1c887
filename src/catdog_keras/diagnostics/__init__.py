"""Checks of data and model before training."""

from catdog_keras.diagnostics._check_pipeline import check_pipeline
from catdog_keras.diagnostics._data_finding import DataFinding
from catdog_keras.diagnostics._extract_features import extract_features
from catdog_keras.diagnostics._find_label_issues import LabelIssues, find_label_issues
from catdog_keras.diagnostics._find_near_duplicates import (
    NearDuplicatePair,
    NearDuplicates,
    find_near_duplicates,
)
from catdog_keras.diagnostics._find_outliers import Outlier, Outliers, find_outliers
from catdog_keras.diagnostics._find_shortcuts import PropertyScore, Shortcuts, find_shortcuts
from catdog_keras.diagnostics._infer_input_range import infer_input_range
from catdog_keras.diagnostics._leakage_effect import LeakageEffect, leakage_effect
from catdog_keras.diagnostics._learning_curve import LearningCurve, learning_curve
from catdog_keras.diagnostics._pipeline_report import PipelineFinding, PipelineReport

__all__ = [
    "DataFinding",
    "LabelIssues",
    "LeakageEffect",
    "LearningCurve",
    "NearDuplicatePair",
    "NearDuplicates",
    "Outlier",
    "Outliers",
    "PipelineFinding",
    "PipelineReport",
    "PropertyScore",
    "Shortcuts",
    "check_pipeline",
    "extract_features",
    "find_label_issues",
    "find_near_duplicates",
    "find_outliers",
    "find_shortcuts",
    "infer_input_range",
    "leakage_effect",
    "learning_curve",
]
