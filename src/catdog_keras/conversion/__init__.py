"""Conversion of a model into another model with the same predictions."""

from catdog_keras.conversion._fold_batch_norm import fold_batch_norm
from catdog_keras.conversion._strip_augmentation import strip_augmentation
from catdog_keras.conversion._use_fused_batch_norm import use_fused_batch_norm

__all__ = ["fold_batch_norm", "strip_augmentation", "use_fused_batch_norm"]
