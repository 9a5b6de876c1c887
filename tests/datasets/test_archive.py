"""Archives: whole or not at all, and never outside their folder."""

import io
import os
import shutil
import stat
import warnings
import zipfile

import pytest

from catdog_keras.datasets.archive import cache_directory, sweep, unpack_archive


def _zip(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _link():
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return link


def _zip_rows(rows):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the name that is there twice
        for name, content in rows:
            archive.writestr(name, content)
    return buffer.getvalue()


def _encrypted():
    content = bytearray(_zip({"a.jpg": b"x" * 100}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def _overlapping():
    """Two members in the directory that both point to the first one's content."""
    content = bytearray(_zip_rows([("a.jpg", b"x" * 1000), ("b.jpg", b"y" * 1000)]))
    second = content.rindex(b"PK\x01\x02")
    content[second + 42 : second + 46] = (0).to_bytes(4, "little")
    return bytes(content)


def _damaged():
    content = bytearray(_zip({"a.jpg": bytes(range(256)) * 40}))
    content[60] ^= 0xFF
    return bytes(content)


def _undecompressable():
    content = bytearray(_zip({"a.jpg": bytes(range(256)) * 40}))
    content[35] = 0xFF  # the first byte of the deflated stream names an unknown kind of block
    return bytes(content)


REJECTED = {
    "out of the folder": (_zip({"a/b.jpg": b"x", "../escape.jpg": b"x"}), "points out of"),
    "absolute": (_zip({"/etc/escape.jpg": b"x"}), "has an absolute name"),
    "drive": (_zip({"C:escape.jpg": b"x"}), "has an absolute name"),
    "backslash": (_zip({"a\\b.jpg": b"x"}), "has a name that is no plain path"),
    "link": (_zip({_link(): b"/etc/passwd"}), "is neither a file nor a folder"),
    "bomb": (_zip({"a.jpg": bytes(20_000_000)}), "times its packed size"),
    "file and folder": (
        _zip({"train/a.jpg": b"x", "train": b"x"}),
        "its member 'train/a.jpg' lies in a folder that is also a file",
    ),
    "one name": (_zip_rows([("a.jpg", b"x"), ("a.jpg", b"y")]), "two of its members have one name"),
    "encrypted": (_encrypted(), "its member 'a.jpg' is encrypted"),
    "overlap": (_overlapping(), "its member 'b.jpg' overlaps another"),
    "no zip": (b"<html>log in</html>", "is no whole zip archive"),
    "undecompressable": (_undecompressable(), "is no whole zip archive: Error -3"),
    "damaged": (_damaged(), "is no whole zip archive"),
    "cut": (_zip({"a.jpg": b"x" * 1000})[:-30], "is no whole zip archive"),
}


@pytest.mark.parametrize("kind", REJECTED)
def test_bad_archives_are_rejected_whole(tmp_path, kind):
    content, reason = REJECTED[kind]
    archive = tmp_path / "pictures.zip"
    archive.write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        unpack_archive(archive, tmp_path / "cache")
    left = [path for path in tmp_path.rglob("*") if path not in (archive, tmp_path / "cache")]
    assert left == []


def test_unpacks_once_and_by_content(tmp_path):
    archive = tmp_path / "pictures.zip"
    archive.write_bytes(_zip({"top/a.jpg": b"one"}))
    first = unpack_archive(archive, tmp_path / "cache")
    assert (first / "top" / "a.jpg").read_bytes() == b"one"
    (first / "mark").touch()
    assert unpack_archive(archive, tmp_path / "cache") == first
    assert (first / "mark").exists()
    archive.write_bytes(_zip({"top/a.jpg": b"two"}))
    assert unpack_archive(archive, tmp_path / "cache") != first


@pytest.mark.parametrize("harm", ["lose", "cut", "empty"])
def test_an_unpacked_folder_from_which_files_were_lost_is_made_anew(tmp_path, harm):
    archive = tmp_path / "pictures.zip"
    archive.write_bytes(_zip({"top/a.jpg": b"one", "top/b.jpg": b"two"}))
    folder = unpack_archive(archive, tmp_path / "cache")
    lost = folder / "top" / "b.jpg"
    {"lose": lost.unlink, "cut": lambda: lost.write_bytes(b"t"), "empty": lambda: None}[harm]()
    if harm == "empty":
        shutil.rmtree(folder)
        folder.mkdir()
    assert unpack_archive(archive, tmp_path / "cache") == folder
    assert lost.read_bytes() == b"two"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [folder.name]


def test_one_content_is_unpacked_once_whatever_its_name(tmp_path):
    content = _zip({"top/a.jpg": b"one"})
    for name in ("first.zip", "second.zip"):
        (tmp_path / name).write_bytes(content)
    first, second = (
        unpack_archive(tmp_path / n, tmp_path / "cache") for n in ("first.zip", "second.zip")
    )
    assert first == second


def test_what_a_killed_process_left_is_swept_away_when_it_is_old(tmp_path):
    for name in (".unpack-old", ".download-new", "kept-folder"):
        (tmp_path / name).mkdir()
    for name in (".unpack-old", "kept-folder"):
        os.utime(tmp_path / name, (0, 0))
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".download-new", "kept-folder"]


def test_a_cache_that_cannot_be_made_names_the_way_out(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
    with pytest.raises(OSError, match=r"cannot be made: Not a directory\. Set KERAS_HOME to a"):
        cache_directory()
