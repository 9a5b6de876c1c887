"""Checks of data and model before training."""

from catdog_keras.diagnostics._check_pipeline import check_pipeline
from catdog_keras.diagnostics._data_finding import DataFinding
from catdog_keras.diagnostics._find_near_duplicates import (
    NearDuplicatePair,
    NearDuplicates,
    find_near_duplicates,
)
from catdog_keras.diagnostics._find_outliers import Outlier, Outliers, find_outliers
from catdog_keras.diagnostics._find_shortcuts import PropertyScore, Shortcuts, find_shortcuts
from catdog_keras.diagnostics._findings import PipelineFinding, PipelineReport
from catdog_keras.diagnostics._infer_input_range import infer_input_range

__all__ = [
    "DataFinding",
    "NearDuplicatePair",
    "NearDuplicates",
    "Outlier",
    "Outliers",
    "PipelineFinding",
    "PipelineReport",
    "PropertyScore",
    "Shortcuts",
    "check_pipeline",
    "find_near_duplicates",
    "find_outliers",
    "find_shortcuts",
    "infer_input_range",
]
