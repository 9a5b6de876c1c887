"""A layer that applies a randomly chosen layer to each image."""

from collections.abc import Sequence
from typing import Any

import keras

from catdog_keras import _backend
from catdog_keras.layers._annotations import images_of
from catdog_keras.layers._argument_names import CHOICE_NAMES, suggests_layer_arguments
from catdog_keras.layers._base_augmentation import Seed, SeededLayer
from catdog_keras.layers._wrapper_layer import (
    Strength,
    WrapperLayer,
    check_inner_layers,
    check_keeps_range,
    inner_transformation,
    transform_inner,
)


@keras.saving.register_keras_serializable(package="catdog_keras")
class RandomChoice(SeededLayer, WrapperLayer):
    """Applies one of several layers to each image, each with the same probability.

    The choice is made independently for each image. The layer augments when it is called, also in a
    `tf.data` map, unless it is called with `training=False`. Inside a model it is active in `fit`
    only: `predict`, `evaluate` and `model(images)` leave the images unchanged. If it is not active,
    no wrapped layer is called.

    A dictionary with `images`, `segmentation_masks` and `bounding_boxes` is transformed as by
    `RandomAffine`, by wrapped layers of this package and of Keras; other layers that change the
    position of pixels are rejected if there are masks or boxes.

    With `keras.layers.MixUp` or `CutMix` among its layers, it requires a dictionary of a batch with
    `images` and one-hot `labels` and no masks or boxes, as in a `tf.data` map; the labels are mixed
    with the images and become float32.

    Every wrapped layer runs on the whole batch before the results are selected, which compiles on
    every backend. The cost is the time of all layers together, and the memory of two batches in
    addition to that of the largest layer. Include `keras.layers.Identity()` to leave some images
    unchanged. In a `tf.data` map the layer works with any Keras backend if the wrapped layers do,
    as Keras's own layers do.

    Source: `torchvision.transforms.v2.RandomChoice`, which draws once per call.

    Args:
        layers: List of one or more layers that map images to images of the same shape, or names of
            an `augmentation_preset`, such as `"light"`.
        seed: Integer from 0 to 2147483647, a `keras.random.SeedGenerator`, or None for a random
            seed; used for the choice only. The wrapped layers have separate seeds.
        **kwargs: Arguments of `keras.layers.Layer`: `name`, `dtype`, `trainable`.

    Input shape:
        `(batch, height, width, channels)` or `(height, width, channels)`, or with the channels
        before height. Integer or floating point, in the range that the wrapped layers expect.

    Output shape:
        Same as the input, in the compute dtype and the value range of the wrapped layers.

    Raises:
        TypeError: If an argument has the wrong type or is unknown, a layer needs labels, or the
            inputs are neither a tensor nor a dictionary.
        ValueError: If `layers` is empty, `seed` is out of range, or a layer changes the shape or is
            a preprocessing layer, which must change all images.

    Example:
    >>> import catdog_keras, keras, numpy as np
    >>> kinds = [keras.layers.RandomInvert((1, 1)), keras.layers.Identity()]
    >>> layer = catdog_keras.RandomChoice(kinds, seed=0)
    >>> tuple(layer(np.zeros((8, 32, 48, 3))).shape)
    (8, 32, 48, 3)
    """

    @suggests_layer_arguments(CHOICE_NAMES, "Pass a list: `RandomChoice([first, second])`.")
    def __init__(
        self, layers: Sequence[keras.Layer | Strength], *, seed: Seed = None, **kwargs: Any
    ) -> None:
        """Validates and stores the arguments; see the class docstring."""
        super().__init__(**kwargs)
        self.layers = check_inner_layers(layers)
        for number, layer in enumerate(self.layers):
            check_keeps_range(f"layers[{number}]", layer)
        self._init_seed(seed)

    @property
    def _inner_layers(self) -> list[keras.Layer]:
        return list(self.layers)

    def _get_transformation(self, batch_size: Any) -> dict[str, Any]:
        """Draws a layer for each of `batch_size` images, but no parameters of these layers."""
        units = self._random_uniform((batch_size,))
        ops, count = _backend.ops_for(units), len(self.layers)
        # The product of a number close to 1 and `count` may be rounded up to `count`.
        return {"choice": ops.minimum(ops.cast(ops.floor(units * count), "int32"), count - 1)}

    def get_random_transformation(self, batch_size: Any) -> dict[str, Any]:
        """Draws random parameters for `batch_size` images.

        Args:
            batch_size: Integer, or a scalar integer tensor; number of images.

        Returns:
            A dictionary: `choice`, an int32 tensor of shape `(batch_size,)`, the index of the layer
            of each image, and `layers`, a list with the result of each layer's
            `get_random_transformation`; None for layers that do not have this method.
        """
        inner = [inner_transformation(layer, batch_size) for layer in self.layers]
        return {**self._get_transformation(batch_size), "layers": inner}

    def transform(self, batch: Any, transformation: dict[str, Any]) -> Any:
        """Applies every layer to a batch and selects the chosen result for each image."""
        ops = _backend.ops_for(images_of(batch))
        choice = ops.convert_to_tensor(transformation["choice"])
        inner = transformation.get("layers") or [None] * len(self.layers)
        outputs = batch
        for number, (layer, drawn) in enumerate(zip(self.layers, inner, strict=True)):
            changed = transform_inner(layer, batch, drawn)
            outputs = self._select(ops.equal(choice, number), changed, outputs)
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments of the layer."""
        layers = [keras.saving.serialize_keras_object(layer) for layer in self.layers]
        return {**super().get_config(), "layers": layers, "seed": self._seed_config()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RandomChoice":
        """Creates a layer from the dictionary returned by `get_config`."""
        layers = [keras.saving.deserialize_keras_object(layer) for layer in config["layers"]]
        return cls(**{**config, "layers": layers})
