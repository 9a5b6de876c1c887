"""Split manifests: the split, size, checksum and component of each file, as JSON."""

import json
import os
import re
import reprlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, Literal, TypeAlias

import numpy as np

from catdog_keras._checks import check_path, describe
from catdog_keras._folder_names import SPLITS, find_classes
from catdog_keras._write_files import save_text
from catdog_keras.datasets._image_index import Listing
from catdog_keras.datasets._options import PREPARATION, BatchOptions

LabelSource: TypeAlias = Literal["folders", "decisions", "table", "pattern"]

VERSION = 2
LABEL_SOURCES = ("folders", "decisions", "table", "pattern")  # decisions relabel in folders
MAX_COMPONENT = 2**53  # integers up to it are the same in all readers of JSON
MAX_CLASSES = 100_000  # ImageNet-21k, the largest common label set, has 21,841
SHA256 = re.compile("[0-9a-f]{64}")
_short = reprlib.Repr()
_short.maxstring = _short.maxother = 200
KEYS = ("path", "label", "split", "size", "sha256", "component")


@dataclass(frozen=True)
class Manifest:
    """The content of a manifest file.

    Attributes:
        class_names: Name of the class of each label.
        splits: Relative paths and labels by split.
        contents: Size in bytes and SHA-256 of each relative path.
        components: Number of the component of each relative path.
        preparation: Image size and the other options that determine pixels, by name of argument;
            empty if the manifest was written without them.
        label_source: Where the labels are from.
    """

    class_names: tuple[str, ...]
    splits: dict[str, Listing]
    contents: dict[str, tuple[int, str]]
    components: dict[str, int]
    preparation: dict[str, Any]
    label_source: LabelSource


def write_manifest(
    path: Path,
    root: Path,
    class_names: tuple[str, ...],
    rows: Iterable[tuple[str, str, int, int, str, int]],
    preparation: Mapping[str, Any],
    label_source: LabelSource,
) -> None:
    """Writes a manifest atomically.

    `rows` are split, file, label, size, SHA-256 and component.
    """
    files = [
        dict(zip(KEYS, (relative_posix_path(root, file), label, split, *rest), strict=True))
        for split, file, label, *rest in rows
    ]
    content = {
        "version": VERSION,
        "class_names": list(class_names),
        "label_source": label_source,
        "preparation": preparation,
        "files": files,
    }
    save_text(path, json.dumps(content, indent=1))


def relative_posix_path(root: Path, file: str) -> str:
    """Returns a path relative to `root`, with forward slashes on every system, as in a manifest."""
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
        return _parse_manifest(json.loads(file.read_text(encoding="utf-8")))
    except RecursionError as error:
        raise ValueError(
            describe("path", requirement, str(path), "It is nested too deeply.")
        ) from error
    except ValueError as error:
        raise ValueError(describe("path", requirement, str(path), f"{error}.")) from error


def _parse_manifest(content: Any) -> Manifest:
    """Builds a manifest from its parsed JSON; raises a ValueError that describes a fault."""
    if not isinstance(content, dict) or not {"version", "class_names", "files"} <= content.keys():
        raise ValueError("It is not an object with version, class_names and files")
    version, class_names, rows = (content[key] for key in ("version", "class_names", "files"))
    if not isinstance(class_names, list) or not isinstance(rows, list):
        raise ValueError("Its class_names or files are not a list")  # noqa: TRY004 - of the file
    if type(version) is not int or version != VERSION:
        raise ValueError(
            f"Its version is {_short.repr(version)}, supported is {VERSION}. Load the folder again "
            "with the same arguments, and save a new manifest"
        )
    label_source = content.get("label_source", "folders")
    if label_source not in LABEL_SOURCES:
        raise ValueError(f"Its label_source is {_short.repr(label_source)}")
    _check_manifest_class_names(class_names, label_source)
    known = {name: label for label, name in enumerate(class_names)}
    for row in rows:
        _check_manifest_row(row, known)
        if label_source == "folders":
            _check_label_of_folder(row, known)
    contents = {row["path"]: (row["size"], row["sha256"]) for row in rows}
    if len(contents) != len(rows):
        counts = Counter(row["path"] for row in rows)
        raise ValueError(f"It lists {_short.repr(counts.most_common(1)[0][0])} twice")
    _check_splits_disjoint(rows)
    splits = {}
    for split in SPLITS:
        members = [row for row in rows if row["split"] == split]
        if not members and split != "test":
            raise ValueError(f"It lists no file for {split}")
        labels = np.array([row["label"] for row in members], dtype=np.int32)
        splits[str(split)] = Listing(tuple(row["path"] for row in members), labels)
    preparation = _read_preparation(content.get("preparation", {}))
    components = {row["path"]: row["component"] for row in rows}
    return Manifest(tuple(class_names), splits, contents, components, preparation, label_source)


