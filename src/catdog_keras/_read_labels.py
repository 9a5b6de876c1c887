"""Reads the labels of a batch, in any of the forms that Keras accepts, as class indices."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import to_numbers
from catdog_keras._checks import describe
from catdog_keras._message import Message, argument

Tensor: TypeAlias = Any  # a tensor of any framework, or a list of numbers
IntegerArray: TypeAlias = npt.NDArray[np.int64]

_LABEL_SHAPES = "class indices of shape (batch,) or (batch, 1), or one-hot rows (batch, classes)"


def read_labels(labels: Tensor, num_classes: int, name: str = "labels") -> IntegerArray:
    """Converts a batch of labels to class indices of shape (batch,), or raises an error.

    `name` is the name of the argument that holds the labels: that of a dataset, or `"labels"`.
    """
    array = to_numbers(name, "labels", labels)
    if array.ndim == 2 and array.shape[1] == num_classes > 1:
        return _indices_of_one_hot_labels(array, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        holds = "be" if name == "labels" else "hold labels that are"
        remedy = " Batch the dataset." if array.ndim == 0 else ""
        raise ValueError(
            f"`{name}` must {holds} {_LABEL_SHAPES}; received shape {array.shape} "
            f"for {num_classes} classes.{remedy}"
        )
    wrong = array[~((array >= 0) & (array < num_classes) & (array == np.floor(array)))]
    if wrong.size:
        requirement = f"class indices from 0 to {num_classes - 1}, one for each class name"
        raise ValueError(_describe_label(name, requirement, wrong[0].item()))
    return array.astype(np.int64)


def _indices_of_one_hot_labels(array: npt.NDArray[Any], name: str) -> IntegerArray:
    """Returns the class index of each row; raises an error if a row is not one-hot."""
    one_hot = ((array == 0) | (array == 1)).all(axis=1) & (array.sum(axis=1) == 1)
    if not one_hot.all():
        requirement = "class indices, or one-hot rows with a single 1 each"
        remedy = "Probabilities, smoothed and multiple labels have no single true class."
        raise ValueError(_describe_label(name, requirement, array[~one_hot][0].tolist(), remedy))
    return array.argmax(axis=1).astype(np.int64)


def _describe_label(name: str, requirement: str, label: Any, remedy: str = "") -> Message:
    """Formats an error message about one label, of the argument `labels` or of a dataset."""
    if name == "labels":
        return describe(name, requirement, label, remedy)
    message = argument(name) + f" must hold labels that are {requirement}; "
    return message + " ".join(filter(None, (f"received the label {label!r}.", remedy)))
