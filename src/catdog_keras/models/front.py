"""What a model does to pictures before its first weights, and so the values that it takes."""

import contextlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import keras
import numpy as np

from catdog_keras._checks import describe
from catdog_keras._layer_graph import is_graph
from catdog_keras.layers import Preprocessing
from catdog_keras.models.folding import normalises_inside

Range = tuple[float, float]

BYTES, UNIT, SIGNED = (0.0, 255.0), (0.0, 1.0), (-1.0, 1.0)
# How the networks of `keras.applications` are named, and the scheme of their weights. Those that
# are not here (EfficientNet, ConvNeXt) prepare pictures inside, where it is seen.
_SCHEMES_BY_NAME = {
    r"mobilenet_\d|mobilenetv[23]|inception_|nasnet|resnet\d+v2|xception": "signed",
    r"densenet\d": "imagenet_torch",
    r"resnet\d+$|vgg1[69]$": "imagenet_caffe",
}
_NORMALISATIONS = (
    keras.layers.BatchNormalization,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
    keras.layers.RMSNormalization,
    keras.layers.UnitNormalization,
)
_LAYERS_OF_KERAS = {kind for kind in vars(keras.layers).values() if inspect.isclass(kind)}
_SIDE = 64  # of a picture for a model that takes any size


@dataclass
class Arrival:
    """What became of pictures on their way to a model's first weights.

    Attributes:
        values: The least and the largest value that arrived.
        models: The names of the models around the first weights, the innermost last.
        scalers: The names of the layers that changed the values.
        augmentations: Each layer with a `value_range`, and the values that it was given.
        first: The layer with the first weights; None if there are none.
    """

    values: Range = UNIT
    models: list[str] = field(default_factory=list)
    scalers: list[str] = field(default_factory=list)
    augmentations: list[tuple[keras.Layer, Range]] = field(default_factory=list)
    first: keras.Layer | None = None

    @property
    def expected(self) -> Range | None:
        """The values that the network behind is known to want; None where it is not known."""
        for name in reversed(self.models):
            for pattern, scheme in _SCHEMES_BY_NAME.items():
                if re.match(pattern, name.lower()):
                    return Preprocessing(scheme).output_range
        return None


class _ReachedWeightsError(Exception):
    """Ends a walk."""


def input_range(model: keras.Model) -> Range | None:
    """Finds the range of pixel values that a model takes.

    The layers before the first weights are tried out on pictures of each usual range: the one that
    becomes what networks are trained on is the answer. `Rescaling`, `Normalization`,
    `Preprocessing`, operations of `keras.ops` and models inside the model are all seen through;
    networks of `keras.applications` are known by their names.

    Args:
        model: A built Functional or Sequential model with one input.

    Returns:
        The least and the largest value, such as (0, 255), (0, 1) or (-1, 1), or those of prepared
        pictures for a bare network of `keras.applications`. None where nothing tells: a network
        without scaling in front learns from any range if it normalises early, as
        `build_model1` does, and from a small one otherwise.

    Raises:
        TypeError: If `model` is no Keras model.

    Example:
        >>> import catdog_keras
        >>> catdog_keras.input_range(catdog_keras.build_model3((46, 46, 3)))
        (0.0, 255.0)
    """
    if not isinstance(model, keras.Model):
        raise TypeError(describe("model", "a keras.Model", model))
    arrival = walk(model, BYTES)
    if arrival is None or arrival.first is None:
        return None
    if not arrival.scalers:
        return arrival.expected
    arrivals = {given: walk(model, given) for given in (BYTES, UNIT, SIGNED)}
    found = {given: arrived.values for given, arrived in arrivals.items() if arrived is not None}
    wanted = (UNIT, SIGNED) if arrival.expected is None else (arrival.expected,)
    for given, values in found.items():
        if any(same_range(values, want) for want in wanted):
            return given
    if arrival.expected is None:
        for given, values in found.items():
            if _is_of_network_scale(values):
                return given
    return None


