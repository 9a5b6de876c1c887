"""Base class and helpers of the layers that wrap other layers."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, get_args

import keras
import numpy as np

from catdog_keras import _backend, _mixing  # `_mixing` can be half imported here
from catdog_keras._checks import describe, hint_for
from catdog_keras.layers._annotations import Data, map_annotations, restore_dtypes, select_by_image
from catdog_keras.layers._base_augmentation import BaseAugmentation
from catdog_keras.layers._preprocessing import Preprocessing

Strength: TypeAlias = Literal["light", "medium", "strong"]
STRENGTHS = get_args(Strength)
STRENGTH_HINTS = {
    **dict.fromkeys(("heavy", "hard", "high"), "Did you mean 'strong'?"),
    **dict.fromkeys(("low", "soft", "weak"), "Did you mean 'light'?"),
    **dict.fromkeys(("default", "moderate", "normal"), "Did you mean 'medium'?"),
}

# A change of brightness has a smaller factor, a change of the value range a larger one.
_LARGEST_FACTOR = 10


# Its layers are such wrappers, so `_augmentation_preset` adds the function.
PRESETS: dict[str, Callable[[], keras.Layer]] = {}
# These change no positions, so masks and boxes stay as they are. Called with masks or boxes, some
# of them fail in Keras, or require a format of boxes.
_OF_PIXELS = (
    keras.layers.Identity,
    keras.layers.Rescaling,
    keras.layers.Normalization,
    keras.layers.GaussianNoise,
    keras.layers.GaussianDropout,
    keras.layers.Dropout,
    Preprocessing,
    keras.layers.AutoContrast,
    keras.layers.ContrastLimitedAdaptiveHistogramEqualization,
    keras.layers.Equalization,
    keras.layers.RandomBrightness,
    keras.layers.RandomColorDegeneration,
    keras.layers.RandomColorJitter,
    keras.layers.RandomContrast,
    keras.layers.RandomErasing,
    keras.layers.RandomGaussianBlur,
    keras.layers.RandomGrayscale,
    keras.layers.RandomHue,
    keras.layers.RandomInvert,
    keras.layers.RandomPosterization,
    keras.layers.RandomSaturation,
    keras.layers.RandomSharpness,
    keras.layers.Solarization,
)
_CHAINS = (keras.Sequential, keras.layers.Pipeline)


def layer_or_preset(
    name: str, value: Any, *, or_list: bool = False, optional: bool = False
) -> keras.Layer:
    """Returns a layer, or the preset that `value` names; raises if it is neither.

    Args:
        name: Name of the argument, for the message.
        value: A layer or a name in `STRENGTHS`.
        or_list: Whether the message mentions a list of layers.
        optional: Whether the message mentions None.
    """
    if isinstance(value, keras.Layer):
        return value
    if isinstance(value, str) and value in PRESETS:
        return PRESETS[value]()
    presets = ", ".join(map(repr, STRENGTHS))
    layer = "a keras.Layer or a list of them" if or_list else "a keras.Layer"
    requirement = f"{layer}, or one of {presets}" + (", or None" if optional else "")
    error = ValueError if isinstance(value, str) else TypeError
    raise error(describe(name, requirement, value, hint_for(value, STRENGTH_HINTS)))


def check_inner_layers(layers: Any, name: str = "layers") -> list[keras.Layer]:
    """Returns the layers as a list, or raises if the list is empty or a layer is not suitable."""
    if not isinstance(layers, (list, tuple)):
        raise TypeError(describe(name, "a list of layers", layers))
    if not layers:
        raise ValueError(describe(name, "a list of at least one layer", layers))
    return [layer_or_preset(f"{name}[{number}]", layer) for number, layer in enumerate(layers)]


def check_keeps_range(name: str, layer: keras.Layer) -> None:
    """Raises if a layer is a preprocessing layer, so that one batch would have two value ranges."""
    factor = _scaling_factor(layer)
    if factor != 0 and not 1 / _LARGEST_FACTOR <= factor <= _LARGEST_FACTOR:
        requirement = "a layer that keeps the range of the images"
        remedy = "Apply a preprocessing layer to all images, before or after this layer."
        raise ValueError(describe(name, requirement, layer, remedy))


def _scaling_factor(layer: Any) -> float:
    """Returns the factor by which a layer, or layers in order, scale images; 1 if unknown."""
    if isinstance(layer, (keras.layers.Normalization, Preprocessing)):
        return math.inf
    if isinstance(layer, keras.layers.Rescaling):
        return float(np.abs(np.asarray(layer.scale, "float64")).max())
    return math.prod(map(_scaling_factor, getattr(layer, "layers", ())))


class WrapperLayer(BaseAugmentation):
    """Base class of layers that wrap other layers.

    Subclasses define `_inner_layers`, `_get_transformation`, `get_random_transformation` and
    `transform`.
    """

    @property
    def _mixes_labels(self) -> bool:
        return any(map(_mixing.mixes_images, self._inner_layers))

    def build(self, input_shape: Any) -> None:
        """Builds the wrapped layers."""
        images = input_shape["images"] if isinstance(input_shape, dict) else input_shape
        shape = _with_batch_axis(self._check_shape(images))
        for layer in self._inner_layers:
            if not layer.built:
                layer.build(shape)
        self.built = True

    def _check_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Returns the shape as a tuple; raises if a wrapped layer changes it."""
        shape = super()._check_shape(input_shape)
        batched = _with_batch_axis(shape)
        for layer in self._inner_layers:
            after = tuple(layer.compute_output_spec(keras.KerasTensor(batched)).shape)
            if after != batched:
                requirement = "one that the wrapped layers keep"
                remedy = f"{layer.name!r} returns {after} for {batched}."
                raise ValueError(describe("input_shape", requirement, shape, remedy))
        return shape

    def transform_images(self, images: Any, transformation: dict[str, Any]) -> Any:
        """Transforms images with the given parameters.

        Args:
            images: Images, batched or not.
            transformation: Dictionary returned by `get_random_transformation` for the same number
                of images. Wrapped layers without `get_random_transformation` have no entry and draw
                new random numbers.

        Returns:
            The transformed images, in the compute dtype.
        """
        ops = _backend.ops_for(images)
        images = _as_float(ops.convert_to_tensor(images), ops)
        # A wrapped layer may require a batch axis: a model, for example, does.
        alone = len(images.shape) == 3
        images = ops.expand_dims(images, 0) if alone else images
        outputs = ops.cast(self.transform(images, transformation), self.compute_dtype)
        return ops.squeeze(outputs, 0) if alone else outputs

    def transform_batch(self, batch: Data, transformation: dict[str, Any]) -> Data:
        """Transforms a batch of `images`, `segmentation_masks` and `bounding_boxes` together.

        Layers that mix images take `images` and `labels`.
        """
        ops = _backend.ops_for(batch["images"])
        batch = map_annotations(ops.convert_to_tensor, batch)
        for key in {"images", "labels"} & set(batch):
            batch[key] = _as_float(batch[key], ops)
        outputs = self.transform(batch, transformation)
        return {**outputs, "images": ops.cast(outputs["images"], self.compute_dtype)}

    def _select(self, chosen: Any, outputs: Any, inputs: Any) -> Any:
        """Returns `outputs` for the chosen images and `inputs` for the others."""
        if isinstance(inputs, dict):
            ops = _backend.ops_for(inputs["images"])
            images = ops.cast(outputs["images"], self.compute_dtype)
            return select_by_image(chosen, {**outputs, "images": images}, inputs, ops)
        ops = _backend.ops_for(inputs)
        return ops.where(
            ops.reshape(ops.cast(chosen, "bool"), (-1, 1, 1, 1)),
            ops.cast(outputs, self.compute_dtype),
            ops.cast(inputs, self.compute_dtype),
        )


