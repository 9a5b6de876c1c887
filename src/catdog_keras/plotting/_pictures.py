"""Pictures as they come from a dataset, made ready for the eye."""

import itertools
import math
import numbers
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._checks import check_choice, describe

Array: TypeAlias = npt.NDArray[Any]

CHANNELS = (1, 3, 4)
DATA_FORMATS = ("channels_last", "channels_first")
# Tried in this order, on all the pictures shown together.
KNOWN_RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
# Resizing with a cubic kernel overshoots the range by a few percent.
RANGE_SLACK = 0.05
# Of [0, 255]: what does not come up to it is pictures of a smaller range, not of the darkest night.
LEAST_SHARE = 0.1


@dataclass(frozen=True)
class PicturesByClass:
    """The first pictures of each class, and how many pictures were looked at to find them."""

    pictures: list[list[Array]]
    looked_at: int


def first_pictures(
    data: Any,
    num_classes: int,
    per_class: int,
    max_batches: int,
) -> PicturesByClass:
    """Takes batches until each class has `per_class` pictures or `max_batches` are over."""
    found: list[list[Array]] = [[] for _ in range(num_classes)]
    looked_at = 0
    for images, labels in itertools.islice(_batches(data), max_batches):
        pictures, indices = _check_batch(images, labels, num_classes)
        looked_at += len(indices)
        for picture, index in zip(pictures, indices, strict=True):
            if len(found[index]) < per_class:
                found[index].append(picture)
        if all(len(of_class) == per_class for of_class in found):
            break
    if looked_at == 0:
        raise ValueError("`data` must hold at least one picture; received none.")
    return PicturesByClass(found, looked_at)


def pictures_at(data: Any, class_of: Mapping[int, str]) -> dict[int, Array]:
    """Takes batches until the picture at each index is found; `class_of` says what it should be.

    The labels of another order give themselves away: one class would have two of them.
    """
    found: dict[int, Array] = {}
    label_of: dict[str, tuple[int, int]] = {}
    start = 0
    for images, labels in _batches(data):
        pictures = _check_images(images)
        indices = _check_labels(labels, len(pictures))
        for index in sorted(set(class_of) & set(range(start, start + len(pictures)))):
            found[index] = pictures[index - start]
            label, name = int(indices[index - start]), class_of[index]
            known, first = label_of.setdefault(name, (label, index))
            if known != label:
                raise ValueError(
                    "`data` must hold the pictures of the evaluation, in its order; received label "
                    f"{known} at index {first} and label {label} at index {index}, where both are "
                    f"of class {name!r}. A dataset that is shuffled anew in each pass will not do."
                )
        start += len(pictures)
        if len(found) == len(class_of):
            return found
    raise ValueError(
        "`data` must hold the pictures of the evaluation, in its order; "
        f"received {start} pictures and none at index {max(class_of)}."
    )


def to_rgb(
    pictures: Sequence[Array],
    value_range: tuple[float, float] | None,
    data_format: str | None,
) -> list[npt.NDArray[np.uint8]]:
    """Returns the pictures as `(height, width, 3)` bytes, all of them on one scale of values."""
    pictures = [_channels_last(picture, data_format) for picture in pictures]
    low, high = find_range(pictures) if value_range is None else value_range
    return [_to_bytes(picture, low, high) for picture in pictures]


def find_range(pictures: Sequence[Array]) -> tuple[float, float]:
    """Returns the range of values that pictures are in: a common one, or from least to most."""
    if all(picture.dtype == np.uint8 for picture in pictures):
        return 0.0, 255.0
    finite = [p[np.isfinite(p)] for p in (np.asarray(q, np.float64) for q in pictures)]
    finite = [values for values in finite if values.size]
    if not finite:
        return 0.0, 1.0
    least = min(float(values.min()) for values in finite)
    most = max(float(values.max()) for values in finite)
    for low, high in KNOWN_RANGES:
        slack = RANGE_SLACK * (high - low)
        # Standardised pictures, from about -2 to 2, would be all black as a part of [0, 255].
        fills = high == 1.0 or most > LEAST_SHARE * high
        if low - slack <= least and most <= high + slack and fills:
            return low, high
    return least, most


