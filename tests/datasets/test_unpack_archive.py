"""Archives: whole or not at all, and never outside their folder."""

import errno
import io
import json
import os
import re
import shutil
import subprocess
import time
import tomllib
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from catdog_keras._keras_home import cache_directory
from catdog_keras.datasets import (
    _list_archive_members as members_module,
    _unpack_archive as archive_module,
    _zip_signatures as signatures_module,
)
from catdog_keras.datasets._unpack_archive import unpack_archive
from tests.corpora.archives import ACCEPTED, PLAIN, REJECTED, bomb_below_its_claim, zipped
from tests.datasets.archive_attacks import run_attacks

CHECKOUT = Path(__file__).parents[2]
CLASSIFIERS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["classifiers"]
PYTHONS = [match[1] for each in CLASSIFIERS if (match := re.search(r"Python :: (3\.\d+)$", each))]


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


def _without_utf8_flag(content):
    """Clears the flags that state UTF-8 names, which Info-ZIP and macOS do not set."""
    changed = bytearray(content)
    for signature, flags in ((b"PK\3\4", 7), (b"PK\1\2", 9)):
        at = changed.find(signature)
        while at >= 0:
            changed[at + flags] &= ~0x08
            at = changed.find(signature, at + 4)
    return bytes(changed)


def test_names_in_utf8_are_read_as_such_if_no_encoding_is_stated(unpack):
    names = ["Hündchen/1.jpg", "кошки/2.jpg", f"猫/{'写真' * 20}.jpg"]
    folder = unpack(_without_utf8_flag(zipped(dict.fromkeys(names, b"x"))))
    assert all((folder / name).is_file() for name in names)


def test_names_that_are_not_utf8_are_read_in_the_encoding_of_zip(unpack):
    content = zipped({"cats/caf\u00e9.jpg": b"x", "dogs/1.jpg": b"x"})
    content = _without_utf8_flag(content).replace("é".encode(), b"\x82s")
    assert (unpack(content) / "cats" / "cafés.jpg").is_file()


def test_second_name_only_in_the_header_of_a_member_is_rejected(unpack):
    info = zipfile.ZipInfo("a/1.jpg")
    second = b"b/2.jpg"
    data = b"\1" + zlib.crc32(b"a/1.jpg").to_bytes(4, "little") + second
    info.extra = (0x7075).to_bytes(2, "little") + len(data).to_bytes(2, "little") + data
    content = zipped({info: b"x"})
    listed = content.index(b"PK\1\2")
    at = content.index(b"\x75\x70", listed)
    content = content[:at] + b"\x76\x70" + content[at + 2 :]  # an unknown field in the list
    with pytest.raises(ValueError, match="contradict each other about its name"):
        unpack(content)


def test_message_about_a_long_name_is_short(unpack):
    with pytest.raises(ValueError, match="has a name that is too long") as caught:
        unpack(zipped({"x" * 60_000: b""}))
    assert len(str(caught.value)) < 1000


def test_archive_with_too_many_members_raises(unpack, monkeypatch):
    monkeypatch.setattr(archive_module, "MAX_MEMBERS", 1)
    with pytest.raises(ValueError, match="is rejected: it would unpack to 2 members"):
        unpack(zipped(PLAIN))


def test_archive_with_too_many_bytes_raises(unpack, monkeypatch):
    monkeypatch.setattr(members_module, "MAX_UNPACKED_BYTES", 5)
    with pytest.raises(ValueError, match="is rejected: it would unpack to 6 bytes"):
        unpack(zipped(PLAIN))


def test_archive_with_too_long_list_of_members_raises_before_it_is_read(unpack, monkeypatch):
    monkeypatch.setattr(archive_module, "MAX_LIST_BYTES", 100)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(ValueError, match=r"is rejected: [\d,]+ bytes list its members"):
        unpack(ACCEPTED["deflated"])


def test_archive_that_states_fewer_members_than_it_lists_raises_before_it_is_read(
    unpack, monkeypatch
):
    content = bytearray(zipped({f"{n}.jpg": b"" for n in range(100)}))
    at = content.rindex(b"PK\5\6")
    content[at + 8 : at + 12] = bytes(4)
    monkeypatch.setattr(archive_module, "MAX_MEMBERS", 99)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(ValueError, match="is rejected: it would unpack to 100 members"):
        unpack(bytes(content))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zip_bomb_below_its_claimed_size_does_not_fill_memory(unpack, method):
    content = bomb_below_its_claim(method, 30_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"is not a valid zip archive|unsupported compression"):
            unpack(content)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


