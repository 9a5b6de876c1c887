"""One archive of each kind: those that unpack, and those that are rejected whole, with the reason."""

import gzip
import io
import stat
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Iterable, Mapping

PLAIN = {"top/a.jpg": b"one", "top/b.jpg": b"two"}


def zipped(
    members: Mapping[str, bytes] | Iterable[tuple[object, bytes]],
    method: int = zipfile.ZIP_DEFLATED,
    comment: bytes = b"",
) -> bytes:
    """A zip archive of names (or `ZipInfo`) and contents."""
    rows = members.items() if isinstance(members, Mapping) else members
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that is there twice
        archive.comment = comment
        for name, content in rows:
            member = zipfile.ZipInfo(name) if isinstance(name, str) else name  # dated 1980, always
            archive.writestr(member, content, method)
    return buffer.getvalue()


class _NoSeeking(io.RawIOBase):
    """A pipe, as it seems: sizes and checksums must then follow the contents."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:
        self.written += data
        return len(data)


def _streamed() -> bytes:
    pipe = _NoSeeking()
    with zipfile.ZipFile(pipe, "w") as archive:
        for name, content in PLAIN.items():
            archive.writestr(name, content)
    return bytes(pipe.written)


def _zip64() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in PLAIN.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(content)
    return buffer.getvalue()


def _of_mode(mode: int) -> bytes:
    member = zipfile.ZipInfo("top/a.jpg")
    member.external_attr = mode << 16
    return zipped([(member, b"/etc/passwd")])


def _through_a_link() -> bytes:
    link = zipfile.ZipInfo("top")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped([(link, b"/tmp"), ("top/a.jpg", b"one")])


def _named(name: str) -> bytes:
    """An archive with a name that Python's own writer would tidy up."""
    member = zipfile.ZipInfo("x" * len(name))
    content = zipped([(member, b"one")])
    return content.replace(member.filename.encode(), name.encode())


def _central(content: bytes, at: int, form: str, value: int, which: int = -1) -> bytes:
    """An archive with a field of one entry of its directory set to a value."""
    starts = [i for i in range(len(content)) if content.startswith(b"PK\x01\x02", i)]
    spoilt = bytearray(content)
    struct.pack_into(form, spoilt, starts[which] + at, value)
    return bytes(spoilt)


def _flagged(bit: int) -> bytes:
    content = bytearray(zipped({"a.jpg": b"x" * 100}))
    content[6] |= bit
    content[content.index(b"PK\x01\x02") + 8] |= bit
    return bytes(content)


def _changed(content: bytes, at: int, value: int) -> bytes:
    return content[:at] + bytes([value]) + content[at + 1 :]


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.jpg"), io.BytesIO())
    return buffer.getvalue()


_ONE = zipped(PLAIN)
_STORED = zipped(PLAIN, zipfile.ZIP_STORED)
_DATA = bytes(range(256)) * 40
_BIG = zipped({"a.jpg": _DATA})
_NO_UTF8 = zipped({"é.jpg": b"one"}).replace("é".encode(), b"\xff\xff")

ACCEPTED = {
    "stored": _STORED,
    "deflated": _ONE,
    "bzip2": zipped(PLAIN, zipfile.ZIP_BZIP2),
    "lzma": zipped(PLAIN, zipfile.ZIP_LZMA),
    "zip64": _zip64(),
    "streamed": _streamed(),
    "with a comment": zipped(PLAIN, comment=b"from the roof"),
    "behind other bytes": b"#!/bin/sh\n" + _ONE,
    "with folder entries": zipped({"top/": b"", **PLAIN}),
    "a zip in it": zipped({**PLAIN, "top/inner.zip": _ONE}),
    "names of the world": zipped({**PLAIN, "top/кошка 猫 👩‍🦰 نمی‌دانم.jpg": b"three"}),
}

_NOT_WHOLE = "is not a valid zip archive"
_NO_PATH = "has a name that is not a plain path"

