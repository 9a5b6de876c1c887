"""Random numbers for layers, in a model and in a `tf.data` map with any backend."""

import random
import weakref
from typing import Any

import keras

from catdog_keras._backend.tf_data import in_dataset_map

PHILOX_STEP = 256  # by which TensorFlow advances the counter for each requested number


class MapRandomGenerator:
    """Random number generator for `tf.data` maps.

    In a map Keras's generator does not work: on JAX and PyTorch it would draw once, while the map
    is traced, and repeat the same numbers for every element; on TensorFlow parallel calls could
    read the same state before one of them updates it. This generator counts its calls in a
    TensorFlow state that is read and updated in one operation. Each call returns the numbers that
    Keras's generator with this seed draws on TensorFlow; a seed of None is chosen at random.
    """

    def __init__(self, seed: int | None) -> None:
        self._seed = seed
        self._counter: Any = None

    def uniform(self, shape: Any) -> Any:
        """Returns float32 numbers from [0, 1)."""
        import tensorflow as tf

        if self._counter is None:
            if self._seed is None:
                self._seed = random.randint(0, 10**9)  # as in Keras: `set_random_seed` fixes it
            # Maps run on the CPU, so the state must be there. It outlives the graph of the map.
            with tf.init_scope(), tf.device("CPU:0"):
                self._counter = tf.random.Generator.from_state([0, 0, 0], "philox")
        calls = self._counter.skip(1)[0] // PHILOX_STEP
        seed = tf.stack([self._seed % (tf.int32.max - 1), tf.cast(calls, tf.int32)])
        return tf.random.stateless_uniform(shape, seed)


_generators: weakref.WeakKeyDictionary[keras.random.SeedGenerator, MapRandomGenerator] = (
    weakref.WeakKeyDictionary()
)


def map_generator_for(seed_generator: keras.random.SeedGenerator) -> MapRandomGenerator:
    """Returns the generator for `tf.data` maps that all layers with this `SeedGenerator` share.

    With one generator each, layers with the same seed would draw the same numbers.
    """
    if seed_generator not in _generators:
        _generators[seed_generator] = MapRandomGenerator(initial_seed(seed_generator))
    return _generators[seed_generator]


def initial_seed(seed_generator: keras.random.SeedGenerator) -> int:
    """Returns the seed of a `SeedGenerator`, also if Keras chose it."""
    return int(keras.ops.convert_to_numpy(seed_generator.state)[0])


def random_uniform(
    shape: tuple[Any, ...],
    seed_generator: keras.random.SeedGenerator,
    map_generator: MapRandomGenerator,
) -> Any:
    """Returns float32 numbers from [0, 1); in a `tf.data` map from `map_generator`."""
    if in_dataset_map():
        return map_generator.uniform(shape)
    return keras.random.uniform(shape, dtype="float32", seed=seed_generator)
