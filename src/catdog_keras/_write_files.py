"""Atomic output: a file or a folder of files appears only when it is complete."""

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from catdog_keras._checks import check_path, describe
from catdog_keras._publish import publish_files
from catdog_keras._scratch import (
    lock_folder,
    remove_abandoned,
    scratch_folder,
    unlock_folder,
)
from catdog_keras._signals import interrupts_deferred

WRITABLE_FOLDER, WRITABLE_FILE = "a writable folder", "a writable file"
FREE_FOLDER = "a folder to which no other run is writing"

# Errors of a write, for which the system does not name the file.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


@contextmanager
def output_folder(
    path: str | os.PathLike[str], names: Sequence[str], name: str = "output"
) -> Iterator[Path]:
    """Yields an empty folder for output files, which are moved to `path` if the block succeeds.

    Until then, the results of an earlier run are not changed. If the block fails, no file is left,
    and folders that were created here are removed. A process that is killed leaves the old results
    or the new ones, and at most hidden files that the next run removes; see `publish_files`.

    Args:
        path: The folder for the results; created if it does not exist.
        names: Names of all files that a run may write, the most important one last. Files of an
            earlier run that are not written again are removed.
        name: Name of the argument for `path`, used in error messages.

    Raises:
        TypeError: If `path` is not a path.
        ValueError: If `path` is empty.
        OSError: If the folder cannot be created or is not writable, or the disk is full.
    """
    with writable_folder(path, name) as folder, ExitStack() as stack:
        scratch = folder
        try:
            scratch = _enter_scratch_near(stack, folder)
            yield scratch
            with interrupts_deferred():
                publish_files(scratch, folder, names)
        except OSError as error:
            cause = _cause_of_failed_write(error, scratch, folder, names)
            if cause is None:
                raise
            reason = f"{cause.strerror}."
            raise OSError(describe(name, WRITABLE_FOLDER, str(path), reason)) from error


@contextmanager
def writable_folder(
    path: str | os.PathLike[str], name: str, *, locked: bool = True
) -> Iterator[Path]:
    """Creates a folder to write files to, and yields it; if empty at the end, it is removed again.

    The folder is locked meanwhile, so that two runs do not mix their files. The lock ends with the
    process. Where folders cannot be locked, as on Windows, two runs can write at the same time, and
    so they can if `locked` is False.

    Raises:
        TypeError: If `path` is not a path.
        ValueError: If `path` is empty.
        OSError: If the folder cannot be created or is not writable, or another run locked it.
    """
    folder = check_path(name, path).absolute()
    # Unlike `Path.exists`, without an error for a name that is too long.
    absent = [place for place in (folder, *folder.parents) if not os.path.exists(place)]  # noqa: PTH110
    lock = None
    try:
        try:
            if locked:
                lock = _create_locked(folder)
            else:
                folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except BlockingIOError as error:
            remedy = "Wait until that run has ended, or use another folder."
            raise OSError(describe(name, FREE_FOLDER, str(path), remedy)) from error
        except OSError as error:
            reason = f"{error.strerror}."
            if isinstance(error, FileExistsError) and folder.is_symlink():
                reason = "It is a link to nothing, or to itself. Remove the link."
            raise OSError(describe(name, WRITABLE_FOLDER, str(path), reason)) from error
        yield Path(os.path.realpath(folder))
    finally:
        with interrupts_deferred():
            unlock_folder(lock)
            _remove_empty_folders(absent)


def _create_locked(folder: Path) -> int | None:
    """Creates a folder to write files to, if missing, and returns its lock; see `lock_folder`."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        lock = None
        try:
            lock = lock_folder(Path(os.path.realpath(folder)))
            if lock is None or os.path.samestat(folder.stat(), os.fstat(lock)):
                return lock
        except PermissionError:  # it cannot be read, but written to
            return None
        except FileNotFoundError:
            pass
        unlock_folder(lock)  # another process removed or replaced the folder before it was locked


def _enter_scratch_near(stack: ExitStack, folder: Path) -> Path:
    """Creates the scratch folder to write files to, next to `folder` if possible, else inside."""
    remove_abandoned(folder)
    if folder.stat().st_dev == folder.parent.stat().st_dev:
        with suppress(OSError):  # the parent folder is not writable
            return stack.enter_context(scratch_folder(folder.parent))
    return stack.enter_context(scratch_folder(folder))


def _cause_of_failed_write(
    error: OSError, scratch: Path, folder: Path, names: Sequence[str]
) -> OSError | None:
    """Returns the system's error if writing files failed, otherwise None."""
    results = (repr(str(folder / name))[1:-1] for name in names)
    named = any(place in str(error) for place in (scratch.name, *results))
    if isinstance(error.__cause__, OSError) and named:
        return _cause_of_failed_write(error.__cause__, scratch, folder, names) or error.__cause__
    if error.filename is None:
        return error if error.errno in NO_ROOM else None
    place = Path(os.fsdecode(error.filename))
    inside = place.is_relative_to(scratch) or place.is_relative_to(folder)
    return error if inside else None


def atomic_write_text(file: Path, text: str) -> None:
    """Writes a text file atomically: concurrent readers get the old or the new content."""
    with interrupts_deferred(), scratch_folder(file.parent) as scratch:
        unfinished = scratch / file.name
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(file)


def save_text(path: Path, text: str, name: str = "path") -> None:
    """Writes a user's text file atomically; `name` is the argument for its path, for messages.

    If the path is a link, the file that it leads to is replaced.

    Raises:
        OSError: If the file cannot be written, or the path exists but is not a regular file.
    """
    if path.exists() and not path.is_file():  # a device, for example, would be replaced
        raise OSError(describe(name, WRITABLE_FILE, str(path), "It is not a regular file."))
    try:
        atomic_write_text(Path(os.path.realpath(path)), text)
    except OSError as error:
        reason = f"{error.strerror or error}."
        raise OSError(describe(name, WRITABLE_FILE, str(path), reason)) from error


def _remove_empty_folders(folders: Iterable[Path]) -> None:
    """Removes folders without written files, innermost first, until one is not empty."""
    with suppress(OSError):
        for folder in folders:
            lock = lock_folder(folder)  # raises an error if another run is writing to it
            try:
                folder.rmdir()
            finally:
                unlock_folder(lock)
