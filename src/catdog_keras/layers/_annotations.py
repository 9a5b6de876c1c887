"""Images with segmentation masks and bounding boxes, as Keras's layers take them in a dictionary.

The entries `images`, `segmentation_masks` and `bounding_boxes` are transformed; all others, such as
`labels`, are returned as they are. Layers that mix images transform `images` and `labels`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from catdog_keras import _backend
from catdog_keras._checks import describe, describe_received

TRANSFORMED = ("images", "segmentation_masks", "bounding_boxes")
Data = dict[str, Any]


def images_of(inputs: Any) -> Any:
    """Returns the images of inputs that may have annotations; raises if there are none."""
    images = inputs
    if isinstance(inputs, Mapping):
        if "images" not in inputs:
            requirement = "a dictionary with the key 'images'"
            raise ValueError(describe("inputs", requirement, sorted(map(str, inputs))))
        images = inputs["images"]
    if isinstance(images, (list, tuple, Mapping)):
        requirement = "one tensor of images, or a dictionary with it as 'images'"
        remedy = "For images with labels, pass {'images': images, 'labels': labels}."
        raise TypeError(
            describe_received("inputs", requirement, f"a {type(images).__name__}", remedy)
        )
    return images


def read_annotations(inputs: Mapping[str, Any], *, mixes: bool = False) -> Data:
    """Returns the entries of a dictionary that layers transform; boxes become dense arrays.

    Args:
        inputs: The dictionary that a layer received.
        mixes: Whether the layer mixes images, and therefore their labels.

    Raises:
        TypeError: If an entry has the wrong type.
        ValueError: If masks or boxes do not have the axes that images of this shape need.
    """
    images = images_of(inputs)
    data = {key: inputs[key] for key in TRANSFORMED if key in inputs}
    if "segmentation_masks" in data:
        masks = data["segmentation_masks"] = _list_as_array(data["segmentation_masks"])
        if len(masks.shape) != len(images.shape):
            requirement = f"of {len(images.shape)} axes, like the images"
            remedy = "Add a channel axis to masks: masks[..., None]."
            raise ValueError(describe("segmentation_masks", requirement, masks.shape, remedy))
        _check_same_number("segmentation_masks", masks, images)
    if "bounding_boxes" in data:
        boxes = data["bounding_boxes"] = _read_boxes(data["bounding_boxes"], len(images.shape) == 4)
        _check_same_number("bounding_boxes['boxes']", boxes["boxes"], images)
    if mixes:
        data["labels"] = _read_rows(inputs, data)
    return data


def _check_same_number(name: str, annotations: Any, images: Any) -> None:
    """Raises a ValueError if a batch of annotations has another number of images."""
    expected, received = images.shape[0], annotations.shape[0]
    if len(images.shape) == 4 and None not in (expected, received) and expected != received:
        raise ValueError(describe(name, f"of {expected} images, as 'images'", received))


def _read_rows(inputs: Mapping[str, Any], data: Data) -> Any:
    """Returns the labels, as annotations of images that are mixed; raises unless they are rows."""
    requirement = "'images' and 'labels' alone for a layer that mixes images"
    if "labels" not in inputs or len(data) > 1:
        raise ValueError(describe("inputs", requirement, sorted(map(str, inputs))))
    rows = _list_as_array(inputs["labels"])
    if len(data["images"].shape) != 4 or len(rows.shape) != 2:
        requirement = "one-hot rows (batch, classes) of a batch of images, which are mixed"
        remedy = "keras.ops.one_hot(labels, num_classes) converts class indices."
        raise ValueError(describe_received("labels", requirement, f"shape {rows.shape}", remedy))
    return rows


def _read_boxes(bounding_boxes: Any, batched: bool) -> Data:
    """Returns annotated boxes and their labels as dense tensors; raises for other shapes."""
    requirement = "a dictionary with the keys 'boxes' and 'labels'"
    if not isinstance(bounding_boxes, Mapping):
        raise TypeError(
            describe_received("bounding_boxes", requirement, f"a {type(bounding_boxes).__name__}")
        )
    if not {"boxes", "labels"} <= set(bounding_boxes):
        raise ValueError(describe("bounding_boxes", requirement, sorted(map(str, bounding_boxes))))
    # Keras fills up a batch with boxes of zeros, and with -1 as their label.
    dense = {
        key: _backend.to_dense(_list_as_array(value), -1 if key == "labels" else 0)
        for key, value in bounding_boxes.items()
    }
    shape, axes = tuple(dense["boxes"].shape), 3 if batched else 2
    if len(shape) != axes or shape[-1] not in (4, None):
        kind = "(batch, boxes, 4)" if batched else "(boxes, 4)"
        raise ValueError(describe("bounding_boxes['boxes']", f"of shape {kind}", shape))
    if len(dense["labels"].shape) not in (axes - 1, axes):
        requirement = f"of {axes - 1} axes: one label for each box"
        shape = tuple(dense["labels"].shape)
        raise ValueError(describe("bounding_boxes['labels']", requirement, shape))
    labeled = tuple(dense["labels"].shape)[: axes - 1]
    # A difference would be hidden by broadcasting.
    if any(None not in ends and ends[0] != ends[1] for ends in zip(shape, labeled, strict=False)):
        requirement = f"one label for each box, of shape {shape[:-1]}"
        raise ValueError(describe("bounding_boxes['labels']", requirement, labeled))
    return dense


def _list_as_array(value: Any) -> Any:
    """Returns annotations (masks or boxes) in a list as an array, and tensors unchanged."""
    # An empty list has the shape (0,), which is not that of boxes.
    return np.asarray(value) if isinstance(value, (list, tuple)) else value


def map_annotations(function: Callable[..., Any], *data: Data) -> Data:
    """Applies a function to each tensor of dictionaries of the same structure."""
    return keras.tree.map_structure(function, *data)


def add_batch_axis(data: Data, ops: Any) -> Data:
    """Returns one image and its annotations as a batch."""
    return map_annotations(lambda tensor: ops.expand_dims(tensor, 0), data)


def remove_batch_axis(data: Data, ops: Any) -> Data:
    """Returns a batch of one image and its annotations without the batch axis."""
    return map_annotations(lambda tensor: ops.squeeze(tensor, 0), data)


def restore_dtypes(outputs: Data, inputs: Data, ops: Any) -> Data:
    """Returns the annotations `outputs` with the dtypes that masks and labels have in `inputs`.

    Some of Keras's layers return them as floating-point numbers.
    """
    outputs = dict(outputs)
    if "segmentation_masks" in inputs:
        dtype = inputs["segmentation_masks"].dtype
        outputs["segmentation_masks"] = ops.cast(outputs["segmentation_masks"], dtype)
    if "bounding_boxes" in inputs:
        dtypes = {key: value.dtype for key, value in inputs["bounding_boxes"].items()}
        dtypes["boxes"] = "float32"
        outputs["bounding_boxes"] = {
            key: ops.cast(value, dtypes[key]) if key in dtypes else value
            for key, value in outputs["bounding_boxes"].items()
        }
    return outputs


def select_by_image(chosen: Any, outputs: Data, inputs: Data, ops: Any) -> Data:
    """Returns images and annotations of `outputs` for chosen images, of `inputs` for the others."""
    chosen = ops.cast(chosen, "bool")

    def select_tensors(changed: Any, original: Any) -> Any:
        axes = (1,) * (len(changed.shape) - 1)
        original = ops.cast(original, changed.dtype)
        return ops.where(ops.reshape(chosen, (-1, *axes)), changed, original)

    return map_annotations(select_tensors, outputs, {key: inputs[key] for key in outputs})


def output_specs(inputs: Data) -> Data:
    """Returns the symbolic outputs for symbolic annotations: masks and boxes."""
    specs = map_annotations(lambda tensor: keras.KerasTensor(tensor.shape, tensor.dtype), inputs)
    if "bounding_boxes" in specs:
        boxes = specs["bounding_boxes"]["boxes"]
        specs["bounding_boxes"]["boxes"] = keras.KerasTensor(boxes.shape, "float32")
    return specs
