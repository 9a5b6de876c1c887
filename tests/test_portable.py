"""Rules of paths that Windows and macOS have, tried with Python's implementation of them.

`nox -s lint` checks that the package uses no function that one of the systems lacks.
"""

import ntpath
import os
import sys
from pathlib import PureWindowsPath
from types import SimpleNamespace

import pytest

from catdog_keras._printable import shell_command
from catdog_keras.cli import run_folder
from catdog_keras.cli.stderr_filter import filter_stderr
from catdog_keras.datasets import _label_table, _manifest

WINDOWS = SimpleNamespace(
    path=ntpath,
    sep="\\",
    curdir=".",
    pardir="..",
    fspath=os.fspath,
    fsencode=os.fsencode,
    PathLike=os.PathLike,
)
ROOT = PureWindowsPath(r"C:\Photos")


@pytest.mark.parametrize("file", [r"C:\Photos\cats\a.jpg", r"c:\photos\cats\a.jpg"])
def test_manifest_of_windows_has_forward_slashes(file, monkeypatch):
    monkeypatch.setattr(_manifest, "os", WINDOWS)
    assert _manifest.relative_posix_path(ROOT, file) == "cats/a.jpg"


def read_row(path):
    """Checks a row of a manifest with this path."""
    row = {
        "path": path,
        "label": 0,
        "split": "train",
        "size": 1,
        "sha256": "0" * 64,
        "component": 0,
    }
    _manifest._check_manifest_row(row, {"cats": 0})


@pytest.mark.parametrize(
    "path",
    [
        "..\\a.jpg",
        "cats\\..\\..\\a.jpg",
        "C:a.jpg",
        "C:/a.jpg",
        "\\a.jpg",
        "\\\\server\\share\\a.jpg",
        "//server/share/a.jpg",
    ],
)
def test_manifest_paths_that_leave_the_folder_on_windows_are_rejected(path, monkeypatch):
    monkeypatch.setattr(_manifest, "PurePath", PureWindowsPath)
    with pytest.raises(ValueError, match="points outside of the folder"):
        read_row(path)
    read_row("cats/a.jpg")


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (r"cats\a.jpg", "cats/a.jpg"),
        ("cats/a.jpg", "cats/a.jpg"),
        (r"c:\PHOTOS\cats\a.jpg", "cats/a.jpg"),
        (r"D:\Photos\cats\a.jpg", None),
        (r"..\a.jpg", None),
        (r"cats\..\..\a.jpg", None),
    ],
)
def test_table_paths_of_windows_are_relative_to_the_folder(image, expected, monkeypatch):
    monkeypatch.setattr(_label_table, "os", WINDOWS)
    assert _label_table._path_below_root(ROOT, image) == expected


def test_default_run_folder_is_new_where_case_is_ignored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "PHOTOS").mkdir(parents=True)
    monkeypatch.setattr(os.path, "lexists", lambda path: path.name.casefold() == "photos")
    assert run_folder.choose_run_folder("photos", resume=False) == "runs/photos-2"


def test_commands_are_quoted_for_the_command_line_of_windows(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    words = ["catdog-keras", "evaluate", r"C:\my runs\model.keras"]
    assert shell_command(words) == r'catdog-keras evaluate "C:\my runs\model.keras"'


def test_log_lines_stay_where_processes_cannot_fork(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(os, "fork")
    before = os.fstat(2)
    filter_stderr()
    assert os.path.samestat(before, os.fstat(2))
