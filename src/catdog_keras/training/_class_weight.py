"""Weights of classes in the loss: checked, or computed from the labels."""

import numbers
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import keras
import numpy as np

from catdog_keras._arrays import Array, to_numbers
from catdog_keras._batches import iterate, split_batch
from catdog_keras._checks import check_number, describe

ClassWeight: TypeAlias = Mapping[int, float] | Literal["balanced"] | None
BALANCED = "balanced"
LARGEST = 1e9  # a far larger weight makes the loss infinite in float16 and float32


def check_class_weight(class_weight: Any, model: keras.Model) -> None:
    """Raises an error for a weight that Keras would ignore, or that is out of range."""
    if class_weight is None or (isinstance(class_weight, str) and class_weight == BALANCED):
        return
    if not isinstance(class_weight, Mapping):
        requirement = "a dict of a weight for each class index, 'balanced' or None"
        error = ValueError if isinstance(class_weight, str) else TypeError
        raise error(describe("class_weight", requirement, class_weight))
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


def describe_class_weight(class_weight: ClassWeight) -> Any:
    """Returns the weights as a JSON value."""
    if not isinstance(class_weight, Mapping):
        return class_weight
    return sorted((int(index), float(class_weight[index])) for index in class_weight)
