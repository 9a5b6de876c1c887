"""Argument checks that run before Keras is imported, so that errors are reported immediately."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from catdog_keras._checks import check_path, describe
from catdog_keras._message import argument
from catdog_keras._printable import printable
from catdog_keras._write_files import WRITABLE_FILE, writable_folder

PLACE = "an existing folder or zip archive"


def check_folder_exists(name: str, path: str) -> None:
    """Raises an error if the argument `path` of a command is not an existing folder."""
    if not check_path(name, path).is_dir():
        raise NotADirectoryError(describe(name, "a folder", path))


def check_data_exists(name: str, path: str) -> None:
    """Raises an error if the argument `path` is neither an existing folder nor an existing file."""
    if not check_path(name, path).exists():
        raise FileNotFoundError(describe(name, PLACE, path, "Check the path."))


def check_decisions(path: str | None) -> None:
    """Raises an error if the argument `path` is neither None nor an existing file of decisions."""
    if path is not None and not check_path("decisions", path).exists():
        requirement = "a decisions file that the page of `catdog-keras doctor` saved"
        raise FileNotFoundError(describe("decisions", requirement, path, "Check the path."))


def check_image_place(name: str, path: str) -> None:
    """Raises an error if the argument `path` is empty, or a zip archive that does not exist.

    Other files that do not exist are reported later, and the remaining ones are used.
    """
    place = check_path(name, path)
    if place.suffix.lower() == ".zip":
        check_data_exists("paths", path)


def check_weights(weights: str | None, names: Sequence[str], remedy: str = "") -> None:
    """Raises an error if the argument `weights` is not one of `names` or an existing file.

    `remedy` is added if `weights` is not like the path of a file.
    """
    if weights is None or weights in names or Path(weights).is_file():
        return
    listed = ", ".join(f'"{name}"' for name in names)
    requirement = f"{listed}, None or the path of a weights file"
    reason: str = "There is no such file."
    if remedy and not Path(weights).suffix:
        reason = reason + " " + remedy
    raise FileNotFoundError(describe("weights", requirement, weights, reason))


def check_output_folder(name: str, path: str, data: str | None) -> None:
    """Raises an error if the argument is not a writable folder, or is one of the images.

    A folder inside that of the images would be read as a class, unless it is hidden. No files are
    left behind. If `data` is None, there are no images of the user.
    """
    folder = _follow_links(check_path(name, path))
    if data is not None and any(
        _is_read_as_images(folder, images) for images in _image_folders(data)
    ):
        remedy = f"It is in {data!r}, whose content is read as images and classes. Pass "
        remedy += argument(name) + " with a folder elsewhere."
        raise ValueError(describe(name, "a folder outside of the images", path, remedy))
    with writable_folder(path, name):
        pass


def check_output_file(name: str, path: str) -> None:
    """Raises an error if the argument is not a file in a writable folder. Leaves no files."""
    file = check_path(name, path)
    if file.exists() and not file.is_file():
        raise OSError(describe(name, WRITABLE_FILE, path, "It is not a regular file."))
    with writable_folder(file.parent, name, locked=False):
        pass


def check_not_an_input(name: str, path: str, inputs: Iterable[str]) -> None:
    """Raises an error if the argument `path` is a file that is read, also by a link to it."""
    file = check_path(name, path)
    for each in inputs if file.is_file() else ():
        if _is_same_file(file, check_path("paths", each)):
            remedy = f"It is the input {printable(each)!r}, which would be replaced."
            raise ValueError(describe(name, "another file than the inputs", path, remedy))


def _is_same_file(file: Path, other: Path) -> bool:
    """Returns whether an output argument would replace an input, also by a link to it."""
    try:
        return file.samefile(other)
    except OSError:  # an input that does not exist or cannot be read is reported later
        return False


def _image_folders(data: str) -> Iterator[Path]:
    """Yields the folder of the argument `data`, and those that links in it lead to."""
    images = _follow_links(check_path("data", data))
    waiting, found = [images], set()
    while waiting:
        root = waiting.pop()
        if root in found or (root != images and images.is_relative_to(root)):
            continue
        found.add(root)
        yield root
        for folder, names, _ in os.walk(root):
            below = (Path(folder, name) for name in names)
            waiting += [_follow_links(path) for path in below if path.is_symlink()]


def _follow_links(path: Path) -> Path:
    """Follows links of an argument; unlike `Path.resolve`, without errors for a link to itself."""
    return Path(os.path.realpath(path))


def _is_read_as_images(folder: Path, images: Path) -> bool:
    """Returns whether loaders read a folder of the checked images: inside it, and not hidden."""
    inside = folder.is_relative_to(images)
    return inside and not any(part.startswith(".") for part in folder.relative_to(images).parts)
