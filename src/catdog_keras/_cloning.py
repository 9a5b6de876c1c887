"""Copies of layers and models, which share nothing with what they are copies of."""

import warnings
from collections.abc import Iterator
from typing import Any

import keras

from catdog_keras._layer_graph import is_graph

LAMBDA_WARNING = "The object being serialized includes a `lambda`"


def copy_layer(layer: Any, kind: type[keras.Layer] | None = None, **changes: Any) -> Any:
    """Makes a layer, or an operation of `keras.ops`, anew from its config.

    A function without a name is taken as it is: from a config, which may come from a file, Keras
    makes none.

    Args:
        layer: The layer.
        kind: The class of the new one; None for the same.
        **changes: Entries of the config that are to be others.

    Raises:
        ValueError: If the config does not make the layer, with its name.
    """
    try:
        with warnings.catch_warnings():
            # What Keras says of a lambda is for those who save it.
            warnings.filterwarnings("ignore", LAMBDA_WARNING)
            config = {**layer.get_config(), **changes}
        for name, value in config.items():
            function = getattr(layer, name, None)
            if name.endswith("activation") and callable(function) and not isinstance(value, str):
                config[name] = function
        if type(layer) is keras.layers.Lambda:
            return keras.layers.Lambda(**{**config, "function": layer.function})
        return (kind or type(layer)).from_config(config)
    except (NotImplementedError, TypeError, ValueError) as error:
        told = next((line for line in str(error).splitlines() if line.strip()), "")
        raise ValueError(
            f"`model` must consist of layers that their own configs make anew; {layer.name!r} "
            f"({type(layer).__name__}) is none. Give its class a `get_config` that returns the "
            f"arguments of its constructor. Keras says: {told}"
        ) from error


def clone_uncompiled(model: keras.Model, **arguments: Any) -> keras.Model:
    """Does as `keras.models.clone_model`, but compiles nothing.

    Keras would compile the copy by a config, in which a function without a name cannot stand.
    """
    compiled = [each for each in _with_models_inside(model) if each.compiled]
    try:
        for each in compiled:
            each.compiled = False
        return keras.models.clone_model(model, **arguments)
    finally:
        for each in compiled:
            each.compiled = True


def _with_models_inside(model: keras.Model) -> Iterator[keras.Model]:
    yield model
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _with_models_inside(layer)


def copy_trainable(source: keras.Model, copy: keras.Model) -> None:
    """Freezes the models in a copy, and the copy itself, as those of its source are frozen.

    Layers keep the flag in their config, models do not: unfreezing one of their layers would train
    it in the copy alone. Layers that only one of the two has are left as they are.
    """
    if copy.trainable != source.trainable:
        copy.trainable = source.trainable
    copies = {layer.name: layer for layer in copy.layers}
    for layer in source.layers:
        copied = copies.get(layer.name)
        if is_graph(layer) and is_graph(copied):
            copy_trainable(layer, copied)
        elif copied is not None and copied.trainable != layer.trainable:
            copied.trainable = layer.trainable
