"""Copies of images, in a folder for each predicted class."""

import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from catdog_keras._checks import check_path, describe
from catdog_keras._message import argument
from catdog_keras._printable import printable
from catdog_keras._write_files import output_folder
from catdog_keras.cli.argument_checks import check_output_folder

if TYPE_CHECKING:
    from catdog_keras.datasets._scan_report import ImageFile

UNCERTAIN = "uncertain"
LONGEST_NAME = 255  # bytes, in most file systems
# Windows reserves more characters than other systems.
NOT_IN_A_FILE_NAME = re.compile(
    r'[\x00-\x1f\x7f/\\<>:"|?*]' if sys.platform == "win32" else r"[\x00-\x1f\x7f/\\]"
)


def check_sorted_folder(directory: str, sources: Sequence[str]) -> None:
    """Raises an error unless `directory` is a new or empty folder outside of the images."""
    for source in sources:
        is_folder = check_path("paths", source).is_dir()
        check_output_folder("sort_into", directory, source if is_folder else None)
    folder = check_path("sort_into", directory)
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(
            argument("sort_into")
            + f" must be a new or an empty folder; received {directory!r}, which contains files. "
            "Pass another folder, or remove it."
        )


def check_predictions_path(directory: str, output: str | None) -> None:
    """Raises an error if the path of the predictions is that of the folder of sorted images."""
    folder = os.path.realpath(check_path("sort_into", directory))
    if output is not None and os.path.realpath(check_path("output", output)) == folder:
        requirement = "another path than " + argument("output")
        raise ValueError(describe("sort_into", requirement, directory))


def check_folder_names(class_names: Sequence[str]) -> None:
    """Raises an error if a class name cannot be the name of a folder of sorted images."""
    for name in class_names:
        if not _is_folder_name(name):
            raise ValueError(
                f"The class {printable(name)!r} of "
                + argument("model")
                + " cannot be the name of a folder. Pass other names, each with --class-name "
                "NAME."
            )
        if name == UNCERTAIN:
            raise ValueError(
                f"The class {UNCERTAIN!r} has the name of the folder for uncertain images. Pass "
                "other names, each with --class-name NAME."
            )


def _is_folder_name(name: str) -> bool:
    """Returns whether a class name can be the name of a folder of sorted images."""
    try:
        length = len(os.fsencode(name))
    except UnicodeEncodeError:  # half of a character
        return False
    return (
        length <= LONGEST_NAME
        and bool(name.strip(" ."))  # neither `.` nor `..`, nor what Windows removes
        and not NOT_IN_A_FILE_NAME.search(name)
    )


def sort_images(images: "Iterable[tuple[ImageFile, str | None]]", directory: str) -> None:
    """Copies each image to the folder of its class; the copies appear together.

    A copy has the content that was classified, and the time of modification of the file.

    Args:
        images: File and class of each image; None for an uncertain image.
        directory: New or empty folder. Images with the same name get a number.

    Raises:
        ValueError: If an image cannot be read, or has changed since it was checked.
        OSError: If `directory` cannot be written.
    """
    from catdog_keras.datasets._read_unchanged import read_unchanged

    numbers: dict[Path, int] = {}
    with output_folder(directory, (), "sort_into") as folder:
        for file, name in images:
            place = folder / (UNCERTAIN if name is None else name)
            place.mkdir(exist_ok=True)
            copy = _free_copy_path(place, Path(file.path).name, numbers)
            copy.write_bytes(read_unchanged(file))
            if file.stamp:
                os.utime(copy, ns=(file.stamp[1], file.stamp[1]))


def _free_copy_path(folder: Path, name: str, numbers: dict[Path, int]) -> Path:
    """Returns a new path for a sorted image; `numbers` has the last number of each path."""
    wanted = place = folder / name
    number = numbers.get(wanted, 1)
    while place.exists():
        number += 1
        place = wanted.with_name(_numbered_name(wanted, number))
    numbers[wanted] = number
    return place


def _numbered_name(path: Path, number: int) -> str:
    """Returns the name of a copy with a number, shortened where the file system requires it."""
    end = f"-{number}{path.suffix}"
    room = LONGEST_NAME - len(os.fsencode(end))
    return os.fsencode(path.stem)[:room].decode(errors="ignore") + end
