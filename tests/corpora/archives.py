"""One archive of each kind: those that unpack, and those that are rejected whole, with the reason."""

import gzip
import io
import stat
import struct
import tarfile
import warnings
import zipfile
import zlib
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


def _streamed_archive() -> bytes:
    """An archive as written to a pipe: sizes and checksums follow the contents."""
    pipe = _NoSeeking()
    with zipfile.ZipFile(pipe, "w") as archive:
        for name, content in PLAIN.items():
            archive.writestr(name, content)
    return bytes(pipe.written)


def _streamed_with(sums: str, *, signature: bytes = b"PK\7\x08", change: int = 0) -> bytes:
    """A streamed archive whose first sums are written in another form, or with another checksum."""
    content = _streamed_archive()
    start = content.index(b"PK\7\x08")
    checksum, packed, size = struct.unpack_from("<3L", content, start + 4)
    written = signature + struct.pack(sums, checksum ^ change, packed, size)
    spoilt = bytearray(content[:start] + written + content[start + 16 :])
    moved = len(written) - 16
    end = spoilt.rindex(b"PK\5\6")
    struct.pack_into("<L", spoilt, end + 16, struct.unpack_from("<L", spoilt, end + 16)[0] + moved)
    second = spoilt.rindex(b"PK\1\2") + 42
    struct.pack_into("<L", spoilt, second, struct.unpack_from("<L", spoilt, second)[0] + moved)
    return bytes(spoilt)


def _unlisted(which: int) -> bytes:
    """An archive with a member that is not in its list."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {**PLAIN, "top/c.jpg": b"three"}.items():
            archive.writestr(name, content)
        archive.filelist.pop(which)
    return buffer.getvalue()


def _with_bytes_between(between: bytes) -> bytes:
    """An archive with other bytes between its two members."""
    content = bytearray(_STORED)
    second = content.index(b"PK\3\4", 4)
    for at, record in ((42, content.rindex(b"PK\1\2")), (16, content.rindex(b"PK\5\6"))):
        position = record + at
        offset = struct.unpack_from("<L", content, position)[0]
        struct.pack_into("<L", content, position, offset + len(between))
    return bytes(content[:second] + between + content[second:])


def _zip64_archive() -> bytes:
    """An archive with 64-bit sizes in front of small contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in PLAIN.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(content)
    return buffer.getvalue()


def _with_mode(mode: int) -> bytes:
    """An archive whose member has a mode of Unix, such as that of a link or a device."""
    member = zipfile.ZipInfo("top/a.jpg")
    member.external_attr = mode << 16
    return zipped([(member, b"/etc/passwd")])


def _through_a_link() -> bytes:
    """An archive with a link to a folder, and a member in it."""
    link = zipfile.ZipInfo("top")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped([(link, b"/tmp"), ("top/a.jpg", b"one")])


def _with_exact_name(name: str) -> bytes:
    """An archive with a name that Python's own writer would tidy up."""
    member = zipfile.ZipInfo("x" * len(name))
    content = zipped([(member, b"one")])
    return content.replace(member.filename.encode(), name.encode())


def with_second_name(
    name: str, second: str | bytes, content: bytes = b"one", *, version: int = 1
) -> bytes:
    """An archive of one file with another name in the extra field that Python 3.12 obeys."""
    member = zipfile.ZipInfo(name)
    raw = name.encode("ascii" if name.isascii() else "utf-8")
    encoded = second.encode() if isinstance(second, str) else second
    data = struct.pack("<BL", version, zlib.crc32(raw)) + encoded
    member.extra = struct.pack("<HH", 0x7075, len(data)) + data
    return zipped([("train/cats/b.jpg", b"two"), (member, content)], zipfile.ZIP_STORED)


