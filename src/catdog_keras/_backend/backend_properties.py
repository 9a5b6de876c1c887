"""Preferred data format and performance properties of the backends."""

from pathlib import Path
from typing import Any

import keras

from catdog_keras._checks import check_choice

DATA_FORMATS = ("channels_last", "channels_first")


def resolve_data_format(value: str | None) -> str:
    """Returns `value`, or Keras's default data format for None; raises if it is unknown."""
    if value is None:
        return str(keras.config.image_data_format())
    return check_choice("data_format", value, DATA_FORMATS)


def native_data_format(data_format: str) -> str:
    """Returns the data format in which the backend's layers are fastest for `data_format` images.

    TensorFlow supports channels-first convolution and its gradient only on a GPU; channels last
    gives the same numbers there and on a CPU. PyTorch indexes the channels second regardless of the
    memory layout, and Keras's channels-last layers copy each feature map to that order and back. If
    it is permuted once, as a view, a channels-last feature map keeps its memory layout through a
    whole block.
    """
    native = {"tensorflow": "channels_last", "torch": "channels_first"}
    return native.get(keras.backend.backend(), data_format)


def copy_if_mutable(tensor: Any) -> Any:
    """Returns a copy on the backend PyTorch, where tensors are mutable; elsewhere `tensor`."""
    in_place = keras.backend.backend() == "torch" and keras.ops.is_tensor(tensor)
    return keras.ops.copy(tensor) if in_place else tensor


def prefers_predict_on_batch() -> bool:
    """Whether calling `predict_on_batch` for each batch is the fast way to predict a dataset.

    On TensorFlow it takes as long as `predict`, while `predict` with a generator copies every
    image. On JAX it is slower, because each call moves all weights in and out.
    """
    return bool(keras.backend.backend() == "tensorflow")


def has_fast_bfloat16() -> bool:
    """Whether this machine's processor has bfloat16 instructions that the backend uses.

    False on JAX, where bfloat16 is not faster on processors, and on machines without
    `/proc/cpuinfo`.
    """
    if keras.backend.backend() == "jax":
        return False
    try:
        features = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return False
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(features)
