"""What a backend does well, and in which layout."""

from pathlib import Path
from typing import Any

import keras

from catdog_keras._checks import check_choice

DATA_FORMATS = ("channels_last", "channels_first")


def resolve_data_format(value: str | None) -> str:
    """Returns `value`, or Keras's own data format for None; raises if it is neither known one."""
    if value is None:
        return str(keras.config.image_data_format())
    return check_choice("data_format", value, DATA_FORMATS)


def native_data_format(data_format: str) -> str:
    """Returns the layout in which the backend's layers work best on pictures of `data_format`.

    TensorFlow has channels-first convolution and its gradient on a GPU only; there as well as on a
    CPU, channels last gives the same numbers. PyTorch names the channels second whatever order they
    have in memory, and Keras's channels-last layers copy each map into that order and back; turned
    once, as a view, a channels-last map stays as it lies in memory through a whole block.
    """
    native = {"tensorflow": "channels_last", "torch": "channels_first"}
    return native.get(keras.backend.backend(), data_format)


def protect(tensor: Any) -> Any:
    """Returns a copy on PyTorch, whose tensors can be changed in place; elsewhere `tensor`."""
    in_place = keras.backend.backend() == "torch" and keras.ops.is_tensor(tensor)
    return keras.ops.copy(tensor) if in_place else tensor


def predicts_single_batches_well() -> bool:
    """Tells whether `predict_on_batch`, batch by batch, is the fast way through a dataset.

    On TensorFlow it costs as much as `predict`, while `predict` of a generator copies every
    picture. On JAX it is the other way round: each call moves all weights in and out.
    """
    return bool(keras.backend.backend() == "tensorflow")


def has_fast_bfloat16() -> bool:
    """Returns whether this machine's processor has bfloat16 instructions that the backend uses.

    False on JAX, where bfloat16 is not faster on processors, and where the processor cannot be
    asked (no `/proc/cpuinfo`).
    """
    if keras.backend.backend() == "jax":
        return False
    try:
        features = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return False
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(features)
