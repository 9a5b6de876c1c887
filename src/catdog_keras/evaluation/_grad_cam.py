"""Grad-CAM: heat maps of the image regions that a class score depends on."""

import numbers
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import to_numbers
from catdog_keras._backend import feature_gradient, resolve_data_format
from catdog_keras._backend.keras_internals import replaced_attributes
from catdog_keras._checks import check_model, describe
from catdog_keras._input_shape import fits_shape, how_to_fit
from catdog_keras._range_check import RangeCheck
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.evaluation._argument_names import GRAD_CAM_NAMES
from catdog_keras.evaluation._receptive_field import Cells, Grid, place_cells

Operation: TypeAlias = Any  # a layer, or an operation of keras.ops in a Functional model

_TO_PROBABILITIES = (keras.activations.softmax, keras.activations.sigmoid)


def _operations_in_order(model: keras.Model) -> Iterator[Operation]:
    """Yields operations for Grad-CAM in execution order, a nested model after its contents."""
    for operation in getattr(model, "operations", model.layers):
        if isinstance(operation, keras.Model):
            yield from _operations_in_order(operation)
        yield operation


def _find_last_map(model: keras.Model, operations: Sequence[Operation]) -> int:
    """Returns the index of the last feature map, for Grad-CAM; raises an error without any."""
    for place in reversed(range(len(operations))):
        if _is_feature_map(operations, place):
            return place
    raise ValueError(
        "`model` must have a layer whose output is a feature map larger than 1 x 1; received a "
        f"model without one, {model.name!r}."
    )


def _is_feature_map(operations: Sequence[Operation], place: int) -> bool:
    """Whether an output for Grad-CAM has height and width, one of them above 1 or unknown."""
    operation = operations[place]
    shape = getattr(getattr(operation, "output", None), "shape", ())
    if len(shape) != 4 or isinstance(operation, keras.layers.InputLayer):
        return False
    first = _is_channels_first(operations, place)
    return any(side != 1 for side in (shape[2:] if first else shape[1:3]))


def _find_given_layer(
    model: keras.Model, operations: Sequence[Operation], layer: str | keras.Layer
) -> int:
    """Returns the index of the layer for Grad-CAM; raises an error unless exactly one matches."""
    if not isinstance(layer, (str, keras.Layer)):
        raise TypeError(describe("layer", "the name of a layer, a keras.Layer or None", layer))
    places = [n for n, known in enumerate(operations) if layer in (known, known.name)]
    if len(places) != 1:
        maps = [o.name for n, o in enumerate(operations) if _is_feature_map(operations, n)]
        remedy = (
            f"If several layers have this name, pass the layer itself. Maps: {', '.join(maps)}."
        )
        requirement = f"a layer of {model.name!r} or the name of one"
        raise ValueError(describe("layer", requirement, layer, remedy))
    return places[0]


def _is_channels_first(operations: Sequence[Operation], place: int = 0) -> bool:
    """Whether the operation for Grad-CAM nearest to `place` with a data format is channels first.

    Those from `place` to the end come before the earlier ones.
    """
    nearest = [*operations[place:], *reversed(operations[:place])]
    known = (getattr(operation, "data_format", None) for operation in nearest)
    return resolve_data_format(next(filter(None, known), None)) == "channels_first"


@contextmanager
def _without_final_activation(operations: Sequence[Operation]) -> Iterator[None]:
    """Context manager that removes a final softmax or sigmoid for Grad-CAM.

    Where these saturate, their gradient vanishes.
    """
    last = next(o for o in reversed(operations) if not hasattr(o, "outputs"))
    if isinstance(last, keras.layers.Softmax):
        with replaced_attributes(last, call=lambda inputs, *_, **__: inputs):
            yield
    elif getattr(last, "activation", None) in _TO_PROBABILITIES:
        with replaced_attributes(last, activation=keras.activations.linear):
            yield
    else:
        yield


Tensor: TypeAlias = Any  # a tensor of any framework, or an array
FloatArray: TypeAlias = npt.NDArray[np.float32]
IntegerArray: TypeAlias = npt.NDArray[np.int64]

CHANNELS = (1, 3, 4)
CHUNK = 32  # images per step, as in `predict`: their feature maps take most of the memory


