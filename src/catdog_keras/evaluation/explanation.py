"""Where in a picture a classifier sees a class."""

import numbers
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._backend import feature_gradient
from catdog_keras._checks import describe
from catdog_keras.evaluation.cell_places import Cells, Grid, place_cells
from catdog_keras.evaluation.feature_maps import (
    Operation,
    find_given,
    find_last,
    in_order,
    is_channels_first,
    logits_of,
    nearest_first,
    replaced,
)

Tensor: TypeAlias = Any  # of any framework, or an array
FloatArray: TypeAlias = npt.NDArray[np.float32]
IntegerArray: TypeAlias = npt.NDArray[np.int64]

CHANNELS = (1, 3, 4)
CHUNK = 32  # as many pictures at once as `predict` takes: their feature maps fill the memory


def class_activation(
    model: keras.Model,
    images: Tensor,
    class_index: int | Sequence[int] | None = None,
    *,
    layer: str | keras.Layer | None = None,
) -> FloatArray:
    """Computes for each picture where the model sees a class: one heat map per picture.

    Each map is scaled by its own largest value, so maps tell places of one picture apart and not
    pictures from each other: a map with a 1 in it may belong to a class of little probability.

    The score of the class, before a softmax or sigmoid at the end of the model, is derived by the
    last feature map; the mean gradient of a channel is its weight; the weighted sum of the
    channels, where it is positive, is the map (Grad-CAM). For a head of global average pooling and
    one dense layer the gradient is the dense layer's weight, and the map is the class activation
    map (CAM) itself. Models inside the model are looked into, and nothing of the model changes.
    Each cell of the map stands where the middle of what it sees is: convolutions and poolings are
    followed back to the picture. A map of few cells tells few places apart: of small pictures pass
    an earlier `layer`.

    Sources: Zhou et al., "Learning Deep Features for Discriminative Localization"
    (https://arxiv.org/abs/1512.04150), section 2; Selvaraju et al., "Grad-CAM"
    (https://arxiv.org/abs/1610.02391), section 3 and, for the identity of the two, section 3.1.

    Args:
        model: A built Functional or Sequential model from pictures to one output of shape
            `(batch, classes)`, or `(batch, 1)` for the second of two classes. It runs with
            `training=False`.
        images: Pictures of shape `(batch, height, width, channels)`, or channels first where the
            model takes them so, in the range that the model expects.
        class_index: The class to be looked for: an integer from 0, one integer per picture, or
            None for the class that the model predicts.
        layer: The layer whose output is taken, or its name. None takes the last one whose output
            has a height and a width, of which one is above 1. Of a name that occurs more than once
            pass the layer itself.

    Returns:
        A float32 array of shape `(batch, height, width)`, at the size of the pictures, in [0, 1].
        The largest value of a map is 1; a map is 0 where no place speaks for the class.

    Raises:
        TypeError: If an argument is of another type.
        ValueError: If the model is no graph of layers or has no such layer, the pictures do not
            fit it, a class does not exist, or NaN or infinity comes out.

    Example:
        >>> import catdog_keras, numpy as np
        >>> model = catdog_keras.build_model1((48, 64, 3))
        >>> catdog_keras.class_activation(model, np.ones((5, 48, 64, 3))).shape
        (5, 48, 64)
    """
    classes = _check_model(model)
    pictures = _check_images(images, model.inputs[0].shape)
    indices = _check_class_index(class_index, len(pictures), classes)
    operations = list(in_order(model))
    place = find_last(model, operations) if layer is None else find_given(model, operations, layer)
    channels_first = is_channels_first(nearest_first(operations, place))
    size = _size_of(pictures, operations)
    cells = place_cells(model, operations[place], size, channels_first=channels_first)
    maps = []
    with logits_of(operations):
        for start in range(0, len(pictures), CHUNK):
            part = slice(start, start + CHUNK)
            chosen = None if indices is None else indices[part]
            score = _score(model, operations[place], pictures[part], chosen)
            raw = _weighted_sum(*feature_gradient(score), channels_first=channels_first)
            maps.append(_to_unit(_enlarge(_check_finite(raw, start), cells, size)))
    return np.concatenate(maps)


def _score(
    model: keras.Model, operation: Operation, pictures: Tensor, indices: IntegerArray | None
) -> Callable[[Callable[[Tensor], Tensor]], Tensor]:
    """Returns the sum of the scores of the chosen classes, as `feature_gradient` wants it."""
    compute = operation.call

    def score(tap: Callable[[Tensor], Tensor]) -> Tensor:
        ranks = []

        def call(*args: Any, **kwargs: Any) -> Any:
            output = compute(*args, **kwargs)
            ranks.append(len(getattr(output, "shape", ())))
            return tap(output) if ranks == [4] else output

        with replaced(operation, call=call):
            outputs = model(pictures, training=False)
        if ranks != [4]:
            requirement = "a layer with a feature map of four axes for output, and called once"
            raise ValueError(describe("layer", requirement, operation.name))
        outputs = keras.ops.cast(outputs, "float32")
        if outputs.shape[1] == 1:
            outputs = keras.ops.concatenate([-outputs, outputs], axis=1)
        chosen = keras.ops.argmax(outputs, axis=1) if indices is None else indices
        return keras.ops.sum(outputs * keras.ops.one_hot(chosen, outputs.shape[1]))

    return score


