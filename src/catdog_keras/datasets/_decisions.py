"""Decisions on images, as the page of `catdog-keras doctor` saves them."""

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from catdog_keras._checks import check_path, describe
from catdog_keras._checksum import sha256_of
from catdog_keras._message import argument, setting
from catdog_keras._printable import LONGEST_NAME, first_lines, listed, printable, shorten
from catdog_keras.datasets._image_index import ImageIndex, Listing
from catdog_keras.datasets._manifest import SHA256, check_relative_path, relative_posix_path

VERSION = 1
REQUIREMENT = "a decisions file that the page of `catdog-keras doctor` saved"
CHOICES = ("exclude", "relabel", "fine")
KEYS = {"decision", "sha256", "label"}
MAX_BYTES = 2**28  # about a million decisions


@dataclass(frozen=True)
class Decision:
    """The decision on one image.

    Attributes:
        choice: `"exclude"`, `"relabel"` or `"fine"`.
        sha256: SHA-256 of the file, which must not have changed since.
        label: The class of an image that is relabeled, otherwise None.
    """

    choice: str
    sha256: str
    label: str | None = None

    def to_dict(self) -> dict[str, str]:
        """Returns what the file contains for it."""
        label = {} if self.label is None else {"label": self.label}
        return {"decision": self.choice, "sha256": self.sha256, **label}


@dataclass(frozen=True)
class Decisions:
    """The content of a decisions file.

    Attributes:
        path: The file, for error messages.
        by_file: The decision on each image, by its path relative to the folder that was examined,
            with forward slashes.
    """

    path: str
    by_file: Mapping[str, Decision]

    @property
    def relabels(self) -> bool:
        """Whether a label of an image is changed."""
        return any(each.label is not None for each in self.by_file.values())

    @property
    def counts(self) -> dict[str, int]:
        """Number of images by decision."""
        found = Counter(each.choice for each in self.by_file.values())
        return {choice: found[choice] for choice in CHOICES}

    def of_folder(self, folder: Path, root: Path) -> dict[str, Decision]:
        """Returns the decisions by path relative to `root`, the folder of all images in `folder`.

        Raises:
            ValueError: If files do not exist in `folder`, or have changed; the message lists them.
            OSError: If a file cannot be read.
        """
        found: dict[str, Decision] = {}
        unknown, changed = [], []
        for file, decision in self.by_file.items():
            places = (place / file.replace("/", os.sep) for place in (folder, root))
            place = next((place for place in places if place.is_file()), None)
            if place is None:
                unknown.append(printable(file))
            elif sha256_of(place) != decision.sha256:
                changed.append(printable(file))
            else:
                found[relative_posix_path(root, str(place))] = decision
        for files, verb in ((unknown, "do not exist in"), (changed, "have changed in")):
            if files:
                remedy = (
                    f"{len(files)} of its {len(self.by_file)} files {verb} {str(folder)!r}:"
                    f"{first_lines(files)}\nPass the folder that was examined, or examine this "
                    "folder and decide again."
                )
                raise ValueError(describe("decisions", REQUIREMENT, self.path, remedy))
        return found

    def check_labels(self, class_names: Sequence[str]) -> None:
        """Raises a ValueError if an image is relabeled to a class that does not exist."""
        for file, decision in self.by_file.items():
            if decision.label is not None and decision.label not in class_names:
                remedy = (
                    f"It relabels {printable(file)!r} as {printable(decision.label)!r}; the "
                    f"classes are {listed(class_names)}."
                )
                raise ValueError(describe("decisions", REQUIREMENT, self.path, remedy))


def apply_decisions(index: ImageIndex, decisions: Decisions | None, folder: Path) -> ImageIndex:
    """Leaves excluded images out of an index, and changes the labels of relabeled ones.

    If `decisions` is None, the index is returned unchanged.

    Raises:
        ValueError: If files do not exist in `folder` or have changed, a class does not exist, or no
            image of a class is left.
        OSError: If a file cannot be read.
    """
    if decisions is None:
        return index
    decisions.check_labels(index.class_names)
    chosen = decisions.of_folder(folder, index.root)
    parts = {
        part: _apply_to_listing(each, chosen, index.class_names)
        for part, each in index.parts.items()
    }
    first = next(iter(parts))  # the classes are those with images for training
    for label, name in enumerate(index.class_names):
        if label in index.parts[first].labels and label not in parts[first].labels:
            raise ValueError(
                argument("decisions")
                + f" exclude or relabel all images of the class {printable(name)!r}; received "
                + setting("decisions", repr(decisions.path))
                + ". Keep or add images of this class, or leave it out with "
                + argument("class_names")
                + "."
            )
    return dataclasses.replace(index, parts=parts)


