"""Cache of decoded images, in memory or in a file that is shared by runs and processes.

The file is read and written without memory mapping: a full disk or a truncated file then raises
an OSError, while access to a mapping would crash the process.
"""

import hashlib
import io
import json
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from catdog_keras._checks import describe
from catdog_keras._progress import progress_bar
from catdog_keras._scratch import remove_abandoned, scratch_folder

VERSION = 2  # incremented when decoding, resizing or the file format changes
CHECKSUM_BYTES = 4
CHUNK_BYTES = 2**22

Pixels = npt.NDArray[np.uint8]


def cache_in_memory(shape: tuple[int, ...], images: Iterable[Any]) -> Pixels:
    """Returns decoded images as one uint8 array of `shape`: rounds float images in [0, 255]."""
    array = np.empty(shape, np.uint8)
    for position, pixels in enumerate(_rounded_images(shape, images)):
        array[position] = pixels
    return array


class CachedImages:
    """Decoded images in a file that is read on access: a NumPy array and its CRC-32."""

    def __init__(self, file: Path, shape: tuple[int, ...]) -> None:
        """Takes the file, and the shape `(images, height, width, channels)` that it must have."""
        self.file = file
        self.shape = shape
        self.start = len(_npy_header(shape))
        self.row = math.prod(shape[1:])

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> Pixels:
        """Reads the images at `rows`, in that order.

        Raises:
            OSError: If the file was deleted or truncated.
        """
        taken = np.empty((len(rows), *self.shape[1:]), np.uint8)
        with self.file.open("rb", buffering=0) as stream:
            for pixels, row in zip(taken, rows.tolist(), strict=True):
                stream.seek(self.start + row * self.row)
                if stream.readinto(pixels) != self.row:
                    raise OSError(
                        f"{str(self.file)!r} was truncated while in use. Load the dataset again."
                    )
        return taken

    def write(self, images: Iterable[Any]) -> None:
        """Writes float images in [0, 255] to the file, rounded."""
        with self.file.open("wb") as stream:
            header = _npy_header(self.shape)
            stream.write(header)
            checksum = zlib.crc32(header)
            for pixels in _rounded_images(self.shape, images):
                stream.write(pixels.data)
                checksum = zlib.crc32(pixels.data, checksum)
            stream.write(checksum.to_bytes(CHECKSUM_BYTES))

    def is_whole(self) -> bool:
        """Returns whether the file exists and is undamaged."""
        if not self.file.is_file():
            return False
        left = self.start + math.prod(self.shape)
        if self.file.stat().st_size != left + CHECKSUM_BYTES:
            return False
        checksum = 0
        with self.file.open("rb") as stream:
            while left and (chunk := stream.read(min(left, CHUNK_BYTES))):
                checksum = zlib.crc32(chunk, checksum)
                left -= len(chunk)
            return stream.read() == checksum.to_bytes(CHECKSUM_BYTES)


def cache_in_file(
    folder: Path,
    digests: Sequence[str],
    shape: tuple[int, ...],
    images: Iterable[Any],
    preparation: Mapping[str, Any] | None = None,
) -> CachedImages:
    """Returns decoded images from a file in `folder`, which is written first if necessary.

    The file name is a hash of the image size, the other options that determine pixels, and the
    content of each image in order, so that changed images have a different file. The file is
    created atomically: two processes may do the same work twice, but never read an incomplete file.

    Args:
        folder: Folder of the file; created if necessary.
        digests: SHA-256 of each image file.
        shape: `(images, height, width, channels)`.
        images: The decoded images; read only if there is no file.
        preparation: The options that determine the pixels of an image.

    Raises:
        OSError: If `folder` cannot be created, read or written, or the disk is full.
    """
    content = [VERSION, shape, list(digests), preparation]
    key = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    stored = CachedImages(folder / f"images-{key[:32]}.npy", shape)
    remove_abandoned(folder)
    try:
        if not stored.is_whole():
            folder.mkdir(parents=True, exist_ok=True)
            with scratch_folder(folder) as scratch:
                unfinished = CachedImages(scratch / stored.file.name, shape)
                unfinished.write(images)
                unfinished.file.replace(stored.file)
    except OSError as error:
        requirement = "a readable and writable folder"
        room = f"It needs {math.prod(shape) / 1e6:,.0f} MB for {len(digests):,} images."
        remedy = f"{error.strerror or error}. {room}"
        raise OSError(describe("cache", requirement, str(folder), remedy)) from error
    return stored


def _npy_header(shape: tuple[int, ...]) -> bytes:
    """Returns the `.npy` header of a file of cached images, which `numpy.load` can then read."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    return stream.getvalue()


def _rounded_images(shape: tuple[int, ...], images: Iterable[Any]) -> Iterator[Pixels]:
    """Yields decoded images rounded to uint8, with a progress bar of `shape[0]` files."""
    with progress_bar("Decoding images", shape[0], "files") as advance:
        for image in images:
            yield np.rint(image).astype(np.uint8)
            advance(1)
