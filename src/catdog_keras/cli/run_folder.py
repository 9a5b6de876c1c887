"""The default output folder of a training: a new one under `runs`."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from catdog_keras._checks import check_path
from catdog_keras.cli.resume import FOLDER

RUNS = "runs"


def choose_run_folder(data: str, *, resume: bool = False, suffix: str = "") -> str:
    """Returns `runs/NAME` with the name of the data, or `runs/NAME-2` and so on if that exists.

    `suffix` is appended to the name.

    To resume a training, it is the last of these folders that has a checkpoint, if there is one.
    """
    name = _name_of_data(data) + suffix
    existing = _existing_run_folders(name)
    interrupted = [folder for folder in existing if (folder / FOLDER).is_dir()]
    if resume and interrupted:
        return str(interrupted[-1])
    first = _run_number(existing[-1].name, name) + 1 if existing else 1
    folders = (Path(RUNS, name if n == 1 else f"{name}-{n}") for n in count(first))
    # A system that ignores case has more folders of this name than are listed.
    return str(next(folder for folder in folders if not os.path.lexists(folder)))


@contextmanager
def reserved_run_folder(data: str, *, resume: bool = False, suffix: str = "") -> Iterator[str]:
    """Creates the folder that `choose_run_folder` chooses; it is removed if it stays empty.

    Runs that start at the same time get different folders.
    """
    while True:
        folder = Path(choose_run_folder(data, resume=resume, suffix=suffix))
        if (folder / FOLDER).is_dir():
            break
        with suppress(FileExistsError):  # another run has just created it
            folder.mkdir(parents=True)
            break
    try:
        yield str(folder)
    finally:
        with suppress(OSError):  # not empty
            folder.rmdir()
            folder.parent.rmdir()


def _existing_run_folders(name: str) -> list[Path]:
    """Returns the folders of earlier runs, the last one last; numbers may be missing."""
    try:
        found = [path for path in Path(RUNS).iterdir() if _run_number(path.name, name)]
    except OSError:  # does not exist, or cannot be listed
        return []
    return sorted(found, key=lambda path: _run_number(path.name, name))


def _run_number(folder: str, name: str) -> int:
    """Returns the number of a folder among those with a name; 0 for other folders."""
    if folder == name:
        return 1
    match = re.fullmatch(re.escape(name) + r"-([1-9][0-9]{0,8})", folder)
    return 0 if match is None else int(match[1])


def _name_of_data(data: str) -> str:
    """Returns the name of the image folder or archive, after which the run folder is named."""
    # Without `..`, which is not the name of a folder; links keep their names.
    path = Path(os.path.abspath(check_path("data", data)))  # noqa: PTH100
    return (path.stem if path.suffix.lower() == ".zip" else path.name) or "images"
