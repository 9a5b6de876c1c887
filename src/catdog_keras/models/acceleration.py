"""A copy of any model whose batch normalisation runs on fused kernels."""

import warnings

import keras

from catdog_keras._cloning import clone_uncompiled, copy_layer, copy_trainable
from catdog_keras._layer_graph import check_graph
from catdog_keras.layers import BatchNormalization, ConvBlock
from catdog_keras.models.compiling import compile_copy
from catdog_keras.models.folding import normalises_inside


def accelerate(model: keras.Model) -> keras.Model:
    """Returns a copy of a model with Keras's batch normalisation exchanged for the fused one.

    The copy computes the same, has the same weights, trains as before, and saves to a file that
    loads after `import catdog_keras`. Models inside the model are copied in the same way. A layer
    that computes its own normalisation inside is copied as it is, and a warning names it. The model
    itself stays as it is.

    Args:
        model: A built Functional or Sequential model, as those of `keras.applications` are.

    Returns:
        A model of the same structure. It shares no weights with the first one; it is compiled with
        the same arguments if that was compiled, with an optimizer that starts anew.

    Raises:
        TypeError: If `model` is no Keras model.
        ValueError: If it is not built, is no graph of layers, or has one that its config does not
            make anew.

    Example:
        >>> import catdog_keras, keras
        >>> model = keras.applications.MobileNetV2(weights=None, input_shape=(96, 96, 3))
        >>> type(catdog_keras.accelerate(model).get_layer("bn_Conv1")).__module__
        'catdog_keras.layers.batch_normalization'
    """
    check_graph(model)
    own: list[str] = []

    def copy(layer: keras.Layer) -> keras.Layer:
        kind = type(layer)
        if kind is keras.layers.BatchNormalization:
            kind = BatchNormalization
        elif not isinstance(layer, ConvBlock) and normalises_inside(layer):
            own.append(f"{layer.name!r} ({kind.__name__})")
        return copy_layer(layer, kind)

    fast = clone_uncompiled(model, clone_function=copy, recursive=True)
    fast.set_weights(model.get_weights())
    copy_trainable(model, fast)
    compile_copy(fast, model)
    if own:
        warnings.warn(
            f"Of {model.name!r} these layers compute their own normalisation and were copied as "
            f"they are: {', '.join(own)}.",
            stacklevel=2,
        )
    return fast
