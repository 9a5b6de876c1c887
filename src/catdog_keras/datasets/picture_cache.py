"""Pictures decoded once: into memory, or into a file that later runs and other processes find."""

import hashlib
import json
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from catdog_keras._progress import progress_bar

VERSION = 1  # rises when decoding or resizing gives other pixels


def fill(array: npt.NDArray[np.uint8], pictures: Iterable[Any]) -> npt.NDArray[np.uint8]:
    """Rounds float pictures in [0, 255] into an array of shape `(pictures, height, width, 3)`."""
    with progress_bar("Decoding pictures", len(array), "files") as advance:
        for position, picture in enumerate(pictures):
            array[position] = np.rint(picture)
            advance(1)
    return array


def load_or_store(
    folder: Path, digests: Sequence[str], shape: tuple[int, ...], pictures: Iterable[Any]
) -> npt.NDArray[np.uint8]:
    """Returns decoded pictures from a file in `folder`, after writing it if it is not there.

    The name of the file comes from what is in it, the size and the content of each picture in
    order: a changed picture has another file, and an old one is never taken for it. The file
    appears when it is whole, so that two processes may do the same work but never read a half.

    Args:
        folder: Made if need be.
        digests: SHA-256 of each picture file.
        shape: `(pictures, height, width, 3)`.
        pictures: The decoded pictures, asked for only if there is no file.

    Returns:
        A read-only uint8 array that is read from disk as it is indexed.
    """
    key = hashlib.sha256(json.dumps([VERSION, shape, list(digests)]).encode()).hexdigest()
    target = folder / f"pictures-{key[:32]}.npy"
    if not _is_whole(target, shape):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder) as scratch:
            unfinished = Path(scratch) / target.name
            array = np.lib.format.open_memmap(unfinished, "w+", np.uint8, shape)
            fill(array, pictures)
            array.flush()
            unfinished.replace(target)
    return np.load(target, mmap_mode="r")


def _is_whole(file: Path, shape: tuple[int, ...]) -> bool:
    """Whether a file holds an array of that shape; one that was cut off is made anew."""
    try:
        return np.load(file, mmap_mode="r").shape == shape
    except (OSError, ValueError, EOFError):
        return False
