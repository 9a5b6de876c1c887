"""Images of a dataset that are plotted: the first ones of each class, or those at given indices."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from catdog_keras._arrays import to_numbers
from catdog_keras._batches import check_iterable, is_arrays, iterate, split_batch
from catdog_keras._checks import describe
from catdog_keras.plotting._image_arrays import Array, batch_as_array

_DATA = "a dataset of batches (images, labels), or a pair of arrays (images, labels)"
MOST_CLASSES = 10_000


@dataclass(frozen=True)
class ImagesByClass:
    """First images of each class, and the number of images that were searched for them."""

    images: list[list[Array]]
    num_scanned: int


def first_images(
    data: Any,
    num_classes: int | None,
    per_class: int,
    max_batches: int,
) -> ImagesByClass:
    """Reads batches until each class has `per_class` images or `max_batches` is reached.

    If the number of classes is None, they are those up to the highest label of these batches, or
    of all labels if these are in an array.
    """
    if num_classes is None and is_arrays(data):
        num_classes = number_of_classes(data[1])
    found: list[list[Array]] = [[] for _ in range(num_classes or 0)]
    num_scanned = 0
    for images, labels in itertools.islice(_labeled_batches(data), max_batches):
        highest = number_of_classes(labels) if num_classes is None else num_classes
        if highest > MOST_CLASSES:
            requirement = f"labels below {MOST_CLASSES:,} where there are no class names"
            raise ValueError(describe("data", requirement, highest - 1))
        images, indices = _check_batch(images, labels, highest)
        found += [[] for _ in range(highest - len(found))]
        num_scanned += len(indices)
        for image, index in zip(images, indices, strict=True):
            if len(found[index]) < per_class:
                found[index].append(image)
        if num_classes is not None and all(len(of_class) == per_class for of_class in found):
            break
    if num_scanned == 0:
        raise ValueError("`data` must hold at least one image; received none.")
    return ImagesByClass(found, num_scanned)


def images_at(data: Any, class_of: Mapping[int, str]) -> dict[int, Array]:
    """Reads batches until the image at each index is found; `class_of` has the expected classes.

    A dataset in a different order is detected by its labels: one class would have two of them.
    """
    found: dict[int, Array] = {}
    label_of: dict[str, tuple[int, int]] = {}
    start = 0
    for images, labels in _labeled_batches(data):
        images = batch_as_array("data", images)
        indices = _class_indices(labels, len(images))
        for index in sorted(set(class_of) & set(range(start, start + len(images)))):
            found[index] = images[index - start]
            label, name = int(indices[index - start]), class_of[index]
            known, first = label_of.setdefault(name, (label, index))
            if known != label:
                raise ValueError(
                    "`data` must hold the images of the evaluation, in its order; received label "
                    f"{known} at index {first} and label {label} at index {index}, where both are "
                    f"of class {name!r}. A dataset that is reshuffled in each epoch cannot be used."
                )
        start += len(images)
        if len(found) == len(class_of):
            return found
    raise ValueError(
        "`data` must hold the images of the evaluation, in its order; "
        f"received {start} images and none at index {max(class_of)}."
    )


def check_plotted_data(data: Any) -> None:
    """Raises an error unless `data` is a dataset or a pair of arrays; batches are checked later."""
    if is_arrays(data):
        return
    if getattr(data, "shape", ()) != ():
        raise TypeError(
            f"`data` must be {_DATA}; received an array of shape {tuple(data.shape)}. Pass the "
            "labels with the images, as (images, labels)."
        )
    check_iterable("data", data, _DATA)


def _labeled_batches(data: Any) -> Iterator[tuple[Any, Any]]:
    """Yields images and labels of each batch; a pair of arrays counts as one batch."""
    check_plotted_data(data)
    for batch in iterate([data] if is_arrays(data) else data):
        yield split_batch("data", batch, _DATA)[:2]


def _check_batch(images: Any, labels: Any, num_classes: int) -> tuple[Array, Array]:
    """Returns images and class indices as arrays; raises an error if they do not match."""
    images = batch_as_array("data", images)
    indices = _class_indices(labels, len(images), num_classes)
    wrong = indices[~np.isin(indices, np.arange(num_classes))]
    if wrong.size:
        requirement = f"class indices from 0 to {num_classes - 1}, one for each class name"
        raise ValueError(describe("labels", requirement, wrong[0].item()))
    return images, indices.astype(np.int64)


def number_of_classes(labels: Any) -> int:
    """Returns one more than the highest label, or the length of one-hot rows."""
    array = to_numbers("data", "labels", labels)
    if array.ndim == 2 and array.shape[1] > 1:
        return int(array.shape[1])
    return int(array[np.isfinite(array)].max(initial=0)) + 1


def _class_indices(labels: Any, num_images: int, num_classes: int | None = None) -> Array:
    """Returns one label per image; rows with more than one number are one-hot."""
    indices = to_numbers("data", "labels", labels)
    if indices.ndim == 2:
        one_hot = indices.shape[1] > 1 and num_classes in (None, indices.shape[1])
        indices = indices.argmax(axis=1) if one_hot else indices.reshape(-1)
    if indices.shape != (num_images,):
        raise ValueError(
            f"`data` must hold one label per image, here {num_images}; "
            f"received labels of shape {np.shape(labels)}."
        )
    if not np.isfinite(indices).all():
        raise ValueError("`data` must hold finite labels; received NaN or infinity.")
    return indices
