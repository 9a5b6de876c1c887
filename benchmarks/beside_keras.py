"""What plain Keras makes of the odd and broken files that this library is tested on.

    python -m benchmarks.beside_keras

Writes each kind of picture, folder and archive into a place of its own and gives that to
`image_dataset_from_directory`, or to `get_file` where it is an archive, and to this library.
Prints how many kinds came to which end.
"""

import collections
import contextlib
import io
import os
import shutil
import sys
import tempfile
import threading
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

from benchmarks.measuring import print_table
from catdog_keras import load_image_folder
from catdog_keras.datasets.archive import unpack_archive
from catdog_keras.datasets.index import index_image_folder
from tests.corpora import archives, folders, pictures

PATIENCE_SECONDS = 10
PER_CLASS = 10
HEIGHT_WIDTH = (16, 24)


def outcome(work: Callable[..., str], *arguments: Path) -> str:
    """What `work` says, or that it raised an error or never came back."""
    said: list[str] = []

    def run() -> None:
        try:
            said.append(work(*arguments))
        except Exception:  # of whatever kind: the errors of decoders, or of the system
            said.append("raises an error")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    return said[0] if said else "hangs"


def write_pictures(root: Path) -> None:
    """Train and validation, each with cats and dogs, in pictures of noise."""
    shutil.rmtree(root, ignore_errors=True)
    generator = np.random.default_rng(0)
    for split in ("train", "validation"):
        for name in ("cats", "dogs"):
            (root / split / name).mkdir(parents=True)
            for number in range(PER_CLASS):
                pixels = generator.integers(0, 256, (*HEIGHT_WIDTH, 3), np.uint8)
                Image.fromarray(pixels).save(root / split / name / f"picture.{number}.png")


def is_right(shown: np.ndarray, name: str) -> bool:
    """Whether a picture shows what its kind is meant to show."""
    part = shown[:8] if name.startswith("turned") else shown
    return bool(np.abs(part - pictures.KINDS[name].colour).max() < 6)


def picture_by_keras(root: Path, file: Path) -> str:
    """One pass over a training folder that holds one odd file."""
    dataset = keras.utils.image_dataset_from_directory(
        root / "train", image_size=HEIGHT_WIDTH, batch_size=4, shuffle=False, verbose=False
    )
    paths = dataset.file_paths
    if str(file) not in paths:
        return "is not listed"
    try:
        shown = np.concatenate([images for images, _ in dataset])[paths.index(str(file))]
    except Exception as error:
        named = "by its name" if file.name in str(error) else "without its name"
        return f"ends the epoch, {named}"
    return read_as(shown, file.name)


def picture_here(root: Path, file: Path) -> str:
    """The same by this library."""
    splits = load_image_folder(
        root, image_size=HEIGHT_WIDTH, batch_size=4, shuffle=False, on_bad="quarantine"
    )
    train = np.concatenate([images for images, _ in splits.train])
    if str(file) not in splits.files["train"]:
        reasons = {picture.path: picture.reason for picture in splits.scan.bad}
        return "is left out, by its name" if reasons[str(file)] else "is left out"
    return read_as(train[splits.files["train"].index(str(file))], file.name)


def read_as(shown: np.ndarray, name: str) -> str:
    """How a picture that was read compares with what it is."""
    if pictures.KINDS[name].status == "bad":
        return "is read, though broken"
    return "is read rightly" if is_right(shown, name) else "is read wrongly"


def archive_by_keras(archive: Path, place: Path) -> str:
    """Downloads (from this disk) and unpacks an archive."""
    place.mkdir(parents=True)  # Keras goes elsewhere if it is not there
    with contextlib.redirect_stdout(io.StringIO()):
        keras.utils.get_file("pictures", archive.as_uri(), extract=True, cache_dir=str(place))
    return "is unpacked" if zipfile.is_zipfile(archive) else "is taken for the data"


def archive_here(archive: Path, place: Path) -> str:
    """The same by this library."""
    try:
        unpack_archive(archive, place)
    except ValueError as error:
        return "is rejected whole, with the reason" if str(archive) in str(error) else "?"
    return "is unpacked"


def classes_by_keras(root: Path) -> str:
    """The classes that Keras sees where something else lies beside them."""
    found = keras.utils.image_dataset_from_directory(root / "train", verbose=False)
    listed = len(found.file_paths) - 2 * PER_CLASS
    if tuple(found.class_names) != ("cats", "dogs"):
        return "becomes a class"
    return "is listed as a picture" if listed else "is passed over"


def classes_here(root: Path) -> str:
    """The same by this library."""
    index = index_image_folder(root)
    if index.class_names != ("cats", "dogs"):
        return "becomes a class"
    listed = len(index.parts["train"].files) - 2 * PER_CLASS
    return "is listed as a picture" if listed else "is passed over"


def compare(title: str, kinds: dict[str, str], ends: dict[str, tuple[str, str]]) -> None:
    """Prints how many kinds of each sort came to which end on either side."""
    print(f"\n### {title}\n")
    for sort in dict.fromkeys(kinds.values()):
        counts: list[Any] = [
            collections.Counter(ends[kind][side] for kind in kinds if kinds[kind] == sort)
            for side in (0, 1)
        ]
        rows = [
            [end, str(counts[0][end]), str(counts[1][end])] for end in {**counts[0], **counts[1]}
        ]
        print_table([sort, "plain Keras", "catdog-keras"], rows)
        print()


def compare_pictures(place: Path) -> None:
    """Every kind of picture file, alone among good ones."""
    sorts = {"good": "good pictures", "odd": "odd pictures", "bad": "broken files"}
    ends = {}
    for name, kind in pictures.KINDS.items():
        root = place / "pictures"
        write_pictures(root)
        file = root / "train" / "cats" / name
        kind.write(file)
        ends[name] = (outcome(picture_by_keras, root, file), outcome(picture_here, root, file))
    compare("Picture files", {n: sorts[k.status] for n, k in pictures.KINDS.items()}, ends)


def compare_folders(place: Path) -> None:
    """Everything that may lie beside pictures."""
    ends = {}
    for name, put in folders.PASSED_OVER.items():
        root = place / "pictures"
        write_pictures(root)
        put(root)
        ends[name] = (outcome(classes_by_keras, root), outcome(classes_here, root))
    compare("Folders", dict.fromkeys(ends, "what lies beside pictures"), ends)


def compare_archives(place: Path) -> None:
    """Every kind of archive, whole or not."""
    ends, sorts = {}, {}
    broken = {name: content for name, (content, _) in archives.REJECTED.items()}
    corpora = {"whole archives": archives.ACCEPTED, "broken or hostile archives": broken}
    for sort, corpus in corpora.items():
        for number, (name, content) in enumerate(corpus.items()):
            archive = place / "pictures.zip"
            archive.write_bytes(content)
            there, here = (place / f"{sort} {number} {side}" for side in ("there", "here"))
            ends[name] = (
                outcome(archive_by_keras, archive, there),
                outcome(archive_here, archive, here),
            )
            sorts[name] = sort
    compare("Archives", sorts, ends)


def main() -> None:
    """Writes every kind, asks both sides, prints the tables."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        compare_pictures(place)
        compare_folders(place)
        compare_archives(place)
    sys.stdout.flush()
    os._exit(0)  # a thread that hangs for good must not hold the process


if __name__ == "__main__":
    main()
