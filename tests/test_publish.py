"""Publication of results: one exchange of folders, or file by file next to the user's files."""

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from catdog_keras import _publish
from catdog_keras._write_files import output_folder, save_text

NAMES = ["extra", "record", "model"]


def write(folder, content, names=("record", "model")):
    """Writes files to an output folder, which appear together."""
    with output_folder(folder, NAMES) as scratch:
        for name in names:
            (scratch / name).write_text(content)


def read(folder):
    """Returns the content of each file of a folder, by name."""
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.fixture(params=["exchange", "no exchange", "file of the user"])
def output(request, tmp_path, monkeypatch):
    """An output folder that can be exchanged, or not."""
    if request.param == "no exchange":
        monkeypatch.setattr(_publish, "_exchange_atomically", lambda *_: False)
    (tmp_path / "out").mkdir()
    if request.param == "file of the user":
        (tmp_path / "out" / "mine").write_text("mine")
    return tmp_path / "out"


def test_new_results_replace_all_results_of_an_earlier_run(output):
    before = read(output)
    write(output, "old", NAMES)
    write(output, "new")
    assert read(output) == before | {"record": "new", "model": "new"}
    assert [path.name for path in output.parent.iterdir()] == ["out"]


def test_failed_run_keeps_earlier_results_and_leaves_nothing(output):
    write(output, "old")
    before = read(output)
    with pytest.raises(TypeError), output_folder(output, NAMES) as scratch:
        (scratch / "model").write_text(1)
    assert read(output) == before
    assert [path.name for path in output.parent.iterdir()] == ["out"]


def test_folder_keeps_its_permissions(output):
    output.chmod(0o2750)
    write(output, "new")
    assert stat.S_IMODE(output.stat().st_mode) == 0o2750


def test_new_folder_has_default_permissions(tmp_path):
    write(tmp_path / "a" / "out", "new")
    (tmp_path / "plain").mkdir()
    assert (tmp_path / "a" / "out").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_working_directory_is_not_exchanged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = tmp_path.stat().st_ino
    write(".", "new")
    assert read(Path()) == {"record": "new", "model": "new"}
    assert tmp_path.stat().st_ino == before


def test_linked_output_folder_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    write(tmp_path / "out", "new")
    assert (tmp_path / "out").is_symlink()
    assert read(tmp_path / "real") == {"record": "new", "model": "new"}


def test_file_written_by_another_process_during_the_exchange_is_kept(tmp_path, monkeypatch):
    exchange, output = _publish._exchange_atomically, tmp_path / "out"

    def write_first(*folders):
        (output / "mine").write_text("mine")
        return exchange(*folders)

    monkeypatch.setattr(_publish, "_exchange_atomically", write_first)
    write(output, "new")
    assert read(output) == {"record": "new", "model": "new", "mine": "mine"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT])
def test_full_disk_is_reported_with_argument_and_path(number, output):
    write(output, "old")
    before = read(output)
    message = "`report` must be a writable folder"
    with pytest.raises(OSError, match=message) as caught, output_folder(output, NAMES, "report"):
        raise OSError(number, os.strerror(number))
    assert f"report={str(output)!r}. {os.strerror(number)}." in str(caught.value)
    assert read(output) == before


def test_removed_output_folder_is_reported_without_hidden_names(tmp_path):
    output = tmp_path / "above" / "out"

    def write_to_removed_folder():
        with output_folder(output, NAMES) as scratch:
            (tmp_path / "above").rename(tmp_path / "elsewhere")
            (scratch / "model").write_text("new")

    with pytest.raises(OSError, match="`output` must be a writable folder") as caught:
        write_to_removed_folder()
    assert "unfinished" not in str(caught.value)
    assert f"output={str(output)!r}. No such file or directory." in str(caught.value)


def test_error_of_another_file_is_not_reported_as_the_outputs(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, output_folder(tmp_path / "out", NAMES):
        (tmp_path / "image.png").read_bytes()
    assert caught.value.filename == str(tmp_path / "image.png")


@pytest.mark.slow
def test_readers_never_find_a_mix_or_nothing_while_many_write(tmp_path):
    output = tmp_path / "out"
    write(output, "start")
    end, torn = threading.Event(), []

    def rewrite(number):
        for repeat in range(60):
            try:
                write(output, f"{number} {repeat}")
            except OSError as error:
                if "no other run is writing" not in str(error):
                    torn.append(error)

    def read_both():
        folder = os.open(output, os.O_RDONLY)  # one folder: the path may be another one's later
        try:
            opened = [os.open(name, os.O_RDONLY, dir_fd=folder) for name in ("record", "model")]
        except FileNotFoundError:
            return  # the folder was exchanged, and its old files are being removed
        finally:
            os.close(folder)
        contents = {os.read(file, 100) for file in opened}
        for file in opened:
            os.close(file)
        if len(contents) > 1:
            torn.append(contents)

    def check():
        while not end.is_set():
            read_both()

    writers = [threading.Thread(target=rewrite, args=(number,)) for number in range(8)]
    readers = [threading.Thread(target=check) for _ in range(2)]
    for thread in [*writers, *readers]:
        thread.start()
    for thread in writers:
        thread.join()
    end.set()
    for thread in readers:
        thread.join()
    assert torn == []
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_file_behind_a_link_is_replaced_and_the_link_kept(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "old.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "there" / "old.csv")
    (tmp_path / "new.csv").symlink_to(tmp_path / "there" / "new.csv")
    for name in ("link.csv", "new.csv"):
        save_text(tmp_path / name, "new")
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / name).read_text() == "new"
    assert (tmp_path / "there" / "old.csv").read_text() == "new"
    assert sorted(path.name for path in tmp_path.rglob("*.csv")) == [
        "link.csv",
        "new.csv",
        "new.csv",
        "old.csv",
    ]


def test_files_that_another_program_wrote_meanwhile_are_not_replaced(output):
    """They do not have the name of a result of an earlier run."""

    def sort():
        with output_folder(output, ()) as scratch:
            (scratch / "cats").mkdir()
            (scratch / "cats" / "1.jpg").write_text("copy")
            (output / "cats").mkdir()
            (output / "cats" / "2.jpg").write_text("mine")

    with pytest.raises(OSError, match=r"must be a writable.*Another program wrote there meanwhile"):
        sort()
    assert [path.name for path in (output / "cats").iterdir()] == ["2.jpg"]


def test_mount_point_on_the_same_device_gets_complete_copies(output, monkeypatch):
    """As a bind mount, to which files cannot be renamed from outside."""

    def replace(self, target):
        if Path(target).parent == output and self.parent.parent != output:
            raise OSError(errno.EXDEV, "Invalid cross-device link", str(self), None, str(target))
        os.replace(self, target)  # noqa: PTH105 - it is replaced

    (output / "kept").write_text("mine")
    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(_publish, "_exchange_atomically", lambda *_: False)
    with output_folder(output, ["figures", "model"]) as scratch:
        (scratch / "model").write_text("new")
        (scratch / "figures").mkdir()
        (scratch / "figures" / "1.svg").write_text("drawn")
    assert (output / "model").read_text() == "new"
    assert (output / "figures" / "1.svg").read_text() == "drawn"
    assert not [path.name for path in output.iterdir() if path.name.startswith(".")]
    assert [path.name for path in output.parent.iterdir()] == ["out"]