@suggests_arguments(GRAD_CAM_NAMES)
def grad_cam(
    model: keras.Model,
    images: Tensor,
    class_index: int | Sequence[int] | None = None,
    *,
    layer: str | keras.Layer | None = None,
) -> FloatArray:
    """Computes Grad-CAM heat maps: where each image has evidence for a class.

    Each map is scaled by its own maximum. Values can be compared within one image but not between
    images: a map that reaches 1 may belong to a class with a low probability.

    Grad-CAM takes the gradient of the class score, before a softmax or sigmoid at the end of the
    model, with respect to the last feature map. The mean gradient of each channel is its weight,
    and the positive part of the weighted sum of the channels is the map. For a head of global
    average pooling and one dense layer the gradient is the weight of the dense layer, and the
    result is the class activation map (CAM). Nested models are supported, and the model is not
    modified.

    Each cell of the map is placed at the center of its receptive field, which is traced back to the
    image through convolutions and pooling. A map with few cells has a low spatial resolution. An
    earlier `layer` has more cells, but its channels depend less on the class: with MobileNetV2,
    maps of earlier blocks do not find the object. The function warns if the images are not in the
    range that `infer_input_range` returns.

    Sources: Zhou et al., "Learning Deep Features for Discriminative Localization"
    (https://arxiv.org/abs/1512.04150), section 2; Selvaraju et al., "Grad-CAM"
    (https://arxiv.org/abs/1610.02391), section 3, and section 3.1 for the equivalence of the two.

    Args:
        model: Built Functional or Sequential model that maps images to one output of shape
            `(batch, classes)`, or `(batch, 1)` for the second of two classes. It runs with
            `training=False`.
        images: Images of shape `(batch, height, width, channels)`, or channels first if the model
            expects that, in the value range that the model expects.
        class_index: Class to explain: an integer from 0, one integer per image, or None for the
            predicted class.
        layer: Layer, or name of the layer, whose output is used. None selects the last layer whose
            output has a height and a width of which at least one is above 1. If several layers have
            the same name, pass the layer itself.

    Returns:
        A float32 array of shape `(batch, height, width)`, at the size of the images, in [0, 1]. The
        maximum of each map is 1; a map without evidence for the class is 0.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the model is not a graph of layers or does not contain the layer, the images
            do not match the model, a class does not exist, or a map contains NaN or infinity.

    See Also:
        `plot_grad_cam`: plots the heat maps over the images.

    Example:
        >>> import catdog_keras, numpy as np
        >>> model = catdog_keras.build_model1((48, 64, 3))
        >>> images = np.ones((2, 48, 64, 3))
        >>> catdog_keras.grad_cam(model, images).shape
        (2, 48, 64)

        For class 1 instead of the predicted class, at a given layer:

        >>> maps = catdog_keras.grad_cam(model, images, class_index=1, layer="block2")
    """
    classes = _check_explainable(model)
    images = _check_images_of_model(images, model.inputs[0].shape)
    check = RangeCheck(model)
    check.see("images", images)
    indices = _check_class_index(class_index, len(images), classes)
    operations = list(_operations_in_order(model))
    place = (
        _find_last_map(model, operations)
        if layer is None
        else _find_given_layer(model, operations, layer)
    )
    channels_first = _is_channels_first(operations, place)
    size = _height_and_width(images, operations)
    cells = place_cells(model, operations[place], size, channels_first=channels_first)
    maps = []
    with _without_final_activation(operations):
        for start in range(0, len(images), CHUNK):
            part = slice(start, start + CHUNK)
            chosen = None if indices is None else indices[part]
            score = _class_score(model, operations[place], images[part], chosen)
            raw = _weight_channels(*feature_gradient(score), channels_first=channels_first)
            maps.append(_scale_maps(_enlarge_maps(_check_finite_maps(raw, start), cells, size)))
    check.warn(is_complete=True)
    return np.concatenate(maps)


def _class_score(
    model: keras.Model, operation: Operation, images: Tensor, indices: IntegerArray | None
) -> Callable[[Callable[[Tensor], Tensor]], Tensor]:
    """Returns a function for `feature_gradient` that sums the scores of the selected classes."""
    compute = operation.call

    def score(tap: Callable[[Tensor], Tensor]) -> Tensor:
        ranks = []

        def call(*args: Any, **kwargs: Any) -> Any:
            output = compute(*args, **kwargs)
            ranks.append(len(getattr(output, "shape", ())))
            return tap(output) if ranks == [4] else output

        with replaced_attributes(operation, call=call):
            (outputs,) = keras.tree.flatten(model(images, training=False))  # may be in a dict
        if ranks != [4]:
            requirement = (
                "a layer that is called once and whose output is a feature map with four axes"
            )
            raise ValueError(describe("layer", requirement, operation.name))
        outputs = keras.ops.cast(outputs, "float32")
        if outputs.shape[1] == 1:
            outputs = keras.ops.concatenate([-outputs, outputs], axis=1)
        chosen = keras.ops.argmax(outputs, axis=1) if indices is None else indices
        selected = keras.ops.one_hot(chosen, outputs.shape[1], dtype=outputs.dtype)
        return keras.ops.sum(outputs * selected)

    return score


