"""The folder that class folders or split folders are in, below folders with one subfolder each."""

import os
from pathlib import Path

from catdog_keras._folder_names import name_several_splits, parse_split_name
from catdog_keras.datasets._skipped_names import is_skipped


def image_root(root: Path) -> Path:
    """Descends into folders that contain only one folder, as unpacked archives do."""
    while True:
        folders = _subfolders(root)
        if len(folders) != 1 or not _subfolders(folders[0]):
            return root
        split = parse_split_name(folders[0].name)
        if split.split and not split.rest and not _holds_split_folders(folders[0]):
            return root
        root = folders[0]


def _holds_split_folders(folder: Path) -> bool:
    """Returns whether a folder on the disk is a root of several of train, validation and test."""
    return name_several_splits(subfolder.name for subfolder in _subfolders(folder))


def _subfolders(folder: Path) -> list[Path]:
    """Lists the folders in a possible root that can be classes or splits, without links upwards."""
    resolved = Path(os.path.realpath(folder))  # without an error for links to themselves
    upwards = {resolved, *resolved.parents}
    found = (
        Path(entry.path)
        for entry in os.scandir(folder)
        if Path(entry.path).is_dir()
        and not is_skipped(entry.name)
        and not (entry.is_symlink() and Path(os.path.realpath(entry.path)) in upwards)
    )
    # By name, because Windows compares paths without case.
    return sorted(found, key=lambda path: path.name)
