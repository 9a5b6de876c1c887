"""Augmentation layers one after another, as one layer."""

from collections.abc import Sequence
from typing import Any

import keras

from catdog_keras.layers.around_layers import (
    _AroundLayers,
    apply_inner,
    check_inner_layers,
    draw_inner,
)


@keras.saving.register_keras_serializable(package="catdog_keras")
class RandomSequence(_AroundLayers):
    """Applies augmentation layers one after another, as one layer.

    Only `training=True` changes pictures; otherwise they pass through untouched and no layer inside
    is called. `keras.layers.Pipeline` augments unless it is told not to, and a `keras.Sequential`
    cannot stand in a `tf.data` map on JAX and PyTorch; this layer can, if those inside can.

    Source: `keras.layers.Pipeline`, and https://github.com/keras-team/keras/issues/19895 for
    `keras.Sequential`.

    Args:
        layers: List of one or more layers from pictures to pictures of the same shape. Not
            `keras.layers.MixUp` or `CutMix`, which need labels.
        **kwargs: Arguments of `keras.layers.Layer`: `name`, `dtype`, `trainable`.

    Input shape:
        `(batch, height, width, channels)` or `(height, width, channels)`, or with the channels
        before height. Integer or floating point, in the range that the layers inside take.

    Output shape:
        That of the input, in the compute dtype and the range of the last layer.

    Raises:
        TypeError: If an argument has the wrong type, a layer needs labels, or the inputs are not
            one tensor.
        ValueError: If there is no layer, or a layer inside changes the shape.

    Example:
    >>> import catdog_keras, keras, numpy as np
    >>> kinds = [catdog_keras.RandomAffine("horizontal"), keras.layers.RandomBrightness(0.2)]
    >>> tuple(catdog_keras.RandomSequence(kinds)(np.zeros((8, 32, 48, 3)), training=True).shape)
    (8, 32, 48, 3)
    """

    def __init__(self, layers: Sequence[keras.Layer], **kwargs: Any) -> None:
        """Checks and keeps the arguments; the class tells what they mean."""
        super().__init__(**kwargs)
        self.layers = check_inner_layers(layers)

    @property
    def _inner_layers(self) -> list[keras.Layer]:
        return list(self.layers)

    def draw_own(self, batch_size: Any) -> dict[str, Any]:
        """Draws nothing: all that is random is in the layers inside."""
        return {}

    def draw_parameters(self, batch_size: Any) -> dict[str, Any]:
        """Draws the parameters of `batch_size` pictures.

        Args:
            batch_size: Integer, or a scalar integer tensor; number of pictures.

        Returns:
            A dictionary: `layers`, a list of what the `draw_parameters` of each layer returns; None
            for one that has none.
        """
        return {"layers": [draw_inner(layer, batch_size) for layer in self.layers]}

    def transform(self, images: Any, parameters: dict[str, Any]) -> Any:
        """Applies the layers to a batch, one after another."""
        inner = parameters.get("layers") or [None] * len(self.layers)
        for layer, drawn in zip(self.layers, inner, strict=True):
            images = apply_inner(layer, images, drawn)
        return images

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make this layer again."""
        layers = [keras.saving.serialize_keras_object(layer) for layer in self.layers]
        return {**super().get_config(), "layers": layers}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RandomSequence":
        """Makes the layer from what `get_config` returns."""
        layers = [keras.saving.deserialize_keras_object(layer) for layer in config["layers"]]
        return cls(**{**config, "layers": layers})