def _weight_channels(
    features: Tensor, gradient: Tensor, *, channels_first: bool
) -> npt.NDArray[Any]:
    """Returns the positive part of the sum of the channels, weighted by their mean gradients."""
    channels, height, width = (1, 2, 3) if channels_first else (3, 1, 2)
    values, slopes = (
        keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")).astype(np.float64)
        for tensor in (features, gradient)
    )
    with np.errstate(all="ignore"):  # NaN and infinity are reported by the next check
        weights = slopes.mean(axis=(height, width), keepdims=True)
        return np.maximum((weights * values).sum(axis=channels), 0)


def _scale_maps(maps: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Divides each Grad-CAM map by its maximum, unless that is 0."""
    peaks = maps.max(axis=(1, 2), keepdims=True)
    return maps / np.where(peaks > 0, peaks, 1)


def _enlarge_maps(maps: npt.NDArray[Any], cells: Grid | None, size: tuple[int, int]) -> FloatArray:
    """Resizes Grad-CAM maps to the image size, each cell at the center of its receptive field."""
    found = maps.shape[1:]
    if cells is None or tuple(axis.count for axis in cells) != found:
        cells = (Cells.spread(found[0], size[0]), Cells.spread(found[1], size[1]))
    down, across = (axis.weights(pixels) for axis, pixels in zip(cells, size, strict=True))
    return (down @ maps @ across.T).astype(np.float32)


def _height_and_width(images: npt.NDArray[Any], operations: Sequence[Operation]) -> tuple[int, int]:
    """Returns height and width of images for Grad-CAM; the channel axis has 1, 3 or 4 entries.

    If both axes or neither qualify, the first layer with a data format decides.
    """
    first, last = (images.shape[axis] in CHANNELS for axis in (1, 3))
    if first == last:
        first = _is_channels_first(operations)
    height, width = images.shape[2:] if first else images.shape[1:3]
    return height, width


def _check_explainable(model: Any) -> int:
    """Returns the number of classes; raises an error if Grad-CAM does not support the model."""
    check_model(model)
    if not hasattr(model, "outputs"):
        remedy = "Wrap it as `keras.Model(inputs, model(inputs))`, and pass `layer`."
        raise ValueError(
            describe("model", "a built Functional or Sequential model", model.name, remedy)
        )
    inputs, outputs = ([tensor.shape for tensor in t] for t in (model.inputs, model.outputs))
    if [len(shape) for shape in inputs] != [4] or [len(shape) for shape in outputs] != [2]:
        raise ValueError(
            "`model` must have one input, images of four axes, and one output of shape "
            f"(batch, classes); received inputs {inputs} and outputs {outputs}."
        )
    return max(int(outputs[0][1]), 2)


def _check_images_of_model(images: Tensor, expected: Sequence[int | None]) -> npt.NDArray[Any]:
    """Returns images for Grad-CAM as an array; raises an error if they do not match the model."""
    array = to_numbers("images", "images", images)
    fits = fits_shape(array.shape, expected)
    if not fits or array.size == 0:
        sides = ", ".join("any" if side is None else str(side) for side in expected[1:])
        remedy = "" if fits else how_to_fit(array.shape, expected)
        raise ValueError(
            f"`images` must be at least one image, of shape (batch, {sides}); "
            f"received shape {array.shape}. {remedy}".rstrip()
        )
    return array


def _check_class_index(class_index: Any, num_images: int, classes: int) -> IntegerArray | None:
    """Returns the class index of each Grad-CAM map, or None; raises if a class does not exist."""
    if class_index is None:
        return None
    requirement = f"an integer from 0 to {classes - 1}, or one for each of {num_images} images"
    single = isinstance(class_index, numbers.Integral) and not isinstance(class_index, bool)
    array = to_numbers(
        "class_index", "indices", [class_index] * num_images if single else class_index
    )
    if array.dtype.kind not in "iu":
        raise TypeError(describe("class_index", f"{requirement}, or None", class_index))
    if array.shape != (num_images,) or not ((array >= 0) & (array < classes)).all():
        raise ValueError(describe("class_index", requirement, class_index))
    return array.astype(np.int64)


def _check_finite_maps(maps: npt.NDArray[Any], seen: int) -> npt.NDArray[Any]:
    """Returns the Grad-CAM maps; raises an error with the index of the first not finite one."""
    finite = np.isfinite(maps).all(axis=(1, 2))
    if not finite.all():
        raise ValueError(
            "`model` must compute finite numbers; received NaN or infinity for the image at "
            f"index {seen + int(np.argmin(finite))}. Check its weights and this image."
        )
    return maps
