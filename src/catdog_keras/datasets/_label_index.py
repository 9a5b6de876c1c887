"""Index of images whose labels are given by name: by a table, or by a pattern of file names."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from catdog_keras._checks import check_class_names, describe
from catdog_keras._message import argument
from catdog_keras._printable import counted, first_lines, listed, printable
from catdog_keras.datasets._class_names import note_copies, note_missing_values
from catdog_keras.datasets._image_index import ImageIndex, Listing
from catdog_keras.datasets._list_images import IMAGE_EXTENSIONS, list_images
from catdog_keras.datasets._named_group import compile_with_group, meant_group

LABEL_GROUP = "label"
SAME_LABEL = (
    "If some of them are one class, give their images the same label. Otherwise pass the names of "
    "all classes as " + argument("class_names") + "."
)


def check_stated_classes(class_names: Sequence[str] | None) -> tuple[str, ...] | None:
    """Returns class names, stated for an index of labels, or None; raises unless 2 are distinct."""
    names = None if class_names is None else check_class_names(class_names)
    if names is not None and len(names) < 2:
        raise ValueError(describe("class_names", "a list of at least two class names", class_names))
    return names


def check_pattern(value: str) -> re.Pattern[str]:
    """Returns a compiled pattern; raises unless it has one group, or one named `label`."""
    requirement = f"a regular expression with one group, or with a group named {LABEL_GROUP}"
    if not isinstance(value, str):
        raise TypeError(describe("label_pattern", requirement, value))
    return compile_with_group("label_pattern", value, LABEL_GROUP, requirement, "the class")


def index_by_pattern(
    root: Path,
    pattern: re.Pattern[str],
    class_names: Sequence[str] | None,
    *,
    follow_links: bool,
) -> ImageIndex:
    """Lists the images in a folder and its subfolders, with labels from their file names.

    Raises:
        ValueError: If no file name matches, or there are fewer than two classes.
    """
    content = list_images(root, follow_links=follow_links)
    group = meant_group(pattern, LABEL_GROUP)
    labels: dict[str, str] = {}
    unmatched = []
    for file in content.images:
        found = pattern.search(file.rpartition("/")[2])
        if found and found[group]:
            labels[file] = found[group]
        else:
            unmatched.append(printable(file))
    if not labels:
        seen = f"first of them:{first_lines(unmatched)}" if unmatched else "there is no image"
        requirement = "a pattern of the names of the images, that is, of files that end in "
        requirement += ", ".join(IMAGE_EXTENSIONS)
        remedy = f"{str(root)!r} has {len(unmatched)} images; {seen}"
        raise ValueError(describe("label_pattern", requirement, pattern.pattern, remedy))
    notes = []
    if unmatched:
        notes.append(
            f"Ignored {len(unmatched)} of {len(content.images)} images whose names do not match "
            + argument("label_pattern")
            + f":{first_lines(unmatched)}"
        )
    index = index_labels(root, labels, class_names, notes)
    return ImageIndex(
        root,
        index.class_names,
        index.parts,
        tuple(content.others),
        tuple(content.skipped),
        index.notes,
        index.stated,
    )


def index_labels(
    root: Path,
    labels: dict[str, str],
    class_names: Sequence[str] | None,
    notes: Sequence[str] = (),
) -> ImageIndex:
    """Returns the index of files with these labels.

    The order of the files is that of their names within each class, so that a split does not depend
    on the order of `labels`. Classes are sorted by name, or by number if all names are integers.

    Args:
        root: The folder of the images.
        labels: Class of each file, by its relative path with forward slashes.
        class_names: Classes in the order of their labels, or None for all classes.
        notes: Notes of the index.

    Raises:
        ValueError: If there are fewer than two classes, or stated ones without an image.
    """
    found = set(labels.values())
    names = tuple(_sorted_class_names(found) if class_names is None else class_names)
    missing = [name for name in names if name not in found]
    if missing:
        requirement = "names of classes that have images"
        remedy = f"{listed(missing)} have none; there are {listed(_sorted_class_names(found))}."
        raise ValueError(describe("class_names", requirement, list(names), remedy))
    if len(names) < 2:
        raise ValueError(f"At least two classes are required; all images have {listed(names)}.")
    known = {name: label for label, name in enumerate(names)}
    other = sum(name not in known for name in labels.values())
    if other:
        ignored = f"Ignored {counted(other, 'image')} of other classes than the stated ones."
        notes = [*notes, ignored]
    if class_names is None:
        notes = [*notes, *note_copies(names, SAME_LABEL), *note_missing_values(names)]
    rows = sorted((known[name], file) for file, name in labels.items() if name in known)
    listing = Listing(
        tuple(file for _, file in rows), np.array([label for label, _ in rows], np.int32)
    )
    stated = class_names is not None
    return ImageIndex(root, names, {"all": listing}, (), (), tuple(notes), stated)


def _sorted_class_names(names: Collection[str]) -> list[str]:
    """Sorts class names of a label index as texts, or by number if all of them are integers."""
    if all(re.fullmatch(r"-?[0-9]{1,18}", name) for name in names):
        return sorted(names, key=lambda name: (int(name), name))  # 1 and 01 are distinct
    return sorted(names)
