"""Finds properties of image files that predict the label without showing the object."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from catdog_keras._checks import check_integer, describe
from catdog_keras._printable import printable
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.diagnostics._argument_names import DATA_NAMES
from catdog_keras.diagnostics._checked_labels import check_class_indices
from catdog_keras.diagnostics._data_finding import DataFinding
from catdog_keras.diagnostics._feature_inputs import check_file_list
from catdog_keras.diagnostics._measure_images import (
    SMALLEST_ENERGY,
    FileFacts,
    ImageMeasurements,
    measure_images,
)
from catdog_keras.diagnostics._property_classifier import balanced_accuracy

Floats = npt.NDArray[np.float64]

ERROR_RATE = 0.05  # of all properties together
# Fraction of the distance from chance to perfect. Clean photographs of cats and dogs reach 0.2:
# they differ in texture, and so in file size and sharpness.
LEAST_EFFECT = 0.3
# For each property, what its first column measures, and what to do.
PROPERTIES = {
    "size": ("Width in pixels", "Resize all images in the same way, before any other step."),
    "aspect ratio": ("Width / height", "Crop or pad all images to one aspect ratio."),
    "file size": ("Bytes", "Save all images with the same program, size and quality."),
    "format": ("Format, numbered", "Save all images in the same format."),
    "EXIF": ("Bytes of EXIF data", "Check whether the classes come from different sources."),
    "border": ("Pixels of border", "Crop the borders of all images."),
    "brightness": ("Mean gray level", "Check the sources of the classes; augment the brightness."),
    "color cast": ("Red minus green", "Check the sources of the classes; augment the colors."),
    "JPEG quality": ("Quality", "Save all images again with the lowest quality that occurs."),
    "detail": (
        "Energy of the finest octave relative to the next one, in powers of two",
        "Check whether one class was enlarged or compressed; reduce all images to one size.",
    ),
}


@dataclass(frozen=True)
class PropertyScore:
    """How well one property alone predicts the label.

    Attributes:
        name: `"size"`, `"aspect ratio"`, `"file size"`, `"format"`, `"EXIF"`, `"border"`,
            `"brightness"`, `"color cast"`, `"JPEG quality"` or `"detail"`.
        balanced_accuracy: Cross-validated mean over the classes of the fraction of correctly
            classified images, from 0 to 1.
        interval: Its interval, such that all intervals together contain their true values in 95%
            of the cases.
        chance: Balanced accuracy without any information: 1 / number of classes.
        significant: Whether the interval is above chance.
        flagged: Whether the interval is above chance by at least 30% of the distance from chance
            to 1, which makes it a finding.

    Example:
        >>> import catdog_keras
        >>> interval = (0.52, 0.6)
        >>> score = catdog_keras.diagnostics.PropertyScore("size", 0.56, interval, 0.5, True, False)
        >>> score.name, score.flagged
        ('size', False)
    """

    name: str
    balanced_accuracy: float
    interval: tuple[float, float]
    chance: float
    significant: bool
    flagged: bool


@dataclass(frozen=True)
class Shortcuts:
    """Result of `find_shortcuts`.

    Attributes:
        findings: One `DataFinding` for each flagged property, the most predictive one first. The
            score is the balanced accuracy.
        properties: The `PropertyScore` of every property, the most predictive one first.
        num_images: Number of images.

    Example:
        >>> import catdog_keras
        >>> catdog_keras.diagnostics.Shortcuts((), (), 9).findings
        ()
    """

    findings: tuple[DataFinding, ...]
    properties: tuple[PropertyScore, ...]
    num_images: int


@suggests_arguments(DATA_NAMES)
def find_shortcuts(
    files: Sequence[Any],
    labels: Any,
    *,
    class_names: Sequence[str] | None = None,
    seed: int = 0,
) -> Shortcuts:
    """Finds technical properties of image files that predict the label alone.

    A model can learn such a property in place of the objects, and fails where it is absent: if all
    dogs were saved by another program, a network may classify JPEG artifacts. A histogram
    classifier with 5-fold cross-validation predicts the label from each of ten properties: size in
    pixels, aspect ratio, file size (total and per pixel), format, EXIF data (length and
    orientation), border (depth of the lines of one color at the edges), brightness (mean and
    contrast), color cast, JPEG quality, and detail (energy of fine structures, which enlarged
    images lack).

    A property is flagged if the lower end of its interval is above chance by at least 30% of the
    distance from chance to 1: above 0.65 for two classes. The confidence level is corrected for the
    number of properties (Bonferroni). Objects and properties are related in honest photographs too,
    such as fur to sharpness, so that `properties` often contains significant scores without a flag.

    Limits: a property of a small part of one class, or of all classes in another proportion, is not
    flagged, nor is one that only a combination of properties shows. What is in the image, such as
    backgrounds and texts, is not examined.

    Source: Geirhos et al. (2020), Shortcut learning in deep neural networks; Torralba and Efros
    (2011), Unbiased look at dataset bias, for predicting the origin of images as a test;
    Brodersen et al. (2010), The balanced accuracy and its posterior distribution.

    Args:
        files: Paths of image files.
        labels: Class index of each image, of shape `(images,)`, or one-hot rows.
        class_names: Names of the classes, in the order of their indices, for the texts.
        seed: Seed of the folds.

    Returns:
        `Shortcuts`: findings, and the score of every property.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If there are no files, a file cannot be read as an image, the labels have
            another length, or there is only one class.

    Example:
        >>> import catdog_keras
        >>> splits = catdog_keras.load_cats_dogs("synthetic")
        >>> files, labels = splits.files["test"], splits.labels["test"]
        >>> found = catdog_keras.diagnostics.find_shortcuts(files, labels)
        >>> found.findings, len(found.properties)
        ((), 10)
    """
    paths = check_file_list("files", files)
    indices = check_class_indices(labels, class_names, num_images=len(paths))
    check_integer("seed", seed, minimum=0)
    return shortcuts_of(measure_images("files", paths), indices, class_names, seed)


def shortcuts_of(
    measured: Sequence[ImageMeasurements],
    labels: npt.NDArray[np.int64],
    class_names: Sequence[str] | None,
    seed: int,
) -> Shortcuts:
    """Finds shortcuts of images that are measured already; see `find_shortcuts`."""
    present, indices = np.unique(labels, return_inverse=True)
    names = [
        str(each) if class_names is None else printable(class_names[each])
        for each in present.tolist()
    ]
    properties = _property_columns(measured)
    chance = 1 / len(present)
    confidence = 1 - ERROR_RATE / len(properties)
    scores = []
    findings = []
    for name, columns in properties.items():
        accuracy, interval = balanced_accuracy(columns, indices, seed, confidence)
        effect = (interval[0] - chance) / (1 - chance)
        score = PropertyScore(name, accuracy, interval, chance, effect > 0, effect >= LEAST_EFFECT)
        scores.append(score)
        if score.flagged:
            text = _describe_shortcut(score, columns, indices, names)
            findings.append(DataFinding("shortcut", (), accuracy, text))
    scores.sort(key=lambda each: -each.balanced_accuracy)
    findings.sort(key=lambda each: -each.score)
    return Shortcuts(tuple(findings), tuple(scores), len(measured))


def _property_columns(measured: Sequence[ImageMeasurements]) -> dict[str, Floats]:
    """Returns the columns of each possible shortcut, of shape `(images, columns)`."""
    kinds = sorted({_required_file_facts(each).kind for each in measured})
    rows = [_columns_of_image(each, kinds) for each in measured]
    return {name: np.array([row[name] for row in rows], np.float64) for name in PROPERTIES}


def _columns_of_image(
    each: ImageMeasurements, kinds: Sequence[str]
) -> dict[str, tuple[float, ...]]:
    """Returns the numbers of each technical property of an image that may be a shortcut."""
    file = _required_file_facts(each)
    fine, middle, coarse = np.log2(np.maximum(each.detail, SMALLEST_ENERGY)).tolist()
    top, bottom, left, right = each.margins
    return {
        "size": (each.width, each.height),
        "aspect ratio": (each.width / each.height,),
        "file size": (file.size, file.size / (each.width * each.height)),
        "format": (kinds.index(file.kind),),
        "EXIF": (file.exif_bytes, file.orientation),
        "border": (min(each.margins), max(min(top, bottom), min(left, right))),
        "brightness": (each.brightness, each.contrast),
        "color cast": each.color,
        "JPEG quality": (file.quality,),
        "detail": (fine - middle, middle - coarse),
    }


def _required_file_facts(each: ImageMeasurements) -> FileFacts:
    """Returns the facts of a measured file, which can be shortcuts; rejects an array."""
    if each.file is None:
        raise TypeError(describe("files", "paths of image files", "an array"))
    return each.file


def _describe_shortcut(
    score: PropertyScore, columns: Floats, labels: npt.NDArray[np.int64], names: Sequence[str]
) -> str:
    """Describes a property that predicts the label, with its median in each class."""
    low, high = score.interval
    meaning, remedy = PROPERTIES[score.name]
    shown = min(len(names), 3)
    medians = ", ".join(
        f"{_three_digits(np.median(columns[labels == place, 0]))} for {names[place]}"
        for place in range(shown)
    )
    return (
        f"The {score.name} alone predicts the label with a balanced accuracy of "
        f"{score.balanced_accuracy:.2f} [{low:.2f}, {high:.2f}]; chance is {score.chance:.2f}. "
        f"{meaning}: median {medians}. {remedy}"
    )


def _three_digits(value: float) -> str:
    """Returns a number in a shortcut's text with three significant digits, without exponent."""
    rounded = Decimal(f"{value:.3g}")
    return f"{rounded:,f}" if rounded else "0"
