"""How models are compiled: as their user did it, or as a classifier from logits needs it."""

import warnings
from typing import Any

import keras


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
        warnings.filterwarnings("ignore", message="The object being serialized includes a `lambda`")
        config = model.get_compile_config()
    # The loss is taken as it is: a function of the user's own cannot be found by its name.
    others = {name: value for name, value in config.items() if name not in ("optimizer", "loss")}
    arguments = keras.saving.deserialize_keras_object(others)
    part.compile(optimizer, loss=model.loss, **arguments)
