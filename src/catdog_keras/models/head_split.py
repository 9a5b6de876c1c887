"""Splits a model into preprocessing, frozen backbone and trainable head."""

import inspect
from dataclasses import dataclass
from typing import Any

import keras

from catdog_keras._checks import describe
from catdog_keras._layer_graph import check_graph

REMEDY = "`transfer_model` builds such models."


@dataclass(frozen=True)
class HeadSplit:
    """Three models that share their layers with the original model.

    Attributes:
        before: Maps images to the input of the backbone: augmentation and preprocessing. None if
            the backbone takes the images directly.
        backbone: The frozen layers up to the features, which are the same in training and
            inference.
        head: Maps the features to the model's output; contains all trainable layers.
        is_random: Whether `before` is different in training.
    """

    before: keras.Model | None
    backbone: keras.Model
    head: keras.Model
    is_random: bool


@dataclass(frozen=True)
class _Call:
    """One call of a layer or of a `keras.ops` operation."""

    layer: Any
    inputs: tuple[Any, ...]

    @property
    def has_weights(self) -> bool:
        return bool(getattr(self.layer, "weights", ()))

    @property
    def is_trained(self) -> bool:
        return bool(getattr(self.layer, "trainable_weights", ()))

    @property
    def knows_training(self) -> bool:
        return knows_training(self.layer)


def knows_training(layer: Any) -> bool:
    """Returns whether a layer may compute something else in training than in inference."""
    return "training" in inspect.signature(layer.call).parameters


def split_at_head(model: keras.Model) -> HeadSplit:
    """Splits a model at its features: the last frozen output that is the same in training.

    The features are as small as possible: global pooling belongs to the backbone, dropout to the
    head.

    Raises:
        TypeError: If `model` is not a Keras model.
        ValueError: If it is not a graph of layers, or not a frozen backbone with a trainable head.
    """
    check_graph(model)
    inputs, outputs = model.inputs, model.outputs
    if len(inputs) != 1 or len(outputs) != 1:
        raise ValueError(_message(model, f"It has {len(inputs)} inputs, {len(outputs)} outputs."))
    calls: list[_Call] = []

    def record(layer: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(_Call(layer, args))
        return layer(*args, **kwargs)

    # The clone keeps the layers; a layer that is shared with other models has other inputs there.
    copy = keras.models.clone_model(
        keras.Model(inputs[0], outputs[0], name=model.name),
        clone_function=lambda layer: layer,
        call_function=record,
    )
    first, features = _find(model, calls)
    start, cut = calls[first].inputs[0], calls[features].inputs[0]
    before = None
    try:
        if start is not copy.inputs[0]:
            before = keras.Model(copy.inputs[0], start, name="before")
        backbone = keras.Model(start, cut, name="backbone")
        head = keras.Model(cut, copy.outputs[0], name="head")
    except ValueError as error:
        found = "More than one tensor leads from its frozen layers to its trained ones."
        raise ValueError(_message(model, found)) from error
    is_random = any(call.knows_training for call in calls[:first])
    return HeadSplit(before, backbone, head, is_random)


def _find(model: keras.Model, calls: list[_Call]) -> tuple[int, int]:
    """Returns the indices of the first call of the backbone and the first of the head."""
    trained = next((place for place, call in enumerate(calls) if call.is_trained), None)
    if trained is None:
        raise ValueError(_message(model, "All its weights are frozen."))
    frozen = [place for place in range(trained) if calls[place].has_weights]
    if not frozen:
        name = calls[trained].layer.name
        found = f"Nothing before {name!r}, which is trained, is frozen: set `trainable = False`."
        raise ValueError(_message(model, found))
    head = next(
        place
        for place in range(frozen[-1] + 1, trained + 1)
        if place == trained or calls[place].knows_training
    )
    return frozen[0], head


def _message(model: keras.Model, found: str) -> str:
    requirement = "a frozen backbone with a head to train after it"
    return describe("model", requirement, model, f"{found} {REMEDY}")
