"""Checks of data and model before training."""

from catdog_keras.diagnostics._check_pipeline import check_pipeline
from catdog_keras.diagnostics._data_finding import DataFinding
from catdog_keras.diagnostics._findings import PipelineFinding, PipelineReport
from catdog_keras.diagnostics._infer_input_range import infer_input_range

__all__ = [
    "DataFinding",
    "PipelineFinding",
    "PipelineReport",
    "check_pipeline",
    "infer_input_range",
]
