"""Images for `catdog-keras export`: of a folder, or a sample of those of the training."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catdog_keras._printable import printable
from catdog_keras.cli.run_record import SPLIT_FILE, read_training_record

if TYPE_CHECKING:
    from catdog_keras.conversion._export_images import NamedImages
    from catdog_keras.datasets._scan_report import ImageFile

SAMPLE = 200  # of the training images
MOST_FOR_CALIBRATION = 500  # of a folder; more do not change the ranges of values much


@dataclass(frozen=True)
class ExportImages:
    """Images at their own sizes, which are decoded when they are iterated.

    Attributes:
        files: The image files.
        labels: Index of the class of each image, or None.
        source: Which images they are.
        trained_on: Number of those on which the model was trained.
    """

    files: tuple["ImageFile", ...]
    labels: tuple[int | None, ...]
    source: str
    trained_on: int = 0

    def named(self) -> "NamedImages":
        """Returns them as an argument of `export_model`."""
        from catdog_keras.conversion._export_images import NamedImages

        return NamedImages(self, self.source, self.trained_on)

    def __iter__(self) -> Iterator[tuple[Any, int | None]]:
        """Yields each image with its label."""
        from catdog_keras.datasets._pipeline import decode_image

        for file, label in zip(self.files, self.labels, strict=True):
            yield decode_image(file), label


def choose_export_images(
    data: str | None, model: Path, class_names: Sequence[str], *, labeled: bool = True
) -> ExportImages | None:
    """Returns the images of a folder, or a sample of the training images if they are known.

    Args:
        data: Folder or archive; None for the training images.
        model: File of the model.
        class_names: Names of the folders that contain the images of a class.
        labeled: Whether images of a folder need labels. Without them, the images are for a
            calibration, which takes a sample of them.

    Raises:
        ValueError: If labels are needed, and only some of the images are in folders of the classes.
    """
    if data is None:
        return _training_sample(model, class_names)
    found = _load_folder_images(data, class_names if labeled else None)
    if not labeled and len(found.files) > MOST_FOR_CALIBRATION:
        step = -(-len(found.files) // MOST_FOR_CALIBRATION)
        source = f"one of {step} in {found.source}"
        found = ExportImages(found.files[::step], found.labels[::step], source)
    trained = _training_hashes(model)
    return replace(found, trained_on=sum(each.sha256 in trained for each in found.files))


def _load_folder_images(data: str, class_names: Sequence[str] | None) -> ExportImages:
    """Returns all images of a folder or archive, with labels if they are in folders of the classes.

    Raises:
        ValueError: If only some of them are in folders of the classes.
    """
    from catdog_keras.datasets import load_images

    try:
        found = load_images(data, class_names=class_names)
        source = printable(data)
    except ValueError:  # not in folders of the classes; other errors are raised again
        found = load_images(data)
        if _has_class_folders(found.files, class_names or ()):
            raise
        source = f"{printable(data)}, without labels: not in folders of the classes"
    files = tuple(found.scan.by_path[file] for file in found.files)
    labels = [None] * len(files) if found.labels is None else found.labels.tolist()
    return ExportImages(files, tuple(labels), source)


def _training_hashes(model: Path) -> set[str]:
    """Returns the checksums of the training images; none if they are not known."""
    from catdog_keras.datasets._manifest import read_manifest

    split = model.parent / SPLIT_FILE
    if read_training_record(model) is None or not split.is_file():
        return set()
    manifest = read_manifest(split)
    return {manifest.contents[name][1] for name in manifest.splits["train"].files}


def _has_class_folders(files: Sequence[str], class_names: Sequence[str]) -> bool:
    """Returns whether an image to export with is in a class folder below the folder of all."""
    folders = [Path(file).absolute().parent for file in files]
    top = Path(os.path.commonpath(folders))
    return any(set(class_names) & set(each.relative_to(top).parts) for each in folders)


def _training_sample(model: Path, class_names: Sequence[str]) -> ExportImages | None:
    """Returns images of the training at equal distances; None if they cannot be found unchanged."""
    from catdog_keras.datasets._inspect_files import inspect_files
    from catdog_keras.datasets._load_manifest import _root_of_manifest
    from catdog_keras.datasets._manifest import read_manifest
    from catdog_keras.datasets._source import find_folder

    record, split = read_training_record(model), model.parent / SPLIT_FILE
    if record is None or not split.is_file():
        return None
    manifest = read_manifest(split)
    try:
        root = _root_of_manifest(manifest, find_folder("data", record.data))
    except (OSError, ValueError):
        return None
    listing = manifest.splits["train"]
    step = max(1, len(listing.files) // SAMPLE)
    names, labels = listing.files[::step], listing.labels[::step].tolist()
    files = inspect_files([str(root / name) for name in names])
    hashes = [manifest.contents[name][1] for name in names]
    if [file.sha256 for file in files] != hashes or manifest.class_names != tuple(class_names):
        return None
    source = f"training images of {printable(record.data)}"
    return ExportImages(tuple(files), tuple(labels), source, len(files))
