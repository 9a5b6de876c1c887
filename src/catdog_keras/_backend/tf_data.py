"""Layers in a `tf.data` map, where tensors are TensorFlow's whatever Keras's backend is."""

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

    Both have `cast`, `convert_to_tensor`, `cos`, `equal`, `expand_dims`, `floor`, `maximum`,
    `minimum`, `ones_like`, `reshape`, `shape`, `sin`, `squeeze`, `stack`, `tan`, `transpose` and
    `where`, which mean the same.
    """
    if not is_foreign(tensor):
        return keras.ops
    import tensorflow as tf

    return tf


def reverse(tensor: Any, axis: int) -> Any:
    """Returns `tensor`, foreign or not, with the order along `axis` reversed."""
    if is_foreign(tensor):
        return operations_for(tensor).reverse(tensor, [axis])
    return keras.ops.flip(tensor, axis=axis)


def count_up(size: Any, like: Any) -> Any:
    """Returns 0, 1, ..., `size` - 1 in float32, foreign if `like` is."""
    if is_foreign(like):
        return operations_for(like).range(size, dtype="float32")
    return keras.ops.arange(size, dtype="float32")


def take_rows(rows: Any, indices: Any) -> Any:
    """Returns the rows at `indices`, none of which is negative; foreign or not."""
    if is_foreign(rows):
        return operations_for(rows).gather(rows, indices)
    return keras.ops.take(rows, indices, axis=0)


def in_dataset_map() -> bool:
    """Tells whether TensorFlow is tracing a function for a `tf.data` dataset.

    TensorFlow names the graphs of those functions by the dataset's method.
    """
    if "tensorflow" not in sys.modules:
        return False
    import tensorflow as tf

    graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
    while graph is not None:
        if getattr(graph, "name", "").startswith("Dataset_"):
            return True
        graph = getattr(graph, "outer_graph", None)
    return False
