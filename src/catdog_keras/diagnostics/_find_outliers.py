"""Finds images unlike the rest of their class, and dark, blurred and nearly uniform images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from catdog_keras._printable import printable
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.diagnostics._argument_names import DATA_NAMES
from catdog_keras.diagnostics._checked_labels import check_class_indices
from catdog_keras.diagnostics._data_finding import DataFinding
from catdog_keras.diagnostics._feature_inputs import Floats, check_features, check_file_list
from catdog_keras.diagnostics._image_inputs import check_image_list
from catdog_keras.diagnostics._measure_images import ImageMeasurements, measure_images
from catdog_keras.diagnostics._nearest_neighbors import center_and_normalize, nearest_neighbors

Reason: TypeAlias = Literal["unlike_class", "dark", "blurred", "uniform"]

NEIGHBORS = 10
FEWEST = 20  # images of a class whose spread can be estimated
MOST_DEVIATIONS = 3.5
NORMAL_MAD = 1.4826  # standard deviation / median absolute deviation of a normal distribution
LEAST_SPREAD = 0.01  # of the mean cosine distance, for classes of equal images
# 3,000 photographs of cats and dogs have at least 88, 0.006 and 15.
DARK_HIGHLIGHT = 60.0
BLURRED_SHARPNESS = 0.005
UNIFORM_CONTRAST = 8.0
MOST_SCORE = 100.0


@dataclass(frozen=True)
class Outlier:
    """One unusual image.

    Attributes:
        index: Position in the input.
        reasons: One or more of `"unlike_class"`, `"dark"`, `"blurred"` and `"uniform"`.
        score: Multiple of the threshold, from 1 to 100; the highest one if there are several
            reasons.

    Example:
        >>> import catdog_keras
        >>> catdog_keras.diagnostics.Outlier(3, ("dark", "uniform"), 2.5).reasons
        ('dark', 'uniform')
    """

    index: int
    reasons: tuple[Reason, ...]
    score: float


@dataclass(frozen=True)
class Outliers:
    """Result of `find_outliers`.

    Attributes:
        findings: One `DataFinding` for each outlier, that with the highest score first.
        outliers: The same images, in the order of the findings, with their reasons.
        deviations: For each image, the distance from its class: mean cosine distance to the 10
            nearest images of the class, above the median of the class, in robust standard
            deviations. 0 for classes of fewer than 20 images.
        num_images: Number of images.

    Example:
        >>> import catdog_keras
        >>> catdog_keras.diagnostics.Outliers((), (), (0.0,) * 3, 3).num_images
        3
    """

    findings: tuple[DataFinding, ...]
    outliers: tuple[Outlier, ...]
    deviations: tuple[float, ...]
    num_images: int


@suggests_arguments(DATA_NAMES)
def find_outliers(
    features: Any,
    labels: Any,
    *,
    class_names: Sequence[str] | None = None,
    files: Sequence[Any] | None = None,
    images: Sequence[Any] | None = None,
) -> Outliers:
    """Finds images that are unlike the rest of their class, dark, blurred or nearly uniform.

    An image is unlike its class if its mean distance to the 10 nearest images of the class, by the
    cosine of the features, is more than 3.5 robust standard deviations above the median of the
    class. Median and median absolute deviation are used, which a few outliers do not change.

    With `files` or `images`, the pixels are checked too, against fixed thresholds: dark, if 95% of
    the pixels are below gray level 60; nearly uniform, if the standard deviation of the gray levels
    is below 8; blurred, if the variance of the Laplacian is below 0.5% of the variance of the gray
    levels, at up to 256 pixels. A blur with a standard deviation of 2 of 256 pixels is often found,
    one of 4 nearly always.

    Limits: outliers are candidates, not errors; rare but correct images are among them. A group of
    more than 10 similar images is not found, nor are outliers in classes of fewer than 20 images.
    Soft backgrounds, as in portraits, do not count as blur while a part of the image is sharp.

    Source: Angiulli and Pizzuti (2002), Fast outlier detection in high dimensional spaces, for the
    distance; Iglewicz and Hoaglin (1993), How to detect and handle outliers, for the threshold;
    Pech-Pacheco et al. (2000), Diatom autofocusing in brightfield microscopy, for the blur.

    Args:
        features: Array of shape `(images, d)`: pooled features of the images by a frozen backbone.
        labels: Class index of each image, of shape `(images,)`, or one-hot rows.
        class_names: Names of the classes, in the order of their indices, for the texts.
        files: Paths of the image files; their pixels are checked if `images` is None.
        images: Paths of image files, or uint8 arrays of shape `(height, width, 3)` or
            `(height, width)` of any size, whose pixels are checked.

    Returns:
        `Outliers`: findings, reasons, and the deviation of every image.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument has another length, features are not finite, or a file cannot be
            read as an image.

    Example:
        >>> import catdog_keras
        >>> import numpy as np
        >>> labels = np.repeat([0, 1], 30)
        >>> noise = np.random.default_rng(0).normal(0, 0.1, (60, 16))
        >>> features = np.eye(16)[labels] + noise  # in place of those of a backbone
        >>> features[7] = np.eye(16)[5]
        >>> catdog_keras.diagnostics.find_outliers(features, labels).outliers[0].index
        7
    """
    rows = check_features(features)
    indices = check_class_indices(labels, class_names, num_images=len(rows), least_classes=1)
    names = () if files is None else check_file_list("files", files, len(rows))
    measured = None
    if images is not None:
        measured = measure_images("images", check_image_list("images", images, len(rows)))
    elif names:
        measured = measure_images("files", names)
    return outliers_of(rows, indices, class_names, names, measured)


def outliers_of(
    features: Floats | None,
    labels: npt.NDArray[np.int64],
    class_names: Sequence[str] | None,
    files: Sequence[str],
    measured: Sequence[ImageMeasurements] | None,
) -> Outliers:
    """Finds outliers among images that are measured already; see `find_outliers`.

    Without features, only the pixels are checked.
    """
    deviations = np.zeros(len(labels)) if features is None else _class_deviations(features, labels)
    found = []
    for place, deviation in enumerate(deviations.tolist()):
        reasons = list(_pixel_reasons(measured[place])) if measured is not None else []
        if deviation > MOST_DEVIATIONS:
            label = int(labels[place])
            name = f"class {label}" if class_names is None else printable(class_names[label])
            text = (
                f"it is unlike the other images of {name}: {deviation:.1f} robust standard "
                f"deviations above the median distance, more than {MOST_DEVIATIONS}"
            )
            reasons.insert(0, ("unlike_class", deviation / MOST_DEVIATIONS, text))
        if reasons:
            score = min(max(each for _, each, _ in reasons), MOST_SCORE)
            outlier = Outlier(place, tuple(reason for reason, _, _ in reasons), score)
            text = "; ".join(text for *_, text in reasons)
            text = f"{text[0].upper()}{text[1:]}. Check whether it belongs to the data."
            file = (files[place],) if files else ()
            found.append((outlier, DataFinding("outlier", (place,), score, text, files=file)))
    found.sort(key=lambda pair: (-pair[0].score, pair[0].index))
    return Outliers(
        tuple(finding for _, finding in found),
        tuple(outlier for outlier, _ in found),
        tuple(deviations.tolist()),
        len(labels),
    )


def _class_deviations(features: Floats, labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Returns the deviation of each image from its class; see `Outliers`."""
    rows = center_and_normalize(features)
    deviations = np.zeros(len(rows))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) < FEWEST:
            continue
        _, cosines = nearest_neighbors(rows[members], NEIGHBORS)
        distances = 1 - cosines.astype(np.float64).mean(1)
        offsets = distances - np.median(distances)
        spread = NORMAL_MAD * np.median(np.abs(offsets))
        deviations[members] = offsets / max(spread, LEAST_SPREAD)
    return deviations


def _pixel_reasons(each: ImageMeasurements) -> Iterator[tuple[Reason, float, str]]:
    """Yields why the pixels of an image make it an outlier: reason, score, and text."""
    if each.highlight < DARK_HIGHLIGHT:
        text = f"it is dark: 95% of its pixels have gray levels up to {each.highlight:.0f} of 255"
        yield "dark", DARK_HIGHLIGHT / max(each.highlight, 1.0), text
    if each.contrast < UNIFORM_CONTRAST:
        text = f"it is nearly uniform: its gray levels have a deviation of {each.contrast:.1f}"
        yield "uniform", UNIFORM_CONTRAST / max(each.contrast, 0.1), text
    elif each.sharpness < BLURRED_SHARPNESS:
        text = (
            f"it is blurred: the variance of its Laplacian is {each.sharpness:.2%} of that of its "
            "gray levels"
        )
        yield "blurred", BLURRED_SHARPNESS / max(each.sharpness, 1e-5), text
