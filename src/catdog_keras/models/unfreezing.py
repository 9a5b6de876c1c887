"""Which layers of a backbone are trained, how fast each, and where the frozen part ends."""

from collections.abc import Iterator
from typing import Any

import keras

from catdog_keras._checks import describe
from catdog_keras._layer_graph import check_graph
from catdog_keras.models.head_split import HeadSplit, knows_training


def find_backbone(model: keras.Model) -> keras.Model:
    """Returns the largest model inside a model, or raises if there is none."""
    check_graph(model)
    inside = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    if not inside:
        requirement = "a model with a backbone inside, which is a model itself"
        raise ValueError(
            describe("model", requirement, model, "`transfer_model` builds such models.")
        )
    return check_graph(max(inside, key=lambda each: each.count_params()))


def first_unfrozen(backbone: keras.Model, unfreeze: str | float) -> int:
    """Returns the place of the first layer to train, by its name or the fraction from the end."""
    names = [layer.name for layer in backbone.layers]
    if isinstance(unfreeze, str):
        if unfreeze not in names:
            requirement = f"the name of a layer of {backbone.name!r}, or a fraction of its layers"
            remedy = f"The last of its layers are {', '.join(map(repr, names[-3:]))}."
            raise ValueError(describe("unfreeze", requirement, unfreeze, remedy))
        return names.index(unfreeze)
    return len(names) - max(1, round(unfreeze * len(names)))


def unfreeze_from(backbone: keras.Model, first: int) -> None:
    """Trains the layers from `first` on, but no batch normalisation: its averages must stay."""
    backbone.trainable = True
    for place, layer in enumerate(backbone.layers):
        layer.trainable = place >= first
        for normalization in _normalizations(layer):
            normalization.trainable = False


def rate_factors(part: keras.Model, backbone: keras.Model, lowest: float) -> list[float]:
    """Returns a factor of the learning rate for each trainable variable of a part of a model.

    From one trained layer of the backbone to the next it rises evenly, in proportion, from `lowest`
    to the 1 of all that stands outside of it.
    """
    trained = [layer for layer in backbone.layers if getattr(layer, "trainable_variables", ())]
    factors = {
        id(variable): lowest ** (1 - place / len(trained))
        for place, layer in enumerate(trained)
        for variable in layer.trainable_variables
    }
    return [factors.get(id(variable), 1.0) for variable in part.trainable_variables]


def split_at_trained(model: keras.Model, backbone: keras.Model) -> HeadSplit | None:
    """Takes a model apart before the first trained layer of its backbone.

    Where more than one tensor leads into that layer and those after it, as inside of a residual
    block, the parts meet at the nearest place before it that only one leads through.

    Returns:
        The parts, which share their layers with the model; None where nothing that has weights
        comes before, or where the model is no chain of input, backbone and head.
    """
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
    except ValueError:  # something leads around the backbone
        return None
    features = keras.Input(tuple(front.output.shape[1:]))
    # `training=False` is what the backbone is called with: its own dropout stays off.
    head = keras.Model(features, after(back(features, training=False)), name="head")
    return HeadSplit(before, front, head, is_random)


def _cut(backbone: keras.Model) -> tuple[keras.Model, keras.Model] | None:
    """The frozen front of a backbone and the rest of it, if one tensor leads from one to other."""
    first = next(
        (n for n, each in enumerate(backbone.layers) if getattr(each, "trainable_variables", ())),
        len(backbone.layers),
    )
    for layer in reversed(backbone.layers[:first]):
        try:
            front = keras.Model(backbone.inputs[0], layer.output, name="front")
            back = keras.Model(layer.output, backbone.outputs[0], name="back")
        except (ValueError, AttributeError):  # several tensors lead on, or the layer is shared
            continue
        return (front, back) if front.weights else None
    return None


def _normalizations(layer: Any) -> Iterator[keras.Layer]:
    """All batch normalisation in a layer, which may hold layers, and lists of them."""
    if isinstance(layer, keras.layers.BatchNormalization):
        yield layer
    elif isinstance(layer, keras.Model):
        for each in layer.layers:
            yield from _normalizations(each)
    elif isinstance(layer, keras.Layer):
        for value in vars(layer).values():
            for each in value if isinstance(value, list | tuple) else [value]:
                yield from _normalizations(each)
