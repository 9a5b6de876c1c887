"""Archives: whole or not at all, and never outside their folder."""

import io
import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from catdog_keras.datasets import _archive as archive_module
from catdog_keras.datasets._archive import cache_directory, remove_stale_temp, unpack_archive
from catdog_keras.datasets._source import UNPACKED, discard_unpacked
from tests.corpora.archives import ACCEPTED, PLAIN, REJECTED, zipped


@pytest.fixture
def unpack(tmp_path):
    """Unpacks some bytes as an archive; nothing but the archive and the cache may be there then."""

    def run(content):
        archive = tmp_path / "images.zip"
        archive.write_bytes(content)
        try:
            return unpack_archive(archive, tmp_path / "cache")
        finally:
            assert {path.name for path in tmp_path.iterdir()} == {"images.zip", "cache"}

    return run


@pytest.mark.parametrize("kind", ACCEPTED)
def test_valid_archive_is_unpacked(unpack, kind):
    folder = unpack(ACCEPTED[kind])
    for name, content in PLAIN.items():
        assert (folder / name).read_bytes() == content
    assert [path for path in folder.parent.iterdir() if path != folder] == []


@pytest.mark.parametrize("kind", REJECTED)
def test_invalid_archive_raises_and_leaves_no_file(unpack, tmp_path, kind):
    content, reason = REJECTED[kind]
    with pytest.raises(ValueError, match=re.escape(reason)) as caught:
        unpack(content)
    assert str(tmp_path / "images.zip") in str(caught.value)
    assert list((tmp_path / "cache").iterdir()) == []


def test_archive_with_too_many_members_raises(unpack, monkeypatch):
    monkeypatch.setattr(archive_module, "MAX_MEMBERS", 1)
    with pytest.raises(ValueError, match="is rejected: it would unpack to 2 members"):
        unpack(zipped(PLAIN))


def test_archive_with_too_many_bytes_raises(unpack, monkeypatch):
    monkeypatch.setattr(archive_module, "MAX_UNPACKED_BYTES", 5)
    with pytest.raises(ValueError, match="is rejected: it would unpack to 6 bytes"):
        unpack(zipped(PLAIN))


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_corrupt_archive_raises_or_extracts_correct_files(unpack, tmp_path, data):
    """If a few bytes change, it raises ValueError or extracts only original files."""
    path = str(tmp_path / "images.zip")
    whole = data.draw(st.sampled_from([*ACCEPTED.values()]))
    content = bytearray(whole)
    at = data.draw(st.integers(0, len(content) - 1))
    content[at : at + data.draw(st.integers(1, 4))] = data.draw(st.binary(max_size=4))
    try:
        folder = unpack(bytes(content))
    except ValueError as error:
        rejected = str(error)
    else:
        rejected = ""
    if rejected:
        reasons = ("is not a valid zip", "is rejected", "uses an unsupported compression method")
        assert rejected.startswith(tuple(f"{path!r} {reason}" for reason in reasons))
        return
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        expected = {m.filename: archive.read(m) for m in archive.infolist() if not m.is_dir()}
    files = [file for file in folder.rglob("*") if file.is_file()]
    unpacked = {str(file.relative_to(folder)): file.read_bytes() for file in files}
    assert unpacked == expected


def test_archive_whose_damage_hides_a_member_is_rejected(unpack):
    """With a comment of 256 bytes the first member covers the second one's entry."""
    content = bytearray(zipped({"top/a.jpg": b"one", "top/b.jpg": b"two"}))
    content[content.index(b"PK\1\2") + 33] = 1  # the high byte of the comment's length
    with pytest.raises(ValueError, match="it states 2 members, but lists 1"):
        unpack(bytes(content))


