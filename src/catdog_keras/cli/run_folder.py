"""The default output folder of a training: a new one under `runs`."""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from catdog_keras._checks import check_path
from catdog_keras.cli.resume import FOLDER

RUNS = "runs"


def choose_run_folder(data: str, *, resume: bool) -> str:
    """Returns `runs/NAME`, where NAME is that of the data, or with a number if that is taken.

    To resume a training, it is the last of these folders that has a checkpoint, if there is one.
    """
    # Without `..`, which is not the name of a folder; links keep their names.
    folders = _folders(Path(os.path.abspath(check_path("data", data))))  # noqa: PTH100
    used = []
    for folder in folders:
        if not folder.exists():
            break
        used.append(folder)
    interrupted = [each for each in used if (each / FOLDER).is_dir()]
    return str(interrupted[-1] if resume and interrupted else folder)


def _folders(data: Path) -> Iterator[Path]:
    name = (data.stem if data.suffix.lower() == ".zip" else data.name) or "images"
    yield Path(RUNS, name)
    yield from (Path(RUNS, f"{name}-{number}") for number in count(2))
