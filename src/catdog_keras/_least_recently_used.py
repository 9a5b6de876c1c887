"""Limit of the size of a cache, a folder of files of which some are removed if they take too much.

A cache sets the time of modification of a file when the file is used.
"""

import os
from contextlib import suppress
from pathlib import Path

BLOCK_BYTES = 4096  # that a small file takes on the disk


def remove_least_recently_used(directory: Path, ending: str, max_bytes: int) -> None:
    """Removes files of a cache, the oldest first, until the rest takes at most `max_bytes`.

    Only files whose names end in `ending` are counted and removed. It never raises a system error:
    another process may use or remove the same files.
    """
    with suppress(OSError):
        found = []
        for entry in os.scandir(directory):
            if entry.name.endswith(ending):
                status = entry.stat()
                size = -(-status.st_size // BLOCK_BYTES) * BLOCK_BYTES
                found.append((status.st_mtime, size, entry.path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= max_bytes:
                break
            Path(path).unlink(missing_ok=True)
            total -= size
