"""Pictures decoded once: into memory, or into a file that later runs and other processes find.

The file is read and written plainly, not mapped into memory: where a disk is full, or a file is cut
while it is used, that is an error with a name, and a mapping would end the process.
"""

import hashlib
import io
import json
import math
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from catdog_keras._checks import describe
from catdog_keras._progress import progress_bar

VERSION = 2  # rises when decoding, resizing or the form of the file change
CHECKSUM_BYTES = 4
CHUNK_BYTES = 2**22

Pixels = npt.NDArray[np.uint8]


def hold(shape: tuple[int, ...], pictures: Iterable[Any]) -> Pixels:
    """Rounds float pictures in [0, 255] into an array of `shape`."""
    array = np.empty(shape, np.uint8)
    for position, pixels in enumerate(_rounded(shape, pictures)):
        array[position] = pixels
    return array


class StoredPictures:
    """Decoded pictures in a file, read as they are indexed: a NumPy array and its CRC-32."""

    def __init__(self, file: Path, shape: tuple[int, ...]) -> None:
        """Args: the file, and the shape `(pictures, height, width, 3)` that it must have."""
        self.file = file
        self.shape = shape
        self.start = len(_header(shape))
        self.row = math.prod(shape[1:])

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> Pixels:
        """Reads the pictures at `rows`, in that order.

        Raises:
            OSError: If the file is gone, or has been cut.
        """
        taken = np.empty((len(rows), *self.shape[1:]), np.uint8)
        with self.file.open("rb", buffering=0) as stream:
            for pixels, row in zip(taken, rows.tolist(), strict=True):
                stream.seek(self.start + row * self.row)
                if stream.readinto(pixels) != self.row:
                    raise OSError(f"{str(self.file)!r} was cut while in use. Load the data anew.")
        return taken

    def write(self, pictures: Iterable[Any]) -> None:
        """Fills the file with float pictures in [0, 255], rounded."""
        with self.file.open("wb") as stream:
            header = _header(self.shape)
            stream.write(header)
            checksum = zlib.crc32(header)
            for pixels in _rounded(self.shape, pictures):
                stream.write(pixels.data)
                checksum = zlib.crc32(pixels.data, checksum)
            stream.write(checksum.to_bytes(CHECKSUM_BYTES))

    def is_whole(self) -> bool:
        """Whether the file is there, and as it was written."""
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


def load_or_store(
    folder: Path, digests: Sequence[str], shape: tuple[int, ...], pictures: Iterable[Any]
) -> StoredPictures:
    """Returns decoded pictures from a file in `folder`, after writing it if it is not there.

    The name of the file comes from what is in it, the size and the content of each picture in
    order: a changed picture has another file, and an old one is never taken for it. The file
    appears when it is whole, so that two processes may do the same work but never read a half.

    Args:
        folder: Made if need be.
        digests: SHA-256 of each picture file.
        shape: `(pictures, height, width, 3)`.
        pictures: The decoded pictures, asked for only if there is no file.

    Raises:
        OSError: If `folder` cannot be made, read or written to, or its disk is full.
    """
    key = hashlib.sha256(json.dumps([VERSION, shape, list(digests)]).encode()).hexdigest()
    stored = StoredPictures(folder / f"pictures-{key[:32]}.npy", shape)
    try:
        if not stored.is_whole():
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder) as scratch:
                unfinished = StoredPictures(Path(scratch) / stored.file.name, shape)
                unfinished.write(pictures)
                unfinished.file.replace(stored.file)
    except OSError as error:
        requirement = "a folder that can be read and written to"
        room = f"It takes {math.prod(shape) / 1e6:,.0f} MB for {len(digests):,} pictures."
        remedy = f"{error.strerror or error}. {room}"
        raise OSError(describe("cache", requirement, str(folder), remedy)) from error
    return stored


def _header(shape: tuple[int, ...]) -> bytes:
    """What a file begins with, so that `numpy.load` reads it too."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    return stream.getvalue()


def _rounded(shape: tuple[int, ...], pictures: Iterable[Any]) -> Iterator[Pixels]:
    with progress_bar("Decoding pictures", shape[0], "files") as advance:
        for picture in pictures:
            yield np.rint(picture).astype(np.uint8)
            advance(1)
