"""Lists the image files of a folder, without opening any file."""

import os
from pathlib import Path

# Name prefixes of hidden files: dot files, and the folder that macOS adds to archives.
HIDDEN = (".", "__MACOSX")

IMAGE_EXTENSIONS = (".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def list_images(directory: str | os.PathLike[str]) -> tuple[list[str], list[str]]:
    """Lists the files under a folder with a supported image extension, and all other files.

    Optimized for folders of a million files: no path object and no system call per file. A
    subfolder that cannot be read is listed as an image, so that the inspection reports it.

    Returns:
        Two sorted lists of paths relative to `directory`, with forward slashes.
    """
    images: list[str] = []
    others: list[str] = []
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        try:
            entries = os.scandir(f"{os.fspath(directory)}/{prefix}")
        except OSError:
            if not prefix:
                raise
            images.append(prefix.removesuffix("/"))
            continue
        with entries:
            for entry in entries:
                name = entry.name
                if name.startswith(HIDDEN):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{prefix}{name}/")
                elif not name.lower().endswith(IMAGE_EXTENSIONS):
                    others.append(prefix + name)
                elif not _links_to_folder(entry):
                    images.append(prefix + name)
    images.sort()
    others.sort()
    return images, others


def _links_to_folder(entry: os.DirEntry[str]) -> bool:
    """Returns whether an entry is a link to a folder; such links may be cyclic."""
    return entry.is_symlink() and Path(entry.path).is_dir()
