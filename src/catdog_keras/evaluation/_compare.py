"""Comparison of two or more evaluations, image by image."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from catdog_keras._checks import describe
from catdog_keras._printable import letters, printable
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.evaluation._argument_names import COMPARE_NAMES
from catdog_keras.evaluation._evaluation import Evaluation
from catdog_keras.evaluation._image_paths import find_other_image
from catdog_keras.evaluation._mcnemar import SIGNIFICANCE, Comparison, compare_correct


@dataclass(frozen=True)
class Comparisons:
    """Comparisons of all pairs of three or more classifiers, corrected for their number.

    With many pairs, some uncorrected p-values are below 0.05 by chance. The corrected ones keep the
    probability that any of the pairs is falsely called different below 5%. `print` writes a line
    for each pair.

    Attributes:
        pairs: The comparison of each pair, in the order (first, second), (first, third), ...

    Example:
        >>> import catdog_keras
        >>> first = catdog_keras.Comparison(("old", "new"), 180, 1, 9, 2)
        >>> second = catdog_keras.Comparison(("old", "newest"), 180, 1, 10, 1)
        >>> third = catdog_keras.Comparison(("new", "newest"), 188, 1, 2, 1)
        >>> comparisons = catdog_keras.Comparisons((first, second, third))
        >>> [round(p, 3) for p in comparisons.p_values], comparisons.significant
        ([0.043, 0.035, 1.0], (True, True, False))
    """

    pairs: tuple[Comparison, ...]

    @property
    def p_values(self) -> tuple[float, ...]:
        """Two-sided p-value of each pair, corrected by Holm's method; see `Comparison.p_value`.

        Source: Holm, S. (1979), A simple sequentially rejective multiple test procedure,
        Scandinavian Journal of Statistics 6, 65-70.
        """
        return correct_p_values([pair.p_value for pair in self.pairs])

    @property
    def significant(self) -> tuple[bool, ...]:
        """Whether the corrected p-value of each pair is below 0.05."""
        return tuple(p < SIGNIFICANCE for p in self.p_values)

    def __str__(self) -> str:
        """Returns a line for each pair, with the difference, its interval and the p-value."""
        lines = []
        for pair, p_value in zip(self.pairs, self.p_values, strict=True):
            first, second = (printable(name) for name in pair.names)
            low, high = (100 * end for end in pair.difference_interval)
            verdict = "not significant"
            if p_value < SIGNIFICANCE:
                verdict = f"{first if pair.difference > 0 else second} is better"
            lines.append(
                f"{first} - {second}: {100 * pair.difference:+.1f} points, 95% interval "
                f"{low:+.1f} to {high:+.1f}; {verdict} (p = {p_value:.2g})"
            )
        tests = "Exact McNemar tests, p-values corrected by Holm's method for"
        return "\n".join([*lines, f"{tests} {len(self.pairs)} comparisons."])


@overload
def compare(a: Evaluation, b: Evaluation, *, names: Sequence[str] | None = None) -> Comparison: ...


@overload
def compare(a: Mapping[str, Evaluation]) -> Comparison | Comparisons: ...


@overload
def compare(
    a: Evaluation,
    b: Evaluation,
    c: Evaluation,
    /,
    *others: Evaluation,
    names: Sequence[str] | None = None,
) -> Comparisons: ...


@suggests_arguments(COMPARE_NAMES)
def compare(
    a: Evaluation | Mapping[str, Evaluation],
    b: Evaluation | None = None,
    *others: Evaluation,
    names: Sequence[str] | None = None,
) -> Comparison | Comparisons:
    """Compares classifiers on the same images with the exact McNemar test.

    Two accuracies with overlapping intervals can still differ significantly: the comparison is
    paired, and only images on which exactly one of the two is correct count. All evaluations must
    have the same images in the same order. If they have files, these must have the same paths below
    a folder that may be another one, as on two machines, but not another split. Of more than two
    classifiers, all pairs are compared, and the p-values are corrected by Holm's method.

    Args:
        a: Evaluation of the first classifier, or a dict of all evaluations by name, without other
            arguments.
        b: Evaluation of the second classifier.
        *others: Evaluations of further classifiers.
        names: Names of the classifiers in the printed result. None names them `"a"`, `"b"`, ...

    Returns:
        For two evaluations a `Comparison`, otherwise `Comparisons`, which has one for each pair;
        their printed form states whether the differences are significant.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the evaluations have different images or classes, or `names` are not as many
            different names.

    See Also:
        `plot_comparison`: plots the accuracies of several models.

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]]
        >>> good = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 0], rows)
        >>> poor = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 0], [[0.3, 0.7]] * 3)
        >>> catdog_keras.evaluation.compare(good, poor).significant
        False

        Three classifiers, with names:

        >>> print(catdog_keras.evaluation.compare({"new": good, "old": poor, "newer": good}))
        new - old: +66.7 points, 95% interval -5.9 to +93.9; not significant (p = 1)
        new - newer: +0.0 points, 95% interval -56.1 to +56.1; not significant (p = 1)
        old - newer: -66.7 points, 95% interval -93.9 to +5.9; not significant (p = 1)
        Exact McNemar tests, p-values corrected by Holm's method for 3 comparisons.
    """
    if isinstance(a, Mapping):
        evaluations, arguments, names = _read_named_evaluations(a, b, names)
    else:
        evaluations = (a, b, *others)
        arguments = ("a", "b", *(f"others[{index}]" for index in range(len(others))))
    for argument, value in zip(arguments, evaluations, strict=True):
        if not isinstance(value, Evaluation):
            remedy = (
                "Pass them one by one: `compare(*evaluations)`."
                if _is_list_of_evaluations(value)
                else ""
            )
            raise TypeError(describe(argument, "an Evaluation", value, remedy))
    shown = _check_classifier_names(names, len(evaluations))
    for argument, evaluation in zip(arguments[1:], evaluations[1:], strict=True):
        check_same_images(evaluations[0], evaluation, (arguments[0], argument))
    pairs = tuple(
        compare_correct((name, other_name), one.is_correct, other.is_correct)
        for (name, one), (other_name, other) in itertools.combinations(
            zip(shown, evaluations, strict=True), 2
        )
    )
    return Comparisons(pairs) if len(pairs) > 1 else pairs[0]


def _read_named_evaluations(
    named: Mapping[str, Evaluation], b: Any, names: Any
) -> tuple[tuple[Any, ...], tuple[str, ...], tuple[str, ...]]:
    """Returns the evaluations of a dict to compare, their names in messages, and their keys."""
    if b is not None or names is not None:
        other, value = ("b", b) if b is not None else ("names", names)
        raise TypeError(describe(other, "None if `a` is a dict of evaluations", value))
    if len(named) < 2:
        raise ValueError(describe("a", "a dict of at least two evaluations", list(named)))
    keys = tuple(named)
    return tuple(named.values()), tuple(f"a[{key!r}]" for key in keys), keys


def _is_list_of_evaluations(value: Any) -> bool:
    """Returns whether the evaluations to compare were passed in a list in place of one by one."""
    return isinstance(value, (list, tuple)) and any(isinstance(e, Evaluation) for e in value)


def _check_classifier_names(names: Any, number: int) -> tuple[str, ...]:
    """Returns the names of the compared classifiers; letters from A on for None."""
    if names is None:
        return tuple(letters(index) for index in range(number))
    requirement = f"{number} different names"
    is_list = isinstance(names, (tuple, list)) and len(names) == number
    if not is_list or not all(isinstance(name, str) for name in names):
        raise TypeError(describe("names", requirement, names))
    if len(set(names)) < number:
        raise ValueError(describe("names", requirement, names))
    return tuple(names)


def correct_p_values(p_values: Sequence[float]) -> tuple[float, ...]:
    """Returns the p-values of several comparisons, corrected by Holm's method for their number."""
    corrected = [0.0] * len(p_values)
    largest = 0.0
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return tuple(corrected)


