"""Cache of features by key: in memory up to a limit, and in files beyond it.

A file is a sequence of records of key, checksum and features; each process writes a separate
file. Truncated and damaged records are ignored, and their features are computed again. Files are
read and written without memory mapping: a full disk then raises an OSError, while writing to a
mapping would crash the process.
"""

import tempfile
import uuid
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from catdog_keras._checks import describe

MEMORY_BYTES = 2**30
KEY_BYTES = 32
CHECKSUM_BYTES = 4

Rows = npt.NDArray[np.float32]


class FeatureStore:
    """Float32 arrays of one shape, by keys of 32 bytes."""

    def __init__(self, shape: Sequence[int], folder: Path | None = None, name: str = "") -> None:
        """Opens a store; with a folder, existing files of `name` in it are read."""
        self.shape = tuple(shape)
        self._row_bytes = 4 * int(np.prod(self.shape))
        self._held: dict[bytes, Rows] = {}
        self._places: dict[bytes, tuple[IO[bytes], int]] = {}
        self._streams: list[IO[bytes]] = []
        self._folder, self._name = folder, name
        self._new: IO[bytes] | None = None
        if folder is not None:
            for file in sorted(folder.glob(f"{name}-*.features")):
                # Files that cannot be read, such as those of another user, are skipped.
                with suppress(OSError):
                    if file.is_file():
                        self._read(file)

    def __contains__(self, key: bytes) -> bool:
        """Returns whether the store has features for a key."""
        return key in self._held or key in self._places

    def __getitem__(self, keys: Iterable[bytes]) -> Rows:
        """Returns the rows of all `keys`, in that order."""
        return np.stack([self._held[key] if key in self._held else self._load(key) for key in keys])

    def add(self, keys: Iterable[bytes], rows: Rows) -> None:
        """Adds one row per key.

        Raises:
            OSError: If a file cannot be written, for example because the disk is full.
        """
        try:
            for key, row in zip(keys, rows, strict=True):
                if self._has_room():
                    self._held[key] = np.array(row, np.float32)
                    if self._folder is None:
                        continue
                self._write(key, np.ascontiguousarray(row, np.float32).tobytes())
            if self._new is not None:
                self._new.flush()  # otherwise a full disk is noticed later, or only by `close`
        except OSError as error:
            place = str(self._folder or tempfile.gettempdir())
            requirement = "a readable and writable folder"
            raise OSError(
                describe("cache", requirement, place, f"{error.strerror or error}.")
            ) from error

    def close(self) -> None:
        """Closes all files; rows in memory are kept."""
        for stream in self._streams:
            with suppress(OSError):  # `add` has reported it; `close` tries to write again
                stream.close()
        self._streams, self._places, self._new = [], {}, None

    def _has_room(self) -> bool:
        return (len(self._held) + 1) * self._row_bytes <= MEMORY_BYTES

    def _write(self, key: bytes, content: bytes) -> None:
        if self._new is None:
            self._new = self._open_new()
            self._streams.append(self._new)
        start = self._new.seek(0, 2)
        self._new.write(key + zlib.crc32(content).to_bytes(CHECKSUM_BYTES) + content)
        if key not in self._held:
            self._places[key] = (self._new, start)

    def _open_new(self) -> IO[bytes]:
        if self._folder is None:
            return tempfile.TemporaryFile()
        self._folder.mkdir(parents=True, exist_ok=True)
        return (self._folder / f"{self._name}-{uuid.uuid4().hex}.features").open("w+b")

    def _load(self, key: bytes) -> Rows:
        stream, start = self._places[key]
        stream.seek(start + KEY_BYTES + CHECKSUM_BYTES)
        content = stream.read(self._row_bytes)
        if len(content) != self._row_bytes:
            raise OSError("A feature file was truncated while in use. Call `fit_head` again.")
        return np.frombuffer(content, np.float32).reshape(self.shape)

    def _read(self, file: Path) -> None:
        """Indexes the complete records of a file."""
        stream = file.open("rb")
        self._streams.append(stream)
        while True:
            start = stream.tell()
            head = stream.read(KEY_BYTES + CHECKSUM_BYTES)
            content = stream.read(self._row_bytes)
            if len(content) < self._row_bytes:
                return
            key, checksum = head[:KEY_BYTES], head[KEY_BYTES:]
            if zlib.crc32(content).to_bytes(CHECKSUM_BYTES) != checksum or key in self:
                continue
            if self._has_room():
                self._held[key] = np.frombuffer(content, np.float32).reshape(self.shape)
            else:
                self._places[key] = (stream, start)
