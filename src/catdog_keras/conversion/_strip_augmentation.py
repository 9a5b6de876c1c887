"""Removal of augmentation layers from a model before export."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from catdog_keras._checks import describe
from catdog_keras._cloning import assign_weights, clone_uncompiled, copy_layer, copy_trainable
from catdog_keras._compile import compile_copy
from catdog_keras._layer_graph import check_graph, is_graph
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.layers._base_augmentation import BaseAugmentation

# All of them are the identity at inference. Keras's AutoContrast and
# ContrastLimitedAdaptiveHistogramEqualization are not: they are part of the function.
_OTHERS_OF_KERAS = ("AugMix", "CutMix", "Equalization", "MixUp", "RandAugment", "Solarization")
AUGMENTATIONS: tuple[type[keras.Layer], ...] = (
    BaseAugmentation,
    *(getattr(keras.layers, name) for name in dir(keras.layers) if name.startswith("Random")),
    *(getattr(keras.layers, name) for name in _OTHERS_OF_KERAS),
)


@suggests_arguments()
def strip_augmentation(
    model: keras.Model,
    *,
    extra_layers: type[keras.Layer] | Sequence[type[keras.Layer]] = (),
) -> keras.Model:
    """Removes the augmentation layers of a model and returns a new model for inference.

    Augmentation layers are the identity at inference, so the predictions are bit-identical; the
    saved or exported model no longer contains operations that another runtime may not support.
    Nested models, `keras.layers.Pipeline` and wrappers such as `keras.layers.TimeDistributed` are
    stripped as well. Layers inside other composite layers are not found: pass the class of the
    composite layer as `extra_layers`. Dropout and noise layers are kept, and so is a `RandomCrop`
    that changes the image size. The original model is not changed and shares no weights with the
    new one.

    Args:
        model: A built Functional or Sequential model.
        extra_layers: One or more additional layer classes to remove, besides the random layers of
            this package and the augmentation layers of Keras. Each must be the identity at
            inference.

    Returns:
        A model of the same structure, with copies of the weights. It is compiled with the same
        arguments if `model` is compiled.

    Raises:
        TypeError: If `model` is not a Keras model, or `extra_layers` is not one or more layer
            classes.
        ValueError: If the model is not built, is not a graph of layers, or contains a layer that
            cannot be rebuilt from its config.

    See Also:
        `fold_batch_norm`: removes batch normalization for inference.

    Example:
        >>> import catdog_keras
        >>> model = catdog_keras.build_model3((46, 46, 3))
        >>> stripped = catdog_keras.strip_augmentation(model)
        >>> [layer.name for layer in stripped.layers[:3]]
        ['images', 'preprocessing', 'block1']

        `stripped.export("saved_model", format="tf_saved_model")` then writes a SavedModel for other
        programs; `"onnx"` and `"litert"` are other formats of `keras.Model.export`.
    """
    kinds = tuple(extra_layers) if isinstance(extra_layers, (tuple, list)) else (extra_layers,)
    if not all(isinstance(kind, type) and issubclass(kind, keras.Layer) for kind in kinds):
        raise TypeError(describe("extra_layers", "a layer class, or several", extra_layers))
    stripped = _strip_layers(check_graph(model), (*AUGMENTATIONS, *kinds))
    copy_trainable(model, stripped)
    compile_copy(stripped, model)
    # Keras exports only models that have been called to ONNX.
    inputs = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    stripped(keras.tree.map_structure(lambda x: keras.KerasTensor(x.shape, x.dtype), inputs))
    return stripped


def is_augmentation(layer: Any, kinds: tuple[type[keras.Layer], ...] = AUGMENTATIONS) -> bool:
    """Returns whether a layer, or every layer inside it, is of one of the augmentation classes."""
    if isinstance(layer, kinds):
        return True
    if isinstance(layer, keras.layers.Wrapper):
        return is_augmentation(layer.layer, kinds)
    if isinstance(layer, (keras.layers.Pipeline, keras.Sequential)) or is_graph(layer):
        inner = [each for each in layer.layers if not isinstance(each, keras.layers.InputLayer)]
        return bool(inner) and all(is_augmentation(each, kinds) for each in inner)
    return False


def _strip_layers(model: keras.Model, kinds: tuple[type[keras.Layer], ...]) -> keras.Model:
    """Returns a copy of a model, and of models inside it, without layers of these classes."""
    copies: list[tuple[keras.Layer, keras.Layer]] = []

    def copy(layer: keras.Layer) -> keras.Layer:
        goes = is_augmentation(layer, kinds)
        if is_graph(layer) and not goes:
            return _strip_layers(layer, kinds)
        changes: dict[str, Any] = {}
        if isinstance(layer, keras.layers.Pipeline) and not goes:
            kept = [each for each in layer.layers if not is_augmentation(each, kinds)]
            changes["layers"] = [keras.saving.serialize_keras_object(each) for each in kept]
        copies.append((layer, copy_layer(layer, **changes)))
        return copies[-1][1]

    def call(layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        if not is_augmentation(layer, kinds):
            return layer(*args, **kwargs)
        remains = _what_remains(layer, args[0])
        return args[0] if remains is None else remains(args[0])

    if isinstance(model, keras.Sequential):
        stripped = _strip_sequential(model, kinds, copy)
    else:
        stripped = clone_uncompiled(model, clone_function=copy, call_function=call)
    for layer, copied in copies:
        if getattr(layer, "weights", None):  # keras.ops operations have no weights
            assign_weights(copied, layer.get_weights())
    return stripped


def _strip_sequential(
    model: keras.Sequential,
    kinds: tuple[type[keras.Layer], ...],
    copy: Callable[[keras.Layer], keras.Layer],
) -> keras.Sequential:
    """Returns a Sequential model of the copied layers, without those for augmentation."""
    images = model.inputs[0]
    x = keras.Input(batch_shape=images.shape, dtype=images.dtype, name=images.name)
    stripped = keras.Sequential([x], name=model.name)
    for layer in model.layers:
        copied = copy(layer)
        remains = _what_remains(copied, x) if is_augmentation(layer, kinds) else copied
        if remains is not None:
            stripped.add(remains)
            x = stripped.outputs[0]
    if not stripped.layers:  # Keras does not build an empty Sequential model
        stripped.add(keras.layers.Identity())
    return stripped


def _what_remains(layer: keras.Layer, inputs: Any) -> keras.Layer | None:
    """Returns what replaces an augmentation layer at inference; None if it is the identity."""
    outputs = layer(inputs)
    if keras.tree.is_nested(inputs) or outputs is inputs:
        return None
    if outputs.shape != inputs.shape:
        return layer
    if outputs.dtype != inputs.dtype:
        return keras.layers.Rescaling(1.0, dtype=outputs.dtype, name=layer.name)
    return None
