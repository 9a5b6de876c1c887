"""A layer that applies several augmentation layers in order."""

from collections.abc import Sequence
from typing import Any

import keras

from catdog_keras.layers._argument_names import suggests_layer_arguments
from catdog_keras.layers._wrapper_layer import (
    Strength,
    WrapperLayer,
    check_inner_layers,
    inner_transformation,
    layer_or_preset,
    transform_inner,
)


@keras.saving.register_keras_serializable(package="catdog_keras")
class AugmentationPipeline(WrapperLayer):
    """Applies several augmentation layers in order, as one layer.

    The layer augments when it is called, also in a `tf.data` map, unless it is called with
    `training=False`. Inside a model it is active in `fit` only: `predict`, `evaluate` and
    `model(images)` leave the images unchanged. If it is not active, no wrapped layer is called. A
    `keras.Sequential` does not work in a `tf.data` map on JAX and PyTorch; this layer does if the
    wrapped layers do.

    A dictionary with `images`, `segmentation_masks` and `bounding_boxes` is transformed as by
    `RandomAffine`, by wrapped layers of this package and of Keras; other layers that change the
    position of pixels are rejected if there are masks or boxes.

    With `keras.layers.MixUp` or `CutMix` among its layers, it requires a dictionary of a batch with
    `images` and one-hot `labels` and no masks or boxes, as in a `tf.data` map; the labels are mixed
    with the images and become float32.

    Source: `keras.layers.Pipeline`, and https://github.com/keras-team/keras/issues/19895 for
    `keras.Sequential`.

    Args:
        layers: List of one or more layers that map images to images of the same shape, or names of
            an `augmentation_preset`, such as `"light"`.
        **kwargs: Arguments of `keras.layers.Layer`: `name`, `dtype`, `trainable`.

    Input shape:
        `(batch, height, width, channels)` or `(height, width, channels)`, or with the channels
        before height. Integer or floating point, in the range that the wrapped layers expect.

    Output shape:
        Same as the input, in the compute dtype and the value range of the last layer.

    Raises:
        TypeError: If an argument has the wrong type or is unknown, a layer needs labels, or the
            inputs are neither a tensor nor a dictionary.
        ValueError: If `layers` is empty, or a wrapped layer changes the shape.

    Example:
        >>> import catdog_keras, keras, numpy as np
        >>> kinds = [catdog_keras.RandomAffine("horizontal"), keras.layers.RandomBrightness(0.2)]
        >>> pipeline = catdog_keras.AugmentationPipeline(kinds)
        >>> tuple(pipeline(np.zeros((8, 32, 48, 3))).shape)
        (8, 32, 48, 3)
    """

    @suggests_layer_arguments(by_position="Pass a list: `AugmentationPipeline([first, second])`.")
    def __init__(self, layers: Sequence[keras.Layer | Strength], **kwargs: Any) -> None:
        """Validates and stores the arguments; see the class docstring."""
        super().__init__(**kwargs)
        self.layers = check_inner_layers(layers)

    @property
    def _inner_layers(self) -> list[keras.Layer]:
        return list(self.layers)

    def _get_transformation(self, batch_size: Any) -> dict[str, Any]:
        """Returns an empty dictionary: only the wrapped layers draw parameters."""
        return {}

    def get_random_transformation(self, batch_size: Any) -> dict[str, Any]:
        """Draws random parameters for `batch_size` images.

        Args:
            batch_size: Integer, or a scalar integer tensor; number of images.

        Returns:
            A dictionary: `layers`, a list with the result of each layer's
            `get_random_transformation`; None for layers that do not have this method.
        """
        return {"layers": [inner_transformation(layer, batch_size) for layer in self.layers]}

    def transform(self, batch: Any, transformation: dict[str, Any]) -> Any:
        """Applies the layers to a batch in order."""
        inner = transformation.get("layers") or [None] * len(self.layers)
        for layer, drawn in zip(self.layers, inner, strict=True):
            batch = transform_inner(layer, batch, drawn)
        return batch

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments of the layer."""
        layers = [keras.saving.serialize_keras_object(layer) for layer in self.layers]
        return {**super().get_config(), "layers": layers}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AugmentationPipeline":
        """Creates a layer from the dictionary returned by `get_config`."""
        layers = [keras.saving.deserialize_keras_object(layer) for layer in config["layers"]]
        return cls(**{**config, "layers": layers})


def layer_or_pipeline(name: str, value: Any, *, optional: bool = False) -> keras.Layer:
    """Returns a layer, the preset that `value` names, or a pipeline of a list of them.

    The arguments are those of `layer_or_preset`.
    """
    if isinstance(value, (list, tuple)):
        return AugmentationPipeline(check_inner_layers(value, name))
    return layer_or_preset(name, value, or_list=True, optional=optional)
