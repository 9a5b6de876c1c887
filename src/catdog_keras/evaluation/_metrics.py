"""Class metrics, ROC curves and reliability bins, computed from labels and probabilities."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catdog_keras._intervals import auc_interval, wilson_interval
from catdog_keras._probabilities import FloatArray
from catdog_keras.evaluation._labels import IntegerArray


@dataclass(frozen=True)
class ClassMetrics:
    """Precision, recall and F1 score of one class against all others, with confidence intervals.

    A ratio with denominator 0 is undefined: it is NaN, and its 95% interval is 0 to 1.

    Attributes:
        class_name: Name of the class.
        num_images: Number of images of this class (TP + FN).
        predicted: Number of images predicted as this class (TP + FP).
        correct: Number of images of this class that were predicted as it (TP).

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 1, 1], rows)
        >>> dog = evaluation.class_metrics[1]
        >>> dog.class_name, dog.precision, round(dog.recall, 3)
        ('dog', 1.0, 0.667)
    """

    class_name: str
    num_images: int
    predicted: int
    correct: int

    @property
    def precision(self) -> float:
        """Precision: the fraction of images predicted as this class that belong to it."""
        return _share(self.correct, self.predicted)

    @property
    def precision_interval(self) -> tuple[float, float]:
        """95% confidence interval of the precision; see `wilson_interval`."""
        return _interval(self.correct, self.predicted)

    @property
    def recall(self) -> float:
        """Recall: the fraction of images of this class that were predicted as it."""
        return _share(self.correct, self.num_images)

    @property
    def recall_interval(self) -> tuple[float, float]:
        """95% confidence interval of the recall; see `wilson_interval`."""
        return _interval(self.correct, self.num_images)

    @property
    def f1(self) -> float:
        """F1 score: the harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN)."""
        return _share(2 * self.correct, self.num_images + self.predicted)

    @property
    def f1_interval(self) -> tuple[float, float]:
        """95% confidence interval of the F1 score.

        F1 equals 2 s / (1 + s), where s = TP / (TP + FP + FN). This increases with s, so the ends
        of the Wilson score interval of s give the ends of the interval of F1.
        """
        low, high = _interval(self.correct, self.num_images + self.predicted - self.correct)
        return 2 * low / (1 + low), 2 * high / (1 + high)


@dataclass(frozen=True)
class AveragedMetrics:
    """Macro or weighted averages of the class scores; undefined scores are left out.

    Attributes:
        precision: Mean precision, from 0 to 1, or NaN if it is undefined for all classes.
        recall: Mean recall, likewise.
        f1: Mean F1 score, likewise; not the F1 score of the two means.

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 1, 1], rows)
        >>> evaluation.macro_average.precision
        0.75
    """

    precision: float
    recall: float
    f1: float


def compute_class_metrics(
    matrix: IntegerArray, class_names: Sequence[str]
) -> tuple[ClassMetrics, ...]:
    """Returns the scores of each class from a confusion matrix whose rows are true classes."""
    columns = (matrix.sum(axis=1), matrix.sum(axis=0), matrix.diagonal())
    counts = zip(*(column.tolist() for column in columns), strict=True)
    return tuple(
        ClassMetrics(name, *numbers) for name, numbers in zip(class_names, counts, strict=True)
    )


def average_metrics(scores: Sequence[ClassMetrics], *, weighted: bool) -> AveragedMetrics:
    """Returns the averages over classes, with equal weights or weighted by their image counts."""
    weights = np.array([each.num_images if weighted else 1 for each in scores])

    def mean(values: list[float]) -> float:
        defined = np.isfinite(values)
        total = weights[defined].sum()
        return float(weights[defined] @ np.array(values)[defined] / total) if total else math.nan

    return AveragedMetrics(
        precision=mean([each.precision for each in scores]),
        recall=mean([each.recall for each in scores]),
        f1=mean([each.f1 for each in scores]),
    )


def _share(part: int, total: int) -> float:
    return part / total if total else math.nan


def _interval(part: int, total: int) -> tuple[float, float]:
    return wilson_interval(part, total) if total else (0.0, 1.0)


@dataclass(frozen=True, eq=False)
class RocCurve:
    """ROC curve of one class against all others, with the area under the curve (AUC).

    The AUC is the probability that an image of the class gets a higher score than image of
    another class, where ties count half; 0.5 is a random guess. Without images of the class, or
    without images of other classes, the AUC is undefined and NaN; so are rates with denominator 0.

    Attributes:
        class_name: Name of the class.
        positives: Number of images of the class.
        negatives: Number of images of all other classes.
        thresholds: Decreasing probabilities; the first is infinite.
        true_positive_rate: Fraction of the `positives` with a probability of at least each
            threshold.
        false_positive_rate: Fraction of the `negatives` with a probability of at least each
            threshold.
        auc: Area under the curve, from 0 to 1.

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 1, 1], rows)
        >>> (curve,) = evaluation.roc_curves
        >>> curve.class_name, curve.auc
        ('dog', 1.0)
    """

    class_name: str
    positives: int
    negatives: int
    thresholds: FloatArray
    true_positive_rate: FloatArray
    false_positive_rate: FloatArray
    auc: float

    @property
    def auc_interval(self) -> tuple[float, float]:
        """95% confidence interval of the AUC; 0 to 1 if the AUC is undefined.

        For areas above 0.9 the interval is wider than necessary.

        Source: Newcombe, R. G. (2006), Confidence intervals for an effect size measure based on the
        Mann-Whitney statistic, part 2, Statistics in Medicine 25, 559-573, method 5.
        """
        if math.isnan(self.auc):
            return 0.0, 1.0
        return auc_interval(self.auc, self.positives, self.negatives)


def compute_roc(class_name: str, positive: npt.NDArray[np.bool_], scores: FloatArray) -> RocCurve:
    """Computes the ROC curve of the `positive` images against the rest from their scores."""
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    # Images with equal scores cross a threshold together.
    last_of_equals = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
    true_positives = np.append(0, np.cumsum(positive[order])[last_of_equals])
    false_positives = np.append(0, last_of_equals + 1) - true_positives
    positives = int(true_positives[-1])
    negatives = len(scores) - positives
    true_positive_rate = _shares(true_positives, positives)
    false_positive_rate = _shares(false_positives, negatives)
    return RocCurve(
        class_name=class_name,
        positives=positives,
        negatives=negatives,
        thresholds=np.append(np.inf, falling[last_of_equals]),
        true_positive_rate=true_positive_rate,
        false_positive_rate=false_positive_rate,
        auc=float(np.trapezoid(true_positive_rate, false_positive_rate)),
    )


def _shares(counts: IntegerArray, total: int) -> FloatArray:
    return counts / total if total else np.full(len(counts), np.nan)


CALIBRATION_BINS = 10


@dataclass(frozen=True)
class ReliabilityBin:
    """One bin of a reliability diagram: images predicted with similar confidence.

    Attributes:
        low: Lower edge, excluded; the first bin includes 0.
        high: Upper edge, included.
        num_images: Number of images, at least 1.
        correct: Number of them that were predicted correctly.
        confidence: Mean probability of their predicted classes.

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 1, 1], rows)
        >>> first = evaluation.reliability_bins[0]
        >>> first.num_images, first.confidence, first.accuracy
        (1, 0.6, 1.0)
    """

    low: float
    high: float
    num_images: int
    correct: int
    confidence: float

    @property
    def accuracy(self) -> float:
        """Accuracy in the bin; close to the confidence if the model is calibrated."""
        return self.correct / self.num_images

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """95% confidence interval of the accuracy; see `wilson_interval`."""
        return wilson_interval(self.correct, self.num_images)


def bin_by_confidence(
    confidence: FloatArray, is_correct: npt.NDArray[np.bool_]
) -> tuple[ReliabilityBin, ...]:
    """Returns the nonempty bins of equal width, in ascending order of confidence."""
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    bins = np.digitize(confidence, edges[1:-1], right=True)
    counts = np.bincount(bins, minlength=CALIBRATION_BINS)
    correct = np.bincount(bins[is_correct], minlength=CALIBRATION_BINS)
    sums = np.bincount(bins, weights=confidence, minlength=CALIBRATION_BINS)
    return tuple(
        ReliabilityBin(
            low=float(edges[place]),
            high=float(edges[place + 1]),
            num_images=int(counts[place]),
            correct=int(correct[place]),
            confidence=float(sums[place] / counts[place]),
        )
        for place in np.flatnonzero(counts)
    )
