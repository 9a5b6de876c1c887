"""A split written down: which file is in which split, and what its content was."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from catdog_keras._checks import describe
from catdog_keras._output import write_whole
from catdog_keras.datasets.index import SPLITS, Listing

VERSION = 1


@dataclass(frozen=True)
class Manifest:
    """What a manifest says.

    Attributes:
        class_names: What each label means.
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
    """Writes a manifest, whole or not at all; rows are split, file, label, size and SHA-256."""
    files = [
        {
            "path": PurePosixPath(os.path.relpath(file, root).replace(os.sep, "/")).as_posix(),
            "label": label,
            "split": split,
            "size": size,
            "sha256": sha256,
        }
        for split, file, label, size, sha256 in rows
    ]
    content = {"version": VERSION, "class_names": list(class_names), "files": files}
    write_whole(path, json.dumps(content, indent=1))


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """Reads a manifest.

    Raises:
        TypeError: If `path` is no path.
        OSError: If there is no such file.
        ValueError: If it is no manifest.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(describe("path", "a path", path))
    try:
        content = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
        return _read(content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        requirement = "a file that `ImageSplits.save_manifest` wrote"
        reason = f"{type(error).__name__}: {error}."
        raise ValueError(describe("path", requirement, str(path), reason)) from error


def _read(content: Any) -> Manifest:
    if content["version"] != VERSION:
        raise ValueError(f"its version is {content['version']!r}, known is {VERSION}")
    class_names = tuple(map(str, content["class_names"]))
    rows = content["files"]
    for row in rows:
        place = PurePosixPath(row["path"])
        if place.is_absolute() or ".." in place.parts:
            raise ValueError(f"{row['path']!r} points out of the folder")
        if row["split"] not in SPLITS or row["label"] not in range(len(class_names)):
            raise ValueError(f"{row['path']!r} has no known split or label")
    splits = {}
    for split in SPLITS:
        members = [row for row in rows if row["split"] == split]
        if not members:
            raise ValueError(f"it names no file for {split}")
        labels = np.array([row["label"] for row in members], dtype=np.int32)
        splits[split] = Listing(tuple(row["path"] for row in members), labels)
    contents = {row["path"]: (row["size"], row["sha256"]) for row in rows}
    if len(contents) != len(rows):
        raise ValueError("it names a file twice")
    return Manifest(class_names, splits, contents)