def test_unpacked_folder_is_reused_until_archive_content_changes(tmp_path):
    archive = tmp_path / "images.zip"
    archive.write_bytes(zipped({"top/a.jpg": b"one"}))
    first = unpack_archive(archive, tmp_path / "cache")
    assert (first / "top" / "a.jpg").read_bytes() == b"one"
    (first / "mark").touch()
    assert unpack_archive(archive, tmp_path / "cache") == first
    assert (first / "mark").exists()
    archive.write_bytes(zipped({"top/a.jpg": b"two"}))
    assert unpack_archive(archive, tmp_path / "cache") != first


@pytest.mark.parametrize("harm", ["lose", "cut", "empty"])
def test_missing_or_truncated_unpacked_files_are_restored(tmp_path, harm):
    archive = tmp_path / "images.zip"
    archive.write_bytes(zipped({"top/a.jpg": b"one", "top/b.jpg": b"two"}))
    folder = unpack_archive(archive, tmp_path / "cache")
    lost = folder / "top" / "b.jpg"
    {"lose": lost.unlink, "cut": lambda: lost.write_bytes(b"t"), "empty": lambda: None}[harm]()
    if harm == "empty":
        shutil.rmtree(folder)
        folder.mkdir()
    assert unpack_archive(archive, tmp_path / "cache") == folder
    assert lost.read_bytes() == b"two"
    assert (folder / "top" / "a.jpg").read_bytes() == b"one"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [folder.name]


def test_intact_files_are_kept_when_missing_files_are_restored(tmp_path):
    archive = tmp_path / "images.zip"
    archive.write_bytes(zipped({"top/a.jpg": b"one", "top/b.jpg": b"two"}))
    folder = unpack_archive(archive, tmp_path / "cache")
    before = (folder.stat().st_ino, (folder / "top" / "a.jpg").stat().st_ino)
    (folder / "top" / "b.jpg").unlink()
    unpack_archive(archive, tmp_path / "cache")
    assert (folder.stat().st_ino, (folder / "top" / "a.jpg").stat().st_ino) == before


def test_identical_archives_share_one_unpacked_folder(tmp_path):
    content = zipped({"top/a.jpg": b"one"})
    for name in ("first.zip", "second.zip"):
        (tmp_path / name).write_bytes(content)
    first, second = (
        unpack_archive(tmp_path / n, tmp_path / "cache") for n in ("first.zip", "second.zip")
    )
    assert first == second


def test_remove_stale_temp_removes_only_old_temporary_folders(tmp_path):
    for name in (".unpack-old", ".download-new", "kept-folder"):
        (tmp_path / name).mkdir()
    for name in (".unpack-old", "kept-folder"):
        os.utime(tmp_path / name, (0, 0))
    remove_stale_temp(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".download-new", "kept-folder"]


def test_cache_directory_error_suggests_keras_home(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
    with pytest.raises(
        OSError, match=r"cannot be written to: Not a directory\. Set KERAS_HOME to a"
    ):
        cache_directory()


def test_full_disk_error_suggests_keras_home_and_leaves_no_file(tmp_path, full_disk):
    archive = tmp_path / "images.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.bin", bytes(range(256)) * 8)
    with (
        full_disk(),
        pytest.raises(OSError, match=r"cannot be written to: File too large\. Set KERAS_HOME"),
    ):
        unpack_archive(archive, tmp_path / "unpacked")
    assert list((tmp_path / "unpacked").iterdir()) == []


def test_temporary_folder_that_another_process_removes_is_ignored(tmp_path, monkeypatch):
    (tmp_path / ".unpack-gone").mkdir()
    (tmp_path / ".unpack-old").mkdir()
    os.utime(tmp_path / ".unpack-old", (0, 0))
    stat = Path.stat

    def remove_before(path, **options):
        if path.name == ".unpack-gone" and path.parent == tmp_path:
            shutil.rmtree(path, ignore_errors=True)
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", remove_before)
    remove_stale_temp(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_discarding_a_folder_that_is_gone_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    folder = cache_directory() / UNPACKED / "gone"
    discard_unpacked(folder)
    folder.mkdir(parents=True)
    discard_unpacked(folder)
    assert not folder.exists()
