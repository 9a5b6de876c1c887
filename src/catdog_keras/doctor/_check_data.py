"""All checks of the images and labels of a data set, on features that are computed once."""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import keras
import numpy as np

from catdog_keras._checks import check_integer, check_path, describe
from catdog_keras._printable import counted, listed
from catdog_keras._progress import progress_bar
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.datasets import ImageSplits
from catdog_keras.datasets._decisions import Decisions, read_decisions
from catdog_keras.diagnostics import (
    DataFinding,
    LabelIssues,
    LearningCurve,
    learning_curve,
)
from catdog_keras.diagnostics._checked_labels import CheckedLabels
from catdog_keras.diagnostics._feature_inputs import Floats
from catdog_keras.diagnostics._find_label_issues import NOT_INFORMATIVE, label_issues_of
from catdog_keras.diagnostics._find_near_duplicates import near_duplicates_of
from catdog_keras.diagnostics._find_outliers import outliers_of
from catdog_keras.diagnostics._find_shortcuts import shortcuts_of
from catdog_keras.diagnostics._learning_curve import fewest_images
from catdog_keras.diagnostics._measure_images import measure_images
from catdog_keras.doctor._data_report import DataReport
from catdog_keras.doctor._duplicates import (
    evaluated_split,
    find_twins,
    group_numbers,
    measure_leakage,
    rank_duplicates,
)
from catdog_keras.doctor._features import compute_features
from catdog_keras.doctor._images import Images, IntegerArray, list_images_of, root_of_paths
from catdog_keras.models import WeightsNotFoundError
from catdog_keras.models._backbones import (
    PRETRAINED,
    PRETRAINED_NAMES,
    WEIGHTS_REQUIREMENT,
    check_pretrained_weights,
)
from catdog_keras.models._transfer_model import check_named_backbone

FEWEST = 5  # images of a class, one for each fold
NEED_FEATURES = (
    "cropped, mirrored and rotated near-duplicates",
    "label issues",
    "images unlike their class",
    "learning curve",
    "effect of leakage on the accuracy",
)
NOT_ASKED = "They need features of a pretrained network, which are switched off by weights=None."

Result = TypeVar("Result", LabelIssues, LearningCurve)


@suggests_arguments()
def check_data(
    splits: ImageSplits,
    *,
    backbone: str | keras.Model = "mobilenet_v2",
    weights: str | os.PathLike[str] | None = PRETRAINED,
    decisions: str | os.PathLike[str] | None = None,
    root: str | os.PathLike[str] | None = None,
    seed: int = 0,
) -> DataReport:
    """Runs all checks of `diagnostics` on the images and labels of a data set.

    These are near-duplicates, also across splits and with different labels, and their effect on the
    accuracy; label issues; shortcuts; outliers; and the learning curve. All checks use the same
    measurements and features, which are computed once. Near-duplicates and images of a group are
    kept in one fold. No file is changed. If the images are in folders of splits, these count as
    the splits, although the loaders move copies to one of them.

    Without the weights, the checks that need features are left out; `left_out` states why. Label
    issues and learning curve use the classes with at least 5 images.

    Args:
        splits: The images, as `load_image_folder` or `load_image_table` returns them. The features
            are those of images prepared as stated there.
        backbone: Network of the features, as for `diagnostics.extract_features`.
        weights: Its weights, as for `extract_features`. None leaves out the checks that need
            features.
        decisions: The decisions file that an earlier page saved, or None. Excluded images are left
            out, relabeled ones have their new label, and findings of which all images are fine are
            hidden. The new page starts with these decisions.
        root: Folder to which the paths of the report and of the decisions are relative; defaults to
            `splits.root`.
        seed: Seed of the folds, at least 0.

    Returns:
        A `DataReport`: the findings, and the result of each check.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range, images have changed since they were loaded, or
            the decisions do not fit the images.
        WeightsNotFoundError: If `weights` is the path of a file that does not exist or fit.
        OSError: If the decisions do not exist.

    Example:
        >>> import catdog_keras
        >>> splits = catdog_keras.load_cats_dogs("synthetic")
        >>> report = catdog_keras.doctor.check_data(splits, weights=None)
        >>> report.num_images == sum(map(len, splits.files.values()))
        True
        >>> list(report.left_out)[1]
        'label issues'
    """
    if not isinstance(splits, ImageSplits):
        remedy = "Load the images first: `load_image_folder(directory)`."
        raise TypeError(describe("splits", "the images that a loader returned", splits, remedy))
    if isinstance(backbone, str):
        height, width, _ = splits.options.image_shape
        backbone = check_named_backbone(backbone, (height, width, 3))
        if weights is not None:
            check_path("weights", weights, WEIGHTS_REQUIREMENT)
            check_pretrained_weights(backbone, weights)
    elif not isinstance(backbone, keras.Model):
        raise TypeError(describe("backbone", "a name from BACKBONES or a keras.Model", backbone))
    check_integer("seed", seed, minimum=0)
    folder = root_of_paths(splits, None if root is None else check_path("root", root).absolute())
    decided = Decisions("", {}) if decisions is None else read_decisions(decisions)
    decided.check_labels(splits.class_names)
    images = list_images_of(splits, folder, decided.of_folder(folder, splits.root))
    return _run_all_checks(images, splits, backbone, weights, decided, seed)


