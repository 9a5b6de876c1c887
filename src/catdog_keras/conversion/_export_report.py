"""Comparison of an exported file with its model, on the same images."""

import json
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from catdog_keras._intervals import wilson_interval
from catdog_keras._printable import counted
from catdog_keras.evaluation._mcnemar import Comparison, compare_correct

Rows = npt.NDArray[np.float64]
TOLERANCES = {None: 1e-4, "float16": 1e-2, "int8": None}
NAMES = ("exported", "Keras")
# Entries of each version of the JSON file, by which it is recognized.
REPORT_KEYS = {"path", "format", "size_bytes", "same_top_class", "max_probability_difference"}


@dataclass(frozen=True)
class ExportReport:
    """Comparison of an exported file with its Keras model on the same decoded images.

    `print` writes a table.

    Attributes:
        path: The file, or the folder of a SavedModel.
        format: `"onnx"`, `"litert"` or `"savedmodel"`.
        quantize: `"int8"`, `"float16"`, or None for float32.
        size_bytes: Size of the file, or of all files in the folder.
        image_source: Which images were used.
        images: Number of images.
        same_top_class: Number of images with the same most probable class.
        max_probability_difference: Largest absolute difference of a probability.
        tolerance: Largest difference that is accepted; None for int8.
        differing_images: Positions of the images for which a probability differs by more than the
            tolerance; for int8, those whose most probable class differs.
        comparison: Comparison with the labels of the images; None without labels.
        milliseconds_per_image: Median time of the file for one image, with the resizing.
        keras_milliseconds_per_image: The same of `model.predict_on_batch`, with the resizing.
        threads: Number of threads of both.
        calibration_source: For int8, the number of calibration images, and which images they are.
        model_dtype: `"float32"`, or the dtype policies of a model in mixed precision. It is
            compared in float32.
        trained_on: Number of images on which the model was trained, as far as that is known. With
            them, the accuracy is optimistic.

    Example:
        >>> import catdog_keras, keras, pathlib, tempfile
        >>> names = catdog_keras.ClassNames(["cat", "dog"])
        >>> model = keras.Sequential([catdog_keras.build_model1((46, 46, 3)), names])
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "exported_model"
        >>> report = catdog_keras.export_model(model, path)
        >>> report.within_tolerance, report.tolerance
        (True, 0.0001)
    """

    path: str
    format: str
    quantize: str | None
    size_bytes: int
    image_source: str
    images: int
    same_top_class: int
    max_probability_difference: float
    tolerance: float | None
    differing_images: tuple[int, ...]
    comparison: Comparison | None
    milliseconds_per_image: float
    keras_milliseconds_per_image: float
    threads: int
    calibration_source: str | None = None
    model_dtype: str = "float32"
    trained_on: int = 0

    @property
    def within_tolerance(self) -> bool:
        """Whether no image differs; always True for int8, whose accuracy is the result."""
        return self.tolerance is None or not self.differing_images

    @property
    def accuracy(self) -> float | None:
        """Accuracy of the file; None without labels."""
        return None if self.comparison is None else self.comparison.accuracies[0]

    @property
    def accuracy_interval(self) -> tuple[float, float] | None:
        """95% confidence interval of the accuracy."""
        if self.comparison is None:
            return None
        correct = self.comparison.both_correct + self.comparison.first_only
        return wilson_interval(correct, self.images)

    def to_dict(self) -> dict[str, Any]:
        """Returns the values that the JSON file next to the exported file contains."""
        values = {name: value for name, value in vars(self).items() if name != "comparison"}
        values |= {
            "within_tolerance": self.within_tolerance,
            "accuracy": self.accuracy,
            "accuracy_interval": self.accuracy_interval,
        }
        if (compared := self.comparison) is not None:
            values |= {
                "keras_accuracy": compared.accuracies[1],
                "accuracy_difference": compared.difference,
                "accuracy_difference_interval": compared.difference_interval,
                "mcnemar_p_value": compared.p_value,
            }
        return values

    def to_json(self) -> str:
        """Returns `to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    def __str__(self) -> str:
        """Returns a table with a line for each measurement."""
        limit = "" if self.tolerance is None else f"; allowed: {self.tolerance:g}"
        rows = [
            ("format", f"{self.format}, {self.quantize or 'float32'}"),
            ("size", f"{self.size_bytes / 1e6:.2f} MB"),
            ("images", self.image_source),
            ("same top class", f"{self.same_top_class:,} of {self.images:,}"),
            ("probabilities", f"differ by at most {self.max_probability_difference:.1g}{limit}"),
        ]
        if self.calibration_source is not None:
            rows.insert(2, ("calibration", self.calibration_source))
        if self.model_dtype != "float32":
            rows.insert(2, ("Keras model", f"in float32 instead of {self.model_dtype}"))
        if self.comparison is not None and self.accuracy_interval is not None:
            low, high = self.accuracy_interval
            compared = self.comparison
            d_low, d_high = compared.difference_interval
            optimistic = ""
            if self.trained_on:
                count = "these images"
                if self.trained_on < self.images:
                    count = f"{self.trained_on:,} of these images"
                optimistic = f", optimistic: the model was trained on {count}"
            rows += [
                ("accuracy", f"{self.accuracy:.3f} [{low:.3f}, {high:.3f}]{optimistic}"),
                (
                    "difference to Keras",
                    f"{100 * compared.difference:+.1f} points [{100 * d_low:+.1f}, "
                    f"{100 * d_high:+.1f}], exact McNemar test p = {compared.p_value:.2g}",
                ),
            ]
        rows += [
            (
                "time per image",
                f"{self.milliseconds_per_image:.1f} ms; Keras "
                f"{self.keras_milliseconds_per_image:.1f} ms; " + counted(self.threads, "thread"),
            )
        ]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


class ExportMismatchError(Exception):
    """An exported file predicts differently from its model.

    Attributes:
        report: The comparison; its `path` is where the file was kept.

    Example:
        >>> import catdog_keras
        >>> issubclass(catdog_keras.conversion.ExportMismatchError, ValueError)
        False
    """

    def __init__(self, report: ExportReport, message: str) -> None:
        """Stores the report."""
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class MeasuredPredictions:
    """Predictions of an exported file and its model, one image at a time, and the time of each."""

    exported: Rows
    keras: Rows
    labels: npt.NDArray[np.int64] | None
    exported_seconds: Sequence[float]
    keras_seconds: Sequence[float]

    def report(
        self, path: Path, format_: str, quantize: str | None, source: str, threads: int
    ) -> ExportReport:
        """Returns the comparison."""
        largest = np.abs(self.exported - self.keras).max(axis=1)
        # In the precision of the file, in which two probabilities can be equal.
        tops = (rows.astype(np.float32).argmax(axis=1) for rows in (self.exported, self.keras))
        same = np.equal(*tops)
        tolerance = TOLERANCES[quantize]
        # NaN differs as well. Classes of nearly equal probability may change places.
        differ = ~same if tolerance is None else ~(largest <= tolerance)
        comparison = None
        if self.labels is not None:
            correct = (rows.argmax(axis=1) == self.labels for rows in (self.exported, self.keras))
            comparison = compare_correct(NAMES, *correct)
        return ExportReport(
            path=str(path),
            format=format_,
            quantize=quantize,
            size_bytes=size_on_disk(path),
            image_source=source,
            images=len(same),
            same_top_class=int(same.sum()),
            max_probability_difference=float(largest.max()),
            tolerance=tolerance,
            differing_images=tuple(np.flatnonzero(differ).tolist()),
            comparison=comparison,
            milliseconds_per_image=1000 * statistics.median(self.exported_seconds),
            keras_milliseconds_per_image=1000 * statistics.median(self.keras_seconds),
            threads=threads,
        )


def measure_predictions(
    images: Iterable[tuple[npt.NDArray[np.uint8], int | None]],
    exported: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]],
    keras_model: Callable[[npt.NDArray[np.uint8]], Rows],
) -> MeasuredPredictions:
    """Predicts each image with the exported file and its model, in turns; measures the times."""
    sides = (exported, keras_model)
    rows: tuple[list[Any], list[Any]] = ([], [])
    seconds: tuple[list[float], list[float]] = ([], [])
    labels = []
    for position, (image, label) in enumerate(images):
        batch = image[None]
        if position == 0:  # the first call of each prepares later ones
            for side in sides:
                side(batch)
        for place in (0, 1) if position % 2 else (1, 0):
            start = time.perf_counter()
            predicted = sides[place](batch)
            seconds[place].append(time.perf_counter() - start)
            if len(predicted) != 1:  # LiteRT's converter drops some operations
                raise ValueError(
                    "`model` must consist of operations that the format has; received a model "
                    f"whose file returns {len(predicted)} rows for 1 image. Use another format."
                )
            rows[place].append(np.asarray(predicted, np.float64)[0])
        labels.append(label)
    known = None if None in labels else np.array(labels, np.int64)
    return MeasuredPredictions(np.stack(rows[0]), np.stack(rows[1]), known, *seconds)


def is_export_report(file: Path) -> bool:
    """Returns whether a file is one that `ExportReport.to_json` returned."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(values, dict) and values.keys() >= REPORT_KEYS


def size_on_disk(path: Path) -> int:
    """Returns the size of an exported file, or of all files in an exported folder."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files)
