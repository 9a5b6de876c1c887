"""Random numbers for layers, in a model and in a `tf.data` map of any backend."""

import random
from typing import Any

import keras

from catdog_keras._backend.tf_data import in_dataset_map

PHILOX_STEP = 256  # by which TensorFlow moves the counter for each number asked for


class MapGenerator:
    """Random numbers in `tf.data` maps.

    On another backend Keras's generator would draw there once, while the map is traced, and the
    same for ever; on TensorFlow calls in parallel would read the same state before one of them
    writes. This one counts calls by a state of TensorFlow that is read and moved on at once. The
    numbers of each call are those that Keras's generator of this seed draws on TensorFlow.
    """

    def __init__(self, seed: int | None) -> None:
        """Keeps the seed; None is a fresh one."""
        self._seed = seed
        self._counter: Any = None

    def uniform(self, shape: Any) -> Any:
        """Returns float32 numbers from [0, 1)."""
        import tensorflow as tf

        if self._counter is None:
            if self._seed is None:
                self._seed = random.randint(0, 10**9)  # as Keras does: `set_random_seed` fixes it
            # Maps run on the CPU, and so must the state, which outlives the graph of the map.
            with tf.init_scope(), tf.device("CPU:0"):
                self._counter = tf.random.Generator.from_state([0, 0, 0], "philox")
        calls = self._counter.skip(1)[0] // PHILOX_STEP
        seed = tf.stack([self._seed % (tf.int32.max - 1), tf.cast(calls, tf.int32)])
        return tf.random.stateless_uniform(shape, seed)


def draw_units(
    shape: tuple[Any, ...],
    seed_generator: keras.random.SeedGenerator,
    map_generator: MapGenerator,
) -> Any:
    """Returns float32 numbers from [0, 1); in a `tf.data` map those of `map_generator`."""
    if in_dataset_map():
        return map_generator.uniform(shape)
    return keras.random.uniform(shape, dtype="float32", seed=seed_generator)
