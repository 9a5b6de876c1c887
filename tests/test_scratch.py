"""Scratch folders of killed processes are removed, those of live processes are kept."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from catdog_keras import _scratch
from catdog_keras._scratch import PREFIX, remove_abandoned, scratch_folder
from catdog_keras._write_files import atomic_write_text, output_folder
from catdog_keras.datasets._image_cache import cache_in_file
from catdog_keras.training._checkpoint import Checkpoint

# Creates a scratch folder, reports it, and waits until it is killed or its input ends.
HOLD = """
import sys
from pathlib import Path
from catdog_keras._scratch import scratch_folder
with scratch_folder(Path(sys.argv[1])) as scratch:
    (scratch / "file").touch()
    print(scratch, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path):
    """A live process that uses a scratch folder in `tmp_path`."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def leftovers(folder):
    """Returns the temporary folders that remain below a folder."""
    return list(folder.rglob(f"{PREFIX}*"))


def write_output(folder):
    """Writes a file to an output folder."""
    with output_folder(folder, ["a"]) as scratch:
        (scratch / "a").write_text("a")


WRITERS = {
    "output folder": lambda folder: write_output(folder),
    "next to the output folder": lambda folder: write_output(folder / "out"),
    "manifest": lambda folder: atomic_write_text(folder / "split.json", "{}"),
    "checkpoint": lambda folder: Checkpoint(folder / "state", {}),
    "image cache": lambda folder: cache_in_file(folder, ["a"], (0, 1, 1, 3), []),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_leftover_is_kept_while_its_process_lives_and_removed_afterwards(write, held, tmp_path):
    write(tmp_path)
    assert len(leftovers(tmp_path)) == 1
    held.send_signal(signal.SIGKILL)
    held.wait()
    (tmp_path / "images-x.npy").touch()
    for file in tmp_path.glob("images-*"):  # the cache is written again
        file.unlink()
    write(tmp_path)
    assert leftovers(tmp_path) == []


def test_remove_abandoned_keeps_names_it_does_not_create(tmp_path):
    kept = [f"{PREFIX}novel.txt", f"{PREFIX}x", "unfinished-abcdefgh"]
    for name in kept:
        (tmp_path / name).mkdir()
    (tmp_path / f"{PREFIX}abcdefgh").write_text("a file of the user")
    (tmp_path / f"{PREFIX}12345678").symlink_to(tmp_path / kept[0])
    (tmp_path / f"{PREFIX}abcd_fg1").mkdir()
    remove_abandoned(tmp_path)
    here = {path.name for path in tmp_path.iterdir()}
    assert here == {*kept, f"{PREFIX}abcdefgh", f"{PREFIX}12345678"}
    remove_abandoned(tmp_path / "missing")


def test_folders_are_removed_by_age_where_they_cannot_be_locked(tmp_path, monkeypatch):
    monkeypatch.setattr(_scratch, "lock_folder", lambda _: None)
    new, old = (tmp_path / f"{PREFIX}{letter * 8}" for letter in "ab")
    new.mkdir()
    old.mkdir()
    os.utime(old, (0, 0))
    with scratch_folder(tmp_path) as scratch:
        assert set(tmp_path.iterdir()) == {new, scratch}
    assert list(tmp_path.iterdir()) == [new]


def test_folder_removed_before_it_is_locked_is_created_again(tmp_path, monkeypatch):
    lock, removed = _scratch.lock_folder, []

    def remove_first(folder):
        if not removed:
            removed.append(folder)
            folder.rmdir()
        return lock(folder)

    monkeypatch.setattr(_scratch, "lock_folder", remove_first)
    with scratch_folder(tmp_path) as scratch:
        assert scratch.is_dir()
        assert scratch != removed[0]


def test_no_other_module_imports_the_locks_that_windows_lacks():
    package = Path(_scratch.__file__).parent
    users = [file.name for file in package.rglob("*.py") if "import fcntl" in file.read_text()]
    assert users == ["_scratch.py"]
