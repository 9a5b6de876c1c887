"""Conversion of images from datasets to RGB for display."""

import itertools
import math
import numbers
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import to_numbers
from catdog_keras._batches import check_iterable, is_arrays, iterate, split_batch
from catdog_keras._checks import DataFormat, check_choice, describe

Array: TypeAlias = npt.NDArray[Any]

CHANNELS = (1, 3, 4)
_SHAPES = (
    "(batch, height, width, channels), (batch, channels, height, width) or (batch, height, width)"
)
_DATA = "a dataset of batches (images, labels), or a pair of arrays (images, labels)"
MOST_CLASSES = 10_000
DATA_FORMATS = ("channels_last", "channels_first")
# Tried in this order, on all displayed images together.
KNOWN_RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
# Cubic interpolation overshoots the value range by a few percent.
RANGE_SLACK = 0.05
# Fraction of [0, 255]: a maximum below it indicates a smaller value range, not very dark images.
LEAST_SHARE = 0.1


@dataclass(frozen=True)
class ImagesByClass:
    """Arrays of the first images of each class, and the number of images that were searched."""

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


def to_display_rgb(
    images: Sequence[Array],
    value_range: tuple[float, float] | None,
    data_format: DataFormat | None,
) -> list[npt.NDArray[np.uint8]]:
    """Converts images to uint8 arrays `(height, width, 3)`, all with the same value range."""
    images = [_channels_last(image, data_format) for image in images]
    low, high = find_display_range(images) if value_range is None else value_range
    return [_to_bytes(image, low, high) for image in images]


def find_display_range(images: Sequence[Array]) -> tuple[float, float]:
    """Returns the value range of images: a common one if it fits, otherwise minimum and maximum."""
    if all(image.dtype == np.uint8 for image in images):
        return 0.0, 255.0
    finite = [p[np.isfinite(p)] for p in (np.asarray(q, np.float64) for q in images)]
    finite = [values for values in finite if values.size]
    if not finite:
        return 0.0, 1.0
    least = min(float(values.min()) for values in finite)
    most = max(float(values.max()) for values in finite)
    for low, high in KNOWN_RANGES:
        slack = RANGE_SLACK * (high - low)
        # Standardized images, from about -2 to 2, would be almost black in the range [0, 255].
        fills = high == 1.0 or most > LEAST_SHARE * high
        if low - slack <= least and most <= high + slack and fills:
            return low, high
    return least, most


def check_value_range(value_range: Any) -> tuple[float, float] | None:
    """Returns the value range of image arrays as floats, or None; raises if it is not valid."""
    if value_range is None:
        return None
    requirement = "a pair (low, high) of finite numbers with low < high, or None"
    if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
        raise TypeError(describe("value_range", requirement, value_range))
    if not all(isinstance(n, numbers.Real) and not isinstance(n, bool) for n in value_range):
        raise TypeError(describe("value_range", requirement, value_range))
    try:
        low, high = float(value_range[0]), float(value_range[1])
    except OverflowError:  # an integer of more than 308 digits
        low = high = math.inf
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(describe("value_range", requirement, value_range))
    return low, high


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


def batch_as_array(name: str, images: Any) -> Array:
    """Returns a batch of images, which can be empty, as an array; raises for another shape."""
    images = to_numbers(name, "images", images)
    if images.ndim not in (3, 4) or 0 in images.shape[1:]:
        raise ValueError(
            f"`{name}` must hold images of shape {_SHAPES}; received shape {images.shape}."
        )
    return images


def nonempty_batch_as_array(name: str, images: Any) -> Array:
    """Returns a batch of at least one image as an array; raises for another shape.

    Of a batch `(images, labels)` of a dataset, the images are returned.
    """
    requirement = "an array of images"
    if _is_labeled_batch(images):
        images = images[0]
    if isinstance(images, keras.Layer):
        raise TypeError(describe(name, requirement, images, "The images are the first argument."))
    is_array = hasattr(images, "shape") or isinstance(images, (list, tuple, dict, str, bytes))
    if hasattr(images, "__iter__") and not is_array:
        remedy = "Pass those of a batch: `images, labels = next(iter(dataset))`."
        raise TypeError(describe(name, requirement, images, remedy))
    images = to_numbers(name, "images", images)
    if images.ndim not in (3, 4) or images.size == 0:
        raise ValueError(
            f"`{name}` must be at least one image, of shape {_SHAPES}; "
            f"received shape {images.shape}."
        )
    return images


def _is_labeled_batch(images: Any) -> bool:
    """Whether these are images with labels, in place of a list of images of equal shapes."""
    if not is_arrays(images) or not hasattr(images[1], "shape"):
        return False
    return len(images[0].shape) == 4 and len(images[1].shape) in (1, 2)


def number_of_classes(labels: Any) -> int:
    """Returns one more than the highest label of image arrays, or the length of one-hot rows."""
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


def _channels_last(image: Array, data_format: DataFormat | None) -> Array:
    """Returns an image as (height, width, channels) with 1, 3 or 4 channels, or raises an error."""
    if image.ndim == 2:
        return image[..., np.newaxis]
    last, first = image.shape[-1] in CHANNELS, image.shape[0] in CHANNELS
    if data_format is None:
        if last == first:  # both or neither: the shape is ambiguous
            data_format = keras.config.image_data_format()
        else:
            data_format = "channels_last" if last else "channels_first"
    check_choice("data_format", data_format, DATA_FORMATS)
    if not (last if data_format == "channels_last" else first):
        raise ValueError(
            f"`data` must hold images with 1, 3 or 4 channels; received an image of shape "
            f"{image.shape} in data_format={data_format!r}."
        )
    return image if data_format == "channels_last" else np.moveaxis(image, 0, -1)


def _to_bytes(image: Array, low: float, high: float) -> npt.NDArray[np.uint8]:
    """Converts an image to RGB bytes: grayscale is repeated, an alpha channel is dropped."""
    values = np.asarray(image, dtype=np.float64)[..., :3]
    values = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    span = high - low if high > low else 1.0
    bytes_ = np.rint(255 * np.clip((values - low) / span, 0, 1)).astype(np.uint8)
    return np.broadcast_to(bytes_, (*bytes_.shape[:2], 3)).copy()
