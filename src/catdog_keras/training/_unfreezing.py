"""Selects and unfreezes the last layers of a backbone, for `fine_tune`, and freezes them again."""

from collections.abc import Iterator
from typing import Any

import keras

from catdog_keras._checks import describe
from catdog_keras._layer_graph import check_graph
from catdog_keras.training._model_parts import USE_TRANSFER_MODEL, check_no_own_training


def find_backbone(model: keras.Model) -> keras.Model:
    """Returns the backbone to unfreeze, the largest nested model before the head, or raises."""
    check_graph(model)
    check_no_own_training(model)
    backbone = max(
        (
            layer
            for layer in model.layers
            if isinstance(layer, keras.Model) and not _is_nested_head(model, layer)
        ),
        key=lambda each: each.count_params(),
        default=None,
    )
    # In a model with a flat backbone, the largest nested model may be an augmentation.
    frozen = [each for each in model.layers if each is not backbone and not each.trainable_weights]
    size = 0 if backbone is None else backbone.count_params()
    if size <= sum(each.count_params() for each in frozen if each.weights):
        requirement = "a model that contains a backbone as a nested model"
        raise ValueError(describe("model", requirement, model, USE_TRANSFER_MODEL))
    return check_graph(backbone)


def _is_nested_head(model: keras.Model, nested: keras.Model) -> bool:
    """Returns whether a nested model is the head, which unfreezing leaves out."""
    place = model.layers.index(nested)
    frozen = (
        _has_weights_to_train(each) and not each.trainable_weights for each in model.layers[:place]
    )
    return any(frozen) and not any(map(_has_weights_to_train, model.layers[place + 1 :]))


def first_unfrozen(backbone: keras.Model, unfreeze: str | float) -> int:
    """Returns the index of the first layer to train, from its name or a fraction from the end.

    A fraction includes at least the last layer with weights to train: small backbones often end in
    layers without weights.
    """
    names = [layer.name for layer in backbone.layers]
    if isinstance(unfreeze, str):
        if unfreeze not in names:
            requirement = f"the name of a layer of {backbone.name!r}, or a fraction of its layers"
            remedy = f"Its last layers are {', '.join(map(repr, names[-3:]))}; 1.0 is all of them."
            raise ValueError(describe("unfreeze", requirement, unfreeze, remedy))
        return names.index(unfreeze)
    first = len(names) - max(1, round(unfreeze * len(names)))
    can_train = [
        place for place, layer in enumerate(backbone.layers) if _has_weights_to_train(layer)
    ]
    return min(first, can_train[-1]) if can_train else first


def unfreeze_from(backbone: keras.Model, first: int) -> None:
    """Unfreezes the layers from index `first`, except batch normalization and its averages."""
    backbone.trainable = True
    for place, layer in enumerate(backbone.layers):
        layer.trainable = place >= first
        for normalization in _batch_normalizations(layer):
            normalization.trainable = False


def freeze_fine_tuned(model: keras.Model) -> None:
    """Freezes the backbone again if only some of its layers are unfrozen, as after `fine_tune`."""
    trained = [layer for layer in check_graph(model).layers if layer.trainable_weights]
    for layer in trained[:-1]:  # the last one is the head
        if isinstance(layer, keras.Model) and _has_frozen_layers(layer):
            layer.trainable = False


def _has_frozen_layers(nested: keras.Model) -> bool:
    """Returns whether some layers with weights were not unfrozen, such as batch normalization."""
    return any(
        _has_frozen_layers(layer)
        if isinstance(layer, keras.Model)
        else bool(layer.weights) and not layer.trainable
        for layer in nested.layers
    )


def check_unfrozen(backbone: keras.Model, first: int) -> None:
    """Raises a ValueError if `unfreeze_from` would unfreeze no weights of a backbone."""
    if not any(map(_has_weights_to_train, backbone.layers[first:])):
        last = next(
            (each.name for each in reversed(backbone.layers) if _has_weights_to_train(each)), None
        )
        found = f"The last layer of {backbone.name!r} with weights to train is {last!r}."
        if last is None:
            found = f"{backbone.name!r} has no weights to train."
        remedy = f"{found} Batch normalization stays frozen."
        requirement = "a layer with weights to train, or one before it"
        raise ValueError(describe("unfreeze", requirement, backbone.layers[first].name, remedy))


def _has_weights_to_train(layer: Any) -> bool:
    """Returns whether a layer to unfreeze has weights outside of batch normalization."""
    frozen = {id(weight) for each in _batch_normalizations(layer) for weight in each.weights}
    if isinstance(layer, keras.layers.Normalization):  # computed by `adapt`, never trained
        return False
    if isinstance(layer, keras.Model) and layer.layers:
        return any(map(_has_weights_to_train, layer.layers))
    return any(id(weight) not in frozen for weight in getattr(layer, "weights", ()))


def _batch_normalizations(layer: Any) -> Iterator[keras.Layer]:
    """Yields each batch normalization in a layer, also nested, as unfreezing leaves them out."""
    if isinstance(layer, keras.layers.BatchNormalization):
        yield layer
    elif isinstance(layer, keras.Model):
        for each in layer.layers:
            yield from _batch_normalizations(each)
    elif isinstance(layer, keras.Layer):
        for value in vars(layer).values():
            for each in value if isinstance(value, list | tuple) else [value]:
                yield from _batch_normalizations(each)
