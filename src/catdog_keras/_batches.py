"""Reads datasets: the batches of one epoch, with images, labels and sample weights."""

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from catdog_keras._arrays import READ_FILES
from catdog_keras._backend.infinite_dataset import INFINITE, repeats_without_end
from catdog_keras._checks import check_integer, describe, describe_received
from catdog_keras._image_errors import image_errors

LABELED_BATCHES = "an iterable of batches (images, labels), or a pair of arrays (images, labels)"
BATCH_SIZE = 32  # for arrays, which are not batched
_NOT_DATASETS = (str, bytes, dict, type, keras.KerasTensor)  # although most of them are iterable


class LabeledArrays(tuple[Any, ...]):
    """Arrays of images, labels and perhaps sample weights, to be cut into batches.

    Attributes:
        batch_size: Number of images in a batch.
    """

    batch_size = BATCH_SIZE

    @classmethod
    def of_size(cls, arrays: Iterable[Any], batch_size: int) -> "LabeledArrays":
        """Combines arrays with the size of their batches."""
        combined = cls(arrays)
        combined.batch_size = batch_size
        return combined


def batch_size_of(arrays: Any) -> int:
    """Returns the size of the batches into which a tuple or list of arrays is cut."""
    return arrays.batch_size if isinstance(arrays, LabeledArrays) else BATCH_SIZE


def with_labels(name: str, data: Any, y: Any, batch_size: Any) -> Any:
    """Returns the data of a call: a dataset, or arrays with the size of their batches.

    Args:
        name: Argument name of the data, for error messages.
        data: Dataset, tuple of arrays, or an array of images.
        y: Labels, if `data` is an array of images; otherwise None.
        batch_size: Images in a batch of arrays, None for 32; None for a dataset.

    Raises:
        TypeError: If there are images without labels, or labels without images.
        ValueError: If a batch size is given for a dataset.
    """
    if y is not None and not is_array(data):
        requirement = "an array of images if `y` is given"
        remedy = "Stack a list of images by `np.stack`. A dataset contains its labels: omit `y`."
        if name == "train" and hasattr(y, "__iter__") and not is_array(y):
            remedy += " Pass validation images as `validation_data`."
        raise TypeError(describe_received(name, requirement, f"a {type(data).__name__}", remedy))
    if y is None and is_array(data):
        requirement = f"given if `{name}` is an array of images"
        raise TypeError(describe("y", requirement, None, f"Pass the labels: {name}, y."))
    arrays = data if y is None else (data, y)
    if is_arrays(arrays):
        size = (
            BATCH_SIZE if batch_size is None else check_integer("batch_size", batch_size, minimum=1)
        )
        return LabeledArrays.of_size(arrays, size)
    if batch_size is not None:
        remedy = "Set it where the dataset is made."
        raise ValueError(describe("batch_size", "None for a dataset", batch_size, remedy))
    return data


def check_iterable(name: str, data: Any, requirement: str) -> None:
    """Raises unless `data` gives batches: a dataset, finite or not, or arrays of equal length."""
    is_iterable = hasattr(data, "__iter__") or hasattr(data, "__getitem__")
    if isinstance(data, _NOT_DATASETS) or not is_iterable or getattr(data, "shape", None) == ():
        is_path = isinstance(data, (str, bytes, os.PathLike))
        raise TypeError(describe(name, requirement, data, READ_FILES if is_path else ""))
    if hasattr(data, "train") and hasattr(data, "validation"):  # they yield their datasets
        split = "train" if name == "train" else "test"
        raise TypeError(describe(name, requirement, data, f"Pass one of them: `splits.{split}`."))
    if is_arrays(data):
        _check_equal_lengths(name, data)


def _check_equal_lengths(name: str, arrays: Any) -> None:
    """Raises unless arrays for batches hold one label, and one weight if any, per image."""
    images, labels, *weights = arrays
    for part, array in (("label", labels), *(("sample weight", w) for w in weights)):
        length = _length_or_none(array)
        if length != _length_or_none(images) and not (part == "sample weight" and array is None):
            found = f"a {type(array).__name__}" if length is None else f"{length} {part}s"
            raise ValueError(
                f"`{name}` must hold one {part} per image; "
                f"received {_length_or_none(images)} images and {found}."
            )
        shape = getattr(array, "shape", (length,))
        if part == "sample weight" and array is not None and tuple(shape[1:]) not in ((), (1,)):
            raise ValueError(
                f"`{name}` must hold one sample weight per image; received weights of shape "
                f"{tuple(shape)}."
            )


