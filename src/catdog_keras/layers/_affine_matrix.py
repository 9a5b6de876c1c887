"""Affine transformation matrices from the parameters of `RandomAffine`."""

import math
from collections.abc import Mapping
from typing import Any

import keras

from catdog_keras._checks import describe

PARAMETERS = (
    "flip_horizontal",
    "flip_vertical",
    "zoom",
    "shear_degrees",
    "rotation_degrees",
    "translation_height",
    "translation_width",
)


def affine_matrix(
    parameters: Mapping[str, Any],
    height: Any,
    width: Any,
    ops: Any = keras.ops,
    *,
    pixel_shape: Any = 1.0,
) -> Any:
    """Computes one 3 x 3 matrix per image that maps output points to input points.

    A point is `(x, y, 1)`, in pixels to the right of and below the center of the top left pixel.

    Args:
        parameters: Dictionary returned by `RandomAffine.get_random_transformation`: arrays of shape
            `(batch,)`.
        height: Height of the images in pixels, a floating-point number.
        width: Width of the images in pixels, a floating-point number.
        ops: Namespace with `cos`, `sin`, `tan`, `stack` and `reshape` for these arrays:
            `keras.ops`, or another one such as `numpy`.
        pixel_shape: Height of a pixel divided by its width, above 0. It is not 1 for a mask that
            has another aspect ratio than its image.

    Returns:
        Matrices of shape `(batch, 3, 3)`.
    """
    angle = parameters["rotation_degrees"] * (math.pi / 180.0)
    slope = ops.tan(parameters["shear_degrees"] * (math.pi / 180.0))
    cosine, sine = ops.cos(angle), ops.sin(angle)
    # The matrix is the inverse of the transformation, so the steps are in reverse order: its rows
    # are those of mirror * zoom * shear * rotation.
    stretch = 1.0 + parameters["zoom"]
    across = stretch * (1.0 - 2.0 * parameters["flip_horizontal"])
    down = stretch * (1.0 - 2.0 * parameters["flip_vertical"])
    xx, xy = across * (cosine + slope * sine), across * (slope * cosine - sine) * pixel_shape
    yx, yy = down * sine / pixel_shape, down * cosine
    # All steps keep the center fixed, except the translation, which is measured in the output.
    center_x, center_y = (width - 1.0) / 2.0, (height - 1.0) / 2.0
    from_x = center_x + parameters["translation_width"] * width
    from_y = center_y + parameters["translation_height"] * height
    x0 = center_x - xx * from_x - xy * from_y
    y0 = center_y - yx * from_x - yy * from_y
    zero = cosine * 0.0
    rows = ops.stack([xx, xy, x0, yx, yy, y0, zero, zero, zero + 1.0], axis=-1)
    return ops.reshape(rows, (-1, 3, 3))


def check_parameter_names(parameters: Mapping[str, Any]) -> None:
    """Raises a ValueError if a parameter of the affine matrix is missing."""
    missing = [name for name in PARAMETERS if name not in parameters]
    if missing:
        requirement = "a result of `get_random_transformation`"
        remedy = f"There is no {', no '.join(missing)}."
        raise ValueError(describe("transformation", requirement, sorted(parameters), remedy))


def check_parameter_count(tensors: Mapping[str, Any], images: int | None, *, alone: bool) -> None:
    """Raises a ValueError if the numbers of affine parameters and images are known and differ."""
    drawn = {tensor.shape[0] for tensor in tensors.values()}
    if images is not None and None not in drawn and drawn != {images}:
        remedy = " Add a channel axis to masks: masks[..., None]." if alone else ""
        raise ValueError(
            f"`transformation` must be drawn for the same number of images, here {images}; "
            f"received those of {', '.join(map(str, sorted(drawn)))}.{remedy}"
        )
