"""Cache of the results of checked image files, so that an unchanged file is decoded once.

Each folder of images has one file, which is read as a whole and replaced by a rename: processes
need no locks, which are unreliable on network file systems, and a process that is killed leaves
the old file or the new one. Of two processes that replace it at once, the second one can discard
results of the first, which are then checked again.
"""

import functools
import hashlib
import json
import operator
import os
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

from catdog_keras import __version__
from catdog_keras._image_files.open_image import decoder_versions
from catdog_keras._image_files.read_file import Stamp, stamp_of
from catdog_keras._keras_home import cache_directory
from catdog_keras._least_recently_used import remove_least_recently_used
from catdog_keras._printable import shorten
from catdog_keras._scratch import scratch_folder
from catdog_keras.datasets._garbage_collection import collection_paused
from catdog_keras.datasets._scan_report import ImageFile

FOLDER = "checks"
SWITCH = "CATDOG_KERAS_CHECK_CACHE"
VERSION = 2  # incremented when the check or the file format changes

MAX_BYTES = 2**30  # of all files, about six million images
# Reading this much takes longer than checking one image file: a large file is not read for a few.
MAX_BYTES_PER_IMAGE = 2**16
# A file that was changed later than this before its check can change again without another time: a
# FAT file system counts in steps of two seconds. Git calls such files racy.
RACY_NS = 2_000_000_000
UNUSED_SECONDS = 24 * 60 * 60  # after which the use of a file is recorded


# The attributes of an `ImageFile` behind its path; the size is also that of the stamp.
_Result: TypeAlias = tuple[Any, ...]
_SIZE, _STAMP = 2, 7
_saved_columns = operator.itemgetter(0, 1, 3, 4, 5, 6)


@contextmanager
def open_check_cache(paths: Sequence[str]) -> Iterator["CheckCache"]:
    """Yields the cache for some files; when the block ends, results that were added are saved.

    It is below `$KERAS_HOME`. It is empty and saves nothing if it is switched off, or there is no
    such folder.

    Raises:
        ValueError: If the environment variable of the switch has an unknown value.
    """
    cache = CheckCache(check_cache_folder(), paths)
    try:
        yield cache
    finally:
        cache.close()


def check_cache_folder() -> Path | None:
    """Returns the folder of the cache, which may not exist, or None if there is no cache.

    Raises:
        ValueError: If the environment variable of the switch has an unknown value.
    """
    if _is_check_cache_on():
        with suppress(OSError):
            return cache_directory() / FOLDER
    return None


def _is_check_cache_on() -> bool:
    """Returns whether the environment variable of the cache is unset or 1; raises if unknown."""
    value = os.environ.get(SWITCH) or "1"
    if value not in ("0", "1"):
        received = shorten(repr(value), 80)
        raise ValueError(f"The environment variable {SWITCH} must be 0 or 1; received {received}.")
    return value == "1"


class CheckCache:
    """Results of earlier checks of image files, by absolute path and stamp.

    It never raises an error: without a readable or writable folder, files are checked again.
    """

    def __init__(self, directory: Path | None, paths: Sequence[str]) -> None:
        """Takes the files, and the folder of the cache, or None for no cache.

        The folder is created at the first write.
        """
        self._directory = directory
        self._paths: dict[str, dict[str, str]] = {}  # by folder and file name
        for path in paths:
            head, separator, name = path.rpartition(os.sep)
            self._paths.setdefault(head + separator, {})[name] = path
        self._started = time.time_ns()
        self._folder = ""
        self._added: dict[str, ImageFile] = {}
        self._stack = ExitStack()
        self._scratch: Path | None = None

    def find(self) -> dict[str, ImageFile]:
        """Returns the results of those files that have not changed since their check, by path."""
        found: dict[str, ImageFile] = {}
        if self._directory is None:
            return found
        with collection_paused():
            for folder, paths in self._paths.items():
                if results := self._read(self._directory, folder):
                    known = [path for name, path in paths.items() if name in results]
                    rows = [results[name] for name in paths if name in results]
                    for path, row, stamp in zip(known, rows, _stamps_of_files(known), strict=True):
                        if stamp == row[_STAMP]:
                            found[path] = ImageFile(path, *row)
        return found

    def add(self, path: str, image: ImageFile) -> None:
        """Adds a result; those of one folder must be added in succession, and are saved then."""
        folder = folder_prefix(path)
        if folder != self._folder:
            self._save()
            self._folder = folder
        self._added[path[len(folder) :]] = image

    def close(self) -> None:
        """Saves the results that were added, and keeps the cache within its size."""
        try:
            self._save()
            if self._scratch is not None and self._directory is not None:
                limit_check_cache(self._directory)
        finally:
            self._stack.close()

    def _save(self) -> None:
        added, self._added = self._added, {}
        if self._directory is None or not any(map(self._is_lasting, added.values())):
            return
        with suppress(OSError):
            results = self._read(self._directory, self._folder)
            if results is None:
                return
            for name, image in added.items():
                results.pop(name, None)
                if self._is_lasting(image):
                    results[name] = image[1:]
            present = set(os.listdir(self._folder or "."))  # noqa: PTH208 - fast
            kept = {name: result for name, result in results.items() if name in present}
            content = _encode_results(os.path.abspath(self._folder), kept)  # noqa: PTH100 - keeps links
            if len(content) > MAX_BYTES:
                return
            if self._scratch is None:
                self._directory.mkdir(exist_ok=True)
                self._scratch = self._stack.enter_context(scratch_folder(self._directory))
            file = _cache_file_of_folder(self._directory, self._folder)
            unfinished = self._scratch / file.name
            unfinished.write_bytes(content)
            unfinished.replace(file)

    def _is_lasting(self, image: ImageFile) -> bool:
        """Returns whether a result holds for a file while its stamp is the same."""
        if not image.stamp:
            return False
        size, modified, changed, _ = image.stamp
        return size == image.size and max(modified, changed) < self._started - RACY_NS

    def _read(self, directory: Path, folder: str) -> dict[str, _Result] | None:
        """Returns the saved results of a folder by file name; None if they are too many to read."""
        try:
            file = _cache_file_of_folder(directory, folder)
            with file.open("rb") as stream:
                found = os.fstat(stream.fileno())
                if found.st_size > len(self._paths[folder]) * MAX_BYTES_PER_IMAGE:
                    return None
                content = stream.read()
            results = _decode_results(content, os.path.abspath(folder))  # noqa: PTH100 - keeps links
        except (OSError, ValueError, TypeError, KeyError):
            return {}
        if time.time() - found.st_mtime > UNUSED_SECONDS:
            with suppress(OSError):
                os.utime(file)
        return results


