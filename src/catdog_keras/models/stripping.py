"""A model for inference: the same function, without the layers that act in training only."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from catdog_keras import layers
from catdog_keras._checks import describe
from catdog_keras._cloning import clone_uncompiled, copy_layer, copy_trainable
from catdog_keras._layer_graph import check_graph, is_graph
from catdog_keras.models.compiling import compile_copy

# All of them pass pictures through at inference. Keras's AutoContrast and
# ContrastLimitedAdaptiveHistogramEqualization act there, too: they are part of the function.
_OTHERS_OF_KERAS = ("AugMix", "CutMix", "Equalization", "MixUp", "RandAugment", "Solarization")
AUGMENTATIONS: tuple[type[keras.Layer], ...] = (
    *(getattr(layers, name) for name in layers.__all__ if name.startswith("Random")),
    *(getattr(keras.layers, name) for name in dir(keras.layers) if name.startswith("Random")),
    *(getattr(keras.layers, name) for name in _OTHERS_OF_KERAS),
)


def strip_augmentation(
    model: keras.Model,
    *,
    also: type[keras.Layer] | Sequence[type[keras.Layer]] = (),
) -> keras.Model:
    """Returns the same model for inference, without its augmentation layers.

    Augmentation passes pictures through at inference, so the predictions are the same to the last
    bit; what is saved or exported no longer holds operations that another runtime may not know.
    Models inside the model are stripped, too, and so are `keras.layers.Pipeline` and wrappers such
    as `keras.layers.TimeDistributed`. Layers inside a layer of another class are not seen: name
    that class by `also`. Dropout and noise stay, and so does a `RandomCrop` that changes the size
    of pictures. The model itself stays as it is, and shares no weights with the new one.

    Args:
        model: A built Functional or Sequential model.
        also: A layer class, or several, to take out beside the random layers of this package and
            the augmentation layers of Keras; each has to pass its input through at inference.

    Returns:
        A model of the same structure, with the weights of the first one; it is compiled with the
        same arguments if that was compiled.

    Raises:
        TypeError: If `model` is no Keras model, or `also` no layer class.
        ValueError: If the model is not built, is no graph of layers, or has one that its config
            does not make anew.

    Example:
        >>> import catdog_keras
        >>> model = catdog_keras.build_model3((46, 46, 3))
        >>> [layer.name for layer in catdog_keras.strip_augmentation(model).layers[:3]]
        ['images', 'preprocessing', 'block1']
    """
    kinds = tuple(also) if isinstance(also, (tuple, list)) else (also,)
    if not all(isinstance(kind, type) and issubclass(kind, keras.Layer) for kind in kinds):
        raise TypeError(describe("also", "a layer class, or several", also))
    stripped = _strip(check_graph(model), (*AUGMENTATIONS, *kinds))
    copy_trainable(model, stripped)
    compile_copy(stripped, model)
    # Keras exports to ONNX only what was called once.
    inputs = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    stripped(keras.tree.map_structure(lambda x: keras.KerasTensor(x.shape, x.dtype), inputs))
    return stripped


def is_augmentation(layer: Any, kinds: tuple[type[keras.Layer], ...] = AUGMENTATIONS) -> bool:
    """Whether a layer does nothing but augment: it, or everything inside it, is of these kinds."""
    if isinstance(layer, kinds):
        return True
    if isinstance(layer, keras.layers.Wrapper):
        return is_augmentation(layer.layer, kinds)
    if isinstance(layer, (keras.layers.Pipeline, keras.Sequential)) or is_graph(layer):
        inner = [each for each in layer.layers if not isinstance(each, keras.layers.InputLayer)]
        return bool(inner) and all(is_augmentation(each, kinds) for each in inner)
    return False


def _strip(model: keras.Model, kinds: tuple[type[keras.Layer], ...]) -> keras.Model:
    copies: list[tuple[keras.Layer, keras.Layer]] = []

    def copy(layer: keras.Layer) -> keras.Layer:
        goes = is_augmentation(layer, kinds)
        if is_graph(layer) and not goes:
            return _strip(layer, kinds)
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
        if getattr(layer, "weights", None):  # an operation of keras.ops has none
            copied.set_weights(layer.get_weights())
    return stripped


def _strip_sequential(
    model: keras.Sequential,
    kinds: tuple[type[keras.Layer], ...],
    copy: Callable[[keras.Layer], keras.Layer],
) -> keras.Sequential:
    images = model.inputs[0]
    x = keras.Input(batch_shape=images.shape, dtype=images.dtype, name=images.name)
    stripped = keras.Sequential([x], name=model.name)
    for layer in model.layers:
        copied = copy(layer)
        remains = _what_remains(copied, x) if is_augmentation(layer, kinds) else copied
        if remains is not None:
            stripped.add(remains)
            x = stripped.outputs[0]
    if not stripped.layers:  # Keras does not build a Sequential of no layers
        stripped.add(keras.layers.Identity())
    return stripped


def _what_remains(layer: keras.Layer, inputs: Any) -> keras.Layer | None:
    """The layer that an augmentation layer comes to at inference; None for none at all."""
    outputs = layer(inputs)
    if keras.tree.is_nested(inputs) or outputs is inputs:
        return None
    if outputs.shape != inputs.shape:
        return layer
    if outputs.dtype != inputs.dtype:
        return keras.layers.Rescaling(1.0, dtype=outputs.dtype, name=layer.name)
    return None
