"""ROC curves: what a classifier could do if its threshold were moved."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catdog_keras._intervals import area_interval
from catdog_keras.evaluation.labels import IntegerArray
from catdog_keras.evaluation.probabilities import FloatArray


@dataclass(frozen=True, eq=False)
class RocCurve:
    """How well one class is told from the rest, threshold by threshold.

    The area is the chance that a picture of the class gets a higher probability of it than a
    picture of the rest, ties counting half: 0.5 is a guess. Without pictures of the class, or
    without a rest, it is not defined and NaN; so are rates of no pictures.

    Attributes:
        class_name: the name of the class.
        positives: the number of pictures of the class.
        negatives: the number of pictures of all other classes.
        thresholds: falling probabilities; the first is infinite.
        true_positive_rate: the share of the `positives` whose probability reaches each threshold.
        false_positive_rate: the share of the `negatives` whose probability reaches it.
        area: the area under the curve, from 0 to 1.

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 1, 1], rows)
        >>> (curve,) = evaluation.roc_curves
        >>> curve.class_name, curve.area
        ('dog', 1.0)
    """

    class_name: str
    positives: int
    negatives: int
    thresholds: FloatArray
    true_positive_rate: FloatArray
    false_positive_rate: FloatArray
    area: float

    @property
    def area_interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the area; 0 to 1 where it is not defined.

        Of areas above 0.9 it is rather wider than it need be.

        Newcombe, R. G. (2006), Confidence intervals for an effect size measure based on the
        Mann-Whitney statistic, part 2, Statistics in Medicine 25, 559-573, method 5.
        """
        if math.isnan(self.area):
            return 0.0, 1.0
        return area_interval(self.area, self.positives, self.negatives)


def trace_roc(class_name: str, positive: npt.NDArray[np.bool_], scores: FloatArray) -> RocCurve:
    """Returns the curve of telling the `positive` pictures from the rest by their scores."""
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    # Pictures of equal score pass a threshold together.
    last_of_equals = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
    true_positives = np.append(0, np.cumsum(positive[order])[last_of_equals])
    false_positives = np.append(0, last_of_equals + 1) - true_positives
    positives = int(true_positives[-1])
    negatives = len(scores) - positives
    hit_rate, alarm_rate = _shares(true_positives, positives), _shares(false_positives, negatives)
    return RocCurve(
        class_name=class_name,
        positives=positives,
        negatives=negatives,
        thresholds=np.append(np.inf, falling[last_of_equals]),
        true_positive_rate=hit_rate,
        false_positive_rate=alarm_rate,
        area=float(np.trapezoid(hit_rate, alarm_rate)),
    )


def _shares(counts: IntegerArray, total: int) -> FloatArray:
    return counts / total if total else np.full(len(counts), np.nan)
