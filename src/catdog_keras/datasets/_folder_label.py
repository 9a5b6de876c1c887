"""Finds the class in the folder names of a path."""

from collections.abc import Collection, Sequence

from catdog_keras.datasets._split_names import parse_split_name


def find_classes(folders: Sequence[str], class_names: Collection[str]) -> tuple[str, ...]:
    """Returns the distinct class names among folder names, from the outermost.

    Where several are present, an outermost one that is the name of a split does not count: in
    `train/cats`, the class is "cats", even if there is a class "train".
    """
    found = tuple(dict.fromkeys(name for name in folders if name in class_names))
    while len(found) > 1 and parse_split_name(found[0]).split:
        found = found[1:]
    return found
