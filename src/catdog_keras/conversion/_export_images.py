"""Images with which an exported file is compared, and by which it is quantized."""

import numbers
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import to_numbers
from catdog_keras._batches import is_arrays
from catdog_keras._checks import describe_received
from catdog_keras._message import setting
from catdog_keras._printable import counted
from catdog_keras._read_labels import read_labels
from catdog_keras.conversion._serving_model import Preparation

Image = npt.NDArray[np.uint8]

RANDOM_IMAGES = 16
MIN_CALIBRATION_IMAGES = 16
RANGE_SLACK = 0.01  # interpolation rounds


@dataclass(frozen=True)
class NamedImages:
    """Images for the comparison or the calibration.

    Attributes:
        images: Images, or pairs of an image and its label.
        source: Which images they are, for the report.
        trained_on: Number of those on which the model was trained, as far as that is known.
    """

    images: Iterable[Any]
    source: str
    trained_on: int = 0

    def __iter__(self) -> Iterator[Any]:
        """Iterates over the images."""
        return iter(self.images)


def images_to_compare(data: Any, size: tuple[int, int], classes: int) -> NamedImages:
    """Returns images, read as `(image, label)`; random ones without data.

    Args:
        data: The argument `check_data`.
        size: Height and width of the model's input.
        classes: Number of classes.
    """
    if data is None:
        given = NamedImages(_random_images(size), "random images")
    else:
        given = data if isinstance(data, NamedImages) else NamedImages(data, "check_data")
    labeled = _check_image_labels(_read_export_images("check_data", given.images), classes)
    if isinstance(given.images, (list, tuple)):  # in memory: errors are raised before any work
        return replace(given, images=list(labeled))
    return replace(given, images=labeled)


def images_for_calibration(
    quantize: str | None, data: Any, preparation: Preparation
) -> NamedImages | None:
    """Returns the images for the calibration, or None; raises an error if there are too few.

    They are resized when they are read: together, photographs would take gigabytes.
    """
    int8 = setting("quantize", "'int8'")
    requirement = f"at least {MIN_CALIBRATION_IMAGES} images for " + int8
    if quantize != "int8":
        if data is None:
            return None
        received = f"an object of type {type(data).__name__}"
        requirement = "omitted without " + int8
        raise ValueError(describe_received("calibration_data", requirement, received))
    if data is None:
        raise ValueError(describe_received("calibration_data", requirement, "none"))
    given = data.images if isinstance(data, NamedImages) else data
    images = [
        np.rint(np.asarray(preparation.apply(image[None])))[0].astype(np.uint8)
        for image, _ in _read_export_images("calibration_data", given)
    ]
    if len(images) < MIN_CALIBRATION_IMAGES:
        received = counted(len(images), "image")
        raise ValueError(describe_received("calibration_data", requirement, received))
    source = data.source if isinstance(data, NamedImages) else "calibration_data"
    return NamedImages(images, f"{counted(len(images), 'image')}, {source}")


def _read_export_images(name: str, data: Any) -> Iterator[tuple[Image, int | None]]:
    """Returns images with their labels, if there are any; the first is checked at once."""
    try:
        images = _single_images(name, data)
    except (NotImplementedError, TypeError) as error:  # the first from a symbolic tensor
        requirement = "images, or pairs of an image and its label"
        received = f"an object of type {type(data).__name__}"
        raise TypeError(describe_received(name, requirement, received)) from error
    first = next(images, None)
    if first is None:
        raise ValueError(describe_received(name, "at least one image", "none"))
    checked = _image_and_label(name, first)
    return chain([checked], (_image_and_label(name, each) for each in images))


def _single_images(name: str, data: Any) -> Iterator[Any]:
    """Yields the images of a dataset of images or of batches, with their labels if there are any.

    Raises:
        TypeError: If it cannot be iterated.
    """
    if is_arrays(data) and len(data[0].shape) == 4:  # images and labels
        data = [tuple(data)]
    return chain.from_iterable(_split_into_images(name, each) for each in iter(data))


def _split_into_images(name: str, each: Any) -> Iterable[Any]:
    """Returns the images of a batch, with their labels; an image alone otherwise."""
    images, labels = each if isinstance(each, (tuple, list)) and len(each) == 2 else (each, None)
    if len(getattr(images, "shape", ())) != 4:
        return [each]
    pixels = to_numbers(name, "images", images)
    if labels is None:
        return list(pixels)
    indices = to_numbers(name, "labels", labels)
    if indices.ndim == 2 and indices.shape[1] > 1:
        indices = read_labels(indices, indices.shape[1], name)
    indices = indices.reshape(len(indices))
    is_whole = (indices == np.floor(indices)).all()  # others are rejected one by one
    return zip(pixels, indices.astype(np.int64) if is_whole else indices, strict=True)


def _check_image_labels(
    images: Iterable[tuple[Image, int | None]], classes: int
) -> Iterator[tuple[Image, int | None]]:
    """Yields the images; raises an error at a label that is out of range or missing."""
    labeled = None
    for position, (image, label) in enumerate(images):
        if labeled not in (None, label is not None):
            requirement = "images that all have a label, or none of them"
            received = f"one {'with' if labeled is False else 'without'} a label at {position}"
            raise ValueError(describe_received("check_data", requirement, received))
        labeled = label is not None
        if label is not None and not 0 <= label < classes:
            requirement = f"images with labels from 0 to {classes - 1}, one for each class"
            received = f"the label {label} at {position}"
            raise ValueError(describe_received("check_data", requirement, received))
        yield image, label


def _image_and_label(name: str, each: Any) -> tuple[Image, int | None]:
    """Returns an image and its label, if there is one."""
    image, label = each if isinstance(each, tuple) and len(each) == 2 else (each, None)
    pixels = _rounded(name, to_numbers(name, "images", image))
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        requirement = "images of shape (height, width, 3), pairs (image, label), or batches of them"
        received = f"an array of shape {pixels.shape} and dtype {pixels.dtype}"
        raise ValueError(describe_received(name, requirement, received))
    if label is not None and not isinstance(label, numbers.Integral):
        requirement = "pairs of an image and an integer label"
        raise TypeError(describe_received(name, requirement, f"the label {label!r}"))
    return pixels, None if label is None else int(label)


def _rounded(name: str, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Returns images for an export as uint8, if their pixels are floating-point in [0, 255]."""
    if pixels.dtype.kind != "f" or not pixels.size:
        return pixels
    low, high = float(pixels.min()), float(pixels.max())
    if not ((low >= 0 and 1 < high <= 255 + RANGE_SLACK) or low == high == 0):
        received = f"an image in [{low:g}, {high:g}] of dtype {pixels.dtype}"
        raise ValueError(describe_received(name, "images in [0, 255]", received))
    return np.rint(pixels).clip(0, 255).astype(np.uint8)


def _random_images(size: tuple[int, int]) -> Iterator[Image]:
    """Yields images of blurred noise, of several sizes around that of the model."""
    generator = np.random.default_rng(0)
    for position in range(RANDOM_IMAGES):
        height, width = (
            max(1, round(side * factor))
            for side, factor in zip(size, (0.5 + position / 8, 2.5 - position / 8), strict=True)
        )
        coarse = generator.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), np.uint8)
        yield coarse.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]
