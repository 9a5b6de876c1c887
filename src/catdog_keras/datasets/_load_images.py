"""Loading of images without a split, in a fixed order, for prediction or evaluation."""

import itertools
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from catdog_keras._checks import check_class_names, check_path, describe
from catdog_keras._folder_names import find_classes
from catdog_keras._message import either
from catdog_keras._printable import first_lines, printable
from catdog_keras._suggestions import suggests_arguments, suggests_attributes
from catdog_keras._warnings import warn
from catdog_keras.datasets._argument_names import PATHS_NAMES
from catdog_keras.datasets._attribute_names import IMAGES_ATTRIBUTES
from catdog_keras.datasets._image_index import Listing, note_unclassified_images
from catdog_keras.datasets._inspect_files import inspect_files
from catdog_keras.datasets._list_images import IMAGE_EXTENSIONS, list_images
from catdog_keras.datasets._options import (
    BatchOptions,
    ColorMode,
    ImageSize,
    Interpolation,
    LabelMode,
)
from catdog_keras.datasets._pipeline import batched_dataset
from catdog_keras.datasets._scan_report import ImageFile, ScanReport
from catdog_keras.datasets._source import find_folder

if TYPE_CHECKING:
    import tensorflow as tf

LONGEST_LIST = 2500  # characters of a message, whose start and end the command line still prints

Place: TypeAlias = str | os.PathLike[str]


@suggests_attributes(IMAGES_ATTRIBUTES)
@dataclass(frozen=True, repr=False)
class LabeledImages:
    """Images in a fixed order, with the scan results of their files.

    Attributes:
        dataset: `tf.data.Dataset` of batches: float32 images in [0, 255] of shape
            `(batch, height, width, channels)`; with labels, pairs of these and labels as for
            `ImageSplits`. The order is always that of `files`.
        files: Paths of the images.
        labels: int32 array in the order of `files`, or None.
        scan: The `ScanReport` of all files that were found, including skipped ones.

    Example:
        >>> import catdog_keras
        >>> files = catdog_keras.load_cats_dogs("synthetic").files["test"][:3]
        >>> catdog_keras.load_images(files)
        LabeledImages(3 images, 0 files skipped)
    """

    dataset: "tf.data.Dataset"
    files: tuple[str, ...]
    labels: np.ndarray | None
    scan: ScanReport

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self.files)

    def __repr__(self) -> str:
        """Returns the number of images and of skipped files."""
        return f"LabeledImages({len(self):,} images, {len(self.scan.bad):,} files skipped)"


@suggests_arguments(PATHS_NAMES)
def load_images(
    paths: Place | Sequence[Place],
    *,
    class_names: Sequence[str] | None = None,
    image_size: ImageSize = (160, 160),
    batch_size: int = 32,
    label_mode: LabelMode = "int",
    color_mode: ColorMode = "rgb",
    interpolation: Interpolation = "bilinear",
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
) -> LabeledImages:
    """Loads images without splitting them, decoded in the same way as those of a split dataset.

    Files that cannot be read as images, or do not exist, are skipped and named in a warning. Match
    predictions with the result's `files`, not with `paths`. A file that is given twice is loaded
    twice; a folder or archive adds only the files that are not there yet.

    Args:
        paths: A path or a list of paths: image files, folders and zip archives. Folders are
            searched recursively; their images are sorted.
        class_names: None for images without labels. With names, the label of an image is the index
            of the folder above it whose name is a class name; other folders above and below it are
            ignored. This fits a folder of class folders, with or without split folders. Two
            different class names in one path are an error. The name of a folder in `paths` counts
            only if no folder inside it has a class name.
        image_size: (height, width) in pixels, or an integer for both; every image is resized to it.
        batch_size: Images per batch; the last batch may be smaller.
        label_mode: `"int"`, `"categorical"` or `"binary"`, if there are labels. This and the
            following arguments are as for `load_cats_dogs`; for predictions use those that the
            model was trained with.
        color_mode: `"rgb"`, `"grayscale"` or `"rgba"`.
        interpolation: Interpolation of the resizing.
        crop_to_aspect_ratio: Whether to crop images to the aspect ratio of `image_size`.
        pad_to_aspect_ratio: Whether to fill images up to the aspect ratio of `image_size`.

    Returns:
        `LabeledImages`: a dataset, the files in its order, their labels, and the scan report.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range, no file can be read as an image, or an image is
            not in a class folder or in those of two classes.
        OSError: If an archive cannot be unpacked.

    Example:
        >>> import catdog_keras
        >>> files = catdog_keras.load_cats_dogs("synthetic").files["test"][:3]
        >>> images = catdog_keras.load_images(files, class_names=["cats", "dogs"])
        >>> len(images), next(iter(images.dataset))[0].shape
        (3, TensorShape([3, 160, 160, 3]))
    """
    options = BatchOptions.in_order(
        image_size,
        batch_size,
        label_mode=label_mode,
        color_mode=color_mode,
        interpolation=interpolation,
        crop_to_aspect_ratio=crop_to_aspect_ratio,
        pad_to_aspect_ratio=pad_to_aspect_ratio,
    )
    names = None if class_names is None else check_class_names(class_names)
    if names is not None:
        options.check_label_mode(names)
    return _load_in_order(paths, names, options)


