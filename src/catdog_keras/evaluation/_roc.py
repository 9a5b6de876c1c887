"""ROC curves of one class against all others."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catdog_keras._intervals import auc_interval
from catdog_keras._probabilities import FloatArray
from catdog_keras._read_labels import IntegerArray
from catdog_keras._suggestions import suggests_attributes
from catdog_keras.evaluation._attribute_names import ROC_ATTRIBUTES
from catdog_keras.evaluation._thresholds import count_above_thresholds


@suggests_attributes(ROC_ATTRIBUTES)
@dataclass(frozen=True, eq=False)
class RocCurve:
    """ROC curve of one class against all others, with the area under the curve (AUC).

    The AUC is the probability that an image of the class gets a higher score than an image of
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
        """95% confidence interval of the AUC; (NaN, NaN) if the AUC is undefined.

        For areas above 0.9 the interval is wider than necessary.

        Source: Newcombe, R. G. (2006), Confidence intervals for an effect size measure based on the
        Mann-Whitney statistic, part 2, Statistics in Medicine 25, 559-573, method 5.
        """
        if math.isnan(self.auc):
            return math.nan, math.nan
        return auc_interval(self.auc, self.positives, self.negatives)


def compute_roc(class_name: str, positive: npt.NDArray[np.bool_], scores: FloatArray) -> RocCurve:
    """Computes the ROC curve of the `positive` images against the rest from their scores."""
    thresholds, true_positives, false_positives = count_above_thresholds(positive, scores)
    true_positives, false_positives = (
        np.append(0, counts) for counts in (true_positives, false_positives)
    )
    positives = int(true_positives[-1])
    negatives = len(scores) - positives
    true_positive_rate = _shares_of_total(true_positives, positives)
    false_positive_rate = _shares_of_total(false_positives, negatives)
    return RocCurve(
        class_name=class_name,
        positives=positives,
        negatives=negatives,
        thresholds=np.append(np.inf, thresholds),
        true_positive_rate=true_positive_rate,
        false_positive_rate=false_positive_rate,
        auc=float(np.trapezoid(true_positive_rate, false_positive_rate)),
    )


def _shares_of_total(counts: IntegerArray, total: int) -> FloatArray:
    """Returns rates of a ROC curve, true or false positive, from counts; NaN without images."""
    return counts / total if total else np.full(len(counts), np.nan)
