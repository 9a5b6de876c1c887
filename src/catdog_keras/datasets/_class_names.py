"""Checks the names of class folders: some may be splits, copies or versions of the others."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence

from catdog_keras._folder_names import (
    is_altered_name,
    is_annotation_name,
    is_filler_name,
    is_generic_name,
    is_unlabeled_name,
    join_words,
    original_names,
    parse_image_size,
    parse_split_name,
    parse_variant,
    singular_words,
)
from catdog_keras._message import argument
from catdog_keras._printable import listed

MISSING_VALUES = ("<na>", "n/a", "na", "nan", "nat", "none", "null")
NAME_THEM = (
    "pass the names of all classes as "
    + argument("class_names")
    + "; other folders are then ignored."
)


def check_split_names(names: Sequence[str], place: str) -> list[str]:
    """Checks whether folders with images are named like splits of the other ones.

    Args:
        names: Names of all class folders.
        place: Path of the folder that contains them, for error messages.

    Returns:
        The folders that may be classes or not.

    Raises:
        ValueError: If folders are almost certainly not classes.
    """
    splits, certain = _find_split_names(names)
    if certain and len(splits) == len(names):
        raise ValueError(
            f"{place!r} holds {listed(splits)}, which are named like splits but contain "
            "images and no class folders. Put the images of each class into a folder with its "
            "name, inside train and validation; if these are classes, " + NAME_THEM
        )
    if certain:
        raise ValueError(
            f"{place!r} holds {listed(names)}. {listed(splits)} are named like splits "
            "but contain images next to the other folders. Move these images into class folders "
            "inside train, validation and test, or move the folders elsewhere. Otherwise "
            + NAME_THEM
        )
    return splits


def check_annotation_names(names: Sequence[str], place: str) -> None:
    """Raises if all folders are named like images and their annotations, as for detection."""
    annotations = list(filter(is_annotation_name, names))
    if annotations and all(is_generic_name(name) or is_filler_name(name) for name in names):
        raise ValueError(
            f"{place!r} holds {listed(names)}, which are named like images and their annotations. "
            "Classes are found by folders, not by annotations: put the images of each class into a "
            "folder with its name, or export the data set for classification, as a folder "
            "structure; if these are classes, " + NAME_THEM
        )


def note_names(names: Sequence[str], splits: Sequence[str]) -> list[str]:
    """Returns a note on names that hardly ever are those of classes, and on these splits."""
    generic = [name for name in names if is_unlabeled_name(name) or is_generic_name(name)]
    # Where two classes are left; `accepted` and `rejected` may be all of them.
    if len(names) - len(generic) < 2:
        generic = [name for name in generic if not is_altered_name(name)]
    used = [*splits, *generic]
    if not used:
        return []
    return [f"The folders {listed(used)} are used as classes. If they are not, " + NAME_THEM]


def note_copies(
    names: Sequence[str], remedy: str = "If they are not classes, " + NAME_THEM
) -> list[str]:
    """Returns a note on classes that are named like copies or versions of other classes."""
    words = Counter(map(join_words, names))
    alike = Counter(map(singular_words, names))
    variants = _find_variants(names, words)
    numbers = Counter(filter(None, map(_normalized_number, names)))
    copies = [
        name
        for name in names
        # Names that differ only in case, separators or the plural; but letters, `c++` and `c#` are
        # classes.
        if (alike[singular_words(name)] > 1 and len(join_words(name)) > 1)
        or any(original in words for original in original_names(name))
        or name in variants
        or numbers[_normalized_number(name)] > 1
    ]
    if not copies:
        return []
    # Names that differ in composed accented letters, or in the script of a letter, look the same.
    twins = len({unicodedata.normalize("NFC", name) for name in copies}) < len(copies)
    mixed = any(name.isascii() for name in copies) and not all(name.isascii() for name in copies)
    shown = ascii(copies) if twins or mixed else listed(copies)
    return [f"The classes {shown} are named like copies or versions of other classes. " + remedy]


def note_missing_values(names: Sequence[str]) -> list[str]:
    """Returns a note on labels that other programs read as missing values."""
    found = [name for name in names if name.casefold() in MISSING_VALUES]
    if not found:
        return []
    return [
        f"The classes {listed(found)} are named like missing values. If they are, leave their "
        "labels empty, or remove these images."
    ]


def _normalized_number(name: str) -> str:
    """Returns a class name that is a number as 1 for "1.0"; an empty string for other names."""
    found = re.fullmatch(r"\s*0*(\d+)(?:\.0*)?\s*", name)
    return found[1] if found else ""


def _find_variants(names: Sequence[str], words: Collection[str]) -> set[str]:
    """Returns the class names of variants of several classes, or of a class in several sizes."""
    of_variant: dict[str, list[str]] = {}
    sizes: dict[str, list[str]] = {}
    numbers: Counter[str] = Counter()
    for name in names:
        variant, size = parse_variant(name), parse_image_size(name)
        if variant and variant[0] in words:
            of_variant.setdefault(variant[1], []).append(name)
        if size:
            sizes.setdefault(size[0], []).append(name)
        numbers[re.sub(r" \d.*", "", join_words(name))] += 1
    numbered = [
        name
        for name in names
        if (found := re.fullmatch(r"(.+) \d", join_words(name))) and found[1] in words
    ]
    digits = {join_words(name)[-1] for name in numbered}
    if len(digits) == 1 and 2 < len(names) == 2 * len(numbered):
        of_variant["numbered"] = numbered  # a copy of each class, as macOS names it
    variants = {name for alike in of_variant.values() if len(alike) > 1 for name in alike}
    for original, alike in sizes.items():
        # Without a further number, as of `class_1`, `class_2`, ..., `class_64`.
        if len(alike) + (original in words) == numbers[original] > 1:
            variants.update(alike)
    return variants


def _find_split_names(names: Sequence[str]) -> tuple[list[str], bool]:
    """Returns the class names that may be those of splits, and whether they certainly are."""
    parsed = {name: parse_split_name(name) for name in names}
    others = [name for name in names if not parsed[name].split]
    families: dict[tuple[str, ...], set[str]] = {}
    for found in parsed.values():
        if found.split:
            families.setdefault(found.rest, set()).add(found.split)
    splits = [name for name in names if parsed[name].split]
    # Of one data set, such as trainA and testA.
    alike = [name for name in splits if len(families[parsed[name].rest]) > 1]
    # A train is also a vehicle, and `valid` the opposite of `invalid`.
    bare = [
        name
        for name in splits
        if not parsed[name].rest
        and name.casefold() != "train"
        and not any(other.casefold().endswith(name.casefold()) for other in others)
    ]
    # Of one class, such as `cats_test`. A single one may be `test_tube` next to `tube`.
    singular = {_without_plural_s(parsed[name].rest) for name in others}
    of_class = [
        name
        for name in splits
        if parsed[name].rest and _without_plural_s(parsed[name].rest) in singular
    ]
    certain = bool(alike) or len(of_class) > 1 or (bool(bare) and len(others) != 1)
    return [name for name in splits if name in {*alike, *bare, *of_class}], certain


def _without_plural_s(words: tuple[str, ...]) -> tuple[str, ...]:
    """Returns words of a class name without "s" at the end, to compare `cat_test` with `cats`."""
    return tuple(word.rstrip("s") for word in words)
