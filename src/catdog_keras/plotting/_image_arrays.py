"""Conversion of batches of images to arrays, and of images to RGB for display."""

import math
import numbers
from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import to_numbers
from catdog_keras._batches import is_arrays
from catdog_keras._checks import DataFormat, check_choice, describe

Array: TypeAlias = npt.NDArray[Any]

CHANNELS = (1, 3, 4)
_SHAPES = (
    "(batch, height, width, channels), (batch, channels, height, width) or (batch, height, width)"
)
DATA_FORMATS = ("channels_last", "channels_first")
# Tried in this order, on all displayed images together.
KNOWN_RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
# Cubic interpolation overshoots the value range by a few percent.
RANGE_SLACK = 0.05
# Fraction of [0, 255]: a maximum below it indicates a smaller value range, not very dark images.
LEAST_SHARE = 0.1


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
