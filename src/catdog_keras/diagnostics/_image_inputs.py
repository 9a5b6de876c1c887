"""Validation of the images that checks of data take: paths or arrays."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from catdog_keras._checks import check_path, describe, describe_received
from catdog_keras._printable import counted

Pixels = npt.NDArray[np.uint8]


def check_image_list(
    name: str, images: Any, length: int | None = None
) -> tuple[str, ...] | tuple[Pixels, ...]:
    """Returns images as a tuple of paths or of uint8 arrays.

    Args:
        name: Name of the argument, for error messages.
        images: Paths, or arrays of shape `(height, width, 3)`, `(height, width, 1)` or
            `(height, width)`.
        length: Number of images that is required; None for any.

    Raises:
        TypeError: If they are neither.
        ValueError: If there is none, or another number.
    """
    requirement = "a list of paths of image files, or of uint8 arrays"
    others = (str, bytes, os.PathLike, Mapping, type)
    if isinstance(images, others) or not hasattr(images, "__len__"):
        is_path = isinstance(images, (str, os.PathLike))
        remedy = "For a folder: `load_images(folder).files`." if is_path else ""
        raise TypeError(describe(name, requirement, images, remedy))
    if not len(images):
        raise ValueError(describe(name, requirement, images, "It contains none."))
    if length is not None and len(images) != length:
        received = counted(len(images), "image")
        raise ValueError(
            describe_received(name, f"a list of {length} images, one for each row", received)
        )
    if isinstance(images[0], (str, os.PathLike)):
        return tuple(str(check_path(f"{name}[{place}]", path)) for place, path in enumerate(images))
    return tuple(
        _check_image_array(f"{name}[{place}]", image) for place, image in enumerate(images)
    )


def _check_image_array(name: str, image: Any) -> Pixels:
    """Returns a uint8 array of one image; raises for another type, dtype or shape."""
    requirement = "a path, or a uint8 array of shape (height, width, 3) or (height, width)"
    if not isinstance(image, np.ndarray):
        raise TypeError(describe(name, requirement, image))
    received = f"an array of shape {image.shape} and dtype {image.dtype}"
    if image.dtype != np.uint8:
        remedy = "Scale it to [0, 255], round it and convert it: image.astype(np.uint8)."
        raise TypeError(describe_received(name, requirement, received, remedy))
    if image.ndim not in (2, 3) or image.shape[2:] not in ((), (1,), (3,)) or not image.size:
        raise ValueError(describe_received(name, requirement, received))
    return image
