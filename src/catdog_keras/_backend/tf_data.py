"""Layers in a `tf.data` map, where tensors are TensorFlow's with any Keras backend."""

import sys
from collections.abc import Callable
from typing import Any

import keras


def is_foreign_tf_tensor(tensor: Any) -> bool:
    """Whether `tensor` is symbolic, from a `tf.data` map, and Keras's backend is not TensorFlow.

    Keras's own operations do not support such a tensor: it has no values for another backend to
    read.
    """
    if keras.backend.backend() == "tensorflow" or "tensorflow" not in sys.modules:
        return False
    import tensorflow as tf

    return isinstance(tensor, tf.Tensor) and bool(tf.is_symbolic_tensor(tensor))


def call_in_map(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Calls a function on foreign tensors of a `tf.data` map as it is written, without AutoGraph.

    TensorFlow's AutoGraph rewrites the code of a map, which is slow and fails for Keras's functions
    for bounding boxes. The functions of this package need no rewriting.
    """
    import tensorflow as tf

    return tf.autograph.experimental.do_not_convert(function)(*arguments, **options)


def ops_for(tensor: Any) -> Any:
    """Returns `keras.ops`, or the TensorFlow module for a foreign tensor of a `tf.data` map.

    Both have `abs`, `cast`, `convert_to_tensor`, `cos`, `equal`, `expand_dims`, `floor`, `maximum`,
    `minimum`, `ones_like`, `reshape`, `shape`, `sin`, `squeeze`, `stack`, `tan`, `transpose` and
    `where`, with the same meaning.
    """
    if not is_foreign_tf_tensor(tensor):
        return keras.ops
    import tensorflow as tf

    return tf


def to_dense(tensor: Any, default: float) -> Any:
    """Returns a ragged tensor, as of `tf.data`, padded with `default`; other tensors unchanged."""
    if "tensorflow" in sys.modules:
        import tensorflow as tf

        if isinstance(tensor, tf.RaggedTensor):
            return tensor.to_tensor(default)
    return tensor


def reverse_axis(tensor: Any, axis: int) -> Any:
    """Returns `tensor`, also a foreign one of `tf.data`, with the order along `axis` reversed."""
    if is_foreign_tf_tensor(tensor):
        return ops_for(tensor).reverse(tensor, [axis])
    return keras.ops.flip(tensor, axis=axis)


def arange_like(size: Any, like: Any) -> Any:
    """Returns 0, 1, ..., `size` - 1 in float32; foreign, for a `tf.data` map, if `like` is."""
    if is_foreign_tf_tensor(like):
        return ops_for(like).range(size, dtype="float32")
    return keras.ops.arange(size, dtype="float32")


def gather_rows(rows: Any, indices: Any) -> Any:
    """Returns the rows at `indices`, at least 0; also of a foreign tensor of a `tf.data` map."""
    if is_foreign_tf_tensor(rows):
        return ops_for(rows).gather(rows, indices)
    return keras.ops.take(rows, indices, axis=0)


def in_dataset_map() -> bool:
    """Whether TensorFlow is tracing a function for a `tf.data` dataset.

    TensorFlow names the graphs of those functions after the dataset's method.
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