def _stamps_of_files(paths: Sequence[str]) -> list[Stamp | None]:
    """Returns the stamp of each file, as the check cache keeps it; None for missing files."""
    try:
        return list(map(stamp_of, map(os.stat, paths)))  # faster than one by one
    except (OSError, ValueError):
        return list(map(_stamp_if_present, paths))


def _stamp_if_present(path: str) -> Stamp | None:
    """Returns the stamp of a file, as the check cache keeps it, or None if it is not there."""
    try:
        return stamp_of(os.stat(path))  # noqa: PTH116 - fast
    except (OSError, ValueError):  # a missing file, or a zero byte in its name
        return None


def folder_prefix(path: str) -> str:
    """Returns the folder of a path, of which the check cache has one file, with the separator."""
    head, separator, _ = path.rpartition(os.sep)
    return head + separator


def _cache_file_of_folder(directory: Path, folder: str) -> Path:
    """Returns the file of the cache with the results of one folder of images."""
    absolute = os.path.abspath(folder)  # noqa: PTH100 - without resolving links
    return directory / f"{hashlib.sha256(os.fsencode(absolute)).hexdigest()[:32]}.json"


def _encode_results(folder: str, results: Mapping[str, _Result]) -> bytes:
    """Returns the content of the cache file of a folder: its results by file name."""
    columns = list(zip(*results.values(), strict=True)) or [()] * (_STAMP + 1)
    table = {
        "folder": folder,
        "names": list(results),
        "stamps": list(zip(*columns[_STAMP], strict=True)) or [()] * 4,
        "columns": _saved_columns(columns),
    }
    return encode_table(table)


def encode_table(table: Mapping[str, Any]) -> bytes:
    """Returns the content of a cache file: the CRC-32 of the second line, and that line as JSON."""
    line = json.dumps({"versions": _checker_versions(), **table}, separators=(",", ":")).encode()
    return b"%08x\n%s" % (zlib.crc32(line), line)


def decode_table(content: bytes) -> Any:
    """Reads the content of a cache file.

    Raises:
        ValueError: If it is damaged, or was written by other versions.
        TypeError, KeyError: If it has another structure.
    """
    checksum, _, line = content.partition(b"\n")
    if checksum != b"%08x" % zlib.crc32(line):
        raise ValueError("damaged")
    table = json.loads(line)
    if table["versions"] != _checker_versions():
        raise ValueError("not of these versions")
    return table


def _decode_results(content: bytes, folder: str) -> dict[str, _Result]:
    """Reads the check results of a folder from its cache file; see `decode_table` for errors."""
    table = decode_table(content)
    if table["folder"] != folder:
        raise ValueError("not of this folder")
    stamps, columns = table["stamps"], list(table["columns"])
    columns.insert(_SIZE, stamps[0])
    if len(columns) != _STAMP:
        raise ValueError("a missing column")
    results: Iterable[Any] = zip(*columns, zip(*stamps, strict=True), strict=True)
    return dict(zip(table["names"], results, strict=True))


@functools.cache
def _checker_versions() -> dict[str, str]:
    """Returns the versions of everything that decides on a cached check."""
    return {"format": str(VERSION), "catdog_keras": __version__, **decoder_versions()}


def limit_check_cache(directory: Path) -> None:
    """Removes the least recently used files of this cache that exceed its size."""
    remove_least_recently_used(directory, ".json", MAX_BYTES)
