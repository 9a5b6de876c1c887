"""Reads datasets: the batches of one epoch, with images, labels and sample weights."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import keras
import numpy as np

from catdog_keras._checks import describe

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

BATCH_SIZE = 32  # for arrays, which are not batched
_INFINITE_CARDINALITY = -1  # returned by tf.data's `cardinality()` for a repeated dataset


def check_dataset(name: str, data: Any, requirement: str) -> None:
    """Raises an error unless `data` is a finite dataset, or arrays that can be cut into batches."""
    if isinstance(data, (str, bytes, dict)) or not (
        hasattr(data, "__iter__") or hasattr(data, "__getitem__")
    ):
        raise TypeError(describe(name, requirement, data))
    if count_batches(data) == _INFINITE_CARDINALITY:
        remedy = "Remove `repeat()`, or limit the dataset with `take`."
        raise ValueError(describe(name, "finite", data, remedy))


def count_batches(data: Any) -> int | None:
    """Returns the number of batches: None if it is unknown, -1 if the dataset is infinite."""
    if is_arrays(data):
        return -(-len(data[0]) // BATCH_SIZE)
    if isinstance(data, keras.utils.PyDataset):
        return _INFINITE_CARDINALITY if data.num_batches is None else int(data.num_batches)
    if callable(getattr(data, "cardinality", None)):
        count = int(data.cardinality())
        return count if count >= _INFINITE_CARDINALITY else None
    return len(data) if hasattr(data, "__len__") else None


def iterate(data: Any, batch_size: int = BATCH_SIZE) -> Iterator[Any]:
    """Yields the batches of one epoch; a tuple or list of arrays is cut into batches."""
    if is_arrays(data):
        for start in range(0, len(data[0]), batch_size):
            yield tuple(part[start : start + batch_size] for part in data)
    elif isinstance(data, keras.utils.PyDataset) and data.num_batches is not None:
        yield from (data[place] for place in range(data.num_batches))
    else:
        yield from data


def is_arrays(data: Any) -> bool:
    """Whether `data` is an array of images with labels, and optionally sample weights."""
    return isinstance(data, (tuple, list)) and len(data) in (2, 3) and hasattr(data[0], "shape")


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
        raise ValueError(f"`{name}` must be {requirement}; received a batch that is {found}.")
    images, labels, *weights = batch
    return images, labels, weights[0] if weights else None


def to_array(tensor: Any) -> Array:
    """Converts a tensor of any framework to a NumPy array."""
    return np.asarray(keras.ops.convert_to_numpy(tensor) if keras.ops.is_tensor(tensor) else tensor)


def to_numbers(name: str, part: str, value: Any) -> Array:
    """Converts the images, labels or weights of a batch to an array of numbers.

    Raises:
        TypeError: If they are a structure of several arrays, or not numbers; the message names what
            was received.
    """
    if isinstance(value, dict) or (isinstance(value, (tuple, list)) and _has_arrays(value)):
        found = (
            f"a dict with the keys {', '.join(map(repr, value))}"
            if isinstance(value, dict)
            else f"a {type(value).__name__} of {len(value)} arrays"
        )
        raise TypeError(
            f"`{name}` must hold batches with one array of {part}; received {found}. Models with "
            "several inputs or outputs are not supported."
        )
    try:
        array = to_array(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"`{name}` must hold {part} as an array of numbers; received a {type(value).__name__} "
            f"that cannot be converted: {str(error).splitlines()[0]}"
        ) from error
    if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
        raise TypeError(
            f"`{name}` must hold {part} as numbers; received {_kind(array)}. "
            + ("Encode class names as indices, such as names.index(name)." * (part == "labels"))
        )
    return array


def _has_arrays(values: Any) -> bool:
    """Returns whether a list holds one array per input, not one per image."""
    shapes = {tuple(value.shape) for value in values if hasattr(value, "shape")}
    return len(shapes) > 1 or any(len(shape) > 3 for shape in shapes)


def _kind(array: Array) -> str:
    """Describes an array that does not hold numbers."""
    first = array.reshape(-1)[:1].tolist()
    if first and isinstance(first[0], (str, bytes)):
        return f"strings such as {first[0]!r}"
    return f"an array of dtype {array.dtype}"
