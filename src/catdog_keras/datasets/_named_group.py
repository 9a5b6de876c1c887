"""Regular expressions of which one group is what the user means, by its name or as the only one."""

import re

from catdog_keras._checks import describe


def compile_with_group(
    name: str, value: str | re.Pattern[str], group: str, requirement: str, further: str
) -> re.Pattern[str]:
    """Returns a compiled pattern that has one group, or one named `group`.

    Args:
        name: The argument that states the pattern, for error messages.
        value: The pattern.
        group: The name of the group that is meant, if there are several.
        requirement: What the argument must be.
        further: What the other groups are not, as "the class".

    Raises:
        ValueError: If the pattern is invalid, or it is not clear which of its groups is meant.
    """
    try:
        pattern = re.compile(value)
    except re.error as error:
        raise ValueError(describe(name, requirement, value, f"{error}.")) from error
    if pattern.groups != 1 and group not in pattern.groupindex:
        remedy = f"It has {pattern.groups} groups. Use (?:...) for groups that are not {further}."
        raise ValueError(describe(name, requirement, pattern.pattern, remedy))
    return pattern


def meant_group(pattern: re.Pattern[str], group: str) -> str | int:
    """Returns the name or the number of the group of such a pattern that is meant."""
    return group if group in pattern.groupindex else 1
