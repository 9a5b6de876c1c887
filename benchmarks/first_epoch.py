"""Pictures per second through a first and a later epoch: this library, Keras, and bare tf.data.

    python -m benchmarks.first_epoch PICTURES [--rounds 7]

PICTURES is a folder with train and validation, each with class folders. What is measured is a pass
over `train` at 160 x 160 in batches of 32. Where a row says `with the call`, the call that makes
the dataset is part of it; ours reads, hashes and decodes every file there, which Keras's does not.
"""

import argparse
import statistics
import tempfile
import warnings
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from benchmarks.measuring import in_turns, print_table, ratio
from catdog_keras import load_image_folder
from catdog_keras.datasets.index import picture_root

SIZE = (160, 160)
BATCH = 32
REFERENCE = "image_dataset_from_directory"


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
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # of bad pictures, which the scan has named before
    root = picture_root(arguments.pictures)
    train = root / "train"
    with tempfile.TemporaryDirectory() as folder:

        def load(**options: Any) -> Any:
            return load_image_folder(root, image_size=SIZE, batch_size=BATCH, **options)

        splits = load()
        in_memory = load(cache=True)
        on_disk = load(cache=folder)
        files = splits.files["train"]
        made = keras_own(train)
        sides = {
            REFERENCE: lambda: consume(made),
            "bare tf.data": lambda: consume(bare(files)),
            "catdog-keras": lambda: consume(splits.train),
            "catdog-keras, `cache=True`": lambda: consume(in_memory.train),
            "catdog-keras, `cache=folder`": lambda: consume(on_disk.train),
            f"{REFERENCE}, with the call": lambda: consume(keras_own(train)),
            "catdog-keras, with the call": lambda: consume(load().train),
        }
        for side in sides.values():
            side()  # the first pass of a process traces graphs and warms the disk, for all sides
        timings = in_turns(sides, arguments.rounds)
    print(f"{len(files)} pictures per pass, {arguments.rounds} rounds, medians [range].\n")
    reference = timings[REFERENCE]
    print_table(
        ["side", "pictures/s", f"times {REFERENCE}", "the same, by processor time"],
        [
            [
                name,
                f"{len(files) / statistics.median(timing.wall):,.0f}",
                ratio(reference.wall, timing.wall),
                ratio(reference.processor, timing.processor),
            ]
            for name, timing in timings.items()
        ],
    )


if __name__ == "__main__":
    main()
