"""A layer that acts on some of the pictures only."""

from typing import Any

import keras

from catdog_keras._checks import check_number
from catdog_keras.layers.around_layers import (
    _AroundLayers,
    apply_inner,
    check_inner,
    draw_inner,
)
from catdog_keras.layers.seeded import _Seeded


@keras.saving.register_keras_serializable(package="catdog_keras")
class RandomApply(_Seeded, _AroundLayers):
    """Applies a layer to each picture with a given probability.

    Each picture of a batch is drawn for apart. Only `training=True` changes pictures; otherwise
    they pass through untouched and the layer inside is not called. That holds for `tf.data` as
    well: map `lambda images, labels: (layer(images, training=True), labels)`.

    The layer inside works on the whole batch and the result is selected picture by picture, which
    every backend compiles: a low rate saves no time. In a `tf.data` map the layer works whatever
    Keras's backend is, if the one inside does, as those of Keras do.

    Source: the wish of https://github.com/keras-team/keras-cv/issues/1186 and
    `torchvision.transforms.v2.RandomApply`, which draws once per call.

    Args:
        layer: Layer from pictures to pictures of the same shape. Not `keras.layers.MixUp` or
            `CutMix`, which need labels.
        rate: Number from 0 to 1; the probability for each picture.
        seed: Integer from 0 to 2147483647, or None for a fresh one; of the selection. The layer
            inside has its own.
        **kwargs: Arguments of `keras.layers.Layer`: `name`, `dtype`, `trainable`.

    Input shape:
        `(batch, height, width, channels)` or `(height, width, channels)`, or with the channels
        before height. Integer or floating point, in the range that the layer inside takes.

    Output shape:
        That of the input, in the compute dtype and the range of the layer inside.

    Raises:
        TypeError: If an argument has the wrong type, a layer needs labels, or the inputs are not
            one tensor.
        ValueError: If `rate` or `seed` is out of range, or the layer inside changes the shape.

    Example:
    >>> import catdog_keras, keras, numpy as np
    >>> layer = catdog_keras.RandomApply(keras.layers.RandomInvert((1, 1)), rate=0.2, seed=0)
    >>> tuple(layer(np.zeros((8, 32, 48, 3)), training=True).shape)
    (8, 32, 48, 3)
    """

    def __init__(
        self, layer: keras.Layer, rate: float = 0.5, *, seed: int | None = None, **kwargs: Any
    ) -> None:
        """Checks and keeps the arguments; the class tells what they mean."""
        super().__init__(**kwargs)
        self.layer = check_inner("layer", layer)
        self.rate = check_number("rate", rate, minimum=0, maximum=1)
        self._keep_seed(seed)

    @property
    def _inner_layers(self) -> list[keras.Layer]:
        return [self.layer]

    def draw_own(self, batch_size: Any) -> dict[str, Any]:
        """Draws which of `batch_size` pictures are changed, and nothing for the layer inside."""
        units = self._draw_units((batch_size,))
        return {"applied": units < self.rate}

    def draw_parameters(self, batch_size: Any) -> dict[str, Any]:
        """Draws the parameters of `batch_size` pictures.

        Args:
            batch_size: Integer, or a scalar integer tensor; number of pictures.

        Returns:
            A dictionary: `applied`, a boolean tensor of shape `(batch_size,)`, and `layer`, what
            the `draw_parameters` of the layer inside returns; None if it has none.
        """
        return {**self.draw_own(batch_size), "layer": draw_inner(self.layer, batch_size)}

    def transform(self, images: Any, parameters: dict[str, Any]) -> Any:
        """Applies the layer to a batch and takes the pictures for which it was drawn."""
        outputs = apply_inner(self.layer, images, parameters.get("layer"))
        return self._select(parameters["applied"], outputs, images)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make this layer again."""
        layer = keras.saving.serialize_keras_object(self.layer)
        return {**super().get_config(), "layer": layer, "rate": self.rate, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RandomApply":
        """Makes the layer from what `get_config` returns."""
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})
