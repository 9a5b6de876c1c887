"""Reads a regular file of limited size, without waiting for pipes."""

import operator
import os
import stat
from collections.abc import Callable
from typing import TypeAlias

Stamp: TypeAlias = tuple[int, int, int, int]

# Windows has no FIFOs to wait for, and changes line ends unless a file is opened as binary.
FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
MAX_FILE_BYTES = 500_000_000  # 50 megapixels of 4 samples in 16 bits have 400 MB
TOO_LARGE_FILE = "larger than 500 MB"


def read_regular_file(path: str) -> tuple[bytes, Stamp]:
    """Reads a file, and returns its content and stamp; see `stamp_of`.

    Raises:
        OSError: If the file cannot be read, is not a regular file, or is larger than an image.
            Opening a FIFO does not wait for a writer.
    """
    # Checked after opening, so that the file cannot be replaced between both.
    descriptor = os.open(path, FLAGS)
    with open(descriptor, "rb", buffering=0) as stream:  # noqa: PTH123
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("not a regular file")
        if found.st_size > MAX_FILE_BYTES:  # a sparse file takes no space on the disk
            raise OSError(TOO_LARGE_FILE)
        return stream.readall(), stamp_of(found)


def file_size(path: str) -> int:
    """Returns the bytes that reading a file takes at most, and 0 if it cannot be read."""
    try:
        return min(os.stat(path).st_size, MAX_FILE_BYTES)  # noqa: PTH116
    except OSError:
        return 0


# Returns the size, times of modification and status change in ns, and inode of a file. Users can
# set the time of modification. The time of the status change is set by the system whenever the
# content, a name or the permissions change. For many files, `operator` is faster than a `def`.
stamp_of: Callable[[os.stat_result], Stamp] = operator.attrgetter(
    "st_size", "st_mtime_ns", "st_ctime_ns", "st_ino"
)
