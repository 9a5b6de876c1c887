"""Reads batches of images and labels from datasets, loaders and arrays, as NumPy arrays."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import keras
import numpy as np

from catdog_keras._checks import describe

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Batch: TypeAlias = tuple[Array, Array, Array | None]  # images, labels, sample weights

BATCH_SIZE = 32  # for arrays, which are not batched
_INFINITE_CARDINALITY = -1  # returned by tf.data's `cardinality()` for a repeated dataset
_REQUIREMENT = "a dataset of batches (images, labels), or a pair of arrays, images and their labels"


def check_labeled(name: str, data: Any) -> Any:
    """Returns `data`; raises if `read_labeled` cannot read it, or if it is infinite."""
    if isinstance(data, (str, bytes, dict)) or not (
        hasattr(data, "__iter__") or hasattr(data, "__getitem__")
    ):
        raise TypeError(describe(name, _REQUIREMENT, data))
    if count_batches(data) == _INFINITE_CARDINALITY:
        remedy = "Remove `repeat()`, or limit the dataset with `take`."
        raise ValueError(describe(name, "finite", data, remedy))
    return data


def count_batches(data: Any) -> int | None:
    """Returns the number of batches: None if it is unknown, -1 if the dataset is infinite."""
    if _is_pair(data):
        return -(-len(data[0]) // BATCH_SIZE)
    if isinstance(data, keras.utils.PyDataset):
        return _INFINITE_CARDINALITY if data.num_batches is None else int(data.num_batches)
    if callable(getattr(data, "cardinality", None)):
        count = int(data.cardinality())
        return count if count >= _INFINITE_CARDINALITY else None
    return len(data) if hasattr(data, "__len__") else None


def read_labeled(name: str, data: Any, shape: tuple[int | None, ...]) -> Iterator[Batch]:
    """Yields each batch of one epoch; raises for another format or image shape."""
    for batch in _batches(data):
        # A tensor would unpack along its batch axis, so the type is checked first.
        if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
            raise ValueError(
                f"`{name}` must be {_REQUIREMENT}; received a batch that is not a pair."
            )
        images, labels, *weights = map(_to_array, batch)
        found = images.shape[1:]
        fits = len(found) == len(shape) and all(
            wanted in (None, side) for wanted, side in zip(shape, found, strict=True)
        )
        if not fits:
            raise ValueError(
                f"`{name}` must hold batches of images of shape {shape}, the input shape of the "
                f"model; received a batch of shape {images.shape}."
            )
        if labels.shape[:1] != images.shape[:1]:
            raise ValueError(
                f"`{name}` must have a label for each image; received {len(images)} images "
                f"and labels of shape {labels.shape}."
            )
        yield images, labels, weights[0] if weights else None


def _batches(data: Any) -> Iterator[Any]:
    if _is_pair(data):
        for start in range(0, len(data[0]), BATCH_SIZE):
            yield tuple(part[start : start + BATCH_SIZE] for part in data)
    elif isinstance(data, keras.utils.PyDataset):
        yield from (data[place] for place in range(data.num_batches))
    else:
        yield from data


def _is_pair(data: Any) -> bool:
    return isinstance(data, tuple) and all(hasattr(part, "shape") for part in data)


def _to_array(tensor: Any) -> Array:
    return np.asarray(keras.ops.convert_to_numpy(tensor) if keras.ops.is_tensor(tensor) else tensor)
