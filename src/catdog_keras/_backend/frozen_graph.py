"""Frozen graphs of TensorFlow, in which all weights are constants."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True)
class FrozenGraph:
    """Graph of a serving model without variables.

    Attributes:
        graph_def: The `tf.compat.v1.GraphDef`.
        images: Name of the tensor of the images.
        probabilities: Name of the tensor of the probabilities.
    """

    graph_def: Any
    images: str
    probabilities: str


def freeze_graph(model: keras.Model, images: str, probabilities: str) -> FrozenGraph:
    """Traces a serving model, on the TensorFlow backend.

    Besides variables, the traced function can hold tensors that a layer created before, such as the
    mean of `Normalization`. They become constants as well.

    Args:
        model: Model of images, which returns a dict.
        images: Name of the input.
        probabilities: Name of the output of the model.
    """
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants

    @tf.autograph.experimental.do_not_convert
    def serve(batch: Any) -> Any:
        return model(batch, training=False)[probabilities]

    spec = tf.TensorSpec(model.input_shape, model.inputs[0].dtype, name=images)
    with _inner_functions_inlined():
        traced = tf.function(serve, input_signature=[spec]).get_concrete_function()
    frozen = convert_to_constants.convert_variables_to_constants_v2(
        traced, lower_control_flow=False, aggressive_inlining=True
    )
    (first,), (last,) = frozen.inputs, frozen.outputs
    return FrozenGraph(frozen.graph.as_graph_def(add_shapes=True), first.name, last.name)


@contextmanager
def _inner_functions_inlined() -> Iterator[None]:
    """Context manager in which tracing inlines inner functions, before the graph is frozen.

    Keras compiles grouped convolutions by XLA, as a separate function, which TensorFlow does not
    inline afterwards.
    """
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)
