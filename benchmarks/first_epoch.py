"""Pictures per second through a first and a later epoch: this library, Keras, and bare tf.data.

    python -m benchmarks.first_epoch PICTURES

PICTURES is a folder with train and validation, each with class folders. What is measured is a pass
over `train` at 160 x 160 in batches of 32, from a dataset made anew for each round except where
the row says later epoch. `with loading` adds the call that makes the dataset.
"""

import argparse
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from benchmarks.measuring import in_turns, median_ratio, print_table
from catdog_keras import load_image_folder
from catdog_keras.datasets.index import picture_root

SIZE = (160, 160)
BATCH = 32


def consume(dataset: Any) -> None:
    """One pass, in which nothing is done with the batches."""
    for _ in dataset:
        pass


def keras_own(train: Path) -> Any:
    """What Keras offers for the same files."""
    return keras.utils.image_dataset_from_directory(
        train, image_size=SIZE, batch_size=BATCH, seed=0, verbose=False
    )


def bare(files: tuple[str, ...]) -> Any:
    """The least that can be done: read, decode, resize, batch."""

    def decode(file: Any) -> Any:
        picture = tf.io.decode_image(tf.io.read_file(file), channels=3, expand_animations=False)
        return tf.ensure_shape(tf.image.resize(picture, SIZE), (*SIZE, 3))

    dataset = tf.data.Dataset.from_tensor_slices(list(files)).shuffle(len(files))
    dataset = dataset.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.batch(BATCH).prefetch(tf.data.AUTOTUNE)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # of bad pictures, which the scan has named before
    root = picture_root(arguments.pictures)
    train = root / "train"
    started = time.perf_counter()
    splits = load_image_folder(root, image_size=SIZE, batch_size=BATCH)
    loading = time.perf_counter() - started
    cached = load_image_folder(root, image_size=SIZE, batch_size=BATCH, cache=True)
    everything = sum(map(len, splits.files.values()))
    files = splits.files["train"]
    sides = {
        "image_dataset_from_directory": lambda: consume(keras_own(train)),
        "bare tf.data": lambda: consume(bare(files)),
        "catdog-keras": lambda: consume(splits.train),
        "catdog-keras, later epoch, cache=True": lambda: consume(cached.train),
    }
    consume(splits.train)  # the first pass of a process also warms the disk, for all sides
    seconds = in_turns(sides, arguments.rounds)
    print(f"{len(files)} pictures per pass, {arguments.rounds} rounds; loading checked")
    print(f"{everything} files in {loading:.2f} s, {everything / loading:.0f} per second.\n")
    reference = "image_dataset_from_directory"
    print_table(
        ["side", "pictures/s", f"times {reference}"],
        [
            [
                name,
                f"{len(files) / statistics.median(values):.0f}",
                median_ratio(seconds, reference, name),
            ]
            for name, values in seconds.items()
        ],
    )


if __name__ == "__main__":
    main()
