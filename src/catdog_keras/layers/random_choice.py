"""One of several layers for each picture."""

from collections.abc import Sequence
from typing import Any

import keras

from catdog_keras import _backend
from catdog_keras.layers.around_layers import (
    _AroundLayers,
    apply_inner,
    check_inner_layers,
    draw_inner,
)
from catdog_keras.layers.seeded import _Seeded


@keras.saving.register_keras_serializable(package="catdog_keras")
class RandomChoice(_Seeded, _AroundLayers):
    """Applies one of several layers to each picture, each with the same probability.

    Each picture of a batch is drawn for apart. Only `training=True` changes pictures; otherwise
    they pass through untouched and no layer inside is called. That holds for `tf.data` as well: map
    `lambda images, labels: (layer(images, training=True), labels)`.

    Every layer works on the whole batch and the results are selected picture by picture, which
    every backend compiles: it takes the time of all layers together, and the memory of two
    batches beside the widest of them. `keras.layers.Identity()` as one of them leaves pictures as
    they are. In a `tf.data` map the layer works whatever Keras's backend is, if those inside do, as
    those of Keras do.

    Source: `torchvision.transforms.v2.RandomChoice`, which draws once per call.

    Args:
        layers: List of one or more layers from pictures to pictures of the same shape. Not
            `keras.layers.MixUp` or `CutMix`, which need labels.
        seed: Integer from 0 to 2147483647, or None for a fresh one; of the choice. The layers
            inside have their own.
        **kwargs: Arguments of `keras.layers.Layer`: `name`, `dtype`, `trainable`.

    Input shape:
        `(batch, height, width, channels)` or `(height, width, channels)`, or with the channels
        before height. Integer or floating point, in the range that the layers inside take.

    Output shape:
        That of the input, in the compute dtype and the range of the layers inside.

    Raises:
        TypeError: If an argument has the wrong type, a layer needs labels, or the inputs are not
            one tensor.
        ValueError: If there is no layer, `seed` is out of range, or a layer changes the shape.

    Example:
    >>> import catdog_keras, keras, numpy as np
    >>> kinds = [keras.layers.RandomInvert((1, 1)), keras.layers.Identity()]
    >>> layer = catdog_keras.RandomChoice(kinds, seed=0)
    >>> tuple(layer(np.zeros((8, 32, 48, 3)), training=True).shape)
    (8, 32, 48, 3)
    """

    def __init__(
        self, layers: Sequence[keras.Layer], *, seed: int | None = None, **kwargs: Any
    ) -> None:
        """Checks and keeps the arguments; the class tells what they mean."""
        super().__init__(**kwargs)
        self.layers = check_inner_layers(layers)
        self._keep_seed(seed)

    @property
    def _inner_layers(self) -> list[keras.Layer]:
        return list(self.layers)

    def draw_own(self, batch_size: Any) -> dict[str, Any]:
        """Draws the layers of `batch_size` pictures, and nothing for the layers themselves."""
        units = self._draw_units((batch_size,))
        ops, count = _backend.operations_for(units), len(self.layers)
        # A number next to 1 may be rounded up to `count`.
        return {"choice": ops.minimum(ops.cast(ops.floor(units * count), "int32"), count - 1)}

    def draw_parameters(self, batch_size: Any) -> dict[str, Any]:
        """Draws the parameters of `batch_size` pictures.

        Args:
            batch_size: Integer, or a scalar integer tensor; number of pictures.

        Returns:
            A dictionary: `choice`, an int32 tensor of shape `(batch_size,)`, the place of each
            picture's layer, and `layers`, a list of what the `draw_parameters` of each layer
            returns; None for one that has none.
        """
        inner = [draw_inner(layer, batch_size) for layer in self.layers]
        return {**self.draw_own(batch_size), "layers": inner}

    def transform(self, images: Any, parameters: dict[str, Any]) -> Any:
        """Applies every layer to a batch and takes from each the pictures that have drawn it."""
        ops = _backend.operations_for(images)
        choice = ops.convert_to_tensor(parameters["choice"])
        inner = parameters.get("layers") or [None] * len(self.layers)
        outputs = images
        for number, (layer, drawn) in enumerate(zip(self.layers, inner, strict=True)):
            changed = apply_inner(layer, images, drawn)
            outputs = self._select(ops.equal(choice, number), changed, outputs)
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make this layer again."""
        layers = [keras.saving.serialize_keras_object(layer) for layer in self.layers]
        return {**super().get_config(), "layers": layers, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RandomChoice":
        """Makes the layer from what `get_config` returns."""
        layers = [keras.saving.deserialize_keras_object(layer) for layer in config["layers"]]
        return cls(**{**config, "layers": layers})
