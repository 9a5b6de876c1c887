"""Milliseconds for the augmentation of one batch: one resampling here, layers in a row in Keras.

    python -m benchmarks.augmentation [--rounds 15] [--training-rounds 15] [--batch 32]

Flip, rotation, zoom and translation of random pictures at 160 x 160, on the backend that
KERAS_BACKEND names: compiled in a model, and in `tf.data` maps, parallel ones. Then what the medium
stack adds to a training step of `build_model1`, and which place is faster in training, the model or
the dataset. The last line is how much higher the peak of a process becomes that augments more
pictures at once, per batch of them.
"""

import argparse
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from benchmarks.measuring import beside_the_first, in_turns, peak_memory, print_table
from catdog_keras import RandomAffine, augmentation, build_model1, build_model2

SIDE = 160
STEPS = 4  # batches in a round of training and of a map
Layers = Callable[[], list[keras.Layer]]


def keras_layers() -> list[keras.Layer]:
    """Keras's way."""
    return [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomRotation(20 / 360),
        keras.layers.RandomZoom(0.1),
        keras.layers.RandomTranslation(0.1, 0.1),
    ]


def our_layers() -> list[keras.Layer]:
    """The same changes."""
    return [RandomAffine("horizontal", 20, 0.1, 0.1)]


SIDES: dict[str, Layers] = {"Keras, four layers": keras_layers, "`RandomAffine`": our_layers}


class Augmented(keras.layers.Layer):
    """The means of augmented pictures, so that no time goes into handing the pictures over."""

    def __init__(self, layers: list[keras.Layer]) -> None:
        """Keeps the layers."""
        super().__init__()
        self.layers = layers
        # Of a model with a layer that cannot be compiled, Keras compiles nothing.
        self.supports_jit = all(layer.supports_jit for layer in layers)

    def call(self, images: Any) -> Any:
        """Augments, which `predict` alone would not."""
        for layer in self.layers:
            images = layer(images, training=True)
        return keras.ops.mean(images, axis=(1, 2, 3))


def in_model(layers: Layers, images: np.ndarray) -> Callable[[], Any]:
    """One batch through a model, compiled as Keras compiles it by default."""
    inputs = keras.Input(images.shape[1:])
    model = keras.Model(inputs, Augmented(layers())(inputs))
    tensor = keras.ops.convert_to_tensor(images)
    return lambda: model.predict_on_batch(tensor)


def in_map(layers: Layers, images: np.ndarray, *, batched: bool) -> Callable[[], Any]:
    """Some batches out of a `tf.data` pipeline."""
    import tensorflow as tf

    stack = layers()

    def augment(pictures: Any) -> Any:
        for layer in stack:
            pictures = layer(pictures, training=True)
        return pictures

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
    """Some steps of `fit`, with the pictures augmented by `mapped` in the dataset, or not."""
    import tensorflow as tf

    model = build()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    labels = np.arange(len(images)) % 2
    dataset = tf.data.Dataset.from_tensors((images, labels)).repeat(STEPS)
    if mapped is not None:
        dataset = dataset.map(
            lambda pictures, names: (mapped(pictures, training=True), names),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
    dataset = dataset.prefetch(1)
    return lambda: model.fit(dataset, shuffle=False, verbose=0)


def three_batches(name: str, batch: int) -> None:
    """Three batches through a model with the layers of a side, or with none."""
    step = in_model({"nothing": list, **SIDES}[name], random_pictures(batch))
    for _ in range(3):
        step()


def memory(name: str, batch: int) -> float:
    """What the peak of a process grows by, in MiB, with each further batch that it takes at once.

    So the libraries do not count, nor what is compiled once.
    """
    small, large = (peak_memory(functools.partial(three_batches, name, n * batch)) for n in (2, 10))
    return (large - small) / 8


def random_pictures(size: int) -> np.ndarray:
    """Pictures of 160 x 160 in [0, 255]."""
    return np.random.default_rng(0).uniform(0, 255, (size, SIDE, SIDE, 3)).astype(np.float32)


def table(heading: str, sides: dict[str, Callable[[], Any]], rounds: int, calls: int) -> None:
    """Times the sides in turns and prints how they compare with the first."""
    for side in list(sides.values()) * 2:
        side()  # tracing, compiling, and the first touch of memory
    timings = in_turns(sides, rounds)
    headings = [heading, "time a batch", "times faster than the first", "by processor time"]
    print_table(headings, beside_the_first(timings, calls))
    print(flush=True)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--training-rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=32)
    arguments = parser.parse_args()
    # First of all: a process begins with the peak of the one that started it.
    grown = {name: memory(name, arguments.batch) for name in ("nothing", *SIDES)}
    rounds, images = arguments.rounds, random_pictures(arguments.batch)
    print(f"{keras.backend.backend()} backend, {rounds} rounds, medians [range].\n")
    sides = {name: in_model(layers, images) for name, layers in SIDES.items()}
    table("in a model", sides, rounds, 1)
    for batched, heading in ((True, "in a map of batches"), (False, "in a map of pictures")):
        sides = {name: in_map(layers, images, batched=batched) for name, layers in SIDES.items()}
        table(heading, sides, rounds, STEPS)
    places = {
        "`build_model1`, nothing augmented": training(build_model1, images, None),
        "augmented in the model": training(build_model2, images, None),
        "augmented in the dataset": training(build_model1, images, augmentation("medium")),
    }
    table("a training step", places, arguments.training_rounds, STEPS)
    above = (f"{name} {each - grown['nothing']:.1f} MiB;" for name, each in grown.items())
    print("Memory that one more batch takes in a model, beyond itself:", *above)


if __name__ == "__main__":
    main()
