"""Results that appear when they are whole: a file, or a folder of files together."""

import os
import shutil
import signal
import tempfile
import threading
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
    scratch: Path | None = None
    try:
        with interrupts_deferred():
            scratch = _make_scratch(folder, name, str(path))
        yield scratch
        with interrupts_deferred():
            for file_name in stale:
                (folder / file_name).unlink(missing_ok=True)
            for file in scratch.iterdir():
                file.replace(folder / file.name)
    finally:
        with interrupts_deferred():
            if scratch is not None:
                shutil.rmtree(scratch, ignore_errors=True)
            _remove_empty(absent)


def _make_scratch(folder: Path, name: str, received: str) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder))
    except OSError as error:
        raise OSError(
            describe(name, "a folder that can be written to", received, f"{error.strerror}.")
        ) from error


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Delays SIGINT (Ctrl-C) until the block has ended, for steps that belong together.

    Python handles signals in the main thread alone: in any other thread the block simply runs. The
    same holds if the handler was not installed from Python, because it could not be restored.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or handler is None:
        yield
        return
    received = []
    signal.signal(signal.SIGINT, lambda number, _: received.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if received:
            signal.raise_signal(signal.SIGINT)


def write_whole(file: Path, text: str) -> None:
    """Writes a file that others may be reading: they see the old one or the new one."""
    with (
        interrupts_deferred(),
        tempfile.TemporaryDirectory(prefix=".unfinished-", dir=file.parent) as scratch,
    ):
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
