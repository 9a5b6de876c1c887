"""The few places where TensorFlow, JAX and PyTorch differ.

A framework is imported inside the function that needs it, at its first use: importing this package
imports Keras alone. Whatever is faster here stands beside Keras's own operations, which every
caller falls back to, and a test shows that both give the same numbers.
"""

from catdog_keras._backend.batch_norm import (
    batch_norm_inference,
    batch_norm_training,
    can_fuse_batch_norm,
)
from catdog_keras._backend.distribution import (
    check_strategy,
    divides_datasets_alone,
    is_first_process,
    strategy_scope,
)
from catdog_keras._backend.drawing import MapGenerator, draw_units
from catdog_keras._backend.feature_gradient import feature_gradient
from catdog_keras._backend.normalized_pooling import can_normalize_and_pool, normalize_and_pool
from catdog_keras._backend.random_state import random_state, set_random_state
from catdog_keras._backend.resampling import resample
from catdog_keras._backend.tf_data import is_foreign, operations_for, reverse
from catdog_keras._backend.traits import (
    DATA_FORMATS,
    has_fast_bfloat16,
    native_data_format,
    predicts_single_batches_well,
    protect,
    resolve_data_format,
)

__all__ = [
    "DATA_FORMATS",
    "MapGenerator",
    "batch_norm_inference",
    "batch_norm_training",
    "can_fuse_batch_norm",
    "can_normalize_and_pool",
    "check_strategy",
    "divides_datasets_alone",
    "draw_units",
    "feature_gradient",
    "has_fast_bfloat16",
    "is_first_process",
    "is_foreign",
    "native_data_format",
    "normalize_and_pool",
    "operations_for",
    "predicts_single_batches_well",
    "protect",
    "random_state",
    "resample",
    "resolve_data_format",
    "reverse",
    "set_random_state",
    "strategy_scope",
]
