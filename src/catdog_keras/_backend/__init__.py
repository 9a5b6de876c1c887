"""The only package where TensorFlow, JAX and PyTorch differ; see README.md in this folder.

Each framework is imported at first use, inside the function that needs it, so importing this
package imports only Keras. Every faster path has a fallback in Keras's own operations, and a test
checks that both return the same numbers.
"""

from catdog_keras._backend.backend_properties import (
    DATA_FORMATS,
    copy_if_mutable,
    has_fast_bfloat16,
    native_data_format,
    prefers_predict_on_batch,
    resolve_data_format,
)
from catdog_keras._backend.batch_norm import (
    batch_norm_inference,
    batch_norm_training,
    can_fuse_batch_norm,
    contains_batch_norm,
)
from catdog_keras._backend.distribution import (
    as_tf_data,
    check_strategy,
    is_first_process,
    requires_tf_data,
    strategy_scope,
)
from catdog_keras._backend.feature_gradient import feature_gradient
from catdog_keras._backend.frozen_graph import FrozenGraph, freeze_graph
from catdog_keras._backend.fused_bn_pool import can_normalize_and_pool, normalize_and_pool
from catdog_keras._backend.keras_internals import calling_layer
from catdog_keras._backend.random_generators import (
    MapRandomGenerator,
    initial_seed,
    map_generator_for,
    random_uniform,
)
from catdog_keras._backend.resampling import resample
from catdog_keras._backend.resizing import resize_images
from catdog_keras._backend.saved_model import load_signature, write_saved_model
from catdog_keras._backend.tf_data import (
    call_in_map,
    is_foreign_tf_tensor,
    ops_for,
    reverse_axis,
    to_dense,
)
from catdog_keras._backend.torch_random_state import random_state, set_random_state

__all__ = [
    "DATA_FORMATS",
    "FrozenGraph",
    "MapRandomGenerator",
    "as_tf_data",
    "batch_norm_inference",
    "batch_norm_training",
    "call_in_map",
    "calling_layer",
    "can_fuse_batch_norm",
    "can_normalize_and_pool",
    "check_strategy",
    "contains_batch_norm",
    "copy_if_mutable",
    "feature_gradient",
    "freeze_graph",
    "has_fast_bfloat16",
    "initial_seed",
    "is_first_process",
    "is_foreign_tf_tensor",
    "load_signature",
    "map_generator_for",
    "native_data_format",
    "normalize_and_pool",
    "ops_for",
    "prefers_predict_on_batch",
    "random_state",
    "random_uniform",
    "requires_tf_data",
    "resample",
    "resize_images",
    "resolve_data_format",
    "reverse_axis",
    "set_random_state",
    "strategy_scope",
    "to_dense",
    "write_saved_model",
]