def _read_preparation(found: Any) -> dict[str, Any]:
    """Returns the options in a manifest; raises if one has a value that no loader writes."""
    if not isinstance(found, dict) or not found.keys() <= set(PREPARATION):
        raise ValueError(f"Its preparation is {_short.repr(found)}")
    try:
        options = BatchOptions.in_order(**{"image_size": 1, "batch_size": 1, **found})
    except (TypeError, ValueError) as error:
        raise ValueError(f"Its preparation is invalid: {_short.repr(str(error))}") from error
    return {name: getattr(options, name) for name in found}


def _check_manifest_class_names(class_names: list[Any], label_source: str) -> None:
    """Raises if the class names are not distinct, or cannot be names of folders but must be."""
    if not 0 < len(class_names) <= MAX_CLASSES:
        raise ValueError(f"It has {len(class_names):,} class names, not 1 to {MAX_CLASSES:,}")
    seen = set()
    for name in class_names:
        if not isinstance(name, str) or not name:
            raise ValueError(f"The class name {_short.repr(name)} is not a name")
        is_folder = name not in (".", "..") and {"/", "\0"}.isdisjoint(name)
        if label_source == "folders" and not is_folder:
            raise ValueError(f"The class name {_short.repr(name)} is not the name of a folder")
        if name in seen:
            raise ValueError(f"It has the class name {_short.repr(name)} twice")
        seen.add(name)


def check_relative_path(path: Any) -> None:
    """Raises a ValueError unless a value is a normalized relative path, as in a manifest."""
    shown = _short.repr(path)
    if not isinstance(path, str) or not path or not _is_encodable_path(path):
        raise ValueError(f"{shown} is not a file name")
    place = PurePosixPath(path)
    native = PurePath(path)  # on Windows also with drives and backslashes
    if place.is_absolute() or native.anchor or ".." in (*place.parts, *native.parts):
        raise ValueError(f"{shown} points outside of the folder")
    if place.as_posix() != path or path == ".":
        raise ValueError(f"{shown} is not a normalized path")


def _check_manifest_row(row: Any, known: Mapping[str, int]) -> None:
    """Raises unless an entry has a path, split, label, size, checksum and component."""
    if not isinstance(row, dict) or not row.keys() >= set(KEYS):
        raise ValueError(f"The entry {_short.repr(row)} is not an object with {', '.join(KEYS)}")
    path, label, split, size, digest, component = (row[key] for key in KEYS)
    shown = _short.repr(path)
    check_relative_path(path)
    if split not in SPLITS or type(label) is not int or not 0 <= label < len(known):
        raise ValueError(f"{shown} has no known split or label")
    if type(size) is not int or size < 0 or not isinstance(digest, str):
        raise ValueError(f"{shown} has no size or no checksum")
    if not SHA256.fullmatch(digest):
        raise ValueError(f"The checksum of {shown} is not a SHA-256")
    if type(component) is not int or not 0 <= component <= MAX_COMPONENT:
        raise ValueError(f"{shown} has no component")


def _check_label_of_folder(row: Any, known: Mapping[str, int]) -> None:
    """Raises if a file in a manifest is in the folder of another class than that of its label."""
    classes = find_classes(PurePosixPath(row["path"]).parts[:-1], known)
    label, shown = row["label"], _short.repr(row["path"])
    if classes and label not in [known[name] for name in classes]:
        raise ValueError(
            f"{shown} is in the folder of {_short.repr(classes[0])}, but has another label"
        )


def _is_encodable_path(path: str) -> bool:
    """Returns whether a path in a manifest has no NUL and can be encoded for the file system."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:  # half of a surrogate pair
        return False


def _check_splits_disjoint(rows: Any) -> None:
    """Raises if two splits share a checksum or component, which `write_manifest` never produces."""
    for key, shared in (("sha256", "same bytes are"), ("component", "same component is")):
        first: dict[Any, Any] = {}
        for row in rows:
            other = first.setdefault(row[key], row)
            if other["split"] != row["split"]:
                places = " and ".join(
                    f"{_short.repr(each['path'])} in {each['split']}" for each in (other, row)
                )
                raise ValueError(f"The {shared} {places}")
