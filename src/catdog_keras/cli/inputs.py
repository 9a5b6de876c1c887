"""Argument checks that run before Keras is imported, so that errors are reported immediately."""

from collections.abc import Sequence
from pathlib import Path

from catdog_keras._checks import check_path, describe
from catdog_keras._output import writable_folder

PLACE = "an existing folder or zip archive"


def check_folder(name: str, path: str) -> None:
    """Raises an error if `path` is not an existing folder."""
    if not check_path(name, path).is_dir():
        raise NotADirectoryError(describe(name, "a folder", path))


def check_data(name: str, path: str) -> None:
    """Raises an error if `path` is neither an existing folder nor an existing file."""
    if not check_path(name, path).exists():
        raise FileNotFoundError(describe(name, PLACE, path, "Check the path."))


def check_image_place(name: str, path: str) -> None:
    """Raises an error if `path` is empty, or a zip archive that does not exist.

    Other files that do not exist are reported later, and the remaining ones are used.
    """
    place = check_path(name, path)
    if place.suffix.lower() == ".zip":
        check_data("paths", path)


def check_weights(weights: str | None, names: Sequence[str]) -> None:
    """Raises an error if `weights` is neither one of `names` nor an existing file."""
    if weights is None or weights in names or Path(weights).is_file():
        return
    listed = ", ".join(f'"{name}"' for name in names)
    requirement = f"{listed}, None or the path of a weights file"
    raise FileNotFoundError(describe("weights", requirement, weights, "There is no such file."))


def check_output_folder(name: str, path: str, data: str) -> None:
    """Raises an error if `path` is not a writable folder; leaves no files behind.

    A folder inside that of the images is rejected as well: it would be read as a class.
    """
    folder, images = check_path(name, path).resolve(), Path(data).resolve()
    if folder.is_relative_to(images):
        inside = folder.relative_to(images).parts
        if inside and not any(part.startswith(".") for part in inside):
            remedy = (
                f"It is inside {data!r}, where it would be read as a class. Use another location, "
                "or start its name with a dot."
            )
            raise ValueError(describe(name, "a folder outside of the images", path, remedy))
    with writable_folder(path, name):
        pass
