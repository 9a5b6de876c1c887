"""Scans an image folder for damaged, nonstandard and duplicate files."""

import os

from catdog_keras._checks import check_boolean, check_path, describe
from catdog_keras._printable import count_extensions
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.datasets._argument_names import SCAN_NAMES
from catdog_keras.datasets._inspect_files import inspect_files
from catdog_keras.datasets._list_images import IMAGE_EXTENSIONS, list_images
from catdog_keras.datasets._near_duplicates import near_duplicate_pairs
from catdog_keras.datasets._perceptual_hash import Gray
from catdog_keras.datasets._scan_report import ScanReport


@suggests_arguments(SCAN_NAMES)
def scan_images(
    directory: str | os.PathLike[str], *, near_duplicates: bool = False, recheck: bool = False
) -> ScanReport:
    """Decodes every image file in a folder and reports damaged, nonstandard and duplicate files.

    The function does not move, rename or delete files. Files that have not changed since an earlier
    scan, or since a loader checked them, are not decoded again: their results are saved in
    `$KERAS_HOME/catdog_keras/checks` (or `~/.keras/catdog_keras/checks`).

    Args:
        directory: Folder to search recursively. Hidden files and folders, and those that systems
            and programs create, are skipped. Links to folders are followed, but each folder is
            searched once.
        near_duplicates: Whether to find near-duplicates as well: images that differ in size,
            compression or brightness. Their 64-bit perceptual hashes differ in at most eight bits,
            and their pixels correlate by at least 0.95. Images of a single color are not compared,
            and of byte-identical files only the first one.
        recheck: Whether to decode files again that have not changed, and to replace their results.

    Returns:
        A `ScanReport`. Its lists `good`, `nonstandard` (decoded after a conversion) and `bad` have
        entries with a `path` and a `reason`; `duplicates` are groups of paths of byte-identical
        files, and `near_duplicates` groups of paths of similar images.

    Raises:
        TypeError: If an argument has the wrong type.
        NotADirectoryError: If `directory` is not a folder.
        ValueError: If the folder contains no image file, or an image changes while near-duplicates
            are searched.

    Example:
        >>> import catdog_keras, tempfile, pathlib
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "broken.jpg").write_bytes(b"no image")
        >>> catdog_keras.scan_images(folder).bad[0].reason
        'not an image in any known format'
    """
    root = check_path("directory", directory)
    check_boolean("near_duplicates", near_duplicates)
    check_boolean("recheck", recheck)
    if not root.is_dir():
        raise NotADirectoryError(describe("directory", "a folder", str(directory)))
    content = list_images(root)
    found, others, skipped = (
        [str(root / file) for file in files]
        for files in (content.images, content.others, content.skipped)
    )
    if not found:
        requirement = f"a folder with files that end in {', '.join(IMAGE_EXTENSIONS)}"
        remedy = f"It holds {count_extensions(others)}." if others else ""
        raise ValueError(describe("directory", requirement, str(directory), remedy))
    thumbnails: dict[str, Gray] = {}
    images = inspect_files(found, recheck=recheck, thumbnails=thumbnails)
    report = ScanReport.from_files(images, others, skipped)
    if not near_duplicates:
        return report
    return report.with_near_duplicates(near_duplicate_pairs(images, thumbnails))
