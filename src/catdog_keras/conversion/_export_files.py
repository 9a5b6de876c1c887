"""Files that an export writes: the model, its report, and both of a rejected model."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catdog_keras._checks import describe
from catdog_keras._write_files import NO_ROOM, WRITABLE_FILE
from catdog_keras.conversion._export_report import is_export_report
from catdog_keras.conversion._formats import ExportFormat

# A SavedModel replaces only folders with these entries, the most important one last.
SAVED_MODEL_ENTRIES = ("assets.extra", "assets", "variables", "fingerprint.pb", "saved_model.pb")


def check_output(path: Path, chosen: ExportFormat) -> None:
    """Raises an error if an export to a path would replace a file that is not an earlier export.

    Raises:
        OSError: If something else is at the path.
        ValueError: If it is a folder with other files, or another file has the name of the report
            or of a rejected export.
    """
    target = Path(os.path.realpath(path))
    _check_replaceable(path, target, not chosen.suffix)
    rejected = rejected_path(target)
    reports = [report_path(target), report_path(rejected)]
    others = [each for each in reports if os.path.lexists(each) and not is_export_report(each)]
    if os.path.lexists(rejected) and not is_export_report(report_path(rejected)):
        others.append(rejected)
    if others:
        requirement = "a path next to which the report can be written"
        remedy = (
            f"{str(path.with_name(others[0].name))!r} exists and is not from an earlier export. "
            "Use another path."
        )
        raise ValueError(describe("path", requirement, str(path), remedy))
    if os.path.lexists(rejected):
        _check_replaceable(path.with_name(rejected.name), rejected, not chosen.suffix)


def report_path(target: Path) -> Path:
    """Returns the place of the report of an exported model."""
    return target.with_name(f"{target.name}.json")


def rejected_path(target: Path) -> Path:
    """Returns the path of an exported file that is rejected, as it predicts something else."""
    return target.with_name(f"{target.stem}.rejected{target.suffix}")


def _check_replaceable(path: Path, target: Path, is_folder: bool) -> None:
    """Raises an error if something else than an exported file is at the path."""
    if not target.exists():
        return
    if not is_folder:
        if not target.is_file():
            raise OSError(describe("path", WRITABLE_FILE, str(path), "It is not a regular file."))
        return
    if not target.is_dir():
        raise NotADirectoryError(describe("path", "a folder", str(path), "It is a file."))
    others = {each.name for each in target.iterdir()} - set(SAVED_MODEL_ENTRIES)
    if others:
        requirement = "a new folder, or that of a SavedModel"
        raise ValueError(describe("path", requirement, str(path), f"It has {min(others)!r}."))


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Context manager that names an export's path in errors about permissions and space."""
    try:
        yield
    except OSError as error:
        if error.errno not in (*NO_ROOM, errno.EACCES, errno.EPERM):
            raise
        reason = f"{error.strerror}."
        raise OSError(describe("path", WRITABLE_FILE, str(path), reason)) from error
