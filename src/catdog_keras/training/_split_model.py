"""Splits a model at its head or at its first trained layer, and unfreezes layers."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from catdog_keras._checks import describe
from catdog_keras._layer_graph import check_graph, overrides

REMEDY = "`transfer_model` builds such models."

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


def check_own_methods(model: keras.Model) -> None:
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
    check_own_methods(model)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        requirement = "a model with one input and one output"
        found = f"It has {len(model.inputs)} inputs, {len(model.outputs)} outputs."
        raise ValueError(describe("model", requirement, model, found))
    return model


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
    check_own_methods(model)
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
        found = "More than one tensor connects its frozen layers to its trained layers."
        raise ValueError(_message(model, found)) from error
    if None in cut.shape[1:]:
        found = f"Its features have no fixed size: they have the shape {tuple(cut.shape)}."
        remedy = "Build it for images of one size, or pool the features before layers like dropout."
        requirement = "a model with features of a fixed size"
        raise ValueError(describe("model", requirement, model, f"{found} {remedy}"))
    is_random = any(call.knows_training for call in calls[:first])
    return HeadSplit(before, backbone, head, is_random)


def _find(model: keras.Model, calls: list[_Call]) -> tuple[int, int]:
    """Returns the indices of the first call of the backbone and the first of the head."""
    trained = next((place for place, call in enumerate(calls) if call.is_trained), None)
    if trained is None:
        raise ValueError(_message(model, "All of its weights are frozen."))
    frozen = [place for place in range(trained) if calls[place].has_weights]
    if not frozen:
        name = calls[trained].layer.name
        found = (
            f"No layer before {name!r}, the first trained layer, is frozen, as after `fine_tune`. "
            f"To train the head alone, set `model.get_layer({name!r}).trainable = False`; to train "
            "more layers, use `fine_tune` or `model.fit`."
        )
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


def find_backbone(model: keras.Model) -> keras.Model:
    """Returns the largest nested model before the head; raises a ValueError if there is none."""
    check_graph(model)
    check_own_methods(model)
    backbone = max(
        (
            layer
            for layer in model.layers
            if isinstance(layer, keras.Model) and not _is_head(model, layer)
        ),
        key=lambda each: each.count_params(),
        default=None,
    )
    # In a model with a flat backbone, the largest nested model may be an augmentation.
    frozen = [each for each in model.layers if each is not backbone and not each.trainable_weights]
    size = 0 if backbone is None else backbone.count_params()
    if size <= sum(each.count_params() for each in frozen if each.weights):
        requirement = "a model that contains a backbone as a nested model"
        raise ValueError(describe("model", requirement, model, REMEDY))
    return check_graph(backbone)


def _is_head(model: keras.Model, nested: keras.Model) -> bool:
    """Returns whether a nested model follows frozen layers and is the last one with weights."""
    place = model.layers.index(nested)
    frozen = (_can_train(each) and not each.trainable_weights for each in model.layers[:place])
    return any(frozen) and not any(map(_can_train, model.layers[place + 1 :]))


def first_unfrozen(backbone: keras.Model, unfreeze: str | float) -> int:
    """Returns the index of the first layer to train, from its name or a fraction from the end.

    A fraction includes at least the last layer with weights to train: small backbones often end in
    layers without weights.
    """
    names = [layer.name for layer in backbone.layers]
    if isinstance(unfreeze, str):
        if unfreeze not in names:
            requirement = f"the name of a layer of {backbone.name!r}, or a fraction of its layers"
            remedy = f"Its last layers are {', '.join(map(repr, names[-3:]))}."
            raise ValueError(describe("unfreeze", requirement, unfreeze, remedy))
        return names.index(unfreeze)
    first = len(names) - max(1, round(unfreeze * len(names)))
    can_train = [place for place, layer in enumerate(backbone.layers) if _can_train(layer)]
    return min(first, can_train[-1]) if can_train else first


def unfreeze_from(backbone: keras.Model, first: int) -> None:
    """Unfreezes the layers from index `first`, except batch normalization and its averages."""
    backbone.trainable = True
    for place, layer in enumerate(backbone.layers):
        layer.trainable = place >= first
        for normalization in _normalizations(layer):
            normalization.trainable = False


def rate_factors(part: keras.Model, backbone: keras.Model, lowest: float) -> list[float]:
    """Returns a learning-rate factor for each trainable variable of a part of a model.

    The factor increases geometrically over the trained backbone layers, from `lowest` to 1; layers
    outside of the backbone have the factor 1.
    """
    trained = [layer for layer in backbone.layers if getattr(layer, "trainable_variables", ())]
    factors = {
        id(variable): lowest ** (1 - place / len(trained))
        for place, layer in enumerate(trained)
        for variable in layer.trainable_variables
    }
    return [factors.get(id(variable), 1.0) for variable in part.trainable_variables]


def split_at_trained(model: keras.Model, backbone: keras.Model) -> HeadSplit | None:
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
            is_random |= knows_training(layer)
        return outputs

    copy = keras.models.clone_model(
        keras.Model(model.inputs, model.outputs),
        clone_function=lambda layer: layer,
        call_function=call,
    )
    cut = _cut(backbone)
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
    return HeadSplit(before, front, head, is_random)


def _cut(backbone: keras.Model) -> tuple[keras.Model, keras.Model] | None:
    """Splits a backbone into its frozen front and the rest, at a layer with one output tensor."""
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


def check_unfrozen(backbone: keras.Model, first: int) -> None:
    """Raises a ValueError if `unfreeze_from` would unfreeze no weights of a backbone."""
    if not any(map(_can_train, backbone.layers[first:])):
        last = next((each.name for each in reversed(backbone.layers) if _can_train(each)), None)
        found = f"The last layer of {backbone.name!r} with weights to train is {last!r}."
        if last is None:
            found = f"{backbone.name!r} has no weights to train."
        remedy = f"{found} Batch normalization stays frozen."
        requirement = "a layer with weights to train, or one before it"
        raise ValueError(describe("unfreeze", requirement, backbone.layers[first].name, remedy))


def _can_train(layer: Any) -> bool:
    """Returns whether a layer has weights to train outside of batch normalization."""
    frozen = {id(weight) for each in _normalizations(layer) for weight in each.weights}
    if isinstance(layer, keras.layers.Normalization):  # computed by `adapt`, never trained
        return False
    if isinstance(layer, keras.Model) and layer.layers:
        return any(map(_can_train, layer.layers))
    return any(id(weight) not in frozen for weight in getattr(layer, "weights", ()))


def _normalizations(layer: Any) -> Iterator[keras.Layer]:
    """Yields every batch normalization in a layer, including nested layers and lists of layers."""
    if isinstance(layer, keras.layers.BatchNormalization):
        yield layer
    elif isinstance(layer, keras.Model):
        for each in layer.layers:
            yield from _normalizations(each)
    elif isinstance(layer, keras.Layer):
        for value in vars(layer).values():
            for each in value if isinstance(value, list | tuple) else [value]:
                yield from _normalizations(each)
