"""Base class and helpers of the layers that wrap other layers."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from catdog_keras import _backend
from catdog_keras._checks import check_layer, describe
from catdog_keras.layers._base_augmentation import BaseAugmentation
from catdog_keras.layers._preprocessing import Preprocessing

# A change of brightness has a smaller factor, a change of the value range a larger one.
_LARGEST_FACTOR = 10
NEEDS_LABELS = (keras.layers.CutMix, keras.layers.MixUp)


def check_inner(name: str, layer: Any) -> keras.Layer:
    """Returns `layer`, or raises if it is not a layer that maps images to images."""
    if isinstance(check_layer(name, layer), NEEDS_LABELS):
        requirement = "a layer that needs only images"
        remedy = "CutMix and MixUp also need labels: map them over the batches of a dataset."
        raise TypeError(describe(name, requirement, layer, remedy))
    return layer


def check_inner_layers(layers: Any) -> list[keras.Layer]:
    """Returns the layers as a list, or raises if the list is empty or a layer is not suitable."""
    if not isinstance(layers, (list, tuple)):
        raise TypeError(describe("layers", "a list of layers", layers))
    if not layers:
        raise ValueError(describe("layers", "a list of at least one layer", layers))
    return [check_inner(f"layers[{number}]", layer) for number, layer in enumerate(layers)]


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

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Builds the wrapped layers."""
        shape = _batched(self.compute_output_shape(input_shape))
        for layer in self._inner_layers:
            if not layer.built:
                layer.build(shape)
        self.built = True

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Returns `input_shape`.

        Raises:
            ValueError: If it does not have three or four axes, or a wrapped layer changes it.
        """
        shape = super().compute_output_shape(input_shape)
        batched = _batched(shape)
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
        images = ops.convert_to_tensor(images)
        # A wrapped layer may require a batch axis: a model, for example, does.
        alone = len(images.shape) == 3
        images = ops.expand_dims(images, 0) if alone else images
        outputs = ops.cast(self.transform(images, transformation), self.compute_dtype)
        return ops.squeeze(outputs, 0) if alone else outputs

    def _select(self, chosen: Any, outputs: Any, images: Any) -> Any:
        """Returns `outputs` for the chosen images and `images` for the others."""
        ops = _backend.ops_for(images)
        return ops.where(
            ops.reshape(ops.cast(chosen, "bool"), (-1, 1, 1, 1)),
            ops.cast(outputs, self.compute_dtype),
            ops.cast(images, self.compute_dtype),
        )


def inner_transformation(layer: keras.Layer, batch_size: Any) -> dict[str, Any] | None:
    """Draws the transformation of a wrapped layer; returns None if it cannot be drawn alone."""
    # Keras's layers have a method of this name with other arguments.
    return (
        layer.get_random_transformation(batch_size) if isinstance(layer, BaseAugmentation) else None
    )


def transform_inner(layer: keras.Layer, images: Any, transformation: dict[str, Any] | None) -> Any:
    """Applies a wrapped layer, with the given parameters unless they are None."""
    if transformation is not None:
        return layer.transform_images(images, transformation)
    if _backend.is_foreign_tf_tensor(images):
        return _apply_in_map(layer, images)
    return _call(layer, images)


def _apply_in_map(layer: keras.Layer, images: Any) -> Any:
    """Applies a layer to TensorFlow tensors in a `tf.data` map while Keras uses another backend.

    Raises:
        TypeError: If the layer supports only tensors of Keras's backend.
    """
    if isinstance(layer, keras.layers.Identity):  # would convert to the backend's tensors
        return images
    try:
        return _call(layer, images)
    except NotImplementedError as error:
        remedy = f"On {keras.backend.backend()} {layer.name!r} works only inside a model."
        raise TypeError(
            describe("layer", "one that works in a map of tf.data", layer, remedy)
        ) from error


def _call(layer: keras.Layer, images: Any) -> Any:
    # Keras's RandomBrightness modifies its input in place if the backend allows it.
    images = _backend.copy_if_mutable(images)
    return layer(images, training=True)  # Keras drops the argument where `call` has none


def _batched(shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    return shape if len(shape) == 4 else (1, *shape)