def walk(model: keras.Model, given: Range) -> Arrival | None:
    """Takes a picture of the range given to the first weights of a model; None if it cannot."""
    if not is_graph(model) or len(model.inputs) != 1:
        return None
    shape = [_SIDE if side is None else side for side in model.inputs[0].shape[1:]]
    if len(shape) != 3:
        return None
    picture = np.full((1, *shape), given[0], "float32")
    # The axis of the width in one data format, and of the height in the other. Halves of one value
    # survive resizing and cropping.
    picture[:, :, shape[1] // 2 :] = given[1]
    arrival = Arrival()
    with contextlib.suppress(_ReachedWeightsError):
        arrival.values = _values(_enter(model, keras.ops.convert_to_tensor(picture), arrival))
    return arrival


def normalises_early(model: keras.Model, first: keras.Layer) -> bool:
    """Whether what follows the first weights does not depend on the scale of the pictures.

    Of a layer that is not Keras's own nothing is known; it may normalise.
    """
    layers = list(_every_layer(model))
    for layer in layers[next(i for i, layer in enumerate(layers) if layer is first) :]:
        if isinstance(layer, _NORMALISATIONS) or normalises_inside(layer):
            return True
        if type(layer) not in _LAYERS_OF_KERAS and _has_weights(layer) and not _is_plain(layer):
            return True
        if layer is not first and _has_weights(layer):
            return False
    return False


def same_range(one: Range, other: Range) -> bool:
    """Whether two ranges are the same within a tenth of their widths."""
    slack = 0.1 * min(one[1] - one[0], other[1] - other[0])
    return abs(one[0] - other[0]) <= slack and abs(one[1] - other[1]) <= slack


def _is_plain(layer: keras.Layer) -> bool:
    """Whether a layer of this package does not normalise: a ConvBlock that was told not to."""
    return getattr(layer, "use_batch_norm", True) is False


def _is_of_network_scale(values: Range) -> bool:
    """Whether values are centred and spread as networks are trained on, one way or another."""
    return 0.5 <= values[1] - values[0] <= 8 and max(map(abs, values)) <= 5


def _enter(model: keras.Model, pictures: Any, arrival: Arrival) -> Any:
    """Runs the layers of a model, one by one, until one has weights."""
    arrival.models.append(model.name)
    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            pictures = _step(layer, (pictures,), {}, arrival)
        return pictures
    if not _has_network(model):
        return model(pictures, training=False)
    inputs = keras.tree.map_structure(
        lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype), model.input
    )
    (first,) = keras.tree.flatten(inputs)
    known = {id(first): pictures}
    placeholders = []

    def call(layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        args = keras.tree.map_structure(lambda x: known.get(id(x), x), args)
        outputs = _step(layer, args, kwargs, arrival)
        placeholders.append(keras.KerasTensor(outputs.shape))
        known[id(placeholders[-1])] = outputs
        return placeholders[-1]

    # Cloning is Keras's public way through a graph; no layer is copied, and weights end it.
    keras.models.clone_model(
        model, input_tensors=inputs, clone_function=lambda layer: layer, call_function=call
    )
    return pictures


def _step(layer: Any, args: Any, kwargs: dict[str, Any], arrival: Arrival) -> Any:
    if is_graph(layer) and (_has_network(layer) or isinstance(layer, keras.Sequential)):
        return _enter(layer, args[0], arrival)
    given = _values(args[0])
    if _has_weights(layer):
        _end(layer, given, arrival)
    arrival.augmentations += [(each, given) for each in _with_value_range(layer)]
    if "training" in inspect.signature(layer.call).parameters:
        kwargs = {**kwargs, "training": False}
    outputs = layer(*args, **kwargs)
    if not same_range(_values(outputs), given):
        arrival.scalers.append(layer.name)
    return outputs


def _end(layer: keras.Layer, given: Range, arrival: Arrival) -> NoReturn:
    arrival.first, arrival.values = layer, given
    raise _ReachedWeightsError


def _has_weights(layer: Any) -> bool:
    """Whether a layer has weights that are learned; those of Normalization are statistics."""
    if isinstance(layer, keras.layers.Normalization):
        return False
    return bool(getattr(layer, "weights", ()))  # an operation of keras.ops has none


def _has_network(model: keras.Model) -> bool:
    return any(_has_weights(layer) for layer in _every_layer(model))


def _every_layer(model: keras.Model) -> Iterator[keras.Layer]:
    for layer in model.layers:
        if is_graph(layer):
            yield from _every_layer(layer)
        else:
            yield layer


def _with_value_range(layer: Any) -> Iterator[Any]:
    """The layer itself and those that it is wrapped around, as far as they have a range."""
    if len(getattr(layer, "value_range", None) or ()) == 2:
        yield layer
    for inner in (getattr(layer, "layer", None), *(getattr(layer, "layers", None) or ())):
        if inner is not None:
            yield from _with_value_range(inner)


def _values(tensor: Any) -> Range:
    array = keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))
    return float(array.min()), float(array.max())
