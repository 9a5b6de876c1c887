"""Results that appear when they are whole: a file, or a folder of files together."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from catdog_keras._checks import check_path, describe


@contextmanager
def output_folder(
    path: str | os.PathLike[str], stale: Iterable[str], name: str = "output"
) -> Iterator[Path]:
    """Yields an empty folder to write into, whose files move to `path` when the block ends well.

    Until then an earlier run's results stay as they are. If the block fails nothing is left behind,
    not even the folder, if it was made here.

    Args:
        path: The folder for the results; it is made if need be.
        stale: Names of files that an earlier run may have left there: they are removed, so that
            none of its results stands among the new ones.
        name: The argument that `path` came in.

    Raises:
        TypeError: If `path` is no path.
        ValueError: If `path` is empty.
        OSError: If it cannot be made or written to.
    """
    folder = check_path(name, path).absolute()
    absent = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder))
    except OSError as error:
        _remove_empty(absent)
        raise OSError(
            describe(name, "a folder that can be written to", str(path), f"{error.strerror}.")
        ) from error
    try:
        yield scratch
        for file_name in stale:
            (folder / file_name).unlink(missing_ok=True)
        for file in scratch.iterdir():
            file.replace(folder / file.name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        _remove_empty(absent)


def write_whole(file: Path, text: str) -> None:
    """Writes a file that others may be reading: they see the old one or the new one."""
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=file.parent) as scratch:
        unfinished = Path(scratch) / file.name
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(file)


def save_text(path: Path, text: str, name: str = "path") -> None:
    """Writes a user's file, whole or not at all; `name` is the argument that its path came in.

    Raises:
        OSError: If it cannot be written, or is there and is no regular file.
    """
    requirement = "a file that can be written"
    if path.exists() and not path.is_file():  # a device, say, would be replaced
        raise OSError(describe(name, requirement, str(path), "It is not a regular file."))
    try:
        write_whole(path, text)
    except OSError as error:
        reason = f"{error.strerror or error}."
        raise OSError(describe(name, requirement, str(path), reason)) from error


def _remove_empty(folders: Iterable[Path]) -> None:
    """Removes folders, innermost first, up to the first that holds something or is not there."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()