def _run_all_checks(
    images: Images,
    splits: ImageSplits,
    backbone: str | keras.Model,
    weights: str | os.PathLike[str] | None,
    decided: Decisions,
    seed: int,
) -> DataReport:
    """Runs the checks of `check_data` on listed images, and combines their findings in a report."""
    left_out: dict[str, str] = {}
    features = _features_if_weights(images, splits, backbone, weights, left_out)
    measured = measure_images("files", images.found)
    duplicates = near_duplicates_of(measured, features, ())
    groups = group_numbers(duplicates, images)
    outliers = outliers_of(features, images.labels, images.class_names, (), measured)
    shortcuts = None
    if len(np.unique(images.labels)) > 1:
        shortcuts = shortcuts_of(measured, images.labels, images.class_names, seed)
    issues = curve = None
    if features is not None:
        subset = _ImagesOfLargeClasses(images, features, groups, left_out)
        issues = subset.run("label issues", subset.find_issues, seed)
        curve = subset.run("learning curve", subset.measure_curve, seed)
    twins = find_twins(duplicates, images, evaluated_split(images))
    leakage, leaks = measure_leakage(twins, images, features)
    findings = [
        *leaks,
        *rank_duplicates(duplicates, images),
        *(shortcuts.findings if shortcuts else ()),
        *(issues.findings if issues else ()),
        *outliers.findings,
        *(curve.findings if curve else ()),
    ]
    kept, hidden = _hide_fine_findings(findings, images, decided)
    return DataReport(
        findings=tuple(
            replace(each, files=tuple(images.files[place] for place in each.indices))
            for each in kept
        ),
        left_out=left_out,
        num_hidden=hidden,
        _images=images,
        _decisions=decided,
        near_duplicates=duplicates,
        shortcuts=shortcuts,
        outliers=outliers,
        label_issues=issues,
        learning_curve=curve,
        leakage=leakage,
    )


def _features_if_weights(
    images: Images,
    splits: ImageSplits,
    backbone: str | keras.Model,
    weights: str | os.PathLike[str] | None,
    left_out: dict[str, str],
) -> Floats | None:
    """Returns the features for the checks; None, and a reason in `left_out`, without weights."""
    reason = NOT_ASKED
    if weights is not None:
        try:
            return compute_features(images.found, splits.root, backbone, weights, splits.options)
        except WeightsNotFoundError as error:
            if weights not in (PRETRAINED, *PRETRAINED_NAMES):  # a file of the user
                raise
            reason = str(error).partition(", or use ")[0].removesuffix(".") + "."
    left_out.update(dict.fromkeys(NEED_FEATURES, reason))
    return None


class _ImagesOfLargeClasses:
    """The images for checks by folds: those of classes that have enough of them."""

    def __init__(
        self,
        images: Images,
        features: Floats,
        groups: IntegerArray | None,
        left_out: dict[str, str],
    ) -> None:
        counts = np.bincount(images.labels, minlength=len(images.class_names))
        enough = np.flatnonzero(counts >= FEWEST)
        small = [images.class_names[label] for label in np.flatnonzero(counts < FEWEST)]
        if small:
            classes = counted(len(small), "class", "classes")
            left_out[f"label issues of {classes}"] = (
                f"Fewer than {FEWEST} images, one for each fold: {listed(small)}. Add images."
            )
        self.places = np.flatnonzero(np.isin(images.labels, enough))
        self._names = [images.class_names[label] for label in enough]
        self._labels = np.searchsorted(enough, images.labels[self.places])
        self._features = features[self.places]
        self._groups = None if groups is None else groups[self.places]
        self._left_out = left_out

    def run(self, name: str, check: Callable[[int], Result], seed: int) -> Result | None:
        """Returns the result of a check; if the images do not allow it, the reason is recorded."""
        if len(self._names) < 2:
            self._left_out[name] = f"It needs two classes of at least {FEWEST} images. Add images."
            return None
        try:
            return check(seed)
        except ValueError as error:  # such as a class whose images are all near-duplicates
            self._left_out[name] = str(error)
            return None

    def find_issues(self, seed: int) -> LabelIssues:
        known = CheckedLabels(self._labels, tuple(self._names), self._groups)
        with progress_bar("Checking labels", None):
            found = label_issues_of(self._features, known, None, FEWEST, seed)
        if not found.is_informative:
            raise ValueError(NOT_INFORMATIVE)
        return replace(found, findings=tuple(map(self._in_all_images, found.findings)))

    def measure_curve(self, seed: int) -> LearningCurve:
        needed, count = fewest_images(len(self._names)), len(self._labels)
        if count < needed:
            raise ValueError(
                f"It needs at least {needed} images of {len(self._names)} classes; there are "
                f"{count}. Add images."
            )
        with progress_bar("Measuring the learning curve", None):
            return learning_curve(self._features, self._labels, groups=self._groups, seed=seed)

    def _in_all_images(self, finding: DataFinding) -> DataFinding:
        return replace(finding, indices=tuple(self.places[list(finding.indices)].tolist()))


def _hide_fine_findings(
    findings: list[DataFinding], images: Images, decided: Decisions
) -> tuple[list[DataFinding], int]:
    """Leaves out findings of the checks on images marked as fine; returns their number too."""
    fine = {file for file, each in decided.by_file.items() if each.choice == "fine"}
    kept = [
        finding
        for finding in findings
        if not finding.indices
        or finding.kind == "leakage"
        or any(images.files[place] not in fine for place in finding.indices)
    ]
    return kept, len(findings) - len(kept)