def check_value_range(value_range: Any) -> tuple[float, float] | None:
    """Returns the range as a pair of floats, or raises if it is none; None stays None."""
    if value_range is None:
        return None
    requirement = "a pair (low, high) of finite numbers with low < high, or None"
    if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
        raise TypeError(describe("value_range", requirement, value_range))
    if not all(isinstance(n, numbers.Real) and not isinstance(n, bool) for n in value_range):
        raise TypeError(describe("value_range", requirement, value_range))
    low, high = float(value_range[0]), float(value_range[1])
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(describe("value_range", requirement, value_range))
    return low, high


def _batches(data: Any) -> Iterator[Any]:
    """Yields the batches of a dataset; a pair of arrays is one batch."""
    requirement = "a dataset of batches (images, labels), or a pair of arrays (images, labels)"
    if isinstance(data, (tuple, list)) and len(data) == 2 and hasattr(data[0], "shape"):
        return iter([data])
    if isinstance(data, (str, bytes, dict)) or not isinstance(data, Iterable):
        raise TypeError(describe("data", requirement, data))
    return _checked_pairs(data, requirement)


def _checked_pairs(data: Iterable[Any], requirement: str) -> Iterator[Any]:
    for batch in data:
        # A tensor would unpack along its batch axis: only a true pair is one.
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            found = type(batch).__name__
            raise ValueError(f"`data` must be {requirement}; received a batch of type {found}.")
        yield batch


def _check_batch(images: Any, labels: Any, num_classes: int) -> tuple[Array, Array]:
    """Returns pictures and class indices as arrays, or raises if they do not fit together."""
    pictures = _check_images(images)
    indices = _check_labels(labels, len(pictures), num_classes)
    wrong = indices[~np.isin(indices, np.arange(num_classes))]
    if wrong.size:
        requirement = f"class indices from 0 to {num_classes - 1}, one for each class name"
        raise ValueError(describe("labels", requirement, wrong[0].item()))
    return pictures, indices.astype(np.int64)


def _check_images(images: Any) -> Array:
    pictures = np.asarray(images)
    if pictures.ndim not in (3, 4):
        raise ValueError(
            "`data` must hold images of shape (batch, height, width, channels), "
            "(batch, channels, height, width) or (batch, height, width); "
            f"received shape {pictures.shape}."
        )
    return pictures


def _check_labels(labels: Any, pictures: int, num_classes: int | None = None) -> Array:
    """Returns one number per picture, or raises; rows of more than one number are one-hot."""
    indices = np.asarray(labels)
    if indices.ndim == 2:
        one_hot = indices.shape[1] > 1 and num_classes in (None, indices.shape[1])
        indices = indices.argmax(axis=1) if one_hot else indices.reshape(-1)
    if indices.shape != (pictures,):
        raise ValueError(
            f"`data` must hold one label per image, here {pictures}; "
            f"received labels of shape {np.shape(labels)}."
        )
    return indices


def _channels_last(picture: Array, data_format: str | None) -> Array:
    """Returns a picture as (height, width, channels), channels 1, 3 or 4, or raises."""
    if picture.ndim == 2:
        return picture[..., np.newaxis]
    last, first = picture.shape[-1] in CHANNELS, picture.shape[0] in CHANNELS
    if data_format is None:
        if last == first:  # both or none: the shape does not tell
            data_format = keras.config.image_data_format()
        else:
            data_format = "channels_last" if last else "channels_first"
    check_choice("data_format", data_format, DATA_FORMATS)
    if not (last if data_format == "channels_last" else first):
        raise ValueError(
            f"`data` must hold images with 1, 3 or 4 channels; received an image of shape "
            f"{picture.shape} in data_format={data_format!r}."
        )
    return picture if data_format == "channels_last" else np.moveaxis(picture, 0, -1)


def _to_bytes(picture: Array, low: float, high: float) -> npt.NDArray[np.uint8]:
    """Returns a picture as RGB bytes: grey in three channels, transparency left out."""
    values = np.asarray(picture, dtype=np.float64)[..., :3]
    values = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    span = high - low if high > low else 1.0
    bytes_ = np.rint(255 * np.clip((values - low) / span, 0, 1)).astype(np.uint8)
    return np.broadcast_to(bytes_, (*bytes_.shape[:2], 3)).copy()
