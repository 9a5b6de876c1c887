"""Selects the backbone layers to train, their learning rates, and the end of the frozen part."""

from collections.abc import Iterator
from typing import Any

import keras

from catdog_keras._checks import describe
from catdog_keras._layer_graph import check_graph
from catdog_keras.models.head_split import HeadSplit, knows_training


def find_backbone(model: keras.Model) -> keras.Model:
    """Returns the largest nested model of a model; raises a ValueError if there is none."""
    check_graph(model)
    inside = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    if not inside:
        requirement = "a model with a backbone inside, which is a model itself"
        raise ValueError(
            describe("model", requirement, model, "`transfer_model` builds such models.")
        )
    return check_graph(max(inside, key=lambda each: each.count_params()))


def first_unfrozen(backbone: keras.Model, unfreeze: str | float) -> int:
    """Returns the index of the first layer to train, from its name or a fraction from the end."""
    names = [layer.name for layer in backbone.layers]
    if isinstance(unfreeze, str):
        if unfreeze not in names:
            requirement = f"the name of a layer of {backbone.name!r}, or a fraction of its layers"
            remedy = f"The last of its layers are {', '.join(map(repr, names[-3:]))}."
            raise ValueError(describe("unfreeze", requirement, unfreeze, remedy))
        return names.index(unfreeze)
    return len(names) - max(1, round(unfreeze * len(names)))


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