def _length_or_none(array: Any) -> int | None:
    """Returns the length of an array, tensor or list to read in batches; otherwise None."""
    if isinstance(array, Sequence) and not isinstance(array, (str, bytes)):
        return len(array)
    shape = None if isinstance(array, keras.KerasTensor) else getattr(array, "shape", None)
    return int(shape[0]) if shape else None


def check_dataset(name: str, data: Any, requirement: str) -> None:
    """Raises an error unless `data` is a finite dataset, or arrays that can be cut into batches."""
    check_iterable(name, data, requirement)
    if count_batches(data) == INFINITE:
        remedy = "Remove `repeat()`, or limit the dataset with `take`."
        raise ValueError(describe(name, "finite", data, remedy))


def count_batches(data: Any) -> int | None:
    """Returns the number of batches: None if it is unknown, -1 if the dataset is infinite."""
    if is_arrays(data):
        return -(-len(data[0]) // batch_size_of(data))
    if isinstance(data, keras.utils.PyDataset):
        return INFINITE if data.num_batches is None else int(data.num_batches)
    if callable(getattr(data, "cardinality", None)):
        count = int(data.cardinality())
        if count < INFINITE and repeats_without_end(data):
            return INFINITE
        return count if count >= INFINITE else None
    if isinstance(data, (itertools.cycle, itertools.count)):
        return INFINITE
    try:
        return len(data)
    except TypeError:  # also of a DataLoader whose dataset has no length
        return None


def iterate(data: Any) -> Iterator[Any]:
    """Yields the batches of one epoch; a tuple or list of arrays is cut into batches."""
    if is_arrays(data):
        size = batch_size_of(data)
        for start in range(0, len(data[0]), size):
            yield tuple(None if part is None else part[start : start + size] for part in data)
        return
    with image_errors():
        if isinstance(data, keras.utils.PyDataset) and data.num_batches is not None:
            yield from (data[place] for place in range(data.num_batches))
        else:
            yield from data


def batches_of_images(images: Any, batch_size: int = BATCH_SIZE) -> Iterator[Any]:
    """Yields the batches of an array of images without labels."""
    return (images[start : start + batch_size] for start in range(0, len(images), batch_size))


def labels_are_rows(data: Any) -> bool:
    """Whether the labels in batches of training data are rows, such as one-hot, not class indices.

    The answer is False where only a batch would show it, as generators yield each batch once.
    """
    spec = getattr(data, "element_spec", None)
    if is_arrays(data):
        labels = data[1]
    elif isinstance(spec, (tuple, list)) and len(spec) > 1:
        labels = spec[1]
    elif isinstance(data, (keras.utils.PyDataset, list)) and len(data) > 0:
        batch = data[0]
        labels = batch[1] if isinstance(batch, (tuple, list)) and len(batch) > 1 else 0
    else:
        return False
    shape = getattr(labels, "shape", None)
    try:
        sides = np.shape(labels) if shape is None else tuple(shape)
    except ValueError:  # of lists of different lengths
        return False
    return len(sides) == 2 and sides[1] != 1


def is_arrays(data: Any) -> bool:
    """Whether `data` is arrays for batches: images, labels and optionally sample weights."""
    return isinstance(data, (tuple, list)) and len(data) in (2, 3) and is_array(data[0])


def is_array(value: Any) -> bool:
    """Whether `value` is an array or tensor with an axis along which batches can be read."""
    return (
        hasattr(value, "shape") and not isinstance(value, keras.KerasTensor) and value.shape != ()
    )


def split_batch(name: str, batch: Any, requirement: str) -> tuple[Any, Any, Any]:
    """Returns images, labels and sample weights (or None) of a batch, unchanged.

    Raises:
        ValueError: If the batch is not a tuple or list `(images, labels[, sample_weights])`. A
            tensor is not accepted: it would unpack along its batch axis.
    """
    if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
        found = (
            f"a {type(batch).__name__} of {len(batch)}"
            if isinstance(batch, (tuple, list))
            else f"of type {type(batch).__name__}"
        )
        remedy = " Convert each dict to (images, labels)." if isinstance(batch, dict) else ""
        raise ValueError(
            f"`{name}` must be {requirement}; received a batch that is {found}.{remedy}"
        )
    images, labels, *weights = batch
    return images, labels, weights[0] if weights else None


def read_batches(dataset: Iterable[Any], name: str = "dataset") -> Iterator[tuple[Any, Any]]:
    """Yields `(images, labels)` of each batch; raises an error if a batch is not such a pair.

    Sample weights, the optional third element of a batch, only affect a loss and are ignored.
    `name` is the argument name of the dataset.
    """
    check_dataset(name, dataset, LABELED_BATCHES)
    for batch in iterate(dataset):
        images, labels, _ = split_batch(name, batch, LABELED_BATCHES)
        yield images, labels