def check_same_images(a: Evaluation, b: Evaluation, names: tuple[str, str] = ("a", "b")) -> None:
    """Raises an error with the first difference if compared evaluations have different images.

    Args:
        a: First evaluation.
        b: Second evaluation.
        names: Argument names of the two, for the error message.
    """
    first, second = names
    requirement = f"an evaluation of the same images as `{first}`, in the same order"
    if a.class_names != b.class_names:
        raise ValueError(
            f"`{second}` must be {requirement}; received classes {list(b.class_names)}, "
            f"those of `{first}` are {list(a.class_names)}."
        )
    if len(a) != len(b):
        raise ValueError(f"`{second}` must be {requirement}, here {len(a)}; received {len(b)}.")
    differing = np.flatnonzero(a.labels != b.labels)
    if differing.size:
        index = int(differing[0])
        found, expected = (each.class_names[each.labels[index]] for each in (b, a))
        raise ValueError(
            f"`{second}` must be {requirement}; received true class {found!r} at index {index}, "
            f"where `{first}` has {expected!r}."
        )
    if a.files is None or b.files is None:
        return
    other = find_other_image(a.files, b.files, a.class_names)
    if other is not None:
        raise ValueError(
            f"`{second}` must be {requirement}; received file {b.files[other]!r} at index {other}, "
            f"where `{first}` has {a.files[other]!r}."
        )
