"""Label issues: images whose label contradicts a model that was not trained on them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import to_numbers
from catdog_keras._checks import check_integer
from catdog_keras._message import argument
from catdog_keras._printable import counted, printable
from catdog_keras._probabilities import FloatArray, check_probabilities, normalize_rows
from catdog_keras._suggestions import suggests_arguments
from catdog_keras._warnings import warn
from catdog_keras.diagnostics._argument_names import DATA_NAMES
from catdog_keras.diagnostics._checked_labels import (
    CheckedLabels,
    check_class_sizes,
    check_labels,
)
from catdog_keras.diagnostics._confident_learning import ConfidentLabels
from catdog_keras.diagnostics._data_finding import DataFinding
from catdog_keras.diagnostics._feature_inputs import check_features, check_file_list
from catdog_keras.diagnostics._folds import assign_folds
from catdog_keras.diagnostics._linear_head import HeadInputs, predict_out_of_fold
from catdog_keras.evaluation._roc import compute_roc

CHANCE = 0.5  # area under the ROC curve of a guess
# Predictions of several folds vary more than those of one model, for which the test was made: of
# 1,000 simulated data sets with labels at random 7 passed this level.
LEVEL = 0.002
DOUBTFUL = 0.25  # share of wrong labels above which weak features are the likelier cause
NOT_INFORMATIVE = (
    "The labels cannot be predicted from the features better than by a guess, so no image is "
    "listed. Use features of a backbone that separates the classes, or more images."
)
BooleanArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, repr=False)
class LabelIssues:
    """Images whose label is probably wrong, and how many wrong labels are expected.

    Attributes:
        findings: A `DataFinding` of the kind `"label_issue"` for each of the `num_expected` images
            whose label is the least probable compared with another class, the most suspicious
            first. Its `score` is the difference of the two probabilities.
        num_expected: Estimated number of wrong labels. Images that the features cannot classify
            count as well: with weak features it is too high.
        class_names: Names of the classes; their numbers if no names were given.
        probabilities: Out-of-fold probabilities of shape (images, classes).
        confident_joint: Number of images by label (row) and by the class of which the model is
            confident (column).
        is_informative: Whether the labels are predicted better than by a guess. If not, there are
            no findings, and the labels can be right or wrong.

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.95, 0.05]]
        >>> issues = catdog_keras.diagnostics.find_label_issues(
        ...     None, [0, 0, 1, 1, 1], probabilities=rows, class_names=["cat", "dog"]
        ... )
        >>> issues
        LabelIssues(1 of 5 images, 1 expected)
        >>> issues.confident_joint.tolist()
        [[1, 0], [1, 2]]
    """

    findings: tuple[DataFinding, ...]
    num_expected: int
    class_names: tuple[str, ...]
    probabilities: FloatArray
    confident_joint: npt.NDArray[np.int64]
    is_informative: bool = True

    @property
    def is_doubtful(self) -> bool:
        """Whether so many labels look wrong that the features are probably too weak."""
        return self.num_expected > DOUBTFUL * len(self.probabilities)

    def __len__(self) -> int:
        """Returns the number of findings."""
        return len(self.findings)

    def __repr__(self) -> str:
        """Returns the numbers of findings, images and expected errors."""
        counts = f"{len(self)} of {len(self.probabilities)} images, {self.num_expected} expected"
        return f"LabelIssues({counts})"

    def __str__(self) -> str:
        """Returns the numbers, and a line for each of the first findings."""
        if not self.is_informative:
            return NOT_INFORMATIVE
        if not self.findings:
            return f"No label of {counted(len(self.probabilities), 'image')} looks wrong."
        lines = [
            f"About {self.num_expected} of {len(self.probabilities)} labels contradict the model. "
            "The most suspicious ones:"
        ]
        return "\n".join(lines + [f"  {finding}" for finding in self.findings[:10]])


@suggests_arguments(DATA_NAMES)
def find_label_issues(
    features: Any,
    labels: Any,
    *,
    probabilities: Any = None,
    class_names: Sequence[str] | None = None,
    files: Sequence[str] | None = None,
    groups: Any = None,
    folds: int = 5,
    seed: int = 0,
) -> LabelIssues:
    """Finds labels that are probably wrong, with confident learning on out-of-fold predictions.

    Each image is predicted by a head (multinomial logistic regression with an L2 penalty, which is
    chosen by the log loss) that was trained on the other folds. Then the heads are trained again
    without the images that look mislabeled. The number of wrong labels is estimated from the images
    whose probability of a class reaches the mean probability of this class over the images with its
    label. So many images are returned: those of which another class is more probable than the label
    by the largest difference. The method is that of the source, except that all classes are ranked
    together and that the heads are trained twice.

    Inspect the findings; do not delete them unseen. A finding can also be a difficult image, an
    image of two classes, or a near-duplicate in another class. Errors that follow a rule, such as
    all kittens being labeled dog, are learned by the head and not found. Near-duplicates with the
    same wrong label hide it unless they are in one group.

    If the heads of the first training are not better than a guess, no image is returned, with a
    warning. This is decided by a Mann-Whitney test of the probabilities of each class. If more than
    25% of the labels look wrong, a warning states that the features may be too weak.

    Source: Northcutt, C. G., Jiang, L. and Chuang, I. L. (2021), Confident learning: estimating
    uncertainty in dataset labels, Journal of Artificial Intelligence Research 70, 1373-1411.

    Args:
        features: Array of shape (images, dimensions), such as from `extract_features`; finite. None
            if `probabilities` are given.
        labels: Class indices from 0, of shape (images,), or one-hot rows; at least `folds` of each
            class.
        probabilities: Array of shape (images, classes) in place of features: predictions of each
            image by a model that was not trained on it. With predictions of a model that was
            trained on the images, wrong labels look right. `groups`, `folds` and `seed` are not
            used.
        class_names: Names of the classes in the order of their indices, or None.
        files: File of each image, for the findings, or None.
        groups: The group of each image, such as its film or animal, or None. Images of a group are
            in one fold.
        folds: Number of folds, at least 2.
        seed: Seed of the folds, at least 0; the same seed gives the same result.

    Returns:
        `LabelIssues`: the findings, the expected number of wrong labels, and the probabilities.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the arguments are not of the same number of images, features are not finite,
            rows of probabilities do not sum to 1, there is one class, or there are fewer images of
            a class or fewer groups than folds.

    See Also:
        `extract_features`: features of images.
        `DataFinding`: its `given` and `likely` are class names.

    Example:
        >>> import catdog_keras, numpy as np
        >>> truth = np.arange(100) % 2
        >>> features = np.random.default_rng(0).normal(size=(100, 8)) + 3 * truth[:, None]
        >>> labels = truth.copy()
        >>> labels[[7, 60]] = 1 - labels[[7, 60]]
        >>> issues = catdog_keras.diagnostics.find_label_issues(
        ...     features, labels, class_names=["cat", "dog"]
        ... )
        >>> [(each.indices[0], each.given, each.likely) for each in issues.findings]
        [(60, 'dog', 'cat'), (7, 'cat', 'dog')]
    """
    vectors = None if features is None else check_features(features)
    num_images = None if vectors is None else len(vectors)
    known = check_labels(labels, class_names, groups, num_images=num_images)
    names = None if files is None else check_file_list("files", files, len(known.indices))
    folds = check_integer("folds", folds, minimum=2)
    seed = check_integer("seed", seed, minimum=0)
    if (vectors is None) == (probabilities is None):
        raise TypeError(
            argument("features")
            + " must be given without "
            + argument("probabilities")
            + ", or the other way round; received "
            + ("neither." if vectors is None else "both.")
        )
    if vectors is not None:
        found = label_issues_of(vectors, known, names, folds, seed)
    else:
        array = to_numbers("probabilities", "rows", probabilities)
        rows = check_probabilities(array, (len(known.indices), len(known.names)))
        found = _label_issues(normalize_rows(rows), known, names)
    if not found.is_informative:
        warn(NOT_INFORMATIVE)
    elif found.is_doubtful:
        warn(
            f"{found.num_expected} of {len(known.indices)} labels contradict the model. Either so "
            "many are wrong, or the features do not separate the classes: inspect some of the "
            "images before you use the number."
        )
    return found


def label_issues_of(
    features: npt.NDArray[np.float32],
    known: CheckedLabels,
    files: tuple[str, ...] | None,
    folds: int,
    seed: int,
) -> LabelIssues:
    """Returns the result of `find_label_issues` for checked arguments, without a warning."""
    check_class_sizes(known, folds)
    assigned = assign_folds(known.indices, known.groups, folds, seed)
    inputs = HeadInputs(features)
    num_classes = len(known.names)
    rows = predict_out_of_fold(inputs, known.indices, assigned, num_classes)
    if not _is_informative(rows, known.indices):
        return _label_issues(rows, known, files, is_informative=False)
    trusted = _trusted_labels(rows, known.indices)
    if trusted is not None:
        rows = predict_out_of_fold(inputs, known.indices, assigned, num_classes, trusted)
    return _label_issues(rows, known, files)


def _label_issues(
    rows: FloatArray,
    known: CheckedLabels,
    files: tuple[str, ...] | None,
    *,
    is_informative: bool = True,
) -> LabelIssues:
    """Returns the result of confident learning on out-of-fold probabilities `rows`."""
    confident = ConfidentLabels.from_probabilities(rows, known.indices)
    expected = round(confident.estimate_errors(known.indices)) if is_informative else 0
    findings = _label_issue_findings(rows, known, files, expected)
    return LabelIssues(findings, expected, known.names, rows, confident.joint, is_informative)


def _is_informative(rows: FloatArray, labels: npt.NDArray[np.int64]) -> bool:
    """Returns whether heads can find label issues: a class is more probable for its own images.

    The rows must be those of heads of the first training: the second one leaves out images whose
    labels contradict the first, so that its heads agree with labels at random, too.
    """
    num_classes = rows.shape[1]
    least = NormalDist().inv_cdf(1 - LEVEL / num_classes)
    for label in range(num_classes):
        curve = compute_roc("", labels == label, rows[:, label])
        product = curve.positives * curve.negatives
        if product:
            deviation = math.sqrt((len(labels) + 1) / (12 * product))
            if curve.auc - CHANCE > least * deviation:
                return True
    return False


def _trusted_labels(
    rows: FloatArray, labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_] | None:
    """Returns which labels do not look wrong; None if all do not, or most of a class do."""
    expected = round(ConfidentLabels.from_probabilities(rows, labels).estimate_errors(labels))
    trusted = np.ones(len(rows), bool)
    trusted[_rank_suspicious(rows, labels)[:expected]] = False
    counts = np.bincount(labels, minlength=rows.shape[1])
    kept = np.bincount(labels[trusted], minlength=rows.shape[1])
    if trusted.all() or (2 * kept < counts).any():  # most labels of a class cannot be wrong
        return None
    return trusted


def _rank_suspicious(rows: FloatArray, labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Returns images that may have a label issue: another class is more probable; worst first."""
    margins = _probability_margins(rows, labels)
    order = np.argsort(-margins, kind="stable")
    return order[margins[order] > 0]


def _probability_margins(rows: FloatArray, labels: npt.NDArray[np.int64]) -> FloatArray:
    """Returns the largest probability of another class minus that of the label."""
    others = rows.copy()
    others[np.arange(len(rows)), labels] = -np.inf
    return np.asarray(others.max(axis=1) - rows[np.arange(len(rows)), labels])


def _label_issue_findings(
    rows: FloatArray, known: CheckedLabels, files: tuple[str, ...] | None, expected: int
) -> tuple[DataFinding, ...]:
    """Returns a finding for each of the `expected` images with the most suspicious label."""
    margins = _probability_margins(rows, known.indices)
    found = []
    for index in _rank_suspicious(rows, known.indices)[:expected].tolist():
        label, likely = int(known.indices[index]), int(rows[index].argmax())
        given, other = known.names[label], known.names[likely]
        text = (
            f"Labeled {printable(given)} (probability {rows[index, label]:.2f}); a model that was "
            f"not trained on it predicts {printable(other)} ({rows[index, likely]:.2f}). Inspect "
            "the image, and correct its label or leave the image out."
        )
        place = () if files is None else (files[index],)
        found.append(
            DataFinding("label_issue", (index,), float(margins[index]), text, place, given, other)
        )
    return tuple(found)
