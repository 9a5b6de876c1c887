"""Trains a ConvBlock and its stock layers on two devices, and prints how far their weights differ.

Run as a program: devices are made before TensorFlow or JAX is used for the first time.
"""

import os

DEVICES = 2
os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={DEVICES}"

import contextlib  # noqa: E402
from contextlib import AbstractContextManager  # noqa: E402

import keras  # noqa: E402
import numpy as np  # noqa: E402

from catdog_keras import ConvBlock  # noqa: E402

FILTERS = 4


def share_batches() -> AbstractContextManager:
    """Makes two devices of the processor, between which batches are divided."""
    if keras.backend.backend() == "jax":
        keras.distribution.set_distribution(keras.distribution.DataParallel())
        assert len(keras.distribution.list_devices()) == DEVICES
        return contextlib.nullcontext()
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration() for _ in range(DEVICES)]
    tf.config.set_logical_device_configuration(cpu, logical)
    strategy = tf.distribute.MirroredStrategy([f"CPU:{n}" for n in range(DEVICES)])
    assert strategy.num_replicas_in_sync == DEVICES
    return strategy.scope()


def network(own: bool) -> keras.Model:
    """One block and a head: ours, or the stock layers it stands for."""
    block = [
        keras.layers.Conv2D(FILTERS, 3, activation="relu"),
        keras.layers.BatchNormalization(momentum=0.5),
        keras.layers.MaxPooling2D(),
    ]
    if own:
        block = [ConvBlock(FILTERS, momentum=0.5)]
    return keras.Sequential(
        [keras.Input((9, 8, 3)), *block, keras.layers.Flatten(), keras.layers.Dense(2)]
    )


def train(model: keras.Model) -> list[np.ndarray]:
    """The weights after two passes over eight batches, the last of which is smaller."""
    generator = np.random.default_rng(0)
    images = generator.normal(3, 2, (60, 9, 8, 3)).astype(np.float32)
    labels = generator.integers(0, 2, 60)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss)
    model.fit(images, labels, batch_size=8, epochs=2, shuffle=False, verbose=0)
    return model.get_weights()


def difference(first: list[np.ndarray], second: list[np.ndarray]) -> list[float]:
    """The largest difference in each weight, as a share of its largest value."""
    return [
        float(np.abs(a - b).max() / np.abs(a).max()) for a, b in zip(first, second, strict=True)
    ]


def main() -> None:
    """Prints the difference of the two, and the smallest change of a weight in training."""
    # From some weights, rounding turns which value of a window is the largest, and grows from there
    # a thousandfold, in stock layers as in ours; from these it does not.
    keras.utils.set_random_seed(0)
    with share_batches():
        stock, own = network(own=False), network(own=True)
        begin = stock.get_weights()
        own.set_weights(begin)
    expected, found = train(stock), train(own)
    print(max(difference(expected, found)), min(difference(expected, begin)))


if __name__ == "__main__":
    main()
