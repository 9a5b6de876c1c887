"""Training on several devices and in several processes."""

import contextlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import keras
import numpy as np

from catdog_keras._checks import describe


def strategy_scope(model: keras.Model) -> AbstractContextManager[Any]:
    """Enters the TensorFlow distribution strategy of a model; does nothing on other backends."""
    if keras.backend.backend() != "tensorflow":
        return contextlib.nullcontext()
    return model.distribute_strategy.scope()


def check_strategy(model: keras.Model) -> None:
    """Raises a ValueError if Keras cannot train a model with its distribution strategy."""
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    refused = isinstance(model.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy)
    if refused:
        requirement = "a model that was not built under MultiWorkerMirroredStrategy"
        remedy = (
            "Keras 3 does not support it (keras#20585). Use MirroredStrategy for the devices of "
            "one machine, or the JAX backend with `keras.distribution` for several machines."
        )
        raise ValueError(describe("model", requirement, model, remedy))


def is_first_process() -> bool:
    """Whether this process of a distributed training writes the files that only one must write."""
    if keras.backend.backend() != "jax":
        return True
    import jax

    return bool(jax.process_index() == 0)


def requires_tf_data(model: keras.Model) -> bool:
    """Whether distributed training reliably splits only `tf.data` datasets between its devices.

    True for more than one process on JAX, and for more than one replica in a TensorFlow strategy.
    """
    if keras.backend.backend() == "tensorflow":
        return bool(model.distribute_strategy.num_replicas_in_sync > 1)
    if keras.backend.backend() == "jax":
        import jax

        return bool(jax.process_count() > 1)
    return False


def as_tf_data(arrays: Sequence[Any], batch_size: int, seed: Sequence[int] | None) -> Any:
    """Returns arrays as `tf.data` batches for distributed training, in another order in each epoch.

    Args:
        arrays: Arrays of equal length.
        batch_size: Number of rows in a batch.
        seed: Determines the order, the same in all processes; None keeps that of the arrays.
    """
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices(tuple(arrays))
    if seed is not None:
        drawn = int(np.random.SeedSequence(seed).generate_state(1)[0] >> 1)
        dataset = dataset.shuffle(len(arrays[0]), drawn, reshuffle_each_iteration=True)
    return dataset.batch(batch_size)
