"""How plain Keras and this library handle nonstandard and broken files.

    python -m benchmarks.beside_keras

Writes each kind of image file, folder and archive of the test suite into a separate folder. Loads
it with `image_dataset_from_directory`, or `get_file` for archives, and with this library. Prints
the number of kinds for each outcome.
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
from catdog_keras.datasets._image_index import index_image_folder
from catdog_keras.datasets._unpack_archive import unpack_archive
from tests.corpora import archives, folders, image_kinds as images

TIMEOUT_SECONDS = 10
PER_CLASS = 10
HEIGHT_WIDTH = (16, 24)


def outcome(work: Callable[..., str], *arguments: Path) -> str:
    """Returns the outcome that `work` reports, or that it raised an error or did not return."""
    outcomes: list[str] = []

    def run() -> None:
        try:
            outcomes.append(work(*arguments))
        except Exception:  # any error of a decoder or the operating system
            outcomes.append("raises an error")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(TIMEOUT_SECONDS)
    return outcomes[0] if outcomes else "hangs"


def write_images(root: Path) -> None:
    """Writes train and validation folders with cats and dogs; the images are noise."""
    shutil.rmtree(root, ignore_errors=True)
    generator = np.random.default_rng(0)
    for split in ("train", "validation"):
        for name in ("cats", "dogs"):
            (root / split / name).mkdir(parents=True)
            for number in range(PER_CLASS):
                pixels = generator.integers(0, 256, (*HEIGHT_WIDTH, 3), np.uint8)
                Image.fromarray(pixels).save(root / split / name / f"image.{number}.png")


def is_correct(shown: np.ndarray, name: str) -> bool:
    """Returns whether a decoded image has the expected content."""
    part = shown[:8] if name.startswith("turned") else shown
    return bool(np.abs(part - images.KINDS[name].color).max() < 6)


def load_with_keras(root: Path, file: Path) -> str:
    """Runs one epoch with Keras over a training folder that contains the file."""
    dataset = keras.utils.image_dataset_from_directory(
        root / "train", image_size=HEIGHT_WIDTH, batch_size=4, shuffle=False, verbose=False
    )
    paths = dataset.file_paths
    if str(file) not in paths:
        return "not listed"
    try:
        shown = np.concatenate([images for images, _ in dataset])[paths.index(str(file))]
    except Exception as error:
        named = "file named" if file.name in str(error) else "file not named"
        return f"epoch fails, {named}"
    return compare_pixels(shown, file.name)


def load_with_catdog(root: Path, file: Path) -> str:
    """Runs one epoch with this library over the same folder."""
    splits = load_image_folder(root, image_size=HEIGHT_WIDTH, batch_size=4, shuffle=False)
    train = np.concatenate([images for images, _ in splits.train])
    if str(file) not in splits.files["train"]:
        reasons = {bad.path: bad.reason for bad in splits.scan.bad}
        return "skipped, file named" if reasons[str(file)] else "skipped"
    return compare_pixels(train[splits.files["train"].index(str(file))], file.name)


def compare_pixels(shown: np.ndarray, name: str) -> str:
    """Returns whether a decoded image is correct."""
    if images.KINDS[name].status == "bad":
        return "decoded, although broken"
    return "decoded correctly" if is_correct(shown, name) else "decoded incorrectly"


def unpack_with_keras(archive: Path, place: Path) -> str:
    """Unpacks an archive with Keras, from a `file:` address."""
    place.mkdir(parents=True)  # otherwise Keras uses another folder
    with contextlib.redirect_stdout(io.StringIO()):
        keras.utils.get_file("images", archive.as_uri(), extract=True, cache_dir=str(place))
    return "unpacked" if zipfile.is_zipfile(archive) else "kept as the data, not unpacked"


def unpack_with_catdog(archive: Path, place: Path) -> str:
    """Unpacks an archive with this library."""
    try:
        unpack_archive(archive, place)
    except ValueError as error:
        return "rejected before unpacking, with the reason" if str(archive) in str(error) else "?"
    return "unpacked"


def list_with_keras(root: Path) -> str:
    """Lists a folder that contains other files or folders with Keras."""
    found = keras.utils.image_dataset_from_directory(root / "train", verbose=False)
    listed = len(found.file_paths) - 2 * PER_CLASS
    if tuple(found.class_names) != ("cats", "dogs"):
        return "used as a class"
    return "listed as an image" if listed else "ignored"


def list_with_catdog(root: Path) -> str:
    """Lists the same folder with this library."""
    index = index_image_folder(root)
    if index.class_names != ("cats", "dogs"):
        return "used as a class"
    listed = len(index.parts["train"].files) - 2 * PER_CLASS
    return "listed as an image" if listed else "ignored"


def compare(title: str, kinds: dict[str, str], outcomes: dict[str, tuple[str, str]]) -> None:
    """Prints the number of kinds per outcome, for Keras and for this library."""
    print(f"\n### {title}\n")
    for sort in dict.fromkeys(kinds.values()):
        counts: list[Any] = [
            collections.Counter(outcomes[kind][side] for kind in kinds if kinds[kind] == sort)
            for side in (0, 1)
        ]
        rows = [
            [found, str(counts[0][found]), str(counts[1][found])]
            for found in {**counts[0], **counts[1]}
        ]
        print_table([sort, "plain Keras", "catdog-keras"], rows)
        print()


def compare_image_files(place: Path) -> None:
    """Loads every kind of image file, each among good ones."""
    sorts = {"good": "good images", "nonstandard": "nonstandard images", "bad": "broken files"}
    outcomes = {}
    for name, kind in images.KINDS.items():
        root = place / "images"
        write_images(root)
        file = root / "train" / "cats" / name
        kind.write(file)
        outcomes[name] = (
            outcome(load_with_keras, root, file),
            outcome(load_with_catdog, root, file),
        )
    compare("Image files", {n: sorts[k.status] for n, k in images.KINDS.items()}, outcomes)


def compare_folders(place: Path) -> None:
    """Loads folders with other files and folders among the classes."""
    outcomes = {}
    for name, put in folders.IGNORED.items():
        root = place / "images"
        write_images(root)
        put(root)
        outcomes[name] = (outcome(list_with_keras, root), outcome(list_with_catdog, root))
    compare("Folders", dict.fromkeys(outcomes, "other files and folders"), outcomes)


def compare_archives(place: Path) -> None:
    """Unpacks every kind of archive."""
    outcomes, sorts = {}, {}
    broken = {name: content for name, (content, _) in archives.REJECTED.items()}
    groups = {"valid archives": archives.ACCEPTED, "broken or malicious archives": broken}
    for sort, corpus in groups.items():
        for number, (name, content) in enumerate(corpus.items()):
            archive = place / "images.zip"
            archive.write_bytes(content)
            targets = [place / f"{sort} {number} {side}" for side in ("keras", "catdog")]
            outcomes[name] = (
                outcome(unpack_with_keras, archive, targets[0]),
                outcome(unpack_with_catdog, archive, targets[1]),
            )
            sorts[name] = sort
    compare("Archives", sorts, outcomes)


def main() -> None:
    """Writes every kind, loads it with both libraries, prints the tables."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        compare_image_files(place)
        compare_folders(place)
        compare_archives(place)
    sys.stdout.flush()
    os._exit(0)  # a thread that hangs must not keep the process alive


if __name__ == "__main__":
    main()