def _info_zip() -> bytes:
    """As Info-ZIP writes names: UTF-8 that only the extra field states."""

    member = zipfile.ZipInfo("top/\u043a\u043e\u0448\u043a\u0430.jpg")
    raw = member.filename.encode()
    data = struct.pack("<BL", 1, zlib.crc32(raw)) + raw
    member.extra = struct.pack("<HH", 0x7075, len(data)) + data
    content = bytearray(zipped([*PLAIN.items(), (member, b"three")]))
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        position = content.rindex(signature) + at
        content[position : position + 2] = b"\0\0"
    return bytes(content)


def _zip64_offset(offset: int) -> bytes:
    """An archive whose last member is said to be at an offset of 64 bits."""
    member = zipfile.ZipInfo("top/c.jpg")
    member.extra = struct.pack("<HHQ", 1, 8, offset)
    return _with_directory_field(zipped([*PLAIN.items(), (member, b"x")]), 42, "<L", 2**32 - 1)


def _zip64_end(count: int) -> bytes:
    """An archive with a second end record, for large archives, that states another number."""
    content = zipped(PLAIN)
    at = content.rindex(b"PK\5\6")
    size, offset = struct.unpack_from("<LL", content, at + 12)
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
    return content[:at] + record + locator + content[at:]


def bomb_below_its_claim(method: int, unpacked: int) -> bytes:
    """A member of zeros that claims to unpack to 10 bytes."""
    return _with_directory_field(zipped({"a.jpg": bytes(unpacked)}, method), 24, "<L", 10)


def _with_directory_field(content: bytes, at: int, form: str, value: int, which: int = -1) -> bytes:
    """An archive with a field of one entry of its directory set to a value."""
    starts = [i for i in range(len(content)) if content.startswith(b"PK\x01\x02", i)]
    spoilt = bytearray(content)
    struct.pack_into(form, spoilt, starts[which] + at, value)
    return bytes(spoilt)


def _folder_with_content() -> bytes:
    """An archive with a folder that has content."""
    return _with_exact_name("top/").replace(b"x" * 4, b"top/")


def _longer_comment(content: bytes, extra: int) -> bytes:
    """An archive whose end record states a comment that is still to follow."""
    return content[:-2] + struct.pack("<H", extra)


def _with_flag(bit: int) -> bytes:
    """An archive whose member has a bit of its flags set, in both of its headers."""
    content = bytearray(zipped({"a.jpg": b"x" * 100}))
    content[6] |= bit
    content[content.index(b"PK\x01\x02") + 8] |= bit
    return bytes(content)


def _with_header_field(at: int, form: str, value: int, content: bytes | None = None) -> bytes:
    """An archive with a field of the header in front of its first member set to a value."""
    spoilt = bytearray(zipped({"a.jpg": b"x" * 100}) if content is None else content)
    struct.pack_into(form, spoilt, at, value)
    return bytes(spoilt)


def _with_byte(content: bytes, at: int, value: int) -> bytes:
    """An archive with one byte changed."""
    return content[:at] + bytes([value]) + content[at + 1 :]


def _tar_archive() -> bytes:
    """A tar archive, which is not a zip archive."""
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
    "zip64": _zip64_archive(),
    "streamed": _streamed_archive(),
    "streamed with sizes of 8 bytes": _streamed_with("<L2Q"),
    "streamed without a signature": _streamed_with("<3L", signature=b""),
    "with bytes between members": _with_bytes_between(b"PK\3 PK\4"),
    "with a comment": zipped(PLAIN, comment=b"from the roof"),
    "behind other bytes": b"#!/bin/sh\n" + _ONE,
    "with folder entries": zipped({"top/": b"", **PLAIN}),
    "a zip in it": zipped({**PLAIN, "top/inner.zip": _ONE}),
    "names of the world": zipped({**PLAIN, "top/кошка 猫 👩‍🦰 نمی‌دانم.jpg": b"three"}),
    "names of Info-ZIP": _info_zip(),
    "a stored zip in it": zipped({**PLAIN, "top/inner.zip": _ONE}, zipfile.ZIP_STORED),
    "behind the signature of an end": b"PK\5\6" + bytes(40) + _ONE,
    "names that are nearly devices": zipped({**PLAIN, "top/console.jpg": b"x", "top/com10": b"x", "top/a.nul": b"x"}),
    "names with spaces and dots": zipped({**PLAIN, "top/a b.c d.jpg": b"x", "top/.hidden": b"x", "top/ b": b"x"}),
    "32 folders deep": zipped({**PLAIN, "x/" * 32 + "a.jpg": b"x"}),
}  # fmt: skip