def _weighted_sum(features: Tensor, gradient: Tensor, *, channels_first: bool) -> npt.NDArray[Any]:
    """Returns the positive part of the channels' sum, each weighted by its mean gradient."""
    channels, height, width = (1, 2, 3) if channels_first else (3, 1, 2)
    values, slopes = (
        keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")).astype(np.float64)
        for tensor in (features, gradient)
    )
    with np.errstate(all="ignore"):  # NaN and infinity are told of by the check that follows
        weights = slopes.mean(axis=(height, width), keepdims=True)
        return np.maximum((weights * values).sum(axis=channels), 0)


def _to_unit(maps: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Divides each map by its largest value, where that is not 0."""
    peaks = maps.max(axis=(1, 2), keepdims=True)
    return maps / np.where(peaks > 0, peaks, 1)


def _enlarge(maps: npt.NDArray[Any], cells: Grid | None, size: tuple[int, int]) -> FloatArray:
    """Returns maps of the size of the picture, each cell where the middle of its view is."""
    found = maps.shape[1:]
    if cells is None or tuple(axis.count for axis in cells) != found:
        cells = (Cells.spread(found[0], size[0]), Cells.spread(found[1], size[1]))
    down, across = (axis.weights(pixels) for axis, pixels in zip(cells, size, strict=True))
    return (down @ maps @ across.T).astype(np.float32)


def _size_of(pictures: npt.NDArray[Any], operations: Sequence[Operation]) -> tuple[int, int]:
    """The height and width of pictures, by the axis that has as many entries as there are colours.

    Where both or none have, the first layer that has a data format tells.
    """
    first, last = (pictures.shape[axis] in CHANNELS for axis in (1, 3))
    if first == last:
        first = is_channels_first(operations)
    height, width = pictures.shape[2:] if first else pictures.shape[1:3]
    return height, width


def _check_model(model: Any) -> int:
    """Returns the number of classes of a model, or raises if it is not one this can explain."""
    if not isinstance(model, keras.Model):
        raise TypeError(describe("model", "a keras.Model", model))
    if not hasattr(model, "outputs"):
        remedy = "Make one of it, as in keras.Model(inputs, model(inputs)), and pass `layer`."
        raise ValueError(
            describe("model", "a built Functional or Sequential model", model.name, remedy)
        )
    inputs, outputs = ([tensor.shape for tensor in t] for t in (model.inputs, model.outputs))
    if [len(shape) for shape in inputs] != [4] or [len(shape) for shape in outputs] != [2]:
        raise ValueError(
            "`model` must have one input, pictures of four axes, and one output of shape "
            f"(batch, classes); received inputs {inputs} and outputs {outputs}."
        )
    return max(int(outputs[0][1]), 2)


def _check_images(images: Tensor, expected: Sequence[int | None]) -> npt.NDArray[Any]:
    """Returns the pictures as an array, or raises if they do not fit the model."""
    array = np.asarray(keras.ops.convert_to_numpy(images))
    fits = array.ndim == 4 and all(
        wanted in (None, found) for wanted, found in zip(expected, array.shape, strict=True)
    )
    if not fits or array.shape[0] == 0:
        sides = ", ".join("any" if side is None else str(side) for side in expected[1:])
        remedy = " Of a single picture make a batch: images[None]." if array.ndim == 3 else ""
        raise ValueError(
            f"`images` must be at least one picture, of shape (batch, {sides}); "
            f"received shape {array.shape}.{remedy}"
        )
    return array


def _check_class_index(class_index: Any, pictures: int, classes: int) -> IntegerArray | None:
    """Returns the class of each picture, or raises if there is no such class; None stays None."""
    if class_index is None:
        return None
    requirement = f"an integer from 0 to {classes - 1}, or one for each of {pictures} pictures"
    single = isinstance(class_index, numbers.Integral) and not isinstance(class_index, bool)
    array = np.asarray([class_index] * pictures if single else class_index)
    if array.dtype.kind not in "iu":
        raise TypeError(describe("class_index", f"{requirement}, or None", class_index))
    if array.shape != (pictures,) or not ((array >= 0) & (array < classes)).all():
        raise ValueError(describe("class_index", requirement, class_index))
    return array.astype(np.int64)


def _check_finite(maps: npt.NDArray[Any], seen: int) -> npt.NDArray[Any]:
    """Returns the maps, or raises with the index of the first picture that has none."""
    finite = np.isfinite(maps).all(axis=(1, 2))
    if not finite.all():
        raise ValueError(
            "`model` must compute finite numbers; received NaN or infinity for the picture at "
            f"index {seen + int(np.argmin(finite))}. Its weights or this picture hold them."
        )
    return maps