def load_labeled_images(
    data: str,
    class_names: Sequence[str],
    *,
    image_size: ImageSize,
    batch_size: int,
    **preparation: Any,
) -> LabeledImages:
    """Loads a folder or archive of class folders in order, with labels.

    As `load_images`, but images next to the class folders are ignored with the warning of
    `load_image_folder`, if there are others.

    Args:
        data: Folder or zip archive.
        class_names: Names of the class folders.
        image_size: (height, width) in pixels.
        batch_size: Images per batch.
        **preparation: Arguments of `load_images` for the preparation of the images.

    Raises:
        ValueError: If no file can be read as an image, or an image is in a folder but not in a
            class folder.
        OSError: If an archive cannot be unpacked.
    """
    options = BatchOptions.in_order(image_size, batch_size, **preparation)
    return _load_in_order(data, check_class_names(class_names), options, ignore_loose=True)


def _load_in_order(
    paths: Place | Sequence[Place],
    names: Sequence[str] | None,
    options: BatchOptions,
    *,
    ignore_loose: bool = False,
) -> LabeledImages:
    """Loads images, with labels if there are class names; see `load_labeled_images`."""
    found = _find_images(_check_image_paths(paths))
    scan = ScanReport.from_files(inspect_files(list(dict.fromkeys(file for file, _ in found))))
    _report_bad_images(scan.bad, len(scan.by_path) - len(scan.bad))
    found = [(file, place) for file, place in found if scan.by_path[file].status != "bad"]
    loose = _find_loose_images(found, names or ()) if ignore_loose else []
    if len(loose) < len(found):
        left_out = set(loose)
        found = [each for each in found if each not in left_out]
    files = tuple(file for file, _ in found)
    usable = [scan.by_path[file] for file in files]
    labels = None if names is None else _labels_by_folder(found, names)
    if loose:
        warn(note_unclassified_images([Path(file).name for file, _ in loose]))
    listing = Listing(files, np.zeros(len(files), np.int32) if labels is None else labels)
    dataset = batched_dataset(
        listing, usable, options, shuffled=False, num_classes=len(names or ())
    )
    if labels is None:
        dataset = dataset.map(lambda images, _: images)
    dataset.files_in_order = files
    return LabeledImages(dataset, files, labels, scan)


def _check_image_paths(paths: Place | Sequence[Place]) -> list[Path]:
    """Returns one path or several as a list; raises unless these are paths."""
    if isinstance(paths, (str, os.PathLike)):
        return [_check_image_path("paths", paths)]
    requirement = "a path or a list of paths"
    if not isinstance(paths, Sequence):
        raise TypeError(describe("paths", requirement, paths))
    if not paths:
        raise ValueError(describe("paths", requirement, paths, "It contains none."))
    return [_check_image_path(f"paths[{place}]", path) for place, path in enumerate(paths)]


def _check_image_path(name: str, value: Any) -> Path:
    """Returns an image path; raises if it is a pattern, not the name of a file or folder.

    Other files that do not exist are reported with those that cannot be read.
    """
    path = check_path(name, value)
    if any(character in str(value) for character in "*?") and not os.path.lexists(path):
        remedy = either(
            f"A pattern is not expanded: pass `glob.glob({os.fspath(value)!r})`.",
            "The shell expands a pattern only if it is not in quotes and files match it.",
        )
        raise FileNotFoundError(describe(name, "a file or folder that exists", value, remedy))
    return path


