"""Files of the evaluated images: they must match the labels, and those of another evaluation."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from catdog_keras._checks import describe
from catdog_keras._folder_names import (
    is_filler_name,
    is_generic_name,
    join_words,
    parse_split_name,
)
from catdog_keras._printable import LONGEST_NAME, shorten
from catdog_keras._read_labels import IntegerArray


def check_image_paths(files: Sequence[str] | None, num_images: int) -> tuple[str, ...] | None:
    """Returns the files as a tuple of strings.

    Raises:
        TypeError: If the files are not a sequence.
        ValueError: If there is not one file per image.
    """
    if files is None:
        return None
    if isinstance(files, str) or not isinstance(files, Sequence):
        raise TypeError(describe("files", "a list with the file of each image, or None", files))
    if len(files) != num_images:
        raise ValueError(
            f"`files` must hold one file per image, here {num_images}; received {len(files)}. "
            "Pass the files of the split that is evaluated."
        )
    return tuple(str(file) for file in files)


def check_class_folders(
    files: Sequence[str], class_names: Sequence[str], labels: IntegerArray
) -> None:
    """Raises a ValueError if an image path is in the folder of another class than its label.

    Folders that contain all files do not count.
    """
    folders = [_path_parts(file)[:-1] for file in files]
    first, last = min(folders, default=()), max(folders, default=())
    # Folders that contain all files say nothing about one of them.
    shared = next(
        (n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b),
        min(len(first), len(last)),
    )
    known = {unicodedata.normalize("NFC", name): name for name in class_names}
    wrong = []
    for index, (names, label) in enumerate(zip(folders, labels.tolist(), strict=True)):
        classes = [known[name] for name in names[shared:] if name in known]
        if classes and class_names[label] not in classes:
            wrong.append(index)
    if wrong:
        index = wrong[0]
        raise ValueError(
            "`files` must be in the order of the images; received "
            f"files[{index}]={shorten(repr(files[index]), LONGEST_NAME)}, but the label at index "
            f"{index} is {class_names[labels[index]]!r} ({len(wrong)} of {len(files)} files are in "
            "the folder of another class than their label). A shuffled dataset yields its images "
            "in another order than its files: load it with `shuffle=False`. If the labels are "
            "right and the folders are not, leave out `files`."
        )


def find_other_image(
    a: Sequence[str], b: Sequence[str], class_names: tuple[str, ...]
) -> int | None:
    """Returns the first index at which two lists name different images, or None.

    The same images can be in another folder, on another machine or with relative paths: paths match
    if one folder is replaced by the same other one in all of them. The two folders must not be
    different parts of a data set, such as `train` and `test`.
    """
    replaced = None
    for index, pair in enumerate(zip(a, b, strict=True)):
        first, second = map(_path_parts, pair)
        shorter = min(len(first), len(second))
        common = 0
        while common < shorter and first[-1 - common] == second[-1 - common]:
            common += 1
        folders = (first[: len(first) - common], second[: len(second) - common])
        replaced = replaced or folders
        # With less in common than the folder and the name, they are only numbered alike.
        if common < min(2, shorter) or folders != replaced:
            return index
        kinds, values = zip(
            *(_part_of_data(parts[:-1], class_names) for parts in (first, second)), strict=True
        )
        if kinds[0] == kinds[1] and values[0] != values[1]:
            return index
    return None


def _path_parts(file: str) -> tuple[str, ...]:
    """Returns the parts of a path of any system; macOS decomposes accented letters."""
    path = unicodedata.normalize("NFC", file).replace("\\", "/")
    absolute = path[:1] == "/"
    return ("/",) * absolute + tuple(part for part in path.split("/") if part not in ("", "."))


@lru_cache
def _part_of_data(folders: tuple[str, ...], class_names: tuple[str, ...]) -> tuple[str, str]:
    """Returns the split or numbered part that the folder above an image path's class folder is.

    Returns:
        A kind and a value, such as `("split", "test")` or `("fold", "2")`, or empty strings.
    """
    for name in reversed(folders):
        if name in class_names or is_filler_name(name):
            continue
        split = parse_split_name(name).split
        if split:
            return "split", split
        kind, _, number = join_words(name).rpartition(" ")
        return (kind, number) if number.isdigit() and is_generic_name(name) else ("", "")
    return "", ""
