"""Splits a model into parts that share its layers, at its head or its first trained layer."""

import inspect
from dataclasses import dataclass
from typing import Any

import keras

from catdog_keras._checks import describe
from catdog_keras._layer_graph import check_graph, overrides

USE_TRANSFER_MODEL = "`transfer_model` builds such models."

# Methods of a model that `fit` calls, and that a model of the same layers does not inherit.
TRAINING_METHODS = (
    "call",
    "compute_loss",
    "compute_metrics",
    "make_test_function",
    "make_train_function",
    "test_step",
    "train_step",
)


@dataclass(frozen=True)
class ModelParts:
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
class _LayerCall:
    """One call of a layer or of a `keras.ops` operation, between which a model is split."""

    layer: Any
    inputs: tuple[Any, ...]

    @property
    def has_weights(self) -> bool:
        return bool(getattr(self.layer, "weights", ()))

    @property
    def is_trained(self) -> bool:
        return bool(getattr(self.layer, "trainable_weights", ()))

    @property
    def depends_on_training(self) -> bool:
        return depends_on_training(self.layer)


def check_no_own_training(model: keras.Model) -> None:
    """Raises a ValueError for a class with its own training step, which its parts do not have."""
    own = [name for name in TRAINING_METHODS if overrides(model, name)]
    if own:
        requirement = f"a model that does not override {', '.join(f'`{name}`' for name in own)}"
        remedy = (
            "A separate model of the same layers is trained, which does not have this method. "
            "Train this model with `fit`."
        )
        raise ValueError(describe("model", requirement, model, remedy))


def check_trainable_in_parts(model: Any) -> keras.Model:
    """Returns `model`; raises unless another model of its layers is trained in the same way."""
    check_graph(model)
    check_no_own_training(model)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        requirement = "a model with one input and one output"
        found = f"It has {len(model.inputs)} inputs, {len(model.outputs)} outputs."
        raise ValueError(describe("model", requirement, model, found))
    return model


def depends_on_training(layer: Any) -> bool:
    """Returns whether a layer of a model part may compute something else in training."""
    return "training" in inspect.signature(layer.call).parameters


def split_at_head(model: keras.Model) -> ModelParts:
    """Splits a model at its features: the last frozen output that is the same in training.

    The features are as small as possible: global pooling belongs to the backbone, dropout to the
    head.

    Raises:
        TypeError: If `model` is not a Keras model.
        ValueError: If it is not a graph of layers, or not a frozen backbone with a trainable head.
    """
    check_graph(model)
    check_no_own_training(model)
    inputs, outputs = model.inputs, model.outputs
    if len(inputs) != 1 or len(outputs) != 1:
        raise ValueError(
            _describe_unfit_model(model, f"It has {len(inputs)} inputs, {len(outputs)} outputs.")
        )
    calls: list[_LayerCall] = []

    def record(layer: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(_LayerCall(layer, args))
        return layer(*args, **kwargs)

    # The clone keeps the layers; a layer that is shared with other models has other inputs there.
    copy = keras.models.clone_model(
        keras.Model(inputs[0], outputs[0], name=model.name),
        clone_function=lambda layer: layer,
        call_function=record,
    )
    first, features = _find_frozen_and_head(model, calls)
    start, cut = calls[first].inputs[0], calls[features].inputs[0]
    before = None
    try:
        if start is not copy.inputs[0]:
            before = keras.Model(copy.inputs[0], start, name="before")
        backbone = keras.Model(start, cut, name="backbone")
        head = keras.Model(cut, copy.outputs[0], name="head")
    except ValueError as error:
        found = "More than one tensor connects its frozen layers to its trained layers."
        raise ValueError(_describe_unfit_model(model, found)) from error
    if None in cut.shape[1:]:
        found = f"Its features have no fixed size: they have the shape {tuple(cut.shape)}."
        remedy = "Build it for images of one size, or pool the features before layers like dropout."
        requirement = "a model with features of a fixed size"
        raise ValueError(describe("model", requirement, model, f"{found} {remedy}"))
    is_random = any(call.depends_on_training for call in calls[:first])
    return ModelParts(before, backbone, head, is_random)


def _find_frozen_and_head(model: keras.Model, calls: list[_LayerCall]) -> tuple[int, int]:
    """Returns at which calls the parts of a model begin: its backbone and its head."""
    trained = next((place for place, call in enumerate(calls) if call.is_trained), None)
    if trained is None:
        raise ValueError(_describe_unfit_model(model, "All of its weights are frozen."))
    frozen = [place for place in range(trained) if calls[place].has_weights]
    if not frozen:
        name = calls[trained].layer.name
        found = (
            f"No layer before {name!r}, the first trained layer, is frozen. To train the head "
            f"alone, set `model.get_layer({name!r}).trainable = False`; to train more layers, use "
            "`fine_tune` or `model.fit`."
        )
        raise ValueError(_describe_unfit_model(model, found))
    head = next(
        place
        for place in range(frozen[-1] + 1, trained + 1)
        if place == trained or calls[place].depends_on_training
    )
    return frozen[0], head


def _describe_unfit_model(model: keras.Model, found: str) -> str:
    """Returns the message about a model that cannot be split at its head."""
    requirement = "a frozen backbone with a head to train after it"
    return describe("model", requirement, model, f"{found} {USE_TRANSFER_MODEL}")


def split_at_trained(model: keras.Model, backbone: keras.Model) -> ModelParts | None:
    """Splits a model before the first trained layer of its backbone.

    If the cut would cross several tensors, as inside a residual block, the nearest earlier layer
    with a single output tensor is used.

    Returns:
        The parts, which share their layers with the model; None if no layer with weights precedes
        the cut, or if the model is not a chain of input, backbone and head.
    """
    if overrides(backbone, "call"):  # its parts would not have this method
        return None
    ends: list[Any] = []
    is_random = False

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal is_random
        outputs = layer(*args, **kwargs)
        if layer is backbone:
            ends.append((args[0], outputs))
        elif not ends:
            is_random |= depends_on_training(layer)
        return outputs

    copy = keras.models.clone_model(
        keras.Model(model.inputs, model.outputs),
        clone_function=lambda layer: layer,
        call_function=call,
    )
    cut = _cut_backbone(backbone)
    if cut is None or len(ends) != 1 or len(copy.inputs) != 1:
        return None
    front, back = cut
    (into, out), images = ends[0], copy.inputs[0]
    try:
        before = None if into is images else keras.Model(images, into, name="before")
        after = keras.Model(out, copy.outputs[0], name="after")
    except ValueError:  # a tensor bypasses the backbone
        return None
    features = keras.Input(tuple(front.output.shape[1:]))
    # The backbone is called with `training=False`, so its dropout stays inactive.
    head = keras.Model(features, after(back(features, training=False)), name="head")
    if None in features.shape[1:]:  # the features of images of several sizes cannot be cached
        return None
    return ModelParts(before, front, head, is_random)


def _cut_backbone(backbone: keras.Model) -> tuple[keras.Model, keras.Model] | None:
    """Splits a backbone into two parts, frozen and the rest, at a layer with one output tensor."""
    first = next(
        (n for n, each in enumerate(backbone.layers) if getattr(each, "trainable_variables", ())),
        len(backbone.layers),
    )
    for layer in reversed(backbone.layers[:first]):
        try:
            front = keras.Model(backbone.inputs[0], layer.output, name="front")
            back = keras.Model(layer.output, backbone.outputs[0], name="back")
        except (ValueError, AttributeError):  # several tensors cross, or the layer is shared
            continue
        return (front, back) if front.weights else None
    return None
