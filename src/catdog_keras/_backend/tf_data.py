"""Layers in a `tf.data` map, where tensors are TensorFlow's whatever Keras's backend is."""

import importlib
import sys
from typing import Any

import keras


def is_foreign(tensor: Any) -> bool:
    """Tells whether `tensor` is one of a `tf.data` map while Keras's backend is not TensorFlow.

    Keras's own operations cannot take it there: it has no values that another backend could read.
    """
    if keras.backend.backend() == "tensorflow" or "tensorflow" not in sys.modules:
        return False
    import tensorflow as tf

    return isinstance(tensor, tf.Tensor) and bool(tf.is_symbolic_tensor(tensor))


def operations_for(tensor: Any) -> Any:
    """Returns `keras.ops`, or TensorFlow for a tensor that is foreign.

    Both have `cast`, `convert_to_tensor`, `equal`, `expand_dims`, `floor`, `minimum`, `reshape`,
    `shape`, `squeeze` and `where`, which mean the same.
    """
    return importlib.import_module("tensorflow") if is_foreign(tensor) else keras.ops


def reverse(tensor: Any, axis: int) -> Any:
    """Returns `tensor`, foreign or not, with the order along `axis` reversed."""
    if is_foreign(tensor):
        return operations_for(tensor).reverse(tensor, [axis])
    return keras.ops.flip(tensor, axis=axis)
