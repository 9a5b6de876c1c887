"""Weights of classes in the loss: checked, or computed from the labels."""

import numbers
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import keras
import numpy as np

from catdog_keras._arrays import Array, to_numbers
from catdog_keras._batches import iterate, split_batch
from catdog_keras._checks import check_number, describe

ClassWeight: TypeAlias = Mapping[int, float] | Mapping[str, float] | Literal["balanced"] | None
IndexWeight: TypeAlias = Mapping[int, float] | Literal["balanced"] | None
BALANCED = "balanced"
LARGEST = 1e9  # a far larger weight makes the loss infinite in float16 and float32


def check_class_weight(
    class_weight: Any, model: keras.Model, class_names: Sequence[str] | None
) -> IndexWeight:
    """Returns the weights by class index; class names become their indices.

    Raises:
        TypeError: If they are of another type.
        ValueError: If Keras would ignore a weight, or it is out of range.
    """
    if class_weight is None:
        return None
    if isinstance(class_weight, str) and class_weight == BALANCED:
        return "balanced"
    if not isinstance(class_weight, Mapping):
        requirement = "a dict of a weight for each class index, 'balanced' or None"
        error = ValueError if isinstance(class_weight, str) else TypeError
        raise error(describe("class_weight", requirement, class_weight))
    if class_names is not None and any(isinstance(key, str) for key in class_weight):
        class_weight = _index_by_names(class_weight, class_names)
    shape = getattr(model, "output_shape", None)  # an AttributeError for a subclassed model
    width = shape[-1] if isinstance(shape, tuple) and shape else None
    last = max(width, 2) - 1 if isinstance(width, int) else None  # one output is for two classes
    for key, weight in class_weight.items():
        is_index = isinstance(key, numbers.Integral) and not isinstance(key, bool)
        if not is_index or key < 0 or (last is not None and key > last):
            requirement = "a dict whose keys are class indices"
            requirement += "" if last is None else f" from 0 to {last}"
            remedy = "Replace class names by their indices." if isinstance(key, str) else ""
            raise ValueError(describe("class_weight", requirement, class_weight, remedy))
        check_number(f"class_weight[{key}]", weight, minimum=0, maximum=LARGEST)
    return class_weight


def _index_by_names(class_weight: Mapping[Any, Any], names: Sequence[str]) -> dict[int, Any]:
    """Returns the weights by class index for weights by name; raises for an unknown name."""
    unknown = [key for key in class_weight if key not in names]
    if unknown:
        requirement = f"a dict whose keys are class names, {', '.join(map(repr, names))}"
        remedy = f"{unknown[0]!r} is not one of them."
        raise ValueError(describe("class_weight", requirement, dict(class_weight), remedy))
    return {names.index(name): weight for name, weight in class_weight.items()}


def balanced_weights(labels: Array) -> dict[int, float]:
    """Returns the weight n / (k * count) of each of the k classes among n labels.

    This is the formula of scikit-learn. Labels are class indices or rows such as one-hot rows, of
    which Keras takes the largest value.
    """
    if labels.ndim > 1:
        labels = labels.argmax(axis=-1) if labels.shape[-1] > 1 else labels.reshape(len(labels))
    classes, counts = np.unique(np.round(labels).astype(int), return_counts=True)
    weights = len(labels) / (len(classes) * counts)
    return {int(index): float(weight) for index, weight in zip(classes, weights, strict=True)}


def labels_of_dataset(name: str, data: Any) -> Array:
    """Returns the labels of a dataset, which is read once, to compute class weights."""
    batches = (split_batch(name, batch, "batches (images, labels)") for batch in iterate(data))
    labels = [to_numbers(name, "labels", labels) for _, labels, _ in batches]
    return np.concatenate(labels) if labels else np.zeros(0)


def describe_class_weight(class_weight: IndexWeight) -> Any:
    """Returns the weights as a JSON value."""
    if not isinstance(class_weight, Mapping):
        return class_weight
    return sorted((int(index), float(class_weight[index])) for index in class_weight)
