"""What layers that draw random numbers share: a seed, and generators that start from it."""

from typing import Any

import keras

from catdog_keras import _backend
from catdog_keras._checks import check_integer

LARGEST_SEED = 2**31 - 1  # PyTorch's generators in Keras keep it in an int32


class _Seeded(keras.layers.Layer):
    """A layer that draws by a seed of its own, in a model and in a `tf.data` map alike."""

    def _keep_seed(self, seed: int | None) -> None:
        """Checks and keeps the seed, and makes what draws by it."""
        self.seed = (
            None if seed is None else check_integer("seed", seed, minimum=0, maximum=LARGEST_SEED)
        )
        self.seed_generator = keras.random.SeedGenerator(self.seed)
        self._map_generator = _backend.MapGenerator(self.seed)

    def _draw_units(self, shape: tuple[Any, ...]) -> Any:
        """Draws numbers from 0 to 1, of the framework in which it is called."""
        return _backend.draw_units(shape, self.seed_generator, self._map_generator)
