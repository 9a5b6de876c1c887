"""Lists the image files of a folder, without opening any file."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from catdog_keras.datasets._skipped_names import is_hidden, is_skipped

IMAGE_EXTENSIONS = (
    ".avif",
    ".bmp",
    ".gif",
    ".heic",
    ".heif",
    ".jfif",
    ".jpeg",
    ".jpg",
    ".png",
    ".tif",
    ".tiff",
    ".webp",
)


@dataclass(frozen=True)
class FolderContent:
    """Lists of the images and of all else below a folder: sorted relative paths with slashes.

    Attributes:
        images: Files with a supported image extension, and folders that cannot be read, so that
            the inspection reports them.
        others: Other files.
        folders: Folders that were searched, including links that were followed.
        skipped: Files and folders of systems and programs, and links to folders that were not
            followed. Hidden files and folders are not listed.
    """

    images: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def list_images(directory: str | os.PathLike[str], *, follow_links: bool = True) -> FolderContent:
    """Lists the content of a folder and its subfolders.

    Optimized for folders of a million files: no path object and no system call per file.

    A link to a folder is followed, unless this folder is listed under another path already or
    contains the link. So each folder is listed once, and circles end. With `follow_links=False`
    links to folders are skipped.
    """
    directory = os.fspath(directory)
    root = os.path.realpath(directory)
    found = FolderContent()
    visited = {root}
    waiting = [("", root)]  # relative and resolved paths
    links: list[tuple[str, str]] = []  # relative path, and resolved path of the folder above
    while waiting or links:
        if not waiting:  # links last: a folder is listed under its own path if it has one
            links.sort(reverse=True)
            link, parent = links.pop()
            target = os.path.realpath(f"{directory}/{link}")
            if (
                target in visited
                or _is_inside_folder(target, parent)
                or _is_inside_folder(target, root)
            ):
                found.skipped.append(link)
                continue
            visited.add(target)
            found.folders.append(link)
            waiting.append((f"{link}/", target))
        prefix, resolved = waiting.pop()
        try:
            entries = os.scandir(f"{directory}/{prefix}")
        except OSError:
            if not prefix:
                raise
            found.images.append(prefix.removesuffix("/"))
            continue
        with entries:
            for entry in entries:
                name = entry.name
                path = prefix + name
                is_image = name.lower().endswith(IMAGE_EXTENSIONS)
                # Most entries. Of the names that are skipped, only hidden ones end like this.
                if is_image and entry.is_file(follow_symlinks=False) and not is_hidden(name):
                    found.images.append(path)
                elif is_skipped(name):
                    if not is_hidden(name):
                        found.skipped.append(path)
                elif entry.is_dir(follow_symlinks=False):
                    below = os.path.join(resolved, name)  # noqa: PTH118 - fast
                    if below in visited:
                        found.skipped.append(path)
                    else:
                        visited.add(below)
                        found.folders.append(path)
                        waiting.append((f"{path}/", below))
                elif entry.is_symlink() and Path(entry.path).is_dir():
                    if follow_links:
                        links.append((path, resolved))
                    else:
                        found.skipped.append(path)
                elif is_image:
                    found.images.append(path)
                else:
                    found.others.append(path)
    for paths in (found.images, found.others, found.folders, found.skipped):
        paths.sort()
    return found


def _is_inside_folder(folder: str, path: str) -> bool:
    """Returns whether a resolved path is a folder to list images of, or below it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
