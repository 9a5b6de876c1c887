"""Base class of layers with a seed."""

from typing import Any

import keras

from catdog_keras import _backend
from catdog_keras._checks import check_integer

LARGEST_SEED = 2**31 - 1  # Keras stores the seed as an int32 on PyTorch


class _Seeded(keras.layers.Layer):
    """Base class of layers that draw random numbers from their seed, also in a `tf.data` map."""

    def _keep_seed(self, seed: int | None) -> None:
        """Validates and stores the seed, and creates the random number generators."""
        self.seed = (
            None if seed is None else check_integer("seed", seed, minimum=0, maximum=LARGEST_SEED)
        )
        self.seed_generator = keras.random.SeedGenerator(self.seed)
        self._map_generator = _backend.MapGenerator(self.seed)

    def _draw_units(self, shape: tuple[Any, ...]) -> Any:
        """Draws uniform numbers in [0, 1), as TensorFlow tensors in a `tf.data` map."""
        return _backend.draw_units(shape, self.seed_generator, self._map_generator)
