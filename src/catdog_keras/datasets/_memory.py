"""A bound on the memory that all threads together use to decode images."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MEMORY_BYTES = 400_000_000
BYTES_PER_PIXEL = 8  # the most that a decoder and its result need

_used = 0
_released = threading.Condition()


@contextmanager
def memory_for(pixels: int, file_bytes: int) -> Iterator[None]:
    """Waits until there is memory to decode an image; one image can always be decoded."""
    global _used
    needed = pixels * BYTES_PER_PIXEL + 2 * file_bytes
    with _released:
        _released.wait_for(lambda: not _used or _used + needed <= MEMORY_BYTES)
        _used += needed
    try:
        yield
    finally:
        with _released:
            _used -= needed
            _released.notify_all()
