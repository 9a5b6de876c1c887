"""Replacement of Keras's batch normalization by the fused implementation."""

import keras

from catdog_keras._backend import contains_batch_norm
from catdog_keras._cloning import assign_weights, clone_uncompiled, copy_layer, copy_trainable
from catdog_keras._compile import compile_copy
from catdog_keras._layer_graph import check_graph
from catdog_keras._suggestions import suggests_arguments
from catdog_keras._warnings import warn
from catdog_keras.layers import BatchNormalization, ConvBlock


@suggests_arguments()
def use_fused_batch_norm(model: keras.Model) -> keras.Model:
    """Replaces Keras's batch normalization by the fused one and returns a new model.

    The new model computes the same function, has the same weights, and can be trained and saved;
    loading the file requires `import catdog_keras`. Nested models are copied recursively. A layer
    that normalizes internally is copied unchanged, with a warning that names it. The original
    model is not changed.

    Args:
        model: A built Functional or Sequential model, for example from `keras.applications`.

    Returns:
        A model of the same structure, which shares no weights with `model`. It is compiled with the
        same arguments if `model` is compiled, with a new optimizer state.

    Raises:
        TypeError: If `model` is not a Keras model.
        ValueError: If the model is not built, is not a graph of layers, or contains a layer that
            cannot be rebuilt from its config.

    See Also:
        `BatchNormalization`: the layer that replaces Keras's.
        `fold_batch_norm`: faster inference.

    Example:
        >>> import catdog_keras, keras
        >>> model = keras.applications.MobileNetV2(weights=None, input_shape=(96, 96, 3))
        >>> type(catdog_keras.use_fused_batch_norm(model).get_layer("bn_Conv1")).__module__
        'catdog_keras.layers._batch_normalization'
    """
    check_graph(model)
    own: list[str] = []

    def copy(layer: keras.Layer) -> keras.Layer:
        kind = type(layer)
        if kind is keras.layers.BatchNormalization:
            kind = BatchNormalization
        elif not isinstance(layer, ConvBlock) and contains_batch_norm(layer):
            own.append(f"{layer.name!r} ({kind.__name__})")
        return copy_layer(layer, kind)

    fast = clone_uncompiled(model, clone_function=copy, recursive=True)
    assign_weights(fast, model.get_weights())
    copy_trainable(model, fast)
    compile_copy(fast, model)
    if own:
        warn(
            f"Of {model.name!r} these layers contain their own normalization and were copied "
            f"unchanged: {', '.join(own)}.",
        )
    return fast
