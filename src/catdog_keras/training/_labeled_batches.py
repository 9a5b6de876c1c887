"""Training data as NumPy arrays, checked against the input shape of a model."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from catdog_keras._batches import Array, check_dataset, iterate, split_batch, to_array

Batch: TypeAlias = tuple[Array, Array, Array | None]  # images, labels, sample weights

_REQUIREMENT = "a dataset of batches (images, labels), or a pair of arrays (images, labels)"


def check_labeled(name: str, data: Any) -> None:
    """Raises an error if `read_labeled` cannot read the data, or if it is infinite."""
    check_dataset(name, data, _REQUIREMENT)


def read_labeled(name: str, data: Any, shape: tuple[int | None, ...]) -> Iterator[Batch]:
    """Yields each batch of one epoch; raises for another format or image shape."""
    for batch in iterate(data):
        inputs, targets, weights = split_batch(name, batch, _REQUIREMENT)
        images, labels = to_array(inputs), to_array(targets)
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
        yield images, labels, None if weights is None else to_array(weights)
