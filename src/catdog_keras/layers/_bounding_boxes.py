"""Bounding boxes under affine transformations."""

from typing import Any, Literal, TypeAlias, get_args

import keras

from catdog_keras._checks import check_choice

BoxFormat: TypeAlias = Literal[
    "xyxy",
    "yxyx",
    "xywh",
    "center_xywh",
    "center_yxhw",
    "rel_xyxy",
    "rel_yxyx",
    "rel_xywh",
    "rel_center_xywh",
]
BOX_FORMATS = (None, *get_args(BoxFormat))


def check_box_format(value: Any) -> BoxFormat | None:
    """Returns the name of a format in lower case, as Keras reads it; raises if it is unknown."""
    lower = value.lower() if isinstance(value, str) else value
    return check_choice("bounding_box_format", lower, BOX_FORMATS)


def transform_boxes(
    bounding_boxes: dict[str, Any],
    matrix: Any,
    size: tuple[Any, Any],
    box_format: BoxFormat,
    ops: Any,
) -> dict[str, Any]:
    """Returns the smallest boxes around the transformed boxes, clipped to the image.

    Args:
        bounding_boxes: `boxes` of shape `(batch, boxes, 4)`; `labels` of shape `(batch, boxes)`, or
            with one more axis; other entries are kept.
        matrix: `(batch, 3, 3)`, as `affine_matrix` returns it: from output to input pixels.
        size: Height and width of the images, floating-point numbers.
        box_format: Format of the boxes, which the outputs have too.
        ops: `keras.ops`, or TensorFlow for foreign tensors.

    Returns:
        The entries, with float32 boxes and the label -1 for boxes without area, before or after.
    """
    height, width = size
    convert = keras.utils.bounding_boxes.convert_format
    sides = {"height": height, "width": width}
    boxes = convert(bounding_boxes["boxes"], box_format, "xyxy", **sides)
    left, top, right, bottom = (boxes[..., side] for side in range(4))
    xx, xy, x0 = (matrix[:, 0, column : column + 1] for column in range(3))
    yx, yy, y0 = (matrix[:, 1, column : column + 1] for column in range(3))
    determinant = xx * yy - xy * yx
    # The matrix is for centers of pixels: the left edge of the first pixel is at -0.5.
    x, y = (left + right) / 2.0 - 0.5 - x0, (top + bottom) / 2.0 - 0.5 - y0
    center_x = (yy * x - xy * y) / determinant + 0.5
    center_y = (xx * y - yx * x) / determinant + 0.5
    half_width, half_height = ops.abs(right - left) / 2.0, ops.abs(bottom - top) / 2.0
    # A box without height or width stays one point: a rotation would give it an area.
    has_area = ops.cast((half_width > 0.0) & (half_height > 0.0), half_width.dtype)
    scale = ops.abs(determinant)
    half_x = (ops.abs(yy) * half_width + ops.abs(xy) * half_height) / scale * has_area
    half_y = (ops.abs(yx) * half_width + ops.abs(xx) * half_height) / scale * has_area
    left, right = (_clip_to_image(center_x + half, width, ops) for half in (-half_x, half_x))
    top, bottom = (_clip_to_image(center_y + half, height, ops) for half in (-half_y, half_y))
    boxes = ops.stack([left, top, right, bottom], axis=-1)
    labels = ops.convert_to_tensor(bounding_boxes["labels"])
    visible = (right > left) & (bottom > top)
    if len(labels.shape) == 3:
        visible = ops.expand_dims(visible, -1)
    return {
        **bounding_boxes,
        "boxes": convert(boxes, "xyxy", box_format, **sides),
        "labels": ops.cast(ops.where(visible, labels, -1), labels.dtype),
    }


def _clip_to_image(values: Any, largest: Any, ops: Any) -> Any:
    """Returns coordinates of boxes limited to the image, from 0 to its side `largest`."""
    return ops.minimum(ops.maximum(values, 0.0), largest)
