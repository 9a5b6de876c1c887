"""Index of an image folder: its files and their classes, without opening any file."""

import os
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catdog_keras._printable import counted, first_lines, listed, printable
from catdog_keras.datasets._image_root import image_root
from catdog_keras.datasets._layout import Folder, Layout, build_tree, find_layout
from catdog_keras.datasets._list_images import IMAGE_EXTENSIONS, FolderContent, list_images
from catdog_keras.datasets._skipped_names import is_skipped


@dataclass(frozen=True)
class Listing:
    """A list of files with their labels, such as one part of an image index.

    Attributes:
        files: Paths; in an index relative to its root, with forward slashes, sorted within a class.
        labels: int32, shape `(files,)`: indices into `class_names`.
    """

    files: tuple[str, ...]
    labels: np.ndarray

    def take(self, positions: np.ndarray) -> "Listing":
        """Returns the files at `positions`, in that order."""
        files = tuple(map(self.files.__getitem__, positions.tolist()))
        return Listing(files, self.labels[positions])

    def below(self, root: Path) -> "Listing":
        """Returns the same files as paths of the operating system that start with `root`."""
        prefix, files = f"{root}{os.sep}", self.files
        if os.sep != "/":
            files = tuple(file.replace("/", os.sep) for file in files)
        return Listing(tuple([prefix + file for file in files]), self.labels)


@dataclass(frozen=True)
class ImageIndex:
    """The files and classes of a folder of class folders.

    Attributes:
        root: The folder to which all files are relative.
        class_names: Names of the class folders, in the order of the labels.
        parts: A listing for `"train"` and optionally `"validation"` and `"test"`; or one for
            `"all"` if the class folders are directly in the root.
        ignored: Files in the class folders without a supported image extension.
        skipped: Files and folders of systems and programs, and links that were not followed.
        notes: What a user might not expect, for warnings.
        stated: Whether the user named the classes, so that each of them is required.
    """

    root: Path
    class_names: tuple[str, ...]
    parts: dict[str, Listing]
    ignored: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    stated: bool = False


def index_image_folder(
    directory: str | os.PathLike[str],
    class_names: Sequence[str] | None = None,
    *,
    follow_links: bool = True,
) -> ImageIndex:
    """Lists the images of a folder of class folders, with or without split folders above them.

    The result does not depend on the order of the files on disk. An image is a regular file with a
    supported extension. Hidden files and folders, and those that systems and programs create, are
    skipped. `class_names` are the names of the class folders, if they are stated; otherwise they
    are found, and sorted. Empty class folders are left out, with a note.

    Raises:
        ValueError: If the folder contains fewer than two classes with images, a stated class
            without images, split folders with different classes, no images, or a structure with
            several meanings.
    """
    directory = Path(directory)
    root = image_root(directory)
    content = list_images(root, follow_links=follow_links)
    layout = find_layout(build_tree(content.folders, content.images), str(root), class_names)
    parts = {}
    ignored: list[str] = []
    for part, folder in layout.parts.items():
        parts[part] = _list_class_folders(root, folder, content)
        for each in folder.folders.values():
            ignored += _paths_below(each.path, content.others)
    stated = class_names is not None
    names, parts, empty = _without_empty_classes(root, layout, parts, stated=stated)
    above = [
        entry.name
        for folder in root.parents
        if folder.is_relative_to(directory)
        for entry in sorted(folder.iterdir(), key=lambda path: path.name)
        if entry.name.lower().endswith(IMAGE_EXTENSIONS)
        and entry.is_file()
        and not is_skipped(entry.name)
    ]
    return ImageIndex(
        root,
        names,
        parts,
        tuple(ignored),
        tuple(content.skipped),
        (*layout.notes, *empty, *_notes_on_unclassified_images(parts, content, above)),
        stated,
    )