def _as_float(images: Any, ops: Any) -> Any:
    """Returns integers as float32: some of Keras's layers cannot compute with integers."""
    is_integer = keras.backend.is_int_dtype(keras.backend.standardize_dtype(images.dtype))
    return ops.cast(images, "float32") if is_integer else images


def inner_transformation(layer: keras.Layer, batch_size: Any) -> dict[str, Any] | None:
    """Draws the transformation of a wrapped layer; returns None if it cannot be drawn alone."""
    # Keras's layers have a method of this name with other arguments.
    return (
        layer.get_random_transformation(batch_size) if isinstance(layer, BaseAugmentation) else None
    )


def transform_inner(layer: keras.Layer, batch: Any, transformation: dict[str, Any] | None) -> Any:
    """Applies a wrapped layer, with the given parameters unless they are None."""
    if isinstance(batch, dict):
        return _transform_dict(layer, batch, transformation)
    if transformation is not None:
        return layer.transform_images(batch, transformation)
    return _call_anywhere(layer, batch)


def _transform_dict(layer: keras.Layer, batch: Data, transformation: dict[str, Any] | None) -> Data:
    """Applies a wrapped layer to images with their masks and boxes, or with labels to mix."""
    if "labels" in batch and isinstance(layer, _mixing.MIXING):
        copied = map_annotations(lambda tensor: tensor, batch)  # Keras writes into the dictionary
        if _backend.is_foreign_tf_tensor(batch["images"]):
            return dict(_call_anywhere(layer, copied))
        # `__call__` would round the labels to the compute dtype, which MixUp cannot mix.
        return dict(layer.call(map_annotations(_backend.copy_if_mutable, copied), training=True))
    if "labels" in batch and not _mixing.mixes_images(layer):
        images = {"images": batch["images"]}
        return {**batch, **_transform_dict(layer, images, transformation)}
    if isinstance(layer, BaseAugmentation):
        if transformation is None:
            return layer(batch, training=True)
        return layer.transform_batch(batch, transformation)
    if set(batch) == {"images"} or isinstance(layer, _OF_PIXELS):
        return {**batch, "images": _call_anywhere(layer, batch["images"])}
    if isinstance(layer, _CHAINS):
        for each in layer.layers:
            batch = _transform_dict(each, batch, None)
        return batch
    averages_masks = isinstance(layer, keras.layers.AugMix) and "segmentation_masks" in batch
    if averages_masks or not hasattr(layer, "transform_bounding_boxes"):
        requirement = "one that transforms masks and boxes too"
        found = "would average class indices of masks" if averages_masks else "takes only images"
        remedy = f"{layer.name!r} {found}. Augment without masks and boxes, or omit it."
        raise TypeError(describe("layer", requirement, layer, remedy))
    ops = _backend.ops_for(batch["images"])
    # Keras's layers write their results into the dictionaries that they receive.
    copied = map_annotations(lambda tensor: tensor, batch)
    if "segmentation_masks" in copied:
        copied["segmentation_masks"] = _as_float(copied["segmentation_masks"], ops)
    return restore_dtypes(_call_anywhere(layer, copied), batch, ops)


