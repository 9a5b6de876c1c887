"""Confidence intervals of proportions, of their means and differences, and of ROC areas."""

import math
import numbers
from collections.abc import Sequence
from statistics import NormalDist

from catdog_keras._checks import check_integer, describe
from catdog_keras._suggestions import Synonyms, suggests_arguments

PRIOR_IMAGES = 4  # added to each class in `mean_interval`

_INTERVAL_NAMES: Synonyms = {
    **dict.fromkeys(("alpha", "level"), (("confidence",), "It is 1 - alpha, 0.95 by default.")),
    **dict.fromkeys(("count", "k", "successes"), (("correct",), "")),
    **dict.fromkeys(("n", "nobs", "trials"), (("total",), "")),
}


@suggests_arguments(_INTERVAL_NAMES)
def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Confidence interval of a proportion, such as an accuracy, by Wilson's score method.

    If a model classifies 182 of 192 test images correctly, the accuracy is 0.948, and its 95%
    interval is 0.907 to 0.971. The interval assumes independent images; near-duplicates make it too
    narrow.

    Source: Wilson, E. B. (1927), Probable inference, the law of succession, and statistical
    inference, Journal of the American Statistical Association 22, 209-212.

    Args:
        correct: Number of correctly classified images, from 0 to `total`.
        total: Number of images, at least 1.
        confidence: Confidence level, the fraction of such intervals that contain the true value;
            above 0 and below 1.

    Returns:
        The lower and the upper end, `0 <= low <= correct / total <= high <= 1`; `low` is 0 if none
        is correct, `high` is 1 if all are.

    Raises:
        TypeError: If an argument is not a number.
        ValueError: If an argument is out of its range.

    Example:
        >>> import catdog_keras
        >>> low, high = catdog_keras.evaluation.wilson_interval(182, 192)
        >>> print(f"{low:.3f} to {high:.3f}")
        0.907 to 0.971
    """
    total = check_integer("total", total, minimum=1)
    correct = check_integer("correct", correct, minimum=0)
    if correct > total:
        raise ValueError(describe("correct", f"at most `total`, here {total}", correct))
    return score_interval(correct / total, total, confidence)


def score_interval(share: float, total: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a fraction of `total` images; neither number need be an integer."""
    z = _two_sided_quantile(confidence)
    center = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    # The interval contains the proportion and ends at it if it is 0 or 1; this corrects rounding.
    low = min(max((center - spread) / scale, 0.0), share)
    high = max(min((center + spread) / scale, 1.0), share)
    return low, high


def paired_difference_interval(
    both: int, first_only: int, second_only: int, neither: int
) -> tuple[float, float]:
    """Interval of the difference of two proportions of the same images, by Newcombe's method 10.

    It combines the Wilson intervals of the two proportions with their correlation phi.
    """
    total = both + first_only + second_only + neither
    first, second = both + first_only, both + second_only
    p, q = first / total, second / total
    p_low, p_high = wilson_interval(first, total)
    q_low, q_high = wilson_interval(second, total)
    product = float(both * neither - first_only * second_only)
    if product > 0:
        product = max(product - total / 2, 0.0)
    margins = first * (total - first) * second * (total - second)
    phi = product / math.sqrt(margins) if margins else 0.0

    def distance(down: float, up: float) -> float:
        # Rounding errors may make the sum slightly negative.
        return math.sqrt(max(down**2 - 2 * phi * down * up + up**2, 0.0))

    difference = p - q
    low = difference - distance(p - p_low, q_high - q)
    high = difference + distance(q - q_low, p_high - p)
    return max(low, -1.0), min(high, 1.0)


def difference_interval(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """Interval of the difference of two proportions of different images, by Newcombe's method 10.

    Source: Newcombe, R. G. (1998), Interval estimation for the difference between independent
    proportions: comparison of eleven methods, Statistics in Medicine 17, 873-890.

    Args:
        first: Number of correct images and of all images, at least 1.
        second: The same of the proportion that is subtracted.
    """
    p, q = first[0] / first[1], second[0] / second[1]
    (p_low, p_high), (q_low, q_high) = wilson_interval(*first), wilson_interval(*second)
    return (
        max(p - q - math.hypot(p - p_low, q_high - q), -1.0),
        min(p - q + math.hypot(p_high - p, q - q_low), 1.0),
    )


def mean_interval(
    shares: Sequence[float], totals: Sequence[float], confidence: float = 0.95
) -> tuple[float, float]:
    """Interval of the mean of proportions of different images, such as a balanced accuracy.

    It is Wilson's interval for the effective number of images: that of a single proportion with the
    same variance. The variance of each proportion is computed as if PRIOR_IMAGES more images had
    been classified correctly as often as the mean: otherwise it would be 0 for a class whose images
    are all correct, which happens by chance if they are few.

    Source: Korn, E. L. and Graubard, B. I. (1998), Confidence intervals for proportions with small
    expected number of positive counts estimated from survey data, Survey Methodology 24, 193-201,
    for the effective number.

    Args:
        shares: The proportions, at least one.
        totals: Number of images of each.
        confidence: Confidence level, above 0 and below 1.
    """
    count, mean = len(shares), sum(shares) / len(shares)
    prior = (count * mean + 1) / (count + 2)  # neither 0 nor 1
    smoothed = [
        (share * total + PRIOR_IMAGES * prior) / (total + PRIOR_IMAGES)
        for share, total in zip(shares, totals, strict=True)
    ]
    variances = [p * (1 - p) / total for p, total in zip(smoothed, totals, strict=True)]
    center = sum(smoothed) / count
    effective = center * (1 - center) * count**2 / sum(variances)
    return score_interval(mean, effective, confidence)


def auc_interval(area: float, positives: int, negatives: int) -> tuple[float, float]:
    """Interval of the area under a ROC curve, by Newcombe's method 5 (Mann-Whitney U).

    Its ends are the areas from which the observed one is z standard deviations away, as in Wilson's
    interval: for few images, even an area of 1 has a lower end below 1.
    """
    low = _lower_end_of_auc(area, positives, negatives)
    return low, 1 - _lower_end_of_auc(1 - area, positives, negatives)


def _lower_end_of_auc(area: float, positives: int, negatives: int) -> float:
    """Returns the lower end of the interval of an AUC, z standard deviations from `area`."""
    z = _two_sided_quantile(0.95)
    spare = (positives + negatives) / 2 - 1
    low, high = 0.0, area
    for _ in range(60):  # bisection steps; more do not change a float64
        middle = (low + high) / 2
        shape = 1 + spare * ((1 - middle) / (2 - middle) + middle / (1 + middle))
        deviation = math.sqrt(middle * (1 - middle) * shape / (positives * negatives))
        if area - middle > z * deviation:
            low = middle
        else:
            high = middle
    return low


def _two_sided_quantile(confidence: float) -> float:
    """Returns z, the half width of the central interval of a standard normal distribution."""
    requirement = "a number above 0 and below 1"
    if isinstance(confidence, bool) or not isinstance(confidence, numbers.Real):
        raise TypeError(describe("confidence", requirement, confidence))
    if not 0 < confidence < 1:  # also false for NaN
        remedy = "Use a fraction, not a percentage: 0.95, not 95." if confidence > 1 else ""
        raise ValueError(describe("confidence", requirement, confidence, remedy))
    # Computed from the lower tail, because (1 + confidence) / 2 rounds to 1 if confidence is close
    # to 1.
    return abs(NormalDist().inv_cdf((1 - float(confidence)) / 2))
