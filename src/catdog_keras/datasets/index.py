"""Which pictures a folder holds, and which class each belongs to. No file is opened here."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PICTURE_ENDINGS = (".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")

# The names under which people keep their splits, in capitals or not.
SPLIT_FOLDERS = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid"),
    "test": ("test", "testing"),
}


SPLITS = tuple(SPLIT_FOLDERS)


@dataclass(frozen=True)
class Listing:
    """Files and their labels, side by side.

    Attributes:
        files: Paths relative to the root, with forward slashes, in sorted order.
        labels: int32, shape `(files,)`: positions in `class_names`.
    """

    files: tuple[str, ...]
    labels: np.ndarray

    def take(self, positions: np.ndarray) -> "Listing":
        """The files at `positions`, in that order."""
        return Listing(tuple(self.files[i] for i in positions), self.labels[positions])


@dataclass(frozen=True)
class ImageIndex:
    """What a folder of class folders holds.

    Attributes:
        root: The folder to which all files are relative.
        class_names: Names of the class folders, sorted.
        parts: `"train"`, `"validation"` and perhaps `"test"`, or, where the class folders lie
            directly in the root, `"all"`.
    """

    root: Path
    class_names: tuple[str, ...]
    parts: dict[str, Listing]


def index_image_folder(directory: str | os.PathLike[str]) -> ImageIndex:
    """Lists the pictures of a folder of class folders, with or without split folders above them.

    The same list comes out whatever the order of the files on disk. A picture is a regular file
    whose name ends like one; hidden files and folders, `__MACOSX` and links to folders are passed
    over.

    Raises:
        ValueError: If it holds fewer than two classes, a class without pictures, split folders
            whose classes differ, or no pictures at all.
    """
    root = picture_root(Path(directory))
    split_folders = _find_split_folders(root)
    if not split_folders:
        class_names = _class_names(root)
        return ImageIndex(root, class_names, {"all": _list_classes(root, root, class_names)})
    class_names = _class_names(split_folders["train"])
    parts = {}
    for split, folder in split_folders.items():
        _check_same_classes(folder, class_names)
        parts[split] = _list_classes(root, folder, class_names)
    return ImageIndex(root, class_names, parts)


def list_pictures(directory: Path) -> Iterator[str]:
    """Names everything under `directory` that ends like a picture, as absolute or given paths."""
    for folder, subfolders, names in os.walk(directory):
        subfolders[:] = sorted(name for name in subfolders if not _is_hidden(name))
        for name in sorted(names):
            if name.lower().endswith(PICTURE_ENDINGS) and not _is_hidden(name):
                yield os.path.join(folder, name)  # noqa: PTH118 - a Path for each costs seconds per million


def picture_root(root: Path) -> Path:
    """Steps into a folder that holds one folder only, as an unpacked archive does."""
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
                f"{str(root)!r} holds {[folder.name for folder in present]}, of which one alone "
                f"can be {split}. Remove or rename one of them."
            )
        if present:
            found[split] = present[0]
    if found and not {"train", "validation"} <= found.keys():
        raise ValueError(
            f"{str(root)!r} holds {[folder.name for folder in folders]}. Train and validation go "
            "together: add the missing one, or put all class folders side by side."
        )
    return found


def _class_names(folder: Path) -> tuple[str, ...]:
    names = tuple(sub.name for sub in _subfolders(folder))
    if len(names) < 2:
        found = f"only {list(names)}" if names else "no folders"
        raise ValueError(
            f"{str(folder)!r} holds {found}. At least two classes are needed, each with its "
            "pictures in a folder that bears its name."
        )
    return names


def _check_same_classes(folder: Path, class_names: tuple[str, ...]) -> None:
    here = tuple(sub.name for sub in _subfolders(folder))
    if here != class_names:
        raise ValueError(
            "All split folders must hold the same class folders; train holds "
            f"{list(class_names)}, {str(folder)!r} holds {list(here)}."
        )


def _list_classes(root: Path, folder: Path, class_names: tuple[str, ...]) -> Listing:
    files: list[str] = []
    labels: list[int] = []
    prefix = len(os.fspath(root)) + 1
    for label, name in enumerate(class_names):
        found = [path[prefix:].replace(os.sep, "/") for path in list_pictures(folder / name)]
        if not found:
            raise ValueError(
                f"{str(folder / name)!r} holds no picture: no file that ends in "
                f"{', '.join(PICTURE_ENDINGS)}. Put pictures there, or remove the folder."
            )
        files += sorted(found)
        labels += [label] * len(found)
    return Listing(tuple(files), np.asarray(labels, dtype=np.int32))


def _subfolders(folder: Path) -> list[Path]:
    return sorted(
        Path(entry.path)
        for entry in os.scandir(folder)
        if entry.is_dir(follow_symlinks=True) and not _is_hidden(entry.name)
    )


def _is_hidden(name: str) -> bool:
    """Whether a name is the system's own: dot files, and what macOS leaves in archives."""
    return name.startswith(".") or name == "__MACOSX"
