"""Split manifests: the split, size and checksum of each file, as JSON."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from catdog_keras._checks import check_path, describe
from catdog_keras._output import save_text
from catdog_keras.datasets._index import Listing
from catdog_keras.datasets._split_names import SPLITS

VERSION = 1
KEYS = ("path", "label", "split", "size", "sha256")


@dataclass(frozen=True)
class Manifest:
    """The content of a manifest file.

    Attributes:
        class_names: Name of the class of each label.
        splits: Relative paths and labels by split.
        contents: Size in bytes and SHA-256 of each relative path.
    """

    class_names: tuple[str, ...]
    splits: dict[str, Listing]
    contents: dict[str, tuple[int, str]]


def write_manifest(
    path: Path,
    root: Path,
    class_names: tuple[str, ...],
    rows: Iterable[tuple[str, str, int, int, str]],
) -> None:
    """Writes a manifest atomically; `rows` are split, file, label, size and SHA-256."""
    files = [
        dict(zip(KEYS, (relative_posix_path(root, file), label, split, size, sha256), strict=True))
        for split, file, label, size, sha256 in rows
    ]
    content = {"version": VERSION, "class_names": list(class_names), "files": files}
    save_text(path, json.dumps(content, indent=1))


def relative_posix_path(root: Path, file: str) -> str:
    """Returns the path of a file relative to `root`, with forward slashes on every system."""
    return PurePosixPath(os.path.relpath(file, root).replace(os.sep, "/")).as_posix()


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """Reads a manifest.

    Raises:
        TypeError: If `path` is not a path.
        OSError: If the file does not exist.
        ValueError: If the file is not a manifest.
    """
    file = check_path("path", path)
    requirement = "a file that `ImageSplits.save_manifest` wrote"
    if file.exists() and not file.is_file():  # reading a FIFO would block
        raise ValueError(describe("path", requirement, str(path), "It is not a regular file."))
    try:
        return _read(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}."
        raise ValueError(describe("path", requirement, str(path), reason)) from error


def _read(content: Any) -> Manifest:
    if content["version"] != VERSION:
        raise ValueError(f"its version is {content['version']!r}, supported is {VERSION}")
    class_names = tuple(map(str, content["class_names"]))
    rows = content["files"]
    for row in rows:
        _check_row(row, len(class_names))
    _check_disjoint(rows)
    splits = {}
    for split in SPLITS:
        members = [row for row in rows if row["split"] == split]
        if not members:
            raise ValueError(f"it lists no file for {split}")
        labels = np.array([row["label"] for row in members], dtype=np.int32)
        splits[str(split)] = Listing(tuple(row["path"] for row in members), labels)
    contents = {row["path"]: (row["size"], row["sha256"]) for row in rows}
    if len(contents) != len(rows):
        raise ValueError("it lists a file twice")
    return Manifest(class_names, splits, contents)


def _check_row(row: Any, class_count: int) -> None:
    path, label, split, size, digest = (row[key] for key in KEYS)
    if not isinstance(path, str) or not path or "\0" in path:
        raise ValueError(f"{path!r} is not a file name")
    place = PurePosixPath(path)
    if place.is_absolute() or ".." in place.parts:
        raise ValueError(f"{path!r} points outside of the folder")
    if split not in SPLITS or type(label) is not int or not 0 <= label < class_count:
        raise ValueError(f"{path!r} has no known split or label")
    if type(size) is not int or not isinstance(digest, str):
        raise ValueError(f"{path!r} has no size or no checksum")


def _check_disjoint(rows: Any) -> None:
    """Raises if two splits share a checksum, which `write_manifest` never produces."""
    first: dict[str, Any] = {}
    for row in rows:
        other = first.setdefault(row["sha256"], row)
        if other["split"] != row["split"]:
            places = " and ".join(f"{each['path']!r} in {each['split']}" for each in (other, row))
            raise ValueError(f"the same bytes are {places}")
