"""The images of a data set in a fixed order, with the splits in which the user keeps them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from catdog_keras._folder_names import find_classes, parse_split_name
from catdog_keras.datasets import ImageSplits
from catdog_keras.datasets._decisions import Decision
from catdog_keras.datasets._manifest import relative_posix_path
from catdog_keras.datasets._scan_report import ImageFile

IntegerArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Images:
    """Images in a fixed order.

    Attributes:
        found: The inspected file of each image.
        files: Path of each image relative to the folder that is examined, with forward slashes.
        labels: Class indices of shape (images,).
        splits: The split of each image: `"train"`, `"validation"` or `"test"`.
        class_names: Name of each class.
        components: Numbers of shape (images,): images with equal ones are in the same split.
    """

    found: tuple[ImageFile, ...]
    files: tuple[str, ...]
    labels: IntegerArray
    splits: tuple[str, ...]
    class_names: tuple[str, ...]
    components: IntegerArray

    def positions(self, split: str) -> IntegerArray:
        """Returns the positions of the images of a split."""
        return np.flatnonzero([each == split for each in self.splits])

    def take(self, kept: IntegerArray) -> "Images":
        """Returns the images at some positions."""
        places = kept.tolist()
        return Images(
            tuple(self.found[place] for place in places),
            tuple(self.files[place] for place in places),
            self.labels[kept],
            tuple(self.splits[place] for place in places),
            self.class_names,
            self.components[kept],
        )


def list_images_of(splits: ImageSplits, folder: Path, decisions: Mapping[str, Decision]) -> Images:
    """Lists the images of all splits, without excluded ones and with the labels of relabeled ones.

    Args:
        splits: The images.
        folder: The folder that is examined; paths are relative to it.
        decisions: Decisions by path relative to `splits.root`.
    """
    paths = [path for files in splits.files.values() for path in files]
    inside = [relative_posix_path(splits.root, path) for path in paths]
    labels = np.concatenate([splits.labels[split] for split in splits.files]).astype(np.int64)
    used = [split for split, files in splits.files.items() for _ in files]
    stated = _split_folders(splits, inside)
    if stated and "test" not in stated:  # the loaders take the test set from validation
        pairs = zip(stated, used, strict=True)
        stated = ["test" if pair == ("validation", "test") else pair[0] for pair in pairs]
    kept = []
    for place, file in enumerate(inside):
        decision = decisions.get(file)
        if decision is not None and decision.label is not None:
            labels[place] = splits.class_names.index(decision.label)
        if decision is None or decision.choice != "exclude":
            kept.append(place)
    images = Images(
        tuple(splits.scan.by_path[path] for path in paths),
        tuple(relative_posix_path(folder, path) for path in paths),
        labels,
        tuple(stated or used),
        splits.class_names,
        np.concatenate([splits.components[split] for split in splits.files]).astype(np.int64),
    )
    return images.take(np.array(kept, np.int64))


def _split_folders(splits: ImageSplits, inside: list[str]) -> list[str] | None:
    """Returns the split folder of each image, if the user has divided the images.

    The loaders move a copy to the split of the first one, so that their splits do not show that a
    test folder has images of the training folder.
    """
    if splits.label_source in ("table", "pattern"):  # folders have no meaning
        return None
    found = []
    for file in inside:
        first, *others = PurePosixPath(file).parts[:-1] or ("",)
        split = parse_split_name(first).split
        if split is None or not find_classes(others, splits.class_names):
            return None
        found.append(str(split))
    return found


def root_of_paths(splits: ImageSplits, root: str | os.PathLike[str] | None) -> Path:
    """Returns the folder that paths are relative to, by default that of all images."""
    return splits.root if root is None else Path(root)