def drop_classes(
    class_names: Sequence[str], parts: Mapping[str, Listing], dropped: Collection[int]
) -> tuple[tuple[str, ...], dict[str, Listing]]:
    """Drops classes of an image index: their names and their files; others stay in order."""
    kept = [label for label in range(len(class_names)) if label not in dropped]
    new_label = np.full(len(class_names), -1, np.int32)
    new_label[kept] = np.arange(len(kept))
    left = {}
    for part, listing in parts.items():
        rest = listing.take(np.flatnonzero(new_label[listing.labels] >= 0))
        left[part] = Listing(rest.files, new_label[rest.labels])
    return tuple(class_names[label] for label in kept), left


def _without_empty_classes(
    root: Path, layout: Layout, parts: dict[str, Listing], *, stated: bool
) -> tuple[tuple[str, ...], dict[str, Listing], list[str]]:
    """Drops classes of an image index whose folders are all empty, with a note.

    Raises:
        ValueError: If the folder of a class for training is empty, and the class is stated or has
            images in another split; or if fewer than two classes are left.
    """
    first = next(iter(layout.parts))
    filled = {part: set(listing.labels.tolist()) for part, listing in parts.items()}
    folders = list(layout.parts[first].folders.values())
    empty = [label for label in range(len(folders)) if label not in filled[first]]
    used = [label for label in empty if any(label in labels for labels in filled.values())]
    if used:
        where = listed(part for part, labels in filled.items() if used[0] in labels)
        raise _error_of_empty_class(
            root / folders[used[0]].path, f" Images of this class are only in {where}."
        )
    if empty and (stated or len(folders) - len(empty) < 2):
        more = "" if stated else " At least two classes with images are required."
        raise _error_of_empty_class(root / folders[empty[0]].path, more)
    if not empty:
        return layout.class_names, parts, []
    names, parts = drop_classes(layout.class_names, parts, empty)
    lines = first_lines([printable(folders[label].path) for label in empty])
    what = "class folder that contains" if len(empty) == 1 else "class folders that contain"
    note = f"Skipped {len(empty)} {what} no image:{lines}"
    return names, parts, [note]


def _error_of_empty_class(folder: Path, more: str) -> ValueError:
    """Returns the error for a class folder without images, with `more` about the class."""
    return ValueError(
        f"{str(folder)!r} contains no image, that is, no file that ends in "
        f"{', '.join(IMAGE_EXTENSIONS)}.{more} Add images, or remove the folder."
    )


def _list_class_folders(root: Path, part: Folder, content: FolderContent) -> Listing:
    """Indexes the images in the class folders of one split, labeled by the order of the folders."""
    files: list[str] = []
    counts: list[int] = []
    for folder in part.folders.values():
        found = _paths_below(folder.path, content.images)
        if not found and folder.path in content.images:
            os.scandir(root / folder.path)  # raises the reason why it cannot be read
        files += found
        counts.append(len(found))
    labels = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    return Listing(tuple(files), labels)


def _paths_below(folder: str, paths: list[str]) -> list[str]:
    """Returns those of the sorted paths of an image index that are below a folder."""
    end = f"{folder}0"  # "0" follows "/"
    return paths[bisect_left(paths, f"{folder}/") : bisect_left(paths, end)]


def note_unclassified_images(paths: Sequence[str]) -> str:
    """Returns a note on images that are ignored because they are not in a class folder."""
    lines = first_lines([printable(path) for path in paths])
    verb = "is" if len(paths) == 1 else "are"
    return f"Ignored {counted(len(paths), 'image')} that {verb} not in a class folder:{lines}"


def _notes_on_unclassified_images(
    parts: dict[str, Listing], content: FolderContent, above: list[str]
) -> list[str]:
    """Returns a note on images next to class folders, which are not in the index."""
    count = sum(len(listing.files) for listing in parts.values())
    if count == len(content.images) and not above:
        return []
    listed = {file for listing in parts.values() for file in listing.files}
    rest = above + [file for file in content.images if file not in listed]
    return [note_unclassified_images(rest)] if rest else []
