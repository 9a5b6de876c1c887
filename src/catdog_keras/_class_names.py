"""Class names that a model or a dataset carries, and their order."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras

from catdog_keras._checks import describe
from catdog_keras._layer_graph import layers_from_end

NAMES_BY_NAME = "Class names are passed by their name: `class_names=...`."
REMEDY = "Load the dataset with the classes in this order."


def are_names(labels: Any) -> bool:
    """Returns whether class names were passed in place of labels."""
    is_list = isinstance(labels, (list, tuple)) and len(labels) > 0
    return is_list and all(isinstance(name, str) for name in labels)


def check_not_names(y: Any) -> None:
    """Raises a TypeError if `y` holds class names in place of labels."""
    if are_names(y):
        raise TypeError(describe("y", "labels as numbers, or None for a dataset", y, NAMES_BY_NAME))


def saved_class_names(model: keras.Model) -> tuple[str, ...] | None:
    """Returns the class names that are saved at the end of a model, or None."""
    return next(filter(None, map(_names_of_layer, layers_from_end(model))), None)


def find_class_names(model: keras.Model) -> tuple[str, ...] | None:
    """Returns the class names that are saved anywhere in a model, at its end if there are some.

    Raises:
        ValueError: If there are several lists of them that differ.
    """
    stored = saved_class_names(model)
    if stored is not None:
        return stored
    found = {_names_of_layer(layer) for layer in _layers_in_all_models(model)} - {()}
    if len(found) > 1:
        lists = " and ".join(map(str, sorted(found)[:2]))
        raise ValueError(
            f"`model` must contain one list of class names; received {model.name!r}, whose parts "
            f"have {lists}. Outputs in different orders cannot be combined. If the order is the "
            "same, append a `ClassNames` layer to the model."
        )
    return found.pop() if found else None


def known_class_names(model: keras.Model, data: Any) -> tuple[str, ...] | None:
    """Returns the class names at the end of a model, of a dataset, or elsewhere in the model.

    Names before the end can be those of another task, as in a backbone that classified before.
    """
    return saved_class_names(model) or names_of_dataset(data) or find_class_names(model)


def index_names(model: keras.Model) -> tuple[str, ...] | None:
    """Returns the class indices of a model as names, or None for a model of unknown outputs."""
    outputs: list[Any] = getattr(model, "outputs", None) or []
    shape = tuple(outputs[0].shape) if len(outputs) == 1 else ()
    if len(shape) != 2 or shape[1] is None:
        return None
    return tuple(map(str, range(max(shape[1], 2))))


def _layers_in_all_models(model: keras.Model) -> Iterator[keras.Layer]:
    """Yields the layers of a model and of nested ones, to find the one with the class names."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers_in_all_models(layer)
        else:
            yield layer


def has_other_order(model: keras.Model, names: Sequence[str]) -> tuple[str, ...] | None:
    """Returns the class names saved in a model if their order is another one; None otherwise.

    Other names are accepted, such as translations.
    """
    stored = saved_class_names(model)
    if stored is None or stored == tuple(names) or sorted(stored) != sorted(names):
        return None
    return stored


def check_class_order(model: keras.Model, names: Sequence[str]) -> None:
    """Raises an error if a model is saved with these class names in another order."""
    stored = has_other_order(model, names)
    if stored is not None:
        requirement = "in the order of the model's outputs"
        remedy = f"The class names saved in {model.name!r} are {list(stored)}. {REMEDY}"
        raise ValueError(describe("class_names", requirement, list(names), remedy))


def check_order_of_dataset(name: str, data: Any, model: keras.Model) -> None:
    """Raises an error if a dataset has the class names of the model in another order."""
    names = names_of_dataset(data)
    stored = None if names is None else has_other_order(model, names)
    if stored is not None:
        raise ValueError(
            f"`{name}` must have its classes in the order of the model's outputs, {list(stored)}; "
            f"received {list(names or ())}. {REMEDY}"
        )


def check_names_of_dataset(name: str, data: Any, class_names: Sequence[str]) -> None:
    """Raises an error if a dataset has the given class names in another order."""
    names = names_of_dataset(data)
    if names is not None and names != tuple(class_names) and sorted(names) == sorted(class_names):
        requirement = f"in the order of the labels in `{name}`"
        remedy = f"The class names of the dataset are {list(names)}."
        raise ValueError(describe("class_names", requirement, list(class_names), remedy))


def names_of_dataset(data: Any) -> tuple[str, ...] | None:
    """Returns the class names that a dataset carries, in the order of its labels, or None.

    `keras.utils.image_dataset_from_directory` sets `class_names`, the generators of Keras
    `class_indices`, and the image folders of torchvision, also in a `DataLoader`, `classes`.
    """
    for found in _names_in_attributes(data):
        names = sorted(found, key=lambda each: found[each]) if isinstance(found, Mapping) else found
        if isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names):
            return tuple(names)
    return None


def _names_in_attributes(data: Any) -> Iterator[Any]:
    """Yields the values of the attributes in which libraries keep class names, or None."""
    for holder in (data, getattr(data, "dataset", None)):
        for attribute in ("class_names", "class_indices", "classes"):
            yield getattr(holder, attribute, None)


def _names_of_layer(layer: Any) -> tuple[str, ...]:
    """Returns the class names that a layer was saved with; none for most layers."""
    return tuple(getattr(layer, "class_names", None) or ())
