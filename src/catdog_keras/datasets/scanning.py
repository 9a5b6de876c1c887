"""The scan of a folder: every picture file named as good, odd or bad, and what is doubled."""

import os
from dataclasses import replace
from pathlib import Path

from catdog_keras._checks import check_boolean, check_path, describe
from catdog_keras.datasets.index import PICTURE_ENDINGS, list_pictures
from catdog_keras.datasets.inspection import inspect_files
from catdog_keras.datasets.near_duplicates import find_near_duplicates
from catdog_keras.datasets.scan_report import ScanReport, endings_of


def scan_images(directory: str | os.PathLike[str], *, near_duplicates: bool = False) -> ScanReport:
    """Reads and decodes every picture file under a folder and says what is wrong with which.

    Nothing is changed: no file is moved, renamed or deleted.

    Args:
        directory: Folder to walk. Hidden files and folders and `__MACOSX` are passed over.
        near_duplicates: Whether to look for pictures that look alike, too: their perceptual hashes
            differ in at most four of 64 bits. That decodes every picture a second time. Of files
            with the same bytes the first stands for all.

    Returns:
        A `ScanReport` with the lists `good`, `odd` and `bad`, whose entries have a `path` and a
        `reason`, `duplicates`, lists of paths with the same bytes, and `near_duplicates`, lists of
        paths that look alike.

    Raises:
        TypeError: If an argument has the wrong type.
        NotADirectoryError: If `directory` is no folder.
        ValueError: If there is no picture file under it.

    Example:
        >>> import catdog_keras, tempfile, pathlib
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "broken.jpg").write_bytes(b"no picture")
        >>> catdog_keras.scan_images(folder).bad[0].reason
        'not a picture in any known format'
    """
    check_path("directory", directory)
    check_boolean("near_duplicates", near_duplicates)
    root = Path(directory).expanduser()
    if not root.is_dir():
        raise NotADirectoryError(describe("directory", "a folder", str(directory)))
    found, others = ([str(root / file) for file in files] for files in list_pictures(root))
    if not found:
        requirement = f"a folder with files that end in {', '.join(PICTURE_ENDINGS)}"
        remedy = f"It holds {endings_of(others)}." if others else ""
        raise ValueError(describe("directory", requirement, str(directory), remedy))
    report = ScanReport.of(inspect_files(found), others)
    if not near_duplicates:
        return report
    doubled = {path for paths in report.duplicates for path in paths[1:]}
    usable = {picture.path for picture in (*report.good, *report.odd)} - doubled
    return replace(report, near_duplicates=find_near_duplicates(sorted(usable)))
