"""How models are compiled: as their user did it, or as a classifier from logits needs it."""

import warnings
from typing import Any

import keras

from catdog_keras._cloning import LAMBDA_WARNING


def compile_if_needed(model: keras.Model) -> None:
    """Compiles a model that is not: Adam, cross-entropy from logits, and the accuracy."""
    if model.compiled:
        return
    if model.output_shape[-1] == 1:
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        accuracy: Any = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        accuracy = "accuracy"
    model.compile(keras.optimizers.Adam(), loss, metrics=[accuracy])


def compile_like(part: keras.Model, model: keras.Model, optimizer: keras.Optimizer) -> None:
    """Compiles a part of a model, or the model itself, as it is, but for the optimizer."""
    with warnings.catch_warnings():
        # What Keras says of a lambda is for those who save it.
        warnings.filterwarnings("ignore", LAMBDA_WARNING)
        config = model.get_compile_config()
    # The loss is taken as it is: a function of the user's own cannot be found by its name.
    others = {name: value for name, value in config.items() if name not in ("optimizer", "loss")}
    try:
        arguments = keras.saving.deserialize_keras_object(others)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{model.name!r} must be compiled with metrics that Keras finds by their names; it was "
            "not. Write each function among them by `def`, and decorate it with "
            "`keras.saving.register_keras_serializable()`."
        ) from error
    part.compile(optimizer, loss=model.loss, **arguments)


def compile_copy(copy: keras.Model, model: keras.Model) -> None:
    """Compiles a copy of a model as that is, if it is, with an optimizer that starts anew."""
    if not model.compiled:
        return
    optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    try:
        compile_like(copy, model, optimizer)
    except ValueError as error:
        warnings.warn(f"The copy is not compiled. {error}", stacklevel=3)
