"""Groups of images that stay in one split, as a user states them."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from catdog_keras._checks import describe
from catdog_keras._message import argument
from catdog_keras._printable import first_lines, printable
from catdog_keras.datasets._label_table import text_of
from catdog_keras.datasets._named_group import compile_with_group, meant_group

Groups: TypeAlias = str | re.Pattern[str] | Callable[[str], Any] | Mapping[str, Any]

GROUP = "group"
NAMES = "a text or an integer for each image, the name of its group"
REQUIREMENT = (
    "a regular expression with one group, or with a group named group; a function of the path; or "
    "a mapping from paths to groups"
)


def check_groups(value: Groups | None) -> Callable[[str], Any] | None:
    """Returns a function from a relative path to its group, None or an empty text without one.

    Raises:
        TypeError: If it is neither a pattern nor a function nor a mapping.
        ValueError: If a pattern is invalid, or it is not clear which of its groups is meant.
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        return value.get
    if isinstance(value, (str, re.Pattern)):
        if isinstance(value, re.Pattern) and not isinstance(value.pattern, str):
            raise TypeError(describe("groups", REQUIREMENT, value))
        return _group_by_pattern(
            compile_with_group("groups", value, GROUP, REQUIREMENT, "the group of the image")
        )
    if not callable(value):
        raise TypeError(describe("groups", REQUIREMENT, value))
    return value


def _group_by_pattern(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    """Returns a function that finds the group of a path by a pattern; None if it does not match."""
    chosen = meant_group(pattern, GROUP)

    def find(path: str) -> str | None:
        found = pattern.search(path)
        return found and found[chosen]

    return find


def name_groups(
    name: str, find: Callable[[str], Any], files: Sequence[str], root: Path
) -> dict[str, str]:
    """Returns the name of the group of each file.

    Args:
        name: The argument that states the groups, for error messages.
        find: Returns the group of a path: a text or an integer; None or an empty text for none.
        files: Paths relative to `root`, with forward slashes.
        root: The folder of the images, for error messages.

    Raises:
        TypeError: If a group is neither a text nor an integer.
        ValueError: If a file has no group, or all have the same one.
    """
    groups = {file: text_of(name, NAMES, find(file)) for file in files}
    missing = [printable(file) for file, group in groups.items() if not group]
    if missing:
        raise ValueError(
            argument(name)
            + f" must give each image a group; {len(missing)} of {len(files)} images have none:"
            f"{first_lines(missing)}\n"
            f"Paths are relative to {str(root)!r}, with forward slashes. Give these images a group "
            "too, for instance their own path."
        )
    if len(set(groups.values())) == 1:
        only = printable(groups[files[0]])
        raise ValueError(
            argument(name)
            + f" must give at least two groups; all {len(files)} images are in {only!r}. Whole "
            "groups stay in one split, so use smaller ones."
        )
    return groups
