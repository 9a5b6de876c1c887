"""A layer that augments a random subset of the images."""

from collections.abc import Sequence
from typing import Any

import keras

from catdog_keras._checks import check_number
from catdog_keras.layers._argument_names import APPLY_NAMES, suggests_layer_arguments
from catdog_keras.layers._augmentation_pipeline import layer_or_pipeline
from catdog_keras.layers._base_augmentation import Seed, SeededLayer
from catdog_keras.layers._wrapper_layer import (
    Strength,
    WrapperLayer,
    check_keeps_range,
    inner_transformation,
    transform_inner,
)


@keras.saving.register_keras_serializable(package="catdog_keras")
class RandomApply(SeededLayer, WrapperLayer):
    """Applies a layer to each image with a given probability.

    The decision is made independently for each image. The layer augments when it is called, also in
    a `tf.data` map, unless it is called with `training=False`. Inside a model it is active in `fit`
    only: `predict`, `evaluate` and `model(images)` leave the images unchanged. If it is not active,
    the wrapped layer is not called.

    A dictionary with `images`, `segmentation_masks` and `bounding_boxes` is transformed as by
    `RandomAffine`, by wrapped layers of this package and of Keras; other layers that change the
    position of pixels are rejected if there are masks or boxes.

    With `keras.layers.MixUp` or `CutMix` among its layers, it requires a dictionary of a batch with
    `images` and one-hot `labels` and no masks or boxes, as in a `tf.data` map; the labels are mixed
    with the images and become float32.

    The wrapped layer runs on the whole batch before the results are selected, which compiles on
    every backend, but a low `rate` saves no time. In a `tf.data` map the layer works with any Keras
    backend if the wrapped layer does, as Keras's own layers do.

    Source: the request in https://github.com/keras-team/keras-cv/issues/1186 and
    `torchvision.transforms.v2.RandomApply`, which draws once per call.

    Args:
        layer: Layer that maps images to images of the same shape and value range, or the name of an
            `augmentation_preset`, such as `"light"`. A list of them is applied in order, as by
            `AugmentationPipeline`, to each selected image.
        rate: Number from 0 to 1; the probability for each image.
        seed: Integer from 0 to 2147483647, a `keras.random.SeedGenerator`, or None for a random
            seed; used for the selection only. The wrapped layer has a separate seed.
        **kwargs: Arguments of `keras.layers.Layer`: `name`, `dtype`, `trainable`.

    Input shape:
        `(batch, height, width, channels)` or `(height, width, channels)`, or with the channels
        before height. Integer or floating point, in the range that the wrapped layer expects.

    Output shape:
        Same as the input, in the compute dtype and the value range of the wrapped layer.

    Raises:
        TypeError: If an argument has the wrong type or is unknown, a layer needs labels, or the
            inputs are neither a tensor nor a dictionary.
        ValueError: If `rate` or `seed` is out of range, or the wrapped layer changes the shape or
            is a preprocessing layer, which must change all images.

    Example:
    >>> import catdog_keras, keras, numpy as np
    >>> layer = catdog_keras.RandomApply(keras.layers.RandomInvert((1, 1)), rate=0.2, seed=0)
    >>> tuple(layer(np.zeros((8, 32, 48, 3))).shape)
    (8, 32, 48, 3)
    """

    @suggests_layer_arguments(APPLY_NAMES)
    def __init__(
        self,
        layer: keras.Layer | Strength | Sequence[keras.Layer | Strength],
        rate: float = 0.5,
        *,
        seed: Seed = None,
        **kwargs: Any,
    ) -> None:
        """Validates and stores the arguments; see the class docstring."""
        super().__init__(**kwargs)
        self.layer = layer_or_pipeline("layer", layer)
        check_keeps_range("layer", self.layer)
        self.rate = check_number("rate", rate, minimum=0, maximum=1)
        self._init_seed(seed)

    @property
    def _inner_layers(self) -> list[keras.Layer]:
        return [self.layer]

    def _get_transformation(self, batch_size: Any) -> dict[str, Any]:
        """Draws which of `batch_size` images are changed, but no parameters of `layer`."""
        units = self._random_uniform((batch_size,))
        return {"applied": units < self.rate}

    def get_random_transformation(self, batch_size: Any) -> dict[str, Any]:
        """Draws random parameters for `batch_size` images.

        Args:
            batch_size: Integer, or a scalar integer tensor; number of images.

        Returns:
            A dictionary: `applied`, a boolean tensor of shape `(batch_size,)`, and `layer`, the
            result of the wrapped layer's `get_random_transformation`; None if it does not have this
            method.
        """
        return {
            **self._get_transformation(batch_size),
            "layer": inner_transformation(self.layer, batch_size),
        }

    def transform(self, batch: Any, transformation: dict[str, Any]) -> Any:
        """Applies the wrapped layer to a batch and selects its results for the drawn images."""
        outputs = transform_inner(self.layer, batch, transformation.get("layer"))
        return self._select(transformation["applied"], outputs, batch)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments of the layer."""
        layer = keras.saving.serialize_keras_object(self.layer)
        return {
            **super().get_config(),
            "layer": layer,
            "rate": self.rate,
            "seed": self._seed_config(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RandomApply":
        """Creates a layer from the dictionary returned by `get_config`."""
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})
