"""Atomic output: a file or a folder of files appears only when it is complete."""

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
    """Yields an empty folder for output files, which are moved to `path` if the block succeeds.

    Until then, the results of an earlier run are not changed. If the block fails, no file is left,
    and folders that were created here are removed.

    Args:
        path: The folder for the results; created if it does not exist.
        stale: Names of files of an earlier run to remove, so that old and new results are not
            mixed.
        name: Name of the argument for `path`, used in error messages.

    Raises:
        TypeError: If `path` is not a path.
        ValueError: If `path` is empty.
        OSError: If the folder cannot be created or is not writable.
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
            describe(name, "a writable folder", received, f"{error.strerror}.")
        ) from error


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Delays SIGINT (Ctrl-C) until the block has ended, for steps that must not be separated.

    Python handles signals only in the main thread: in other threads nothing is delayed. The same is
    true if the handler was not installed from Python, because it could not be restored.
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


def atomic_write_text(file: Path, text: str) -> None:
    """Replaces a file atomically: concurrent readers get the old or the new content."""
    with (
        interrupts_deferred(),
        tempfile.TemporaryDirectory(prefix=".unfinished-", dir=file.parent) as scratch,
    ):
        unfinished = Path(scratch) / file.name
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(file)


def save_text(path: Path, text: str, name: str = "path") -> None:
    """Writes a user's file atomically; `name` is the argument for its path, used in error messages.

    Raises:
        OSError: If the file cannot be written, or the path exists but is not a regular file.
    """
    requirement = "a writable file"
    if path.exists() and not path.is_file():  # a device, for example, would be replaced
        raise OSError(describe(name, requirement, str(path), "It is not a regular file."))
    try:
        atomic_write_text(path, text)
    except OSError as error:
        reason = f"{error.strerror or error}."
        raise OSError(describe(name, requirement, str(path), reason)) from error


def _remove_empty(folders: Iterable[Path]) -> None:
    """Removes folders, innermost first, up to the first that is not empty or does not exist."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()
