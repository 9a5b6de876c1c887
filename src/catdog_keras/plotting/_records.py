"""Checks of the plain records that plots are drawn from."""

from collections.abc import Sequence

from catdog_keras._checks import describe


def check_class_names(class_names: Sequence[str]) -> tuple[str, ...]:
    """Returns the names as a tuple, or raises if they are no distinct strings."""
    requirement = "a list of distinct class names"
    if isinstance(class_names, str) or not isinstance(class_names, Sequence):
        raise TypeError(describe("class_names", requirement, class_names))
    if not all(isinstance(name, str) for name in class_names):
        raise TypeError(describe("class_names", requirement, class_names))
    if not class_names or len(set(class_names)) != len(class_names):
        raise ValueError(describe("class_names", requirement, class_names))
    return tuple(class_names)
