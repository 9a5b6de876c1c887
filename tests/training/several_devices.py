"""Trains small models on several devices, or in several processes, and prints what came of it.

Run as a program: devices are made before TensorFlow or JAX is used for the first time.

    python -m tests.training.several_devices DEVICES [PROCESS PROCESSES ADDRESS] FOLDER
"""

import contextlib
import json
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import keras
import numpy as np

from catdog_keras import ConvBlock, FineTuneConfig, fine_tune, fit_head

COUNT, BATCH = 40, 8


def share_batches(devices: int, process: list[str]) -> AbstractContextManager:
    """Divides batches between the devices of this process, and those of the other processes."""
    if keras.backend.backend() == "jax":
        if process:
            number, processes, address = process
            keras.distribution.initialize(address, int(processes), int(number))
        if process or devices > 1:
            keras.distribution.set_distribution(keras.distribution.DataParallel())
        return contextlib.nullcontext()
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    logical = [tf.config.LogicalDeviceConfiguration() for _ in range(devices)]
    tf.config.set_logical_device_configuration(cpu, logical)
    if devices == 1:
        return contextlib.nullcontext()
    return tf.distribute.MirroredStrategy([f"CPU:{n}" for n in range(devices)]).scope()


def make_images():
    """Batches of images that encode their label, and the number of each image."""
    import tensorflow as tf

    generator = np.random.default_rng(0)
    labels = np.arange(COUNT) % 2
    images = generator.uniform(0, 255, (COUNT, 8, 8, 3)) / (1 + labels[:, None, None, None])
    numbers = tf.data.Dataset.range(COUNT).batch(BATCH)
    dataset = tf.data.Dataset.from_tensor_slices((images.astype("float32"), labels))
    return dataset.batch(BATCH), numbers


def models() -> tuple[keras.Model, keras.Model]:
    """A small network with a block of ours, and a transfer model."""
    from tests.training.fine_tuning_cases import model

    keras.utils.set_random_seed(0)
    # Under a TensorFlow strategy each replica normalizes by the statistics of its own images.
    layers = [ConvBlock(4, normalization=None), keras.layers.Flatten(), keras.layers.Dense(2)]
    own = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Rescaling(1 / 255), *layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    own.compile(keras.optimizers.SGD(0.01), loss)
    return own, model(augmentation=None, dropout=0)


def main() -> None:
    """Prints the losses of each training, and which images this process was given."""
    devices, *process, folder = sys.argv[1:]
    with share_batches(int(devices), process):
        own, transfer = models()
    dataset, numbers = make_images()
    found = {"fit": own.fit(dataset, epochs=2, shuffle=False, verbose=0).history["loss"]}
    # One batch per epoch: `fit_head` determines the order of cached features.
    whole = dataset.unbatch().batch(COUNT)
    head = fit_head(transfer, whole, validation_data=dataset, epochs=2, verbose=0)
    found["fit_head"] = head.history["val_loss"]
    ((images, labels),) = whole.as_numpy_iterator()
    arrays = fit_head(
        transfer,
        images,
        labels,
        batch_size=COUNT,
        validation_data=(images, labels),
        epochs=2,
        verbose=0,
    )
    found["fit_head with arrays"] = arrays.history["val_loss"]
    tuned = fine_tune(
        transfer,
        dataset,
        validation_data=dataset,
        epochs=2,
        unfreeze="conv1",
        options=FineTuneConfig(num_views=None),
        backup=Path(folder) / f"state{process[0] if process else ''}",
    )
    found["fine_tune"] = tuned.history["loss"] + tuned.history["val_loss"]
    distribution = keras.distribution.distribution()
    if distribution is not None:
        numbers = distribution.distribute_dataset(numbers)
    found["images"] = sorted(int(n) for batch in numbers.as_numpy_iterator() for n in batch)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
