"""Comparison of two evaluations, image by image."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from catdog_keras._checks import describe
from catdog_keras.evaluation._evaluation import Evaluation
from catdog_keras.evaluation._files import find_other_image
from catdog_keras.evaluation._mcnemar import Comparison, compare_correct


def compare(a: Evaluation, b: Evaluation, *, names: Sequence[str] = ("a", "b")) -> Comparison:
    """Compares two classifiers on the same images with the exact McNemar test.

    Two accuracies with overlapping intervals can still differ significantly: the comparison is
    paired, and only images on which exactly one of the two is correct count. Both evaluations must
    have the same images in the same order. If both have files, these must have the same paths below
    a folder that may be another one, as on two machines, but not another split.

    Args:
        a: Evaluation of the first classifier.
        b: Evaluation of the second classifier.
        names: Names of the two classifiers in the printed result.

    Returns:
        The comparison; its printed form states whether the difference is significant.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the evaluations have different images or classes.

    See Also:
        `plot_comparison`: plots the accuracies of several models.

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]]
        >>> good = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 0], rows)
        >>> poor = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 0], rows[::-1])
        >>> catdog_keras.evaluation.compare(good, poor).significant
        False
    """
    for name, value in (("a", a), ("b", b)):
        if not isinstance(value, Evaluation):
            raise TypeError(describe(name, "an Evaluation", value))
    first_name, second_name = _check_names(names)
    check_same_images(a, b)
    return compare_correct((first_name, second_name), a.is_correct, b.is_correct)


def _check_names(names: Any) -> tuple[str, str]:
    requirement = "a pair of two different names"
    pair = isinstance(names, (tuple, list)) and len(names) == 2
    if not pair or not all(isinstance(name, str) for name in names):
        raise TypeError(describe("names", requirement, names))
    if names[0] == names[1]:
        raise ValueError(describe("names", requirement, names))
    return names[0], names[1]


def check_same_images(a: Evaluation, b: Evaluation, names: tuple[str, str] = ("a", "b")) -> None:
    """Raises an error with the first difference if two evaluations are not of the same images.

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
