"""Two classifiers on the same pictures: whether their difference is more than chance."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catdog_keras._intervals import paired_difference_interval

SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Comparison:
    """On how many of the same pictures two classifiers, or one of them, were right.

    Printed, it says in words whether the difference means anything. What counts is the pictures
    on which only one of the two is right: the others say nothing of which one is better.

    Attributes:
        names: what the two are called.
        both_right: the number of pictures on which both are right.
        first_only: those on which only the first is right.
        second_only: those on which only the second is right.
        neither_right: those on which both are wrong.

    Example:
        >>> import catdog_keras
        >>> comparison = catdog_keras.Comparison(("old", "new"), 180, 1, 9, 2)
        >>> round(comparison.difference, 3), round(comparison.p_value, 3)
        (-0.042, 0.021)
    """

    names: tuple[str, str]
    both_right: int
    first_only: int
    second_only: int
    neither_right: int

    @property
    def pictures(self) -> int:
        """The number of pictures that both have seen."""
        return self.both_right + self.first_only + self.second_only + self.neither_right

    @property
    def accuracies(self) -> tuple[float, float]:
        """The accuracies of the first and of the second."""
        first, second = self.both_right + self.first_only, self.both_right + self.second_only
        return first / self.pictures, second / self.pictures

    @property
    def difference(self) -> float:
        """The accuracy of the first less that of the second, from -1 to 1."""
        return (self.first_only - self.second_only) / self.pictures

    @property
    def difference_interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the difference, which heeds that the pictures are paired.

        It is an approximation and the p-value is exact: at the border they may disagree.

        Newcombe, R. G. (1998), Improved confidence intervals for the difference between binomial
        proportions based on paired data, Statistics in Medicine 17, 2635-2650, method 10.
        """
        return paired_difference_interval(
            self.both_right, self.first_only, self.second_only, self.neither_right
        )

    @property
    def p_value(self) -> float:
        """How often two equally good classifiers would differ by as much or more, by chance.

        The exact, two-sided test of McNemar: of the pictures on which only one is right, each
        falls to either with the same chance.

        McNemar, Q. (1947), Note on the sampling error of the difference between correlated
        proportions or percentages, Psychometrika 12, 153-157.
        """
        tosses, fewer = self.first_only + self.second_only, min(self.first_only, self.second_only)
        ways, tail = 1, 1
        for heads in range(fewer):
            ways = ways * (tosses - heads) // (heads + 1)
            tail += ways
        # Of whole numbers, so that no number of pictures is too large for it.
        return min(1.0, 2 * tail / 2**tosses)

    @property
    def significant(self) -> bool:
        """Whether the difference is more than chance would explain: `p_value` is below 0.05."""
        return self.p_value < SIGNIFICANCE

    def __str__(self) -> str:
        """Returns three sentences: what was seen, how sure it is, and what follows."""
        first, second = self.names
        right = (self.both_right + self.first_only, self.both_right + self.second_only)
        low, high = (100 * end for end in self.difference_interval)
        better = first if self.difference > 0 else second
        differ = self.first_only + self.second_only
        return "\n".join(
            [
                f"Of {self.pictures} pictures {first} is right on {right[0]} "
                f"({self.accuracies[0]:.3f}), {second} on {right[1]} ({self.accuracies[1]:.3f}): "
                f"a difference of {100 * self.difference:+.1f} points, "
                f"95 % interval {low:+.1f} to {high:+.1f}.",
                f"Only one of them is right on {differ} pictures, {first} on {self.first_only} "
                f"and {second} on {self.second_only} (exact McNemar test, p = {self.p_value:.2g}).",
                f"That is more than chance would explain: {better} is better on such pictures."
                if self.significant
                else "That may be chance: these pictures do not show which one is better.",
            ]
        )


def compare_hits(
    names: tuple[str, str], first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]
) -> Comparison:
    """Returns the comparison of two rows of right and wrong answers to the same pictures."""
    return Comparison(
        names=names,
        both_right=int(np.count_nonzero(first & second)),
        first_only=int(np.count_nonzero(first & ~second)),
        second_only=int(np.count_nonzero(~first & second)),
        neither_right=int(np.count_nonzero(~first & ~second)),
    )
