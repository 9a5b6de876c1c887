"""Images per second of one epoch: this library, Keras, and bare tf.data.

    python -m benchmarks.first_epoch IMAGES [--rounds 7]

IMAGES is a folder with train and validation, each with class folders. Each row is one epoch over
`train` at 160 x 160 in batches of 32. Rows marked `with the call` include the call that creates the
dataset; in this library it reads, hashes and decodes every file, in Keras it does not.
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
from catdog_keras.datasets._image_root import image_root

SIZE = (160, 160)
BATCH = 32
REFERENCE = "image_dataset_from_directory"


def consume(dataset: Any) -> None:
    """Iterates over a dataset once."""
    for _ in dataset:
        pass


def keras_own(train: Path) -> Any:
    """Returns the dataset of Keras."""
    return keras.utils.image_dataset_from_directory(
        train, image_size=SIZE, batch_size=BATCH, seed=0, verbose=False
    )


def bare(files: tuple[str, ...]) -> Any:
    """Returns a minimal tf.data pipeline: read, decode, resize, batch."""

    def decode(file: Any) -> Any:
        image = tf.io.decode_image(tf.io.read_file(file), channels=3, expand_animations=False)
        return tf.ensure_shape(tf.image.resize(image, SIZE), (*SIZE, 3))

    dataset = tf.data.Dataset.from_tensor_slices(list(files)).shuffle(len(files))
    dataset = dataset.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.batch(BATCH).prefetch(tf.data.AUTOTUNE)


def main() -> None:
    """Measures and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # about bad images
    root = image_root(arguments.images)
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
            side()  # trace graphs and fill the disk cache
        timings = in_turns(sides, arguments.rounds)
    print(f"{len(files)} images per epoch, {arguments.rounds} rounds, medians [range].\n")
    reference = timings[REFERENCE]
    print_table(
        ["loader", "images/s", f"times {REFERENCE}", "by processor time"],
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
