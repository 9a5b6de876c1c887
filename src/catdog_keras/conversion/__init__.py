"""Conversion of a model into another model, or a file, with the same predictions."""

from catdog_keras.conversion._embedded_metadata import ExportMetadata
from catdog_keras.conversion._export_model import export_model, read_metadata
from catdog_keras.conversion._export_report import ExportMismatchError, ExportReport
from catdog_keras.conversion._fold_batch_norm import fold_batch_norm
from catdog_keras.conversion._strip_augmentation import strip_augmentation
from catdog_keras.conversion._use_fused_batch_norm import use_fused_batch_norm

__all__ = [
    "ExportMetadata",
    "ExportMismatchError",
    "ExportReport",
    "export_model",
    "fold_batch_norm",
    "read_metadata",
    "strip_augmentation",
    "use_fused_batch_norm",
]
