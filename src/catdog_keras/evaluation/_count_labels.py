"""Number of labels of each class in a dataset of batches."""

import numbers
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import Array, to_numbers
from catdog_keras._batches import LABELED_BATCHES, read_batches, with_labels
from catdog_keras._checks import check_class_names, describe
from catdog_keras._class_names import (
    are_names,
    check_names_of_dataset,
    check_not_names,
    names_of_dataset,
)
from catdog_keras._read_labels import read_labels
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.evaluation._argument_names import COUNT_NAMES

_MOST_INDICES = 100_000  # a larger label is an identifier of something else, not a class index


@suggests_arguments(COUNT_NAMES)
def count_labels(
    dataset: Iterable[Any],
    y: npt.ArrayLike | None = None,
    *,
    class_names: Sequence[str] | None = None,
) -> dict[str, int]:
    """Counts the labels of each class in a dataset.

    This iterates over the whole dataset once, which decodes all of its images. If the counts are
    known from the files, use those instead.

    Args:
        dataset: Batches `(images, labels)`, with or without sample weights, for example a
            `tf.data.Dataset`, a `keras.utils.PyDataset`, a PyTorch `DataLoader` or a list. Labels
            are class indices of shape `(batch,)` or `(batch, 1)`, or one-hot rows of shape
            `(batch, classes)`. Or an array of images. Or the labels alone: a one-dimensional array
            or a list of integers.
        y: The labels if `dataset` is an array of images, as for `evaluate_classifier`.
        class_names: Class names, in the order of their indices. None takes those of the dataset, if
            it has `class_names` as that of `keras.utils.image_dataset_from_directory`; for labels
            alone, their indices are the names.

    Returns:
        The count of each class by name, in the order of `class_names`; 0 for classes that do not
        occur.

    Raises:
        TypeError: If `dataset` or `class_names` has the wrong type.
        ValueError: If the dataset is infinite or has no labels, a label is not a valid class index,
            or there are no class names.

    Example:
        >>> import catdog_keras
        >>> batches = [("images", [0, 1, 1]), ("images", [1])]
        >>> catdog_keras.evaluation.count_labels(batches, class_names=["cat", "dog", "fox"])
        {'cat': 1, 'dog': 3, 'fox': 0}
        >>> catdog_keras.evaluation.count_labels([0, 1, 1])
        {'0': 1, '1': 2}
    """
    if are_names(dataset):
        remedy = "The dataset is the first argument."
        raise TypeError(describe("dataset", LABELED_BATCHES, dataset, remedy))
    check_not_names(y)
    if y is None and _are_labels(dataset):
        labels = to_numbers("dataset", "labels", dataset)
        dataset = [(None, labels)]
        if class_names is None:
            class_names = _names_of_indices(labels)
    dataset = with_labels("dataset", dataset, y, None)
    given = names_of_dataset(dataset) if class_names is None else class_names
    if given is None:
        requirement = "given if the dataset does not have class names"
        raise ValueError(describe("class_names", requirement, None))
    names = check_class_names(given)
    check_names_of_dataset("dataset", dataset, names)
    totals = np.zeros(len(names), dtype=np.int64)
    for _, labels in read_batches(dataset):
        totals += np.bincount(read_labels(labels, len(names), "dataset"), minlength=len(names))
    return dict(zip(names, totals.tolist(), strict=True))


def _are_labels(data: Any) -> bool:
    """Returns whether data is labels alone: integers in a list or a one-dimensional array."""
    if isinstance(data, (list, tuple)):
        integers = (isinstance(n, numbers.Integral) and not isinstance(n, bool) for n in data)
        return len(data) > 0 and all(integers)
    if len(getattr(data, "shape", ())) != 1 or not hasattr(data, "dtype"):
        return False
    return re.search(r"\bu?int\d+\b", str(data.dtype).lower()) is not None


def _names_of_indices(labels: Array) -> tuple[str, ...]:
    """Returns class indices as names, at least two, for labels without class names."""
    largest = int(labels.max(initial=1))
    if largest >= _MOST_INDICES:
        remedy = f"The largest label is {largest}."
        requirement = f"given for labels of {_MOST_INDICES} and above"
        raise ValueError(describe("class_names", requirement, None, remedy))
    return tuple(map(str, range(largest + 1)))
