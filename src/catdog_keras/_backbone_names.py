"""Names of backbones: known spellings, and suggestions for unknown ones."""

import difflib
import re
from collections.abc import Collection
from typing import Any

from catdog_keras._checks import describe


def find_backbone_name(name: Any, known: Collection[str]) -> str:
    """Returns the known name that a name is a spelling of, such as that of `MobileNetV2`.

    Case, underscores, hyphens, dots and spaces are ignored.

    Raises:
        TypeError: If the name is not a string.
        ValueError: If it is unknown; the message suggests similar names.
    """
    if not isinstance(name, str):
        raise TypeError(describe("backbone", "a name from BACKBONES or a keras.Model", name))
    by_letters = {_letters(each): each for each in known}
    letters = _letters(name)
    if letters in by_letters:
        return by_letters[letters]
    similar = difflib.get_close_matches(letters, by_letters, n=3, cutoff=0.6)
    remedy = "`catdog-keras backbones` lists the names."
    if similar:
        names = [repr(by_letters[each]) for each in similar]
        listed = " or ".join([*[", ".join(names[:-1])] * (len(names) > 1), names[-1]])
        remedy = f"Did you mean {listed}? {remedy}"
    raise ValueError(describe("backbone", "a name from BACKBONES", name, remedy))


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
