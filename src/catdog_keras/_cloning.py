"""Independent copies of layers and models."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import keras

from catdog_keras._backend.keras_internals import every_layer, marked_uncompiled
from catdog_keras._layer_graph import is_graph

LAMBDA_WARNING = "The object being serialized includes a `lambda`"


def copy_layer(layer: Any, kind: type[keras.Layer] | None = None, **changes: Any) -> Any:
    """Clones a layer, or an operation of `keras.ops`, from its config.

    Functions without a name, such as lambdas, are shared with the copy: Keras does not create them
    from a config, because it may come from a file.

    Args:
        layer: The layer.
        kind: Class of the copy; None for the class of `layer`.
        **changes: Config entries to replace.

    Raises:
        ValueError: If the layer, with its name, cannot be rebuilt from its config.
    """
    try:
        with warnings.catch_warnings():
            # Keras's warning about lambdas is only relevant for saving.
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
        reason = next((line for line in str(error).splitlines() if line.strip()), "")
        raise ValueError(
            "`model` must consist of layers that can be rebuilt from their configs; "
            f"{layer.name!r} ({type(layer).__name__}) cannot. Its class must define a "
            f"`get_config` that returns the arguments of its constructor. Keras says: {reason}"
        ) from error


def clone_uncompiled(model: keras.Model, **arguments: Any) -> keras.Model:
    """Like `keras.models.clone_model`, but the copy is not compiled."""
    with marked_uncompiled(_model_and_nested_models(model)):
        return keras.models.clone_model(model, **arguments)


def _model_and_nested_models(model: keras.Model) -> Iterator[keras.Model]:
    """Yields a model to clone and all models nested in it, at any depth."""
    yield model
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _model_and_nested_models(layer)


def assign_weights(layer: Any, weights: Sequence[Any]) -> None:
    """Assigns weights, as those of the original to a clone, and what Keras derives from them."""
    layer.set_weights(weights)
    update_derived_state(layer)


def update_derived_state(layer: Any) -> None:
    """Computes again what layers, as of a clone, derive from weights that were assigned.

    `keras.Layer.set_weights` does not: after it, a copy of an adapted `Normalization` would still
    compute with mean 0 and variance 1.
    """
    for each in every_layer(layer):
        if hasattr(each, "finalize_state") and each.weights:
            each.finalize_state()


def copy_trainable(source: keras.Model, copy: keras.Model) -> None:
    """Copies the `trainable` flag of a model, and of the models inside it, to its clone.

    Configs contain the flag of layers, but not of models: without this, unfreezing one of their
    layers would train it only in the copy. Layers that only one of the two models has are not
    changed.
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