def _is_archive(path: Path) -> bool:
    """Returns whether a path is that of a zip archive of images, by its ending or its content."""
    if path.suffix.lower() == ".zip":
        return True
    if path.suffix.lower() in IMAGE_EXTENSIONS or not path.is_file():
        return False
    try:
        return zipfile.is_zipfile(path)
    except OSError:  # reported where the file is read as an image
        return False


def _find_images(paths: Sequence[Path]) -> list[tuple[str, str]]:
    """Returns each file to load with the folder below which folder names count as classes."""
    found: list[tuple[str, str]] = []
    known: set[str] = set()
    for path in paths:
        folder = find_folder("paths", path) if _is_archive(path) else path
        if not folder.is_dir():
            found.append((str(path), str(path.absolute().parent.parent)))
            known.add(str(path))
            continue
        files = list_images(folder).images
        if not files:
            requirement = f"files, or folders of files that end in {', '.join(IMAGE_EXTENSIONS)}"
            raise ValueError(describe("paths", requirement, str(path)))
        place = str(folder.absolute().parent)
        added = [(str(folder / file), place) for file in files]
        found += [(file, place) for file, place in added if file not in known]
        known.update(file for file, _ in added)
    return found


def _report_bad_images(bad: Sequence[ImageFile], usable: int) -> None:
    """Warns about files that are not loaded; raises if no usable image is left."""
    if not usable:
        named = _first_lines_that_fit(bad, "")
        raise ValueError(f"None of the {len(bad)} files could be read as an image:{named}")
    if bad:
        named = _first_lines_that_fit(bad, "`scan.bad` or ")
        warn(
            f"{len(bad)} of {len(bad) + usable} files could not be read as images and are skipped:"
            f"{named}",
        )


def _first_lines_that_fit(bad: Sequence[ImageFile], attribute: str) -> str:
    """Lists the first images that could not be loaded, one per line, and the number of others.

    The command line removes the middle of messages that are longer than a terminal can show.
    """
    lines = [f"\n  {image}" for image in bad]
    ends = itertools.accumulate(map(len, lines))
    shown = max(1, sum(end <= LONGEST_LIST for end in ends))
    if shown == len(lines):
        return "".join(lines)
    return "".join(lines[:shown]) + (
        f"\n  and {len(lines) - shown:,} more. {attribute}`catdog-keras scan` of their folders "
        "lists all of them."
    )


def _find_loose_images(
    found: Sequence[tuple[str, str]], names: Sequence[str]
) -> list[tuple[str, str]]:
    """Returns the images that have no label and are directly in the folder that was passed."""
    return [
        (file, place)
        for (file, place), classes in zip(found, _classes_of_files(found, names), strict=True)
        if not classes and len(_folders_of_file(file, place)) == 1
    ]


def _labels_by_folder(found: Sequence[tuple[str, str]], names: Sequence[str]) -> np.ndarray:
    """Returns the label of each image to load by its folders; raises if one has no label."""
    labels = []
    strangers = []
    for (file, _), classes in zip(found, _classes_of_files(found, names), strict=True):
        if len(classes) > 1:
            listed = ", ".join(map(repr, classes))
            raise ValueError(
                f"{printable(file)!r} is in folders of more than one class: {listed}. Move or "
                "rename one of the folders."
            )
        if classes:
            labels.append(names.index(classes[0]))
        else:
            strangers.append(printable(file))
    if strangers:
        listed = ", ".join(map(repr, names))
        raise ValueError(
            f"{len(strangers)} of {len(found)} images are not in a folder of the classes {listed}:"
            f"{first_lines(strangers)}"
        )
    return np.array(labels, np.int32)


def _classes_of_files(
    found: Sequence[tuple[str, str]], names: Sequence[str]
) -> list[tuple[str, ...]]:
    """Returns for each image the classes that the names of its folders are.

    The folder that was passed has the outermost name. It counts only if no folder inside it has the
    name of a class: an image next to class folders is not of the class that their folder is named
    after.
    """
    folders = [_folders_of_file(file, place) for file, place in found]
    inner = [find_classes(each[1:], names) for each in folders]
    passed = [(place, each[:1]) for (_, place), each in zip(found, folders, strict=True)]
    with_classes = {each for each, classes in zip(passed, inner, strict=True) if classes}
    return [
        classes if each in with_classes else find_classes(each[1], names)
        for each, classes in zip(passed, inner, strict=True)
    ]


def _folders_of_file(file: str, place: str) -> tuple[str, ...]:
    """Returns the names of the folders of a file below `place`."""
    return Path(file).absolute().relative_to(place).parts[:-1]
