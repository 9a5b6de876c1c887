"""Exported files beside their Keras models: parity, size, accuracy and time of one image.

    python -m benchmarks.export [--data ARCHIVE] [--epochs 10] [--rounds 100] [--folder FOLDER]
                                [--models NAME ...] [--files KIND ...]

ARCHIVE is the tutorial's archive, by default from CATDOG_KERAS_DATA. The ImageNet weights of
MobileNetV2 are read from KERAS_HOME or downloaded by Keras. MobileNetV2 (transfer learning) and
model 3 are trained on the 2,000 training images, then exported to each format, and run on the
1,000 validation images at their own sizes. Times are those of one image, from uint8 pixels to
probabilities, in turns, with the same number of threads.
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from benchmarks.measuring import Timing, in_turns, print_table, ratio
from catdog_keras import (
    ClassNames,
    ImageSplits,
    augmentation_preset,
    build_model3,
    fit_head,
    load_cats_dogs,
    transfer_model,
)
from catdog_keras.conversion import ExportMismatchError, ExportReport, export_model
from catdog_keras.conversion._formats import FORMATS
from catdog_keras.datasets._pipeline import decode_image

SIDE = 160
CALIBRATION_IMAGES = 200
HEADINGS = ["file", "same top class", "largest difference", "accuracy", "points to Keras"]
HEADINGS += ["MB", "of float32"]
FILES = {
    "onnx": ("model.onnx", None),
    "litert": ("model.tflite", None),
    "savedmodel": ("saved_model", None),
    "onnx float16": ("float16.onnx", "float16"),
    "litert float16": ("float16.tflite", "float16"),
    "onnx int8": ("int8.onnx", "int8"),
    "litert int8": ("int8.tflite", "int8"),
}


def mobilenet(splits: ImageSplits, epochs: int) -> keras.Model:
    """Trains the head of MobileNetV2 on augmented images."""
    names = splits.class_names
    model = transfer_model(input_shape=(SIDE, SIDE, 3), class_names=names)
    fit_head(model, splits.train, validation_data=splits.validation, epochs=epochs, verbose=0)
    return model


def model3(splits: ImageSplits, epochs: int) -> keras.Model:
    """Trains model 3 of the tutorial."""
    augmentation = augmentation_preset("medium")
    network = build_model3((SIDE, SIDE, 3), augmentation=augmentation, momentum=0.9)
    model = keras.Sequential([network, ClassNames(splits.class_names)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    model.fit(splits.train, epochs=epochs, shuffle=False, verbose=0)
    return model


MODELS = {"MobileNetV2": mobilenet, "model 3": model3}


def images_of(
    splits: ImageSplits, names: tuple[str, ...], limit: int | None = None
) -> Iterator[tuple[np.ndarray, int]]:
    """Yields the images of splits at their own sizes, with their labels."""
    files = [file for name in names for file in splits.files[name]]
    step = 1 if limit is None else max(1, len(files) // limit)
    for file in files[::step]:
        label = splits.class_names.index(Path(file).parent.name)
        yield decode_image(splits.scan.by_path[file]), label


def export(
    model: keras.Model, splits: ImageSplits, kind: str, folder: Path
) -> tuple[ExportReport, Path]:
    """Exports a model, and compares the file with it on the validation images."""
    name, quantize = FILES[kind]
    calibration = {}
    if quantize == "int8":
        images = images_of(splits, ("train",), CALIBRATION_IMAGES)
        calibration = {"calibration_data": list(images)}
    path = folder / name
    try:
        report = export_model(
            model,
            path,
            quantize=quantize,
            check_data=images_of(splits, ("validation", "test")),
            **calibration,
        )
    except ExportMismatchError as error:
        return error.report, Path(error.report.path)
    return report, path


def row(kind: str, report: ExportReport, float32: ExportReport) -> list[str]:
    """Returns the table row of a file."""
    compared = report.comparison
    low, high = (100 * end for end in compared.difference_interval)
    return [
        kind,
        f"{report.same_top_class:,} of {report.images:,}",
        f"{report.max_probability_difference:.1e}",
        f"{report.accuracy:.3f} [{report.accuracy_interval[0]:.3f}, "
        f"{report.accuracy_interval[1]:.3f}]",
        f"{100 * compared.difference:+.1f} [{low:+.1f}, {high:+.1f}]",
        f"{report.size_bytes / 1e6:.2f}",
        f"{report.size_bytes / float32.size_bytes:.2f}",
    ]


def time_one_image(
    model: keras.Model, paths: dict[str, Path], image: np.ndarray, rounds: int
) -> dict[str, Timing]:
    """Times one image, from pixels to probabilities, on each side."""
    batch = image[None]
    threads = len(os.sched_getaffinity(0))

    def keras_predict() -> object:
        resized = tf.image.resize(batch, (SIDE, SIDE))
        return tf.nn.softmax(model.predict_on_batch(resized)).numpy()

    @tf.function
    def compiled(pixels: tf.Tensor) -> tf.Tensor:
        resized = tf.image.resize(pixels, (SIDE, SIDE))
        return tf.nn.softmax(model(resized, training=False))

    sides: dict[str, Callable[[], object]] = {
        "model.predict_on_batch": keras_predict,
        "model(x) in a tf.function": lambda: compiled(tf.constant(batch)).numpy(),
    }
    for kind, path in paths.items():
        run = FORMATS[kind.split()[0]].load(path, threads)
        sides[kind] = lambda run=run: run(batch)
    for side in list(sides.values()) * 5:
        side()
    return in_turns(sides, rounds)


def decoding(splits: ImageSplits, path: Path) -> str:
    """Returns how much decoding by Pillow changes pixels and probabilities of a file."""
    run = FORMATS["onnx"].load(path, len(os.sched_getaffinity(0)))
    pixels, means, probabilities, same = [], [], [], 0
    files = [file for name in ("validation", "test") for file in splits.files[name]]
    for file in files:
        ours = decode_image(splits.scan.by_path[file])
        with Image.open(file) as image:
            pillows = np.asarray(image.convert("RGB"))
        difference = np.abs(ours.astype(int) - pillows)
        pixels.append(difference.max())
        means.append(difference.mean())
        one, other = run(ours[None])[0], run(pillows[None])[0]
        probabilities.append(np.abs(one - other).max())
        same += int(one.argmax() == other.argmax())
    return (
        f"Decoded by Pillow instead of TensorFlow: pixels differ by {np.mean(means):.2f} on "
        f"average, at most {max(pixels)} of 255; same top class for {same:,} of {len(files):,} "
        f"images, probabilities differ by {statistics.median(probabilities):.1e} in the median, "
        f"at most {max(probabilities):.2g}."
    )


def main() -> None:
    """Trains, exports, measures and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("CATDOG_KERAS_DATA", "public"))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--folder", help="keeps the files; trained models in it are used")
    parser.add_argument("--models", nargs="*", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--files", nargs="*", choices=list(FILES), default=list(FILES))
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    splits = load_cats_dogs(arguments.data, image_size=(SIDE, SIDE))
    with tempfile.TemporaryDirectory() as temporary:
        for name in arguments.models:
            folder = Path(arguments.folder or temporary, name.replace(" ", ""))
            trained = folder / "model.keras"
            if trained.is_file():
                model = keras.saving.load_model(trained, compile=False)
            else:
                folder.mkdir(parents=True, exist_ok=True)
                model = MODELS[name](splits, arguments.epochs)
                model.save(trained)
            print(f"\n## {name}, {arguments.epochs} epochs\n", flush=True)
            reports, paths = {}, {}
            # The others are compared with the float32 files, and `decoding` reads that of ONNX.
            needed = {"onnx", *arguments.files, *(kind.split()[0] for kind in arguments.files)}
            for kind in (kind for kind in FILES if kind in needed):
                reports[kind], paths[kind] = export(model, splits, kind, folder)
            rows = [row(kind, report, reports[kind.split()[0]]) for kind, report in reports.items()]
            print_table(HEADINGS, rows)
            image = next(images_of(splits, ("validation",)))[0]
            timings = time_one_image(model, paths, image, arguments.rounds)
            first, second = list(timings.values())[:2]
            print(f"\nOne image of {image.shape[1]} x {image.shape[0]} pixels:\n")
            print_table(
                ["side", "time", "times faster than predict_on_batch", "than the tf.function"],
                [
                    [
                        kind,
                        f"{1000 * statistics.median(timing.wall):.1f} ms",
                        ratio(first.wall, timing.wall),
                        ratio(second.wall, timing.wall),
                    ]
                    for kind, timing in timings.items()
                ],
            )
            print(f"\n{decoding(splits, paths['onnx'])}")


if __name__ == "__main__":
    main()
