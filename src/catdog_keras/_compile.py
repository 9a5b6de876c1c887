"""Compiles models: with the arguments of another model, or with defaults for a classifier."""

import warnings
from typing import Any

import keras

from catdog_keras._batches import labels_are_rows
from catdog_keras._cloning import LAMBDA_WARNING
from catdog_keras._layer_graph import PROBABILITIES, last_activation
from catdog_keras._warnings import warn

_KINDS = {
    "SparseCategoricalCrossentropy": "sparse",
    "CategoricalCrossentropy": "categorical",
    "CategoricalFocalCrossentropy": "categorical",
    "BinaryCrossentropy": "binary",
    "BinaryFocalCrossentropy": "binary",
}
_FUNCTIONS = {
    keras.losses.sparse_categorical_crossentropy: "sparse",
    keras.losses.categorical_crossentropy: "categorical",
    keras.losses.binary_crossentropy: "binary",
}


def compile_if_needed(model: keras.Model, data: Any) -> None:
    """Compiles an uncompiled model with Adam, cross-entropy and accuracy.

    The loss is computed from logits, unless the model ends in a softmax or sigmoid. It takes the
    form that the labels of `data` have: class indices or rows.
    """
    if model.compiled:
        return
    from_logits = last_activation(model) not in PROBABILITIES
    if model.output_shape[-1] == 1:
        loss = keras.losses.BinaryCrossentropy(from_logits=from_logits)
        threshold = 0.0 if from_logits else 0.5
        accuracy: Any = keras.metrics.BinaryAccuracy(name="accuracy", threshold=threshold)
    elif labels_are_rows(data):
        loss = keras.losses.CategoricalCrossentropy(from_logits=from_logits)
        accuracy = "accuracy"
    else:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
        accuracy = "accuracy"
    model.compile(keras.optimizers.Adam(), loss, metrics=[accuracy])


def compile_config(model: keras.Model) -> dict[str, Any]:
    """Returns the arguments of `compile` of a compiled model, as Keras saves them."""
    with warnings.catch_warnings():
        # Keras's warning about lambdas concerns saving only.
        warnings.filterwarnings("ignore", LAMBDA_WARNING)
        return dict(model.get_compile_config())


def compile_like(part: keras.Model, model: keras.Model, optimizer: keras.Optimizer) -> None:
    """Compiles a part of a model, or the model, with the model's arguments but a new optimizer."""
    config = compile_config(model)
    # The loss is passed directly: a custom function cannot be deserialized by its name.
    others = {name: value for name, value in config.items() if name not in ("optimizer", "loss")}
    try:
        arguments = keras.saving.deserialize_keras_object(others)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{model.name!r} must be compiled with metrics that Keras can find by name. Define "
            "each metric function with `def`, and decorate it with "
            "`keras.saving.register_keras_serializable()`."
        ) from error
    part.compile(optimizer, loss=model.loss, **arguments)


def build_metrics(model: keras.Model, labels: Any) -> None:
    """Builds the metrics of a compiled model, so that callbacks can find them by name.

    Keras builds them in the first step of `fit`, which is called for another model here.
    """
    outputs = keras.ops.zeros((len(labels), *model.output_shape[1:]))
    model.compute_metrics(None, labels, outputs, None)
    model.reset_metrics()


def build_for_fit(model: keras.Model, labels: Any) -> None:
    """Creates the variables of the optimizer and the metrics of a compiled model before `fit`.

    Otherwise TensorFlow traces the first step twice: once to create them, and once without.
    """
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    build_metrics(model, labels)


def compile_copy(copy: keras.Model, model: keras.Model) -> None:
    """Compiles a copy of a compiled model with the same arguments and a new optimizer state."""
    if not model.compiled:
        return
    optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    try:
        compile_like(copy, model, optimizer)
    except ValueError as error:
        warn(f"The copy is not compiled. {error}")


def crossentropy_of(model: keras.Model) -> tuple[str | None, bool | None]:
    """Returns the kind of the loss of a compiled model and whether it takes logits.

    Both are None for a model that is not compiled, or with a loss that is not a cross-entropy.
    """
    loss = getattr(model, "loss", None) if model.compiled else None
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    if isinstance(loss, keras.losses.Loss):
        kind = _KINDS.get(type(loss).__name__)
        return kind, None if kind is None else bool(loss.get_config().get("from_logits"))
    for function, kind in _FUNCTIONS.items():
        if loss is function:
            return kind, False
    return None, None
