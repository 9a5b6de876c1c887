"""Base class of the augmentation layers: random changes of images, during training only."""

from collections.abc import Sequence
from typing import Any

import keras

from catdog_keras import _backend
from catdog_keras._checks import check_integer, check_single_tensor, describe


class BaseAugmentation(keras.layers.Layer):
    """Base class of layers that are active only with `training=True` and keep the image shape.

    Subclasses define `get_random_transformation` and `transform_images`, and override
    `_get_transformation` if the layer itself draws only some of the parameters.
    """

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Calls the layer; in a `tf.data` map with any Keras backend."""
        check_single_tensor(inputs)
        if _backend.is_foreign_tf_tensor(inputs):
            return self.call(inputs, *args, **kwargs)
        return super().__call__(inputs, *args, **kwargs)

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        """Augments images at random.

        Args:
            inputs: Images, batched or not.
            training: True draws and applies parameters; False or None returns the images unchanged.

        Returns:
            The images, in the compute dtype.
        """
        self.compute_output_shape(inputs.shape)
        ops = _backend.ops_for(inputs)
        if not training:
            return ops.cast(inputs, self.compute_dtype)
        # A tensor even for a single image: its type shows whether this runs in a `tf.data` map.
        batch_size = ops.shape(inputs if len(inputs.shape) == 4 else inputs[None])[0]
        return self.transform_images(inputs, self._get_transformation(batch_size))

    def _get_transformation(self, batch_size: Any) -> dict[str, Any]:
        """Draws the parameters that the layer itself applies to `batch_size` images."""
        return self.get_random_transformation(batch_size)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Returns `input_shape`.

        Raises:
            ValueError: If it does not have three or four axes.
        """
        shape = tuple(input_shape)
        if len(shape) not in (3, 4):
            requirement = "of three axes (one image) or four (a batch)"
            raise ValueError(describe("input_shape", requirement, shape))
        return shape


LARGEST_SEED = 2**31 - 1  # Keras stores the seed as an int32 on PyTorch


class SeededLayer(keras.layers.Layer):
    """Base class of layers that draw random numbers from their seed, also in a `tf.data` map."""

    def _init_seed(self, seed: int | None) -> None:
        """Validates and stores the seed, and creates the random number generators."""
        self.seed = (
            None if seed is None else check_integer("seed", seed, minimum=0, maximum=LARGEST_SEED)
        )
        self.seed_generator = keras.random.SeedGenerator(self.seed)
        self._map_generator = _backend.MapRandomGenerator(self.seed)

    def _random_uniform(self, shape: tuple[Any, ...]) -> Any:
        """Draws uniform numbers in [0, 1), as TensorFlow tensors in a `tf.data` map."""
        return _backend.random_uniform(shape, self.seed_generator, self._map_generator)
