"""How models are compiled: as their user did it, or as a classifier from logits needs it."""

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
    config = model.get_compile_config()
    arguments = keras.saving.deserialize_keras_object(config)
    # The loss is taken as it is: a function of the user's own cannot be found by its name.
    arguments |= {"optimizer": optimizer, "loss": model.loss}
    part.compile(**arguments)
