"""Majority-class baseline of an accuracy."""

from collections.abc import Mapping

from catdog_keras._checks import check_integer, describe
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.evaluation._mcnemar import Comparison


@suggests_arguments()
def baseline_accuracy(counts: Mapping[str, int]) -> float:
    """Majority-class baseline: the accuracy of always predicting the most frequent class.

    A model that does not exceed it has learned nothing from the images.

    Args:
        counts: Count of each class by name, as returned by `count_labels`.

    Returns:
        The fraction of the most frequent class, above 0 and at most 1.

    Raises:
        TypeError: If `counts` is not a mapping of integers.
        ValueError: If `counts` is empty, a count is negative, or all counts are 0.

    Example:
        >>> import catdog_keras
        >>> catdog_keras.evaluation.baseline_accuracy({"cat": 30, "dog": 10})
        0.75
    """
    requirement = "the count of each class by name, as from `count_labels`"
    if not isinstance(counts, Mapping):
        remedy = "Pass its `counts`." if hasattr(counts, "counts") else ""
        raise TypeError(describe("counts", requirement, counts, remedy))
    if any(isinstance(number, Mapping) for number in counts.values()):
        remedy = 'Pass those of one split, as `splits.counts["test"]`.'
        raise TypeError(describe("counts", requirement, counts, remedy))
    numbers = [check_integer(f"counts[{name!r}]", n, minimum=0) for name, n in counts.items()]
    if sum(numbers) == 0:
        raise ValueError(describe("counts", f"{requirement}, with at least one image", counts))
    return max(numbers) / sum(numbers)


def describe_against_baseline(comparison: Comparison) -> str:
    """Describes whether a model is above its baseline, and whether significantly."""
    if comparison.difference == 0:
        return "the model equals it"
    side = "above" if comparison.difference > 0 else "below"
    if comparison.significant:
        return f"the model is significantly {side} it"
    return f"the model is {side} it, but not significantly"
