"""Random numbers for layers, in a model and in a `tf.data` map of any backend."""

from typing import Any

import keras

from catdog_keras._backend.tf_data import is_foreign


class MapGenerator:
    """Random numbers in `tf.data` maps while Keras's backend is another.

    Keras's generator would draw there once, while the map is traced, and the same for ever. This
    state is TensorFlow's own, made at its first use and outside of the map's graph.
    """

    def __init__(self, seed: int | None) -> None:
        """Keeps the seed; None is a fresh one."""
        self._seed = seed
        self._generator: Any = None

    def uniform(self, shape: Any) -> Any:
        """Returns float32 numbers from [0, 1)."""
        import tensorflow as tf

        if self._generator is None:
            # Maps run on the CPU, and so must the state.
            with tf.init_scope(), tf.device("CPU:0"):
                generators = tf.random.Generator
                self._generator = (
                    generators.from_non_deterministic_state()
                    if self._seed is None
                    else generators.from_seed(self._seed)
                )
        return self._generator.uniform(shape)


def draw_units(
    batch_size: Any, seed_generator: keras.random.SeedGenerator, map_generator: MapGenerator
) -> Any:
    """Returns float32 numbers from [0, 1), of shape `(batch_size,)`.

    Those for a tensor of a foreign map come from `map_generator`.
    """
    if is_foreign(batch_size):
        return map_generator.uniform((batch_size,))
    return keras.random.uniform((batch_size,), dtype="float32", seed=seed_generator)
