"""Infers a model's expected input range from its preprocessing layers."""

import inspect
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._backend import contains_batch_norm
from catdog_keras._layer_graph import is_plain_graph
from catdog_keras._preprocessing_schemes import SCHEMES, Scheme

Range = tuple[float, float]

BYTES, UNIT, SIGNED = (0.0, 255.0), (0.0, 1.0), (-1.0, 1.0)
# Name patterns of the networks of `keras.applications`, and the preprocessing scheme of their
# weights. Missing ones (EfficientNet, ConvNeXt) contain preprocessing layers, which are detected.
_SCHEMES_BY_NAME: dict[str, Scheme] = {
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
# Resizing with a cubic kernel overshoots a range by a few percent.
SLACK = 0.06
_SIDE = 64  # image size for a model of variable input size
# Values that the layers in front of the weights return for one image. All of them are held.
_MAX_VALUES = 2**25


@dataclass
class PreprocessingTrace:
    """How a model's input range arrives at its first weights, after the layers in front of them.

    Attributes:
        values: Minimum and maximum value that arrived.
        models: Names of the nested models around the first weights, the innermost last.
        scalers: Names of the layers that changed the value range.
        augmentations: Each layer with a `value_range`, and the range of its inputs.
        standardized: Ranges of the outputs of `Normalization` layers.
        first: The first layer with weights; None if there is none.
        num_values: Number of values that the layers returned.
    """

    values: Range = UNIT
    models: list[str] = field(default_factory=list)
    scalers: list[str] = field(default_factory=list)
    augmentations: list[tuple[keras.Layer, Range]] = field(default_factory=list)
    standardized: list[Range] = field(default_factory=list)
    first: keras.Layer | None = None
    num_values: int = 0

    @property
    def fits_statistics(self) -> bool:
        """Whether images of this range can have the mean and variance of its `Normalization`.

        The mean of values in [low, high] is between them, and their variance is at most
        (mean - low) (high - mean), the Bhatia-Davis inequality. A layer that was adapted to dark
        images in [0, 255] would otherwise look like one for [0, 1].
        """
        return all(low < 0 < high and -low * high >= 0.99 for low, high in self.standardized)

    @property
    def expected(self) -> Range | None:
        """The input range that a known network expects; None for an unknown network."""
        for name in reversed(self.models):
            for pattern, scheme in _SCHEMES_BY_NAME.items():
                if re.match(pattern, name.lower()):
                    return SCHEMES[scheme].output_range
        return None


class _ReachedWeightsError(Exception):
    """Stops the search for an input range at the first layer with weights."""


class _TooLargeError(Exception):
    """Stops the search for an input range if layers before the weights return too many values."""


def find_input_range(model: keras.Model) -> Range | None:
    """Returns the range of pixel values that a model expects; None if it cannot be inferred."""
    arrival = walk_to_weights(model, BYTES)
    if arrival is None or arrival.first is None:
        return None
    if not arrival.scalers:
        return arrival.expected
    walks = {given: walk_to_weights(model, given) for given in (BYTES, UNIT, SIGNED)}
    arrivals = {given: each for given, each in walks.items() if each is not None}
    wanted = (UNIT, SIGNED) if arrival.expected is None else (arrival.expected,)
    for given, each in arrivals.items():
        # The statistics can also be constants that scale exactly, such as mean 0 and variance 255².
        slack = 0.1 if each.fits_statistics else 0.001
        if any(same_range(each.values, want, slack) for want in wanted):
            return given
    if arrival.expected is None:
        for given, each in arrivals.items():
            if each.fits_statistics and _is_of_network_scale(each.values):
                return given
    return None


def walk_to_weights(model: keras.Model, given: Range) -> PreprocessingTrace | None:
    """Passes an image of the given range to the model's first weights; None if unsupported."""
    if not is_plain_graph(model) or len(model.inputs) != 1:
        return None
    shape = [_SIDE if side is None else side for side in model.inputs[0].shape[1:]]
    if len(shape) != 3:
        return None
    image = black_and_white(shape, given)
    arrival = PreprocessingTrace()
    try:
        arrival.values = range_of(
            _run_until_weights(model, keras.ops.convert_to_tensor(image), arrival)
        )
    except _TooLargeError:
        return None
    except _ReachedWeightsError:
        pass
    return arrival


def black_and_white(shape: Sequence[int], given: Range = BYTES) -> npt.NDArray[np.float32]:
    """Returns a batch of one image with both ends of a range."""
    image = np.full((1, *shape), given[0], "float32")
    # This is the width axis in one data format and the height axis in the other. Two constant
    # halves keep their values in resizing and cropping.
    image[:, :, shape[1] // 2 :] = given[1]
    return image


def starts_with_batch_norm(model: keras.Model, first: keras.Layer) -> bool:
    """Returns whether the layers after the first weights are independent of the input scale.

    A custom layer is assumed to normalize, because its computation is unknown.
    """
    layers = list(_layers_of_graph(model))
    for layer in layers[next(i for i, layer in enumerate(layers) if layer is first) :]:
        if isinstance(layer, _NORMALISATIONS) or contains_batch_norm(layer):
            return True
        if type(layer) not in _LAYERS_OF_KERAS and _has_weights(layer) and not _is_plain(layer):
            return True
        if layer is not first and _has_weights(layer):
            return False
    return False


def same_range(one: Range, other: Range, slack: float = 0.1) -> bool:
    """Returns whether two ranges agree within a fraction `slack` of the smaller width."""
    slack *= min(one[1] - one[0], other[1] - other[0])
    return abs(one[0] - other[0]) <= slack and abs(one[1] - other[1]) <= slack


def _is_plain(layer: keras.Layer) -> bool:
    """Returns whether a layer is a ConvBlock without normalization of its input range."""
    has_block = hasattr(layer, "convolution") and hasattr(layer, "batch_normalization")
    return has_block and layer.normalization is None


def _is_of_network_scale(values: Range) -> bool:
    """Returns whether an input range has the usual center and spread for training networks."""
    return 0.5 <= values[1] - values[0] <= 8 and max(map(abs, values)) <= 5


def _run_until_weights(model: keras.Model, images: Any, arrival: PreprocessingTrace) -> Any:
    """Runs the layers of a model on its input range, one by one, until one has weights."""
    arrival.models.append(model.name)
    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            images = _run_layer(layer, (images,), {}, arrival)
        return images
    if not _has_layer_with_weights(model):
        return model(images, training=False)
    inputs = keras.tree.map_structure(
        lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype), model.input
    )
    (first,) = keras.tree.flatten(inputs)
    known = {id(first): images}
    placeholders = []

    def call(layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        args = keras.tree.map_structure(lambda x: known.get(id(x), x), args)
        # An operation may return a list of tensors, for example `keras.ops.split`.
        return keras.tree.map_structure(stand_in, _run_layer(layer, args, kwargs, arrival))

    def stand_in(tensor: Any) -> keras.KerasTensor:
        placeholders.append(keras.KerasTensor(tensor.shape))
        known[id(placeholders[-1])] = tensor
        return placeholders[-1]

    # `clone_model` is the public way to traverse a graph. No layer is copied; weights end it.
    keras.models.clone_model(
        model, input_tensors=inputs, clone_function=lambda layer: layer, call_function=call
    )
    return images


def _run_layer(layer: Any, args: Any, kwargs: dict[str, Any], arrival: PreprocessingTrace) -> Any:
    """Runs a layer in the search for an input range; records how it changes the range of images."""
    if is_plain_graph(layer) and (
        _has_layer_with_weights(layer) or isinstance(layer, keras.Sequential)
    ):
        return _run_until_weights(layer, args[0], arrival)
    given = range_of(args[0])
    if _has_weights(layer):
        _stop_at_weights(layer, given, arrival)
    arrival.augmentations += [(each, given) for each in _with_value_range(layer)]
    if isinstance(layer, keras.Layer):  # not an operation of keras.ops
        kwargs = {**kwargs, "training": False}
    outputs = layer(*args, **kwargs)
    arrival.num_values += sum(math.prod(each.shape) for each in keras.tree.flatten(outputs))
    if arrival.num_values > _MAX_VALUES:
        raise _TooLargeError
    if isinstance(layer, keras.layers.Normalization) and not layer.invert:
        arrival.standardized.append(range_of(outputs))
    if not same_range(range_of(outputs), given):
        arrival.scalers.append(layer.name)
    return outputs


def _stop_at_weights(layer: keras.Layer, given: Range, arrival: PreprocessingTrace) -> NoReturn:
    """Records the first layer with weights and its input range, and stops the search."""
    arrival.first, arrival.values = layer, given
    raise _ReachedWeightsError


def _has_weights(layer: Any) -> bool:
    """Returns whether a layer has weights that end the search for an input range."""
    if isinstance(layer, keras.layers.Normalization):
        return False  # its weights are statistics, which are not trained
    return bool(getattr(layer, "weights", ()))  # keras.ops operations have no weights


def _has_layer_with_weights(model: keras.Model) -> bool:
    """Returns whether a model has weights that end the search for an input range."""
    return any(_has_weights(layer) for layer in _layers_of_graph(model))


def _layers_of_graph(model: keras.Model) -> Iterator[keras.Layer]:
    """Yields the layers that an input range passes; those of nested models in place of these."""
    for layer in model.layers:
        if is_plain_graph(layer):
            yield from _layers_of_graph(layer)
        else:
            yield layer


def _with_value_range(layer: Any) -> Iterator[Any]:
    """Yields the layers with a `value_range`: the layer itself and those nested in it."""
    if len(getattr(layer, "value_range", None) or ()) == 2:
        yield layer
    for inner in (getattr(layer, "layer", None), *(getattr(layer, "layers", None) or ())):
        if inner is not None:
            yield from _with_value_range(inner)


def format_range(values: Range) -> str:
    """Returns a range of pixel values for a message, as `[0, 255]`."""
    return f"[{values[0]:.4g}, {values[1]:.4g}]"


def range_of(tensors: Any) -> Range:
    """Returns the minimum and the maximum of a tensor or of several."""
    arrays = [
        keras.ops.convert_to_numpy(keras.ops.cast(each, "float32"))
        for each in keras.tree.flatten(tensors)
    ]
    return min(float(each.min()) for each in arrays), max(float(each.max()) for each in arrays)
