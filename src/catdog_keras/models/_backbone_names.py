"""Names of backbones: known spellings, and suggestions for unknown ones."""

from collections.abc import Collection
from typing import Any

from catdog_keras._checks import describe, is_model_path, remedy_for_path
from catdog_keras._suggestions import close_names, did_you_mean, letters_of

HUB_PREFIX = "keras_hub:"  # of the presets of KerasHub


def find_backbone_name(name: Any, known: Collection[str]) -> str:
    """Returns the known name that a name is a spelling of, such as that of `MobileNetV2`.

    Case, underscores, hyphens, dots and spaces are ignored.

    Raises:
        TypeError: If the name is not a string.
        ValueError: If it is unknown; the message suggests similar names.
    """
    by_letters = {letters_of(each): each for each in known}
    if not isinstance(name, str):
        # The function of Keras that builds the backbone.
        found = letters_of(str(getattr(name, "__name__", "")))
        remedy = f"Pass its name, {by_letters[found]!r}." if found in by_letters else ""
        requirement = "a name from BACKBONES or a keras.Model"
        raise TypeError(describe("backbone", requirement, name, remedy))
    if letters_of(name) in by_letters:
        return by_letters[letters_of(name)]
    if is_model_path(name):
        requirement = "a name from BACKBONES or a keras.Model"
        raise ValueError(describe("backbone", requirement, name, remedy_for_path(name)))
    similar = close_names(name, known)
    hint: str = f"If it is a preset of KerasHub, pass {HUB_PREFIX + name!r}."
    if similar:
        hint = did_you_mean([repr(each) for each in similar])
    remedy = hint + " `catdog-keras backbones` lists the names."
    raise ValueError(describe("backbone", "a name from BACKBONES", name, remedy))