REJECTED = {
    "out of the folder": (zipped({"a/b.jpg": b"x", "../escape.jpg": b"x"}), "points outside of"),
    "out of it on a detour": (zipped({"a/../../escape.jpg": b"x"}), "points outside of"),
    "out of it with backslashes": (zipped({"..\\escape.jpg": b"x"}), "points outside of"),
    "the folder above": (zipped({"..": b"x"}), "points outside of"),
    "absolute": (zipped({"/etc/escape.jpg": b"x"}), "has an absolute path"),
    "a share": (zipped({"//host/escape.jpg": b"x"}), "has an absolute path"),
    "a drive": (zipped({"C:escape.jpg": b"x"}), "has an absolute path"),
    "a backslash": (zipped({"a\\b.jpg": b"x"}), _NO_PATH),
    "a null": (_named("a\0b.jpg"), _NO_PATH),
    "a line break": (zipped({"a\nb.jpg": b"x"}), _NO_PATH),
    "an escape sequence": (zipped({"a\x1b[2Jb.jpg": b"x"}), _NO_PATH),
    "a dot": (_named("./a.jpg"), _NO_PATH),
    "only a dot": (_named("."), _NO_PATH),
    "two slashes": (_named("a//b.jpg"), _NO_PATH),
    "no name": (zipped([(zipfile.ZipInfo(""), b"x")]), _NO_PATH),
    "no UTF-8": (_NO_UTF8, _NOT_WHOLE),
    "a name too long": (zipped({"x" * 252 + ".jpg": b"x"}), "has a name that is too long"),
    "a path too long": (zipped({"x/" * 2100 + "a.jpg": b"x"}), "has a name that is too long"),
    "a link": (_of_mode(stat.S_IFLNK | 0o777), "is neither a file nor a folder"),
    "a link and a file through it": (_through_a_link(), "is neither a file nor a folder"),
    "a pipe": (_of_mode(stat.S_IFIFO | 0o644), "is neither a file nor a folder"),
    "a device": (_of_mode(stat.S_IFCHR | 0o644), "is neither a file nor a folder"),
    "a socket": (_of_mode(stat.S_IFSOCK | 0o644), "is neither a file nor a folder"),
    "encrypted": (_flagged(0x01), "its member 'a.jpg' is encrypted"),
    "strongly encrypted": (_flagged(0x41), "its member 'a.jpg' is encrypted"),
    "one name twice": (zipped([("a.jpg", b"x"), ("a.jpg", b"y")]), "two of its members have the same name"),
    "file and folder": (zipped({"train/a.jpg": b"x", "train": b"x"}), "its member 'train/a.jpg' is in a folder that is also a file"),
    "overlapping": (_central(zipped({"a.jpg": _DATA, "b.jpg": _DATA}, 0), 42, "<I", 0), "its member 'b.jpg' overlaps another"),
    "a bomb": (zipped({"a.jpg": bytes(20_000_000)}), "times its packed size"),
    "a bomb of many": (zipped({f"{n}.jpg": bytes(1_000_000) for n in range(20)}), "times its packed size"),
    "claims too much": (_central(_ONE, 24, "<I", 2**32 - 2), "times its packed size"),
    "claims too little": (_central(_BIG, 24, "<I", 10), _NOT_WHOLE),
    "claims more than it has": (_central(_STORED, 24, "<I", 100), _NOT_WHOLE),
    "packed in an unknown way": (_central(_BIG, 10, "<H", 99), "uses an unsupported compression method"),
    "undecompressable": (_changed(_BIG, 35, 0xFF), _NOT_WHOLE),
    "another checksum": (_central(_STORED, 16, "<I", 1), _NOT_WHOLE),
    "a changed byte": (_changed(_BIG, 60, _BIG[60] ^ 0xFF), _NOT_WHOLE),
    "two names for one": (_STORED.replace(b"top/a.jpg", b"top/c.jpg", 1), _NOT_WHOLE),
    "pointing nowhere": (_central(_ONE, 42, "<I", 10**6), _NOT_WHOLE),
    "without its end": (_BIG[:-30], _NOT_WHOLE),
    "half": (_BIG[: len(_BIG) // 2], _NOT_WHOLE),
    "without its beginning": (_ONE[40:], "its member 'top/a.jpg' overlaps another"),
    "empty": (b"", _NOT_WHOLE),
    "a log-in page": (b"<html>log in</html>", _NOT_WHOLE),
    "tar": (_tar(), _NOT_WHOLE),
    "gzip": (gzip.compress(b"x" * 1000), _NOT_WHOLE),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(100), _NOT_WHOLE),
    "rar": (b"Rar!\x1a\x07\x01\x00" + bytes(100), _NOT_WHOLE),
}  # fmt: skip
