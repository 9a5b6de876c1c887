"""Two runs with one output folder: the second one is rejected, and the lock ends with its process."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from catdog_keras import _scratch, _write_files
from catdog_keras._write_files import output_folder
from catdog_keras.cli.argument_checks import check_output_folder

HOLD = """
import sys
from catdog_keras._write_files import output_folder
with output_folder(sys.argv[1], ["a"]) as folder:
    print("locked", flush=True)
    sys.stdin.read()
    (folder / "a").write_text("of the first run")
"""
MESSAGE = (
    r"^`output` must be a folder to which no other run is writing; received output='.*/out'\. "
    r"Wait until that run has ended, or use another folder\.$"
)


@pytest.fixture
def other_run(tmp_path):
    """Another process that writes to the folder `out` until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "out"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "locked\n"
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    "begin",
    [
        lambda path: check_output_folder("output", path, None),
        lambda path: output_folder(path, ["a"]).__enter__(),
    ],
    ids=["check", "run"],
)
def test_second_run_is_rejected_and_the_first_one_is_complete(begin, tmp_path, other_run):
    with pytest.raises(OSError, match=MESSAGE):
        begin(str(tmp_path / "out"))
    assert (tmp_path / "out").is_dir()  # in use, although it is empty
    other_run.communicate("")
    assert other_run.returncode == 0
    assert [file.name for file in tmp_path.rglob("*")] == ["out", "a"]
    begin(str(tmp_path / "out"))


def test_lock_ends_with_a_killed_process(tmp_path, other_run):
    other_run.send_signal(signal.SIGKILL)
    other_run.wait()
    with output_folder(tmp_path / "out", ["a"]) as folder:
        (folder / "a").touch()
    assert [file.name for file in tmp_path.rglob("*")] == ["out", "a"]


def test_link_to_the_folder_is_the_same_folder(tmp_path, other_run):
    (tmp_path / "link").symlink_to("out")
    with pytest.raises(OSError, match="no other run is writing"):
        check_output_folder("output", str(tmp_path / "link"), None)


@pytest.mark.parametrize("names", [[], ["mine"]], ids=["exchanged", "one by one"])
def test_folder_stays_locked_until_the_results_are_published(names, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    for name in names:
        (tmp_path / "out" / name).touch()
    publish = _write_files.publish_files

    def publish_and_check(*arguments):
        publish(*arguments)
        with pytest.raises(BlockingIOError):
            _scratch.lock_folder(tmp_path / "out")

    monkeypatch.setattr(_write_files, "publish_files", publish_and_check)
    with output_folder(tmp_path / "out", ["a"]) as folder:
        (folder / "a").touch()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a", *names}


def test_folder_that_is_removed_before_it_is_locked_is_created_again(tmp_path, monkeypatch):
    lock, removed = _write_files.lock_folder, []

    def remove_first(folder: Path) -> int | None:
        if not removed:
            removed.append(folder)
            number = lock(folder)
            folder.rmdir()
            return number
        return lock(folder)

    monkeypatch.setattr(_write_files, "lock_folder", remove_first)
    with output_folder(tmp_path / "out", ["a"]) as folder:
        assert (tmp_path / "out").is_dir()
        (folder / "a").touch()
    assert removed


def test_folders_that_cannot_be_locked_are_written_without_a_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(_write_files, "lock_folder", lambda _: None)
    path = tmp_path / "out"
    with output_folder(path, ["a"]) as first, output_folder(path, ["a"]) as second:
        (first / "a").touch()
        (second / "a").touch()
    assert [file.name for file in path.iterdir()] == ["a"]


def test_empty_folder_that_another_run_has_locked_is_not_removed(tmp_path):
    lock = _scratch.lock_folder(tmp_path)
    _write_files._remove_empty_folders([tmp_path])
    assert tmp_path.is_dir()
    _scratch.unlock_folder(lock)
    _write_files._remove_empty_folders([tmp_path])
    assert not tmp_path.exists()