MANY = {
    "empty folders": {f"train/{n}/": b"" for n in range(20_000)},
    "deep names": {"x/" * 31 + f"{n}.jpg": b"" for n in range(20_000)},
    "names too deep": {"x/" * 490 + f"{n}.jpg": b"" for n in range(4_000)},
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", MANY)
def test_archive_of_many_members_is_handled_in_linear_time(unpack, kind, tmp_path_factory):
    """In CPU time, which is compared with that of `zipfile` for the same members in this process.

    It takes up to three times as long; a path object for each parent folder, a hundred times.
    """
    content = zipped(MANY[kind])
    started = time.process_time()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if kind != "names too deep":
            archive.extractall(tmp_path_factory.mktemp("plain"))
    plain = time.process_time() - started
    started = time.process_time()
    for _ in range(2):
        if kind == "names too deep":
            with pytest.raises(ValueError, match="is in more than 32 nested folders"):
                unpack(content)
        else:
            unpack(content)
    assert time.process_time() - started < 8 * plain


@pytest.mark.parametrize("name", ["another archive in front", "a header between two members"])
def test_signature_is_found_across_chunk_borders(unpack, monkeypatch, name):
    content, reason = REJECTED[name]
    for size in range(4, 40):
        monkeypatch.setattr(signatures_module, "CHUNK_BYTES", size)
        with pytest.raises(ValueError, match=reason):
            unpack(content)


def test_hostile_archives_do_not_escape(tmp_path):
    counts = run_attacks(tmp_path)
    assert counts["tried"] > 500
    assert counts["escaped"] == counts["crashed"] == []


@pytest.mark.slow
@pytest.mark.parametrize("version", PYTHONS)
def test_hostile_archives_do_not_escape_on_supported_python(version):
    command = ["tests/datasets/archive_attacks.py"]
    found = _find_python(version)
    if found is None:
        pytest.skip(f"Python {version} is not installed")
    ran = subprocess.run([found, *command], cwd=CHECKOUT, capture_output=True, text=True)
    print(ran.stdout)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    counts = json.loads(ran.stdout)
    assert counts["python"].startswith(f"{version}.")
    assert counts["tried"] > 500


def _find_python(version):
    """Returns an interpreter of this version on PATH or among those of pyenv that starts."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    known = [*pyenv.glob(f"{version}.*/bin/python3"), shutil.which(f"python{version}")]
    for python in filter(None, map(str, known)):
        started = subprocess.run([python, "-c", ""], capture_output=True)
        if started.returncode == 0:
            return python
    return None


def test_file_that_cannot_be_read_while_unpacking_is_named(tmp_path, monkeypatch):
    archive = tmp_path / "images.zip"
    archive.write_bytes(zipped(PLAIN))

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(zipfile.ZipExtFile, "read", fail)
    with pytest.raises(OSError, match=r"images\.zip' cannot be read: Input/output error\.$"):
        unpack_archive(archive, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_archive_whose_only_end_record_lists_no_member_is_rejected(unpack):
    """The record at the beginning, which data may contain, becomes the last one by the damage."""
    content = ACCEPTED["behind the signature of an end"]
    damaged = content[: content.rindex(b"PK\5\6")] + content[content.rindex(b"PK\5\6") + 4 :]
    with pytest.raises(ValueError, match="its list of members is missing"):
        unpack(damaged)


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
        reasons = (
            "is not a valid zip",
            "is not a zip",
            "is rejected",
            "uses an unsupported compression method",
        )
        assert rejected.startswith(tuple(f"{path!r} {reason}" for reason in reasons))
        return
    unpacked = contents_of(folder)
    # Not compared with `zipfile`, which ignores the field with the name in Unicode.
    assert unpacked == contents_of(unpack(whole))


def contents_of(folder):
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_archive_whose_damage_changes_the_encoding_of_a_name_is_rejected(unpack):
    content = bytearray(zipped({"top/ü.jpg": b"one"}))
    content[content.index(b"PK\1\2") + 9] &= ~8  # the flag of UTF-8 names
    with pytest.raises(ValueError, match="contradict each other about the encoding of its name"):
        unpack(bytes(content))


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


@pytest.mark.parametrize("harm", ["lose", "cut", "change", "empty"])
def test_missing_or_altered_unpacked_files_are_restored(tmp_path, harm):
    archive = tmp_path / "images.zip"
    archive.write_bytes(zipped({"top/a.jpg": b"one", "top/b.jpg": b"two"}))
    folder = unpack_archive(archive, tmp_path / "cache")
    lost = folder / "top" / "b.jpg"
    if harm == "lose":
        lost.unlink()
    elif harm != "empty":
        lost.write_bytes({"cut": b"t", "change": b"tWo"}[harm])
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


def test_relative_keras_home_gives_absolute_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", "here")
    assert cache_directory() == tmp_path / "here" / "catdog_keras"


def test_keras_home_with_tilde_is_expanded_as_keras_does(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", "~/keras")
    assert cache_directory() == tmp_path / "keras" / "catdog_keras"


def test_user_without_home_folder_gets_error_with_keras_home(no_home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match=r"has no home folder\. Set KERAS_HOME to the absolute path"):
        cache_directory()
    assert list(tmp_path.iterdir()) == []


def test_user_without_home_folder_can_set_keras_home(no_home, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "catdog_keras"
