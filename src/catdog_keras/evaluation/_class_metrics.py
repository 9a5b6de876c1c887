"""Precision, recall and F1 score of each class, and their averages."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from catdog_keras._intervals import wilson_interval
from catdog_keras._read_labels import IntegerArray
from catdog_keras._suggestions import close_names, did_you_mean, suggests_attributes
from catdog_keras.evaluation._attribute_names import CLASS_ATTRIBUTES


@suggests_attributes(CLASS_ATTRIBUTES)
@dataclass(frozen=True)
class ClassMetrics:
    """Precision, recall and F1 score of one class against all others, with confidence intervals.

    A ratio with denominator 0 is undefined: it and both ends of its 95% interval are NaN.

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
        return _ratio_or_nan(self.correct, self.predicted)

    @property
    def precision_interval(self) -> tuple[float, float]:
        """95% confidence interval of the precision; see `wilson_interval`."""
        return _interval_or_nan(self.correct, self.predicted)

    @property
    def recall(self) -> float:
        """Recall: the fraction of images of this class that were predicted as it."""
        return _ratio_or_nan(self.correct, self.num_images)

    @property
    def recall_interval(self) -> tuple[float, float]:
        """95% confidence interval of the recall; see `wilson_interval`."""
        return _interval_or_nan(self.correct, self.num_images)

    @property
    def f1(self) -> float:
        """F1 score: the harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN)."""
        return _ratio_or_nan(2 * self.correct, self.num_images + self.predicted)

    @property
    def f1_interval(self) -> tuple[float, float]:
        """95% confidence interval of the F1 score.

        F1 equals 2 s / (1 + s), where s = TP / (TP + FP + FN). This increases with s, so the ends
        of the Wilson score interval of s give the ends of the interval of F1.
        """
        low, high = _interval_or_nan(self.correct, self.num_images + self.predicted - self.correct)
        return 2 * low / (1 + low), 2 * high / (1 + high)


@suggests_attributes(CLASS_ATTRIBUTES)
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


Record = TypeVar("Record")


class ByClass(tuple[Record, ...]):
    """Records of classes, by index or by the name of the class.

    Example:
        >>> import catdog_keras
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], [0, 1], [[0.9, 0.1], [0.4, 0.6]])
        >>> evaluation.class_metrics["dog"].recall
        1.0
    """

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        """Returns the record of an index or a class name, or those of a slice."""
        if not isinstance(key, str):
            return super().__getitem__(key)
        names = [getattr(each, "class_name", "") for each in self]
        if key not in names:
            similar = close_names(key, names)
            hint = did_you_mean([repr(each) for each in similar]) if similar else ""
            raise KeyError(f"No class {key!r} among {names}. {hint}".strip())
        return self[names.index(key)]


def compute_class_metrics(
    matrix: IntegerArray, class_names: Sequence[str]
) -> ByClass[ClassMetrics]:
    """Returns the scores of each class from a confusion matrix whose rows are true classes."""
    columns = (matrix.sum(axis=1), matrix.sum(axis=0), matrix.diagonal())
    counts = zip(*(column.tolist() for column in columns), strict=True)
    return ByClass(
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


def _ratio_or_nan(part: int, total: int) -> float:
    """Returns a class's precision, recall or F1 score; NaN, meaning undefined, without images."""
    return part / total if total else math.nan


def _interval_or_nan(part: int, total: int) -> tuple[float, float]:
    """Returns the 95% interval of a score of a class; NaN, meaning undefined, without images."""
    return wilson_interval(part, total) if total else (math.nan, math.nan)
