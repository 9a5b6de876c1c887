"""Temporary folders for unfinished files, which do not outlive their process for long.

A folder is locked while its process uses it. The lock ends with the process, even if it is killed,
and the next process that writes to the same place removes the folder.
"""

import errno
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from catdog_keras._signals import interrupts_deferred

PREFIX = ".unfinished-"
NAME = re.compile(rf"{re.escape(PREFIX)}[a-z0-9_]{{8}}")  # as `tempfile.mkdtemp` completes it
LEFTOVER_SECONDS = 24 * 60 * 60  # older folders are abandoned where folders cannot be locked


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Yields an empty folder in `parent`, and removes it with its files when the block ends.

    Folders that killed processes left in `parent` are removed first.
    """
    remove_abandoned(parent)
    made: tuple[Path, int | None] | None = None
    try:
        with interrupts_deferred():
            made = _create_scratch_folder(parent)
        yield made[0]
    finally:
        with interrupts_deferred():
            if made is not None:
                shutil.rmtree(made[0], ignore_errors=True)
                unlock_folder(made[1])


def remove_abandoned(parent: Path) -> None:
    """Removes the scratch folders of processes that have ended; those in use are kept."""
    try:
        leftovers = [place for place in parent.iterdir() if NAME.fullmatch(place.name)]
    except OSError:  # does not exist, or cannot be listed
        return
    for leftover in leftovers:
        with suppress(OSError):  # in use, of another user, or removed by another process
            lock = lock_folder(leftover)
            if lock is not None or _is_old_leftover(leftover):
                shutil.rmtree(leftover, ignore_errors=True)
            unlock_folder(lock)


@contextmanager
def kept_from_removal(folder: Path) -> Iterator[None]:
    """Locks an existing folder, if possible, so that it is not removed as abandoned scratch."""
    lock = None
    with suppress(OSError):
        lock = lock_folder(folder)
    try:
        yield
    finally:
        unlock_folder(lock)


def _create_scratch_folder(parent: Path) -> tuple[Path, int | None]:
    """Creates an empty scratch folder and locks it; returns it with its lock."""
    while True:
        scratch = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        try:
            lock = lock_folder(scratch)
            if lock is None or os.path.samestat(scratch.stat(), os.fstat(lock)):
                return scratch, lock
        except (BlockingIOError, FileNotFoundError):
            continue  # another process took it for abandoned before it was locked
        unlock_folder(lock)


if sys.platform == "win32":

    def lock_folder(folder: Path) -> int | None:
        """Returns None: folders cannot be locked."""

else:
    import fcntl

    def lock_folder(folder: Path) -> int | None:
        """Returns a descriptor that holds the lock; None where folders cannot be locked.

        Raises:
            BlockingIOError: If another process holds the lock.
            OSError: If `folder` is not a readable folder.
        """
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno == errno.EWOULDBLOCK:
                raise
            return None  # such as on NFS
        return descriptor


def unlock_folder(lock: int | None) -> None:
    """Releases a lock that `lock_folder` returned, as of a scratch folder; None is ignored."""
    if lock is not None:
        os.close(lock)


def _is_old_leftover(folder: Path) -> bool:
    """Returns whether a scratch folder is so old that its process has ended; used without locks."""
    return time.time() - folder.lstat().st_mtime > LEFTOVER_SECONDS
