"""Training data as NumPy arrays, checked against the input shape of a model."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from catdog_keras._arrays import Array, to_numbers
from catdog_keras._batches import (
    check_dataset,
    iterate,
    split_batch,
)
from catdog_keras._checks import describe, describe_received
from catdog_keras._input_shape import check_batch_shape

Batch: TypeAlias = tuple[Array, Array, Array | None]  # images, labels, sample weights

_REQUIREMENT = "a dataset of batches (images, labels), or a pair of arrays (images, labels)"


def check_labeled(name: str, data: Any) -> None:
    """Raises an error if `read_labeled` cannot read the data, or if it is infinite."""
    check_dataset(name, data, _REQUIREMENT)


def _is_one_per_image(part: str, array: Array, images: Array) -> bool:
    """Returns whether an array of labels or sample weights has one row for each image."""
    shapes = (images.shape[:1], (*images.shape[:1], 1))
    return array.shape in shapes if part == "sample weight" else array.shape[:1] == shapes[0]


def check_repeatable(name: str, data: Any) -> None:
    """Raises an error if labeled training data can be read only once, as a generator."""
    if isinstance(data, Iterator):
        raise not_repeatable_error(name, data)


def not_repeatable_error(name: str, data: Any) -> ValueError:
    """Returns the error for labeled training data that can be read only once."""
    remedy = "A generator or iterator can be read only once: pass a dataset or a list of batches."
    return ValueError(describe(name, "iterable more than once", data, remedy))


def join_weights(name: str, weights: list[Array | None]) -> Array | None:
    """Returns the sample weights of all batches in one array, or None if no batch has any."""
    given = [each for each in weights if each is not None]
    if given and len(given) < len(weights):
        requirement = "a dataset with sample weights in every batch, or in none"
        found = f"{len(given)} of {len(weights)} batches with sample weights"
        raise ValueError(describe_received(name, requirement, found))
    return np.concatenate(given) if given else None


def empty_data_error(name: str) -> ValueError:
    """Returns the error for labeled data without images."""
    return ValueError(f"`{name}` must hold at least one image; received an empty dataset.")


def pixels_not_finite_error(name: str) -> ValueError:
    """Returns the error for labeled images with pixels that are not finite."""
    return ValueError(
        f"`{name}` must hold finite pixels; received NaN or infinite values. Check the "
        "preprocessing for a division by zero."
    )


def read_labeled(name: str, data: Any, shape: tuple[int | None, ...]) -> Iterator[Batch]:
    """Yields each batch of one epoch that is not empty; raises for another format or image shape.

    The labels and sample weights of a batch have one row for each image.
    """
    for batch in iterate(data):
        inputs, targets, given = split_batch(name, batch, _REQUIREMENT)
        images = to_numbers(name, "images", inputs)
        labels = to_numbers(name, "labels", targets)
        weights = None if given is None else to_numbers(name, "sample weights", given)
        check_batch_shape(name, images.shape, (None, *shape))
        for part, array in (("label", labels), ("sample weight", weights)):
            if array is not None and not _is_one_per_image(part, array, images):
                raise ValueError(
                    f"`{name}` must have a {part} for each image; received {len(images)} images "
                    f"and {part}s of shape {array.shape}."
                )
        if weights is not None and not np.isfinite(weights).all():
            raise ValueError(f"`{name}` must hold finite sample weights; received NaN or infinity.")
        if len(images):
            yield images, labels, weights
