"""Limit on the memory of this process while a framework processes an unknown file."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FREE_BYTES = 256 * 2**20
BYTES_PER_WEIGHT = 32  # TensorFlow took 24 for a VGG16, whose largest variable has most weights
PARALLEL_VALUES = 2**20  # enough that a framework uses all its threads


@contextmanager
def limited_memory(weights: int) -> Iterator[None]:
    """Context manager in which the process cannot allocate more than a model needs to be built.

    The operating system refuses larger allocations, which NumPy and the frameworks raise as errors.
    This holds for everything that code of a layer allocates, whatever framework it uses. The limit
    exists on Linux only.

    Args:
        weights: Number of values in the weights of the model.
    """
    if sys.platform != "linux":  # without /proc, or without a limit that the system obeys
        yield
        return
    import resource

    before = soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    _start_backend_threads()
    limits = [_allocated_bytes() + FREE_BYTES + BYTES_PER_WEIGHT * weights, soft, hard]
    least = min(limit for limit in limits if limit != resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_DATA, (least, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _start_backend_threads() -> None:
    """Starts the backend's threads, of about 16 MB per processor, before memory is limited."""
    import keras

    ones = keras.ops.ones(PARALLEL_VALUES)
    keras.ops.convert_to_numpy(ones + ones)


def _allocated_bytes() -> int:
    """Returns the bytes of memory that this process can write and does not share."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    found = re.search(r"^VmData:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise OSError("'/proc/self/status' does not state VmData, the memory of this process.")
    return 1024 * int(found[1])
