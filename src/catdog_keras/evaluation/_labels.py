"""Labels of a dataset of batches: reading, counting, and the majority-class baseline."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import to_numbers
from catdog_keras._batches import check_dataset, iterate, split_batch, with_labels
from catdog_keras._checks import check_class_names, describe
from catdog_keras._class_names import (
    are_names,
    check_names_of_dataset,
    check_not_names,
    names_of_dataset,
)
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.evaluation._argument_names import COUNT_NAMES

Tensor: TypeAlias = Any  # a tensor of any framework, or a list of numbers
IntegerArray: TypeAlias = npt.NDArray[np.int64]

_REQUIREMENT = "an iterable of batches (images, labels), or a pair of arrays (images, labels)"
_LABEL_SHAPES = "class indices of shape (batch,) or (batch, 1), or one-hot rows (batch, classes)"


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
            `(batch, classes)`. Or an array of images.
        y: The labels if `dataset` is an array of images, as for `evaluate_classifier`.
        class_names: Class names, in the order of their indices. None takes those of the dataset, if
            it has `class_names` as that of `keras.utils.image_dataset_from_directory`.

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
    """
    if are_names(dataset):
        remedy = "The dataset is the first argument."
        raise TypeError(describe("dataset", _REQUIREMENT, dataset, remedy))
    check_not_names(y)
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


def read_batches(dataset: Iterable[Any], name: str = "dataset") -> Iterator[tuple[Any, Any]]:
    """Yields `(images, labels)` of each batch; raises an error if a batch is not such a pair.

    Sample weights, the optional third element of a batch, only affect a loss and are ignored.
    `name` is the argument name of the dataset.
    """
    check_dataset(name, dataset, _REQUIREMENT)
    for batch in iterate(dataset):
        images, labels, _ = split_batch(name, batch, _REQUIREMENT)
        yield images, labels


def read_labels(labels: Tensor, num_classes: int, name: str = "labels") -> IntegerArray:
    """Converts a batch of labels to class indices of shape (batch,), or raises an error.

    `name` is the argument name of the labels or their dataset.
    """
    array = to_numbers(name, "labels", labels)
    if array.ndim == 2 and array.shape[1] == num_classes > 1:
        return _indices_of_one_hot(array)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(
            f"`labels` must be {_LABEL_SHAPES}; received shape {array.shape} "
            f"for {num_classes} classes." + (" Batch the dataset." if array.ndim == 0 else "")
        )
    wrong = array[~((array >= 0) & (array < num_classes) & (array == np.floor(array)))]
    if wrong.size:
        raise ValueError(
            describe(
                "labels",
                f"class indices from 0 to {num_classes - 1}, one for each class name",
                wrong[0].item(),
            )
        )
    return array.astype(np.int64)


def _indices_of_one_hot(array: npt.NDArray[Any]) -> IntegerArray:
    """Returns the class index of each row; raises an error if a row is not one-hot."""
    one_hot = ((array == 0) | (array == 1)).all(axis=1) & (array.sum(axis=1) == 1)
    if not one_hot.all():
        raise ValueError(
            describe(
                "labels",
                "class indices, or one-hot rows with a single 1 each",
                array[~one_hot][0].tolist(),
                "Probabilities, smoothed and multiple labels have no single true class.",
            )
        )
    return array.argmax(axis=1).astype(np.int64)