def _apply_to_listing(
    listing: Listing, chosen: Mapping[str, Decision], class_names: Sequence[str]
) -> Listing:
    """Applies decisions to a listing: leaves out excluded images, and changes labels."""
    places = [place for place, file in enumerate(listing.files) if file in chosen]
    labels = listing.labels.copy()
    excluded = []
    for place in places:
        decision = chosen[listing.files[place]]
        if decision.choice == "exclude":
            excluded.append(place)
        elif decision.label is not None:
            labels[place] = class_names.index(decision.label)
    kept = np.delete(np.arange(len(labels)), excluded)
    return Listing(listing.files, labels).take(kept)


def read_decisions(path: str | os.PathLike[str]) -> Decisions:
    """Reads a decisions file.

    Raises:
        TypeError: If `path` is not a path.
        OSError: If the file does not exist.
        ValueError: If it is not a decisions file.
    """
    file = check_path("decisions", path)
    if not file.exists():
        raise FileNotFoundError(describe("decisions", REQUIREMENT, str(path), "Check the path."))
    try:
        return Decisions(str(path), _read_decisions_json(file))
    except RecursionError as error:
        remedy = "It is nested too deeply."
        raise ValueError(describe("decisions", REQUIREMENT, str(path), remedy)) from error
    except ValueError as error:
        raise ValueError(describe("decisions", REQUIREMENT, str(path), f"{error}.")) from error


def _read_decisions_json(file: Path) -> dict[str, Decision]:
    """Reads the decision on each image from JSON; raises a ValueError that describes a fault."""
    if not file.is_file():  # reading a FIFO would block
        raise ValueError("It is not a regular file")
    if file.stat().st_size > MAX_BYTES:
        raise ValueError(f"It has more than {MAX_BYTES:,} bytes")
    content = json.loads(
        file.read_text(encoding="utf-8"), object_pairs_hook=_object_without_repeated_keys
    )
    if not isinstance(content, dict) or not {"version", "images"} <= content.keys():
        raise ValueError("It is not an object with version and images")
    version, images = content["version"], content["images"]
    if type(version) is not int or version != VERSION:
        raise ValueError(f"Its version is {_shown_in_message(version)}, supported is {VERSION}")
    if not isinstance(images, dict):
        raise ValueError("Its images are not an object")  # noqa: TRY004 - of the file
    return {path: _read_decision(path, entry) for path, entry in images.items()}


def _object_without_repeated_keys(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Builds an object of a decisions file; raises if a key, such as an image, occurs twice."""
    content = dict(pairs)
    if len(content) < len(pairs):
        ((repeated, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"It contains {_shown_in_message(repeated)} twice")
    return content


def _read_decision(path: str, entry: Any) -> Decision:
    """Reads the entry of one image in a decisions file; raises if it is not a valid decision."""
    shown = _shown_in_message(path)
    check_relative_path(path)
    if not isinstance(entry, dict) or not {"decision", "sha256"} <= entry.keys() <= KEYS:
        raise ValueError(f"The entry of {shown} is not an object with decision, sha256 and label")
    choice, digest, label = (entry.get(key) for key in ("decision", "sha256", "label"))
    if choice not in CHOICES:
        raise ValueError(
            f"The decision on {shown} is {_shown_in_message(choice)}, not {', '.join(CHOICES)}"
        )
    if not isinstance(digest, str) or not SHA256.fullmatch(digest):
        raise ValueError(f"The checksum of {shown} is not a SHA-256")
    if choice != "relabel" and "label" in entry:
        raise ValueError(f"{shown} has a label, but its decision is {choice}")
    if choice == "relabel" and (not isinstance(label, str) or not label):
        raise ValueError(f"{shown} is relabeled without a label")
    return Decision(choice, digest, label)


def _shown_in_message(value: Any) -> str:
    """Returns a value of a decisions file as an error message shows it, shortened if long."""
    return shorten(repr(value), LONGEST_NAME)