def _call_anywhere(layer: keras.Layer, batch: Any) -> Any:
    """Calls a layer, also in a `tf.data` map while Keras uses another backend.

    Raises:
        TypeError: If the layer supports only tensors of Keras's backend.
    """
    sample = batch["images"] if isinstance(batch, dict) else batch
    if not _backend.is_foreign_tf_tensor(sample):
        return _call_for_training(layer, batch)
    if isinstance(layer, keras.layers.Identity):  # would convert to the backend's tensors
        return batch
    try:
        return _call_for_training(layer, batch)
    except NotImplementedError as error:
        remedy = f"On {keras.backend.backend()} {layer.name!r} works only inside a model."
        raise TypeError(
            describe("layer", "one that works in a map of tf.data", layer, remedy)
        ) from error


def _call_for_training(layer: keras.Layer, batch: Any) -> Any:
    """Calls a wrapped layer for training, on a copy that it may modify."""
    # Keras's RandomBrightness modifies its input in place if the backend allows it.
    batch = keras.tree.map_structure(_backend.copy_if_mutable, batch)
    return layer(batch, training=True)  # Keras drops the argument where `call` has none


def _with_batch_axis(shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """Returns the shape of a batch, for a wrapped layer, for that of an image; others unchanged."""
    return shape if len(shape) == 4 else (1, *shape)
