"""Index of an image folder: its files and their classes, without opening any file."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catdog_keras.datasets._list_images import HIDDEN, IMAGE_EXTENSIONS, list_images

# Accepted names of the split folders, in upper or lower case.
SPLIT_FOLDERS = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid"),
    "test": ("test", "testing"),
}


SPLITS = tuple(SPLIT_FOLDERS)


@dataclass(frozen=True)
class Listing:
    """A list of files with their labels.

    Attributes:
        files: Paths; in an index relative to its root, with forward slashes, in sorted order.
        labels: int32, shape `(files,)`: indices into `class_names`.
    """

    files: tuple[str, ...]
    labels: np.ndarray

    def take(self, positions: np.ndarray) -> "Listing":
        """Returns the files at `positions`, in that order."""
        return Listing(tuple(self.files[i] for i in positions), self.labels[positions])

    def below(self, root: Path) -> "Listing":
        """Returns the same files as paths of the operating system that start with `root`."""
        prefix = f"{root}{os.sep}"
        return Listing(
            tuple(prefix + file.replace("/", os.sep) for file in self.files), self.labels
        )


@dataclass(frozen=True)
class ImageIndex:
    """The files and classes of a folder of class folders.

    Attributes:
        root: The folder to which all files are relative.
        class_names: Names of the class folders, sorted.
        parts: A listing for `"train"`, `"validation"` and optionally `"test"`; or one for `"all"`
            if the class folders are directly in the root.
        ignored: Files in the class folders without a supported image extension.
    """

    root: Path
    class_names: tuple[str, ...]
    parts: dict[str, Listing]
    ignored: tuple[str, ...]


def index_image_folder(directory: str | os.PathLike[str]) -> ImageIndex:
    """Lists the images of a folder of class folders, with or without split folders above them.

    The result does not depend on the order of the files on disk. An image is a regular file with a
    supported extension. Hidden files and folders, `__MACOSX` and links to folders are ignored.

    Raises:
        ValueError: If the folder contains fewer than two classes, a class without images, split
            folders with different classes, or no images.
    """
    root = image_root(Path(directory))
    split_folders = _find_split_folders(root)
    if not split_folders:
        class_names = _class_names(root)
        listing, others = _list_classes(root, root, class_names)
        return ImageIndex(root, class_names, {"all": listing}, tuple(others))
    class_names = _class_names(split_folders["train"])
    parts = {}
    ignored: list[str] = []
    for split, folder in split_folders.items():
        _check_same_classes(folder, class_names)
        parts[split], others = _list_classes(root, folder, class_names)
        ignored += others
    return ImageIndex(root, class_names, parts, tuple(ignored))


def image_root(root: Path) -> Path:
    """Descends into folders that contain only one folder, as unpacked archives do."""
    while True:
        folders = _subfolders(root)
        if len(folders) != 1 or not _subfolders(folders[0]):
            return root
        if any(folders[0].name.lower() in names for names in SPLIT_FOLDERS.values()):
            return root
        root = folders[0]


def _find_split_folders(root: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    folders = _subfolders(root)
    for split, names in SPLIT_FOLDERS.items():
        present = [folder for folder in folders if folder.name.lower() in names]
        if len(present) > 1:
            raise ValueError(
                f"{str(root)!r} holds {[folder.name for folder in present]}, but only one of them "
                f"can be {split}. Remove or rename one of them."
            )
        if present:
            found[split] = present[0]
    if found and not {"train", "validation"} <= found.keys():
        raise ValueError(
            f"{str(root)!r} holds {[folder.name for folder in folders]}. Both train and validation "
            "are required: add the missing one, or put all class folders next to each other."
        )
    return found


def _class_names(folder: Path) -> tuple[str, ...]:
    names = tuple(sub.name for sub in _subfolders(folder))
    if len(names) < 2:
        found = f"only {list(names)}" if names else "no folders"
        raise ValueError(
            f"{str(folder)!r} holds {found}. At least two classes are required, each with its "
            "images in a folder with its name."
        )
    return names


def _check_same_classes(folder: Path, class_names: tuple[str, ...]) -> None:
    here = tuple(sub.name for sub in _subfolders(folder))
    if here != class_names:
        raise ValueError(
            "All split folders must contain the same class folders; train contains "
            f"{list(class_names)}, {str(folder)!r} holds {list(here)}."
        )


def _list_classes(
    root: Path, folder: Path, class_names: tuple[str, ...]
) -> tuple[Listing, list[str]]:
    files: list[str] = []
    ignored: list[str] = []
    counts: list[int] = []
    above = "" if folder == root else f"{folder.name}/"
    for name in class_names:
        found, others = list_images(folder / name)
        if not found:
            raise ValueError(
                f"{str(folder / name)!r} contains no image, that is, no file that ends in "
                f"{', '.join(IMAGE_EXTENSIONS)}. Add images, or remove the folder."
            )
        files += [f"{above}{name}/{file}" for file in found]
        ignored += [f"{above}{name}/{file}" for file in others]
        counts.append(len(found))
    labels = np.repeat(np.arange(len(class_names), dtype=np.int32), counts)
    return Listing(tuple(files), labels), ignored


def _subfolders(folder: Path) -> list[Path]:
    """Lists the folders that can be classes or splits, without links to a parent folder."""
    upwards = {folder.resolve(), *folder.resolve().parents}
    return sorted(
        Path(entry.path)
        for entry in os.scandir(folder)
        if Path(entry.path).is_dir()
        and not entry.name.startswith(HIDDEN)
        and not (entry.is_symlink() and Path(entry.path).resolve() in upwards)
    )
