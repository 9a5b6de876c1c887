"""Exact McNemar test: whether two classifiers differ on the same images."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catdog_keras._intervals import paired_difference_interval
from catdog_keras._printable import printable
from catdog_keras._suggestions import suggests_attributes
from catdog_keras.evaluation._attribute_names import COMPARISON_ATTRIBUTES

SIGNIFICANCE = 0.05
MOST_EXACT = 10_000  # images on which one is correct: beyond, integers take too long


@suggests_attributes(COMPARISON_ATTRIBUTES)
@dataclass(frozen=True)
class Comparison:
    """Paired comparison of two classifiers on the same images, with the exact McNemar test.

    Only the images on which exactly one of the two is correct carry information on which one is
    better. `print` writes a summary of the result.

    Attributes:
        names: Names of the two classifiers.
        both_correct: Number of images on which both are correct.
        first_only: Number of images on which only the first is correct.
        second_only: Number of images on which only the second is correct.
        neither_correct: Number of images on which both are wrong.

    Example:
        >>> import catdog_keras
        >>> comparison = catdog_keras.Comparison(("old", "new"), 180, 1, 9, 2)
        >>> round(comparison.difference, 3), round(comparison.p_value, 3)
        (-0.042, 0.021)
    """

    names: tuple[str, str]
    both_correct: int
    first_only: int
    second_only: int
    neither_correct: int

    @property
    def num_images(self) -> int:
        """Number of images that both classifiers predicted."""
        return self.both_correct + self.first_only + self.second_only + self.neither_correct

    @property
    def accuracies(self) -> tuple[float, float]:
        """Accuracies of the first and of the second classifier."""
        first, second = self.both_correct + self.first_only, self.both_correct + self.second_only
        return first / self.num_images, second / self.num_images

    @property
    def difference(self) -> float:
        """Accuracy of the first classifier minus that of the second, from -1 to 1."""
        return (self.first_only - self.second_only) / self.num_images

    @property
    def difference_interval(self) -> tuple[float, float]:
        """95% confidence interval of the difference, for paired images.

        The interval is an approximation and the p-value is exact, so they can disagree in
        borderline cases.

        Source: Newcombe, R. G. (1998), Improved confidence intervals for the difference between
        binomial proportions based on paired data, Statistics in Medicine 17, 2635-2650, method 10.
        """
        return paired_difference_interval(
            self.both_correct, self.first_only, self.second_only, self.neither_correct
        )

    @property
    def p_value(self) -> float:
        """Two-sided p-value of the exact McNemar test.

        It is the probability of a difference at least this large if both classifiers are equally
        good: each image on which only one is correct is then equally likely to favor either of
        them.

        Source: McNemar, Q. (1947), Note on the sampling error of the difference between correlated
        proportions or percentages, Psychometrika 12, 153-157.
        """
        tosses, fewer = self.first_only + self.second_only, min(self.first_only, self.second_only)
        if tosses > MOST_EXACT:
            return min(1.0, 2 * _binomial_tail(tosses, fewer))
        ways, tail = 1, 1
        for heads in range(fewer):
            ways = ways * (tosses - heads) // (heads + 1)
            tail += ways
        # Integers do not overflow, whatever the number of images.
        return min(1.0, 2 * tail / 2**tosses)

    @property
    def significant(self) -> bool:
        """Whether the difference is statistically significant: `p_value` is below 0.05."""
        return self.p_value < SIGNIFICANCE

    def __str__(self) -> str:
        """Returns three sentences: the difference, its uncertainty, and the conclusion."""
        first, second = map(printable, self.names)
        right = (self.both_correct + self.first_only, self.both_correct + self.second_only)
        low, high = (100 * end for end in self.difference_interval)
        better = first if self.difference > 0 else second
        differ = self.first_only + self.second_only
        return "\n".join(
            [
                f"Of {self.num_images} images {first} is correct on {right[0]} "
                f"({self.accuracies[0]:.3f}), {second} on {right[1]} ({self.accuracies[1]:.3f}): "
                f"a difference of {100 * self.difference:+.1f} points, "
                f"95% interval {low:+.1f} to {high:+.1f}.",
                f"Exactly one of them is correct on {differ} images, {first} on {self.first_only} "
                f"and {second} on {self.second_only} (exact McNemar test, p = {self.p_value:.2g}).",
                f"The difference is statistically significant: {better} is better on such images."
                if self.significant
                else "The difference is not statistically significant.",
            ]
        )


def _binomial_tail(tosses: int, heads: int) -> float:
    """Returns the probability of at most that many heads among tosses of a fair coin.

    The terms are added from the largest, which comes last, until they no longer change the sum.
    """
    logarithm = math.lgamma(tosses + 1) - math.lgamma(heads + 1) - math.lgamma(tosses - heads + 1)
    term = math.exp(logarithm - tosses * math.log(2))
    total = 0.0
    while heads >= 0 and total + term > total:
        total += term
        term *= heads / (tosses - heads + 1)
        heads -= 1
    return total


def compare_correct(
    names: tuple[str, str], first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]
) -> Comparison:
    """Returns the data of McNemar's test from correct and wrong predictions for the same images."""
    return Comparison(
        names=names,
        both_correct=int(np.count_nonzero(first & second)),
        first_only=int(np.count_nonzero(first & ~second)),
        second_only=int(np.count_nonzero(~first & second)),
        neither_correct=int(np.count_nonzero(~first & ~second)),
    )
