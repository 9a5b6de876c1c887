"""Time and memory of augmentation: one `RandomAffine`, compared with four Keras layers.

    python -m benchmarks.augmentation [--rounds 15] [--training-rounds 15] [--batch 32]

Measures flip, rotation, zoom and translation of random images at 160 x 160, in a compiled model and
in parallel `tf.data` maps, on the backend that KERAS_BACKEND selects. Then measures a training step
of `build_model1` with the medium augmentation in the model and in the dataset. The last line prints
by how much each additional batch that is augmented at once increases the peak memory of a process.
"""

import argparse
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from benchmarks.measuring import beside_the_first, in_turns, peak_memory, print_table
from catdog_keras import RandomAffine, augmentation_preset, build_model1, build_model2

SIDE = 160
STEPS = 4  # batches in a round of training and of a map
Layers = Callable[[], list[keras.Layer]]


def keras_layers() -> list[keras.Layer]:
    """Returns the four layers of Keras."""
    return [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomRotation(20 / 360),
        keras.layers.RandomZoom(0.1),
        keras.layers.RandomTranslation(0.1, 0.1),
    ]


def our_layers() -> list[keras.Layer]:
    """Returns one `RandomAffine` with the same transformations."""
    return [RandomAffine("horizontal", 20, 0.1, 0.1)]


SIDES: dict[str, Layers] = {"Keras, four layers": keras_layers, "`RandomAffine`": our_layers}


class Augmented(keras.layers.Layer):
    """Returns the means of the augmented images, so that no time is spent on copying them."""

    def __init__(self, layers: list[keras.Layer]) -> None:
        """Stores the layers."""
        super().__init__()
        self.layers = layers
        # If one layer cannot be compiled, Keras does not compile the model.
        self.supports_jit = all(layer.supports_jit for layer in layers)

    def call(self, images: Any) -> Any:
        """Augments with `training=True`, because `predict` would not augment."""
        for layer in self.layers:
            images = layer(images, training=True)
        return keras.ops.mean(images, axis=(1, 2, 3))


def in_model(layers: Layers, images: np.ndarray) -> Callable[[], Any]:
    """Returns a function that predicts one batch with a model compiled by Keras's defaults."""
    inputs = keras.Input(images.shape[1:])
    model = keras.Model(inputs, Augmented(layers())(inputs))
    tensor = keras.ops.convert_to_tensor(images)
    return lambda: model.predict_on_batch(tensor)


def in_map(layers: Layers, images: np.ndarray, *, batched: bool) -> Callable[[], Any]:
    """Returns a function that reads some batches from a `tf.data` pipeline."""
    import tensorflow as tf

    stack = layers()

    def augment(batch: Any) -> Any:
        for layer in stack:
            batch = layer(batch, training=True)
        return batch

    if batched:
        dataset = tf.data.Dataset.from_tensors(images).repeat()
        dataset = dataset.map(augment, num_parallel_calls=tf.data.AUTOTUNE)
    else:
        dataset = tf.data.Dataset.from_tensor_slices(images).repeat()
        dataset = dataset.map(augment, num_parallel_calls=tf.data.AUTOTUNE).batch(len(images))
    batches: Iterator[Any] = iter(dataset.prefetch(1))

    def some() -> None:
        for _ in range(STEPS):
            next(batches)

    return some


def training(build: Callable[[], keras.Model], images: np.ndarray, mapped: Any) -> Callable:
    """Returns a function that runs some steps of `fit`; `mapped` augments the dataset if given."""
    import tensorflow as tf

    model = build()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    labels = np.arange(len(images)) % 2
    dataset = tf.data.Dataset.from_tensors((images, labels)).repeat(STEPS)
    if mapped is not None:
        dataset = dataset.map(
            lambda batch, targets: (mapped(batch, training=True), targets),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
    dataset = dataset.prefetch(1)
    return lambda: model.fit(dataset, shuffle=False, verbose=0)


def three_batches(name: str, batch: int) -> None:
    """Predicts three batches with the layers of one side, or with none."""
    step = in_model({"nothing": list, **SIDES}[name], random_images(batch))
    for _ in range(3):
        step()


def memory(name: str, batch: int) -> float:
    """Returns the increase in peak memory, in MiB, per additional batch processed at once.

    The memory of the libraries and of compilation cancels out.
    """
    small, large = (peak_memory(functools.partial(three_batches, name, n * batch)) for n in (2, 10))
    return (large - small) / 8


def random_images(size: int) -> np.ndarray:
    """Returns random images of 160 x 160 in [0, 255]."""
    return np.random.default_rng(0).uniform(0, 255, (size, SIDE, SIDE, 3)).astype(np.float32)


def table(heading: str, sides: dict[str, Callable[[], Any]], rounds: int, calls: int) -> None:
    """Times the sides in turns and prints each compared with the first."""
    for side in list(sides.values()) * 2:
        side()  # trace, compile and allocate memory
    timings = in_turns(sides, rounds)
    headings = [heading, "time per batch", "times faster than the first", "by processor time"]
    print_table(headings, beside_the_first(timings, calls))
    print(flush=True)


def main() -> None:
    """Measures and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--training-rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=32)
    arguments = parser.parse_args()
    # Memory first: a process starts with the peak memory of its parent.
    grown = {name: memory(name, arguments.batch) for name in ("nothing", *SIDES)}
    rounds, images = arguments.rounds, random_images(arguments.batch)
    print(f"{keras.backend.backend()} backend, {rounds} rounds, medians [range].\n")
    sides = {name: in_model(layers, images) for name, layers in SIDES.items()}
    table("in a model", sides, rounds, 1)
    for batched, heading in ((True, "in a map of batches"), (False, "in a map of images")):
        sides = {name: in_map(layers, images, batched=batched) for name, layers in SIDES.items()}
        table(heading, sides, rounds, STEPS)
    places = {
        "`build_model1`, no augmentation": training(build_model1, images, None),
        "augmentation in the model": training(build_model2, images, None),
        "augmentation in the dataset": training(
            build_model1, images, augmentation_preset("medium")
        ),
    }
    table("a training step", places, arguments.training_rounds, STEPS)
    above = (f"{name} {each - grown['nothing']:.1f} MiB;" for name, each in grown.items())
    print("Additional memory per batch in a model, without the batch itself:", *above)


if __name__ == "__main__":
    main()