_NOT_WHOLE = "is not a valid zip archive"
_NO_ZIP = "is not a zip archive. Pass a folder"
_NO_PATH = "has a name that is not a plain path"
_NOT_PORTABLE = "has a name that Windows rejects or changes"
_SECOND_NAME = "has a second name in its extra field"
_TWIN = "only in case or in the form of its accents"

REJECTED = {
    "out of the folder": (zipped({"a/b.jpg": b"x", "../escape.jpg": b"x"}), "points outside of"),
    "out of it on a detour": (zipped({"a/../../escape.jpg": b"x"}), "points outside of"),
    "out of it with backslashes": (zipped({"..\\escape.jpg": b"x"}), "points outside of"),
    "the folder above": (zipped({"..": b"x"}), "points outside of"),
    "absolute": (zipped({"/etc/escape.jpg": b"x"}), "has an absolute path"),
    "a share": (zipped({"//host/escape.jpg": b"x"}), "has an absolute path"),
    "a drive": (zipped({"C:escape.jpg": b"x"}), "has an absolute path"),
    "a backslash": (zipped({"a\\b.jpg": b"x"}), _NO_PATH),
    "a null": (_with_exact_name("a\0b.jpg"), _NO_PATH),
    "a line break": (zipped({"a\nb.jpg": b"x"}), _NO_PATH),
    "an escape sequence": (zipped({"a\x1b[2Jb.jpg": b"x"}), _NO_PATH),
    "a dot": (_with_exact_name("./a.jpg"), _NO_PATH),
    "only a dot": (_with_exact_name("."), _NO_PATH),
    "two slashes": (_with_exact_name("a//b.jpg"), _NO_PATH),
    "no name": (zipped([(zipfile.ZipInfo(""), b"x")]), _NO_PATH),
    "no UTF-8": (_NO_UTF8, _NOT_WHOLE),
    "a name too long": (zipped({"x" * 252 + ".jpg": b"x"}), "has a name that is too long"),
    "a path too long": (zipped({"x/" * 2100 + "a.jpg": b"x"}), "has a name that is too long"),
    "too deep": (zipped({"x/" * 33 + "a.jpg": b"x"}), "is in more than 32 nested folders"),
    "a folder too deep": (zipped({"x/" * 33: b""}), "is in more than 32 nested folders"),
    "a second name outside": (with_second_name("a.jpg", "../../escape.jpg"), _SECOND_NAME),
    "a second name in the unpacked folder": (with_second_name("a.jpg", "../new/a.jpg"), _SECOND_NAME),
    "a second absolute name": (with_second_name("a.jpg", "/tmp/escape.jpg"), _SECOND_NAME),
    "a second plain name": (with_second_name("train/cats/a.jpg", "train/dogs/a.jpg"), _SECOND_NAME),
    "a second name that is a folder": (with_second_name("a.jpg", "a/"), _SECOND_NAME),
    "a second name with control characters": (with_second_name("a.jpg", "\x1b[2J\n\a"), _SECOND_NAME),
    "a second name too long": (with_second_name("a.jpg", "x" * 300), _SECOND_NAME),
    "an empty second name": (with_second_name("a.jpg", ""), _SECOND_NAME),
    "a second name of a later version": (with_second_name("a.jpg", "b.jpg", version=2), _SECOND_NAME),
    "a null and a second name": (with_second_name("a.jpg", "a.jpg\0"), _SECOND_NAME),
    "names that differ in case": (zipped({"top/A.jpg": b"x", "top/a.jpg": b"y"}), _TWIN),
    "folders that differ in case": (zipped({"Cats/a.jpg": b"x", "cats/b.jpg": b"y"}), _TWIN),
    "names that differ in composition": (zipped({"\u00e9.jpg": b"x", "e\u0301.jpg": b"y"}), _TWIN),
    "names that differ in case beyond ASCII": (zipped({"\u00c9.jpg": b"x", "e\u0301.jpg": b"y"}), _TWIN),
    "a file and a folder that differ in case": (zipped({"A": b"x", "a/b.jpg": b"y"}), _TWIN),
    "a stream": (zipped({"cats/a.jpg:stream": b"x"}), _NOT_PORTABLE),
    "a device of Windows": (zipped({"cats/CON": b"x"}), _NOT_PORTABLE),
    "a device with an extension": (zipped({"cats/nul.jpg": b"x"}), _NOT_PORTABLE),
    "a device with two extensions": (zipped({"cats/Com1 .tar.gz": b"x"}), _NOT_PORTABLE),
    "a folder that is a device": (zipped({"aux/a.jpg": b"x"}), _NOT_PORTABLE),
    "a name that ends in a dot": (zipped({"cats./a.jpg": b"x"}), _NOT_PORTABLE),
    "a name that ends in a space": (zipped({"cats/a.jpg ": b"x"}), _NOT_PORTABLE),
    "a wildcard": (zipped({"cats/*.jpg": b"x"}), _NOT_PORTABLE),
    "a bidi override": (zipped({"cats/a\u202egpj.exe": b"x"}), _NO_PATH),
    "a bidi isolate": (zipped({"cats/a\u2066.jpg": b"x"}), _NO_PATH),
    "a line separator": (zipped({"cats/a\u2028.jpg": b"x"}), _NO_PATH),
    "a folder with content": (_folder_with_content(), "is both a file and a folder"),
    "a folder by its mode": (_with_mode(stat.S_IFDIR | 0o755), "is both a file and a folder"),
    "another archive in front": (_ONE + _STORED, "it begins with another zip archive"),
    "a large archive in front": (_zip64_end(2) + _STORED, "it begins with another zip archive"),
    "another archive in the comment": (zipped({"a.jpg": b"x"}, comment=_ONE), "its comment contains another zip archive"),
    "another archive behind": (_longer_comment(_STORED, len(_ONE)) + _ONE, "its comment contains another zip archive"),
    "two different ends": (_zip64_end(3), "its two end records contradict each other"),
    "a member beyond the end": (_zip64_offset(2**62), _NOT_WHOLE),
    "a member at the last offset": (_zip64_offset(2**64 - 1), _NOT_WHOLE),
    "a link": (_with_mode(stat.S_IFLNK | 0o777), "is neither a file nor a folder"),
    "a link and a file through it": (_through_a_link(), "is neither a file nor a folder"),
    "a pipe": (_with_mode(stat.S_IFIFO | 0o644), "is neither a file nor a folder"),
    "a device": (_with_mode(stat.S_IFCHR | 0o644), "is neither a file nor a folder"),
    "a socket": (_with_mode(stat.S_IFSOCK | 0o644), "is neither a file nor a folder"),
    "encrypted": (_with_flag(0x01), "its member 'a.jpg' is encrypted"),
    "strongly encrypted": (_with_flag(0x41), "its member 'a.jpg' is encrypted"),
    "encrypted by its own header": (_with_header_field(6, "<H", 0x1), "contradict each other about whether it is encrypted"),
    "strongly encrypted by its own header": (_with_header_field(6, "<H", 0x40), "contradict each other about whether it is encrypted"),
    "encrypted by the list": (_with_directory_field(_BIG, 8, "<H", 0x1), "its member 'a.jpg' is encrypted"),
    "another method in its own header": (_with_header_field(8, "<H", 0), "contradict each other about its compression method"),
    "another size in its own header": (_with_header_field(22, "<L", 99), "contradict each other about its size"),
    "no size in its own header": (_with_header_field(22, "<L", 0), "contradict each other about its size"),
    "another compressed size in its own header": (_with_header_field(18, "<L", 99), "contradict each other about its compressed size"),
    "another checksum in its own header": (_with_header_field(14, "<L", 99), "contradict each other about its checksum"),
    "another size in a streamed header": (_with_header_field(22, "<L", 99, _streamed_archive()), "contradict each other about its size"),
    "another large size in its own header": (_with_header_field(51, "<Q", 99, _zip64_archive()), "contradict each other about its compressed size"),
    "another checksum behind its content": (_streamed_with("<3L", change=1), "contradict each other about the checksum and sizes behind"),
    "another checksum and wide sizes": (_streamed_with("<L2Q", change=1), "contradict each other about the checksum and sizes behind"),
    "an unlisted member in front": (_unlisted(0), "it contains a member that it does not list"),
    "an unlisted member between two": (_unlisted(1), "it contains a member that it does not list"),
    "an unlisted member behind the others": (_unlisted(2), "it contains a member that it does not list"),
    "a header between two members": (_with_bytes_between(b"xPK\3\4"), "it contains a member that it does not list"),
    "the signature of an end in the comment": (zipped(PLAIN, comment=b"PK\5\6 hello"), "its comment contains the signature of an end"),
    "one name twice": (zipped([("a.jpg", b"x"), ("a.jpg", b"y")]), "two of its members have the same name"),
    "file and folder": (zipped({"train/a.jpg": b"x", "train": b"x"}), "its member 'train/a.jpg' is in a folder that is also a file"),
    "overlapping": (_with_directory_field(zipped({"a.jpg": _DATA, "b.jpg": _DATA}, 0), 42, "<I", 0), "its member 'b.jpg' overlaps another"),
    "a bomb": (zipped({"a.jpg": bytes(20_000_000)}), "times its packed size"),
    "a bomb of many": (zipped({f"{n}.jpg": bytes(1_000_000) for n in range(20)}), "times its packed size"),
    "claims too much": (_with_directory_field(_ONE, 24, "<I", 2**32 - 2), "times its packed size"),
    "claims too little": (_with_directory_field(_BIG, 24, "<I", 10), _NOT_WHOLE),
    "claims more than it has": (_with_directory_field(_STORED, 24, "<I", 100), _NOT_WHOLE),
    "bzip2": (zipped(PLAIN, zipfile.ZIP_BZIP2), "uses an unsupported compression method: method 12"),
    "lzma": (zipped(PLAIN, zipfile.ZIP_LZMA), "uses an unsupported compression method: method 14"),
    "packed in an unknown way": (_with_directory_field(_BIG, 10, "<H", 99), "uses an unsupported compression method"),
    "undecompressable": (_with_byte(_BIG, 35, 0xFF), _NOT_WHOLE),
    "another checksum": (_with_directory_field(_STORED, 16, "<I", 1), _NOT_WHOLE),
    "a changed byte": (_with_byte(_BIG, 60, _BIG[60] ^ 0xFF), _NOT_WHOLE),
    "two names for one": (_STORED.replace(b"top/a.jpg", b"top/c.jpg", 1), _NOT_WHOLE),
    "pointing nowhere": (_with_directory_field(_ONE, 42, "<I", 10**6), _NOT_WHOLE),
    "without its end": (_BIG[:-30], _NOT_WHOLE),
    "half": (_BIG[: len(_BIG) // 2], _NOT_WHOLE),
    "without its beginning": (_ONE[40:], "its beginning is missing"),
    "empty": (b"", _NO_ZIP),
    "a log-in page": (b"<html>log in</html>", _NO_ZIP),
    "tar": (_tar_archive(), _NO_ZIP),
    "gzip": (gzip.compress(b"x" * 1000), _NO_ZIP),
    "an image": (b"\xff\xd8\xff\xe0" + bytes(100), _NO_ZIP),
    "tar.gz": (gzip.compress(_tar_archive()), _NO_ZIP),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(100), _NO_ZIP),
    "rar": (b"Rar!\x1a\x07\x01\x00" + bytes(100), _NO_ZIP),
}  # fmt: skip
