"""The files and folders that a zip archive unpacks to, checked before anything is written."""

import re
import stat
import unicodedata
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from catdog_keras.datasets._zip_end_record import EndRecord
from catdog_keras.datasets._zip_local_headers import (
    ENCRYPTED,
    HEADER,
    encoded_name,
    second_names,
)

MAX_UNPACKED_BYTES = 64 * 2**30
MAX_RATIO = 200  # unpacked to packed size; images hardly shrink, a zip bomb reaches 1,000 and more
# From a few bytes of the other methods, `zipfile` unpacks gigabytes into memory, whatever size the
# archive states. File managers do not open archives that use them either.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MAX_DEPTH = 32  # folders in one another
LONGEST_PART = 255  # bytes of one path component, the limit of most file systems
LONGEST_NAME = 1000  # bytes of a path in the archive
SHOWN_LETTERS = 200  # of a name in an error message

# Control characters, line separators, and characters that change the direction of the text, so that
# a name looks like another one.
CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
# Windows rejects or changes these names, or opens a device or a data stream of another file.
NOT_PORTABLE = re.compile(
    r'[<>:"|?*]|[. ](/|\Z)|(\A|/)(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]) *([./]|\Z)',
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Members:
    """The content of an archive.

    Attributes:
        files: The regular files, by relative path with forward slashes.
        folders: Relative paths of all folders, each after its parent.
    """

    files: dict[str, zipfile.ZipInfo]
    folders: list[str]


def list_members(archive: Path, opened: zipfile.ZipFile, end: EndRecord) -> Members:
    """Returns what an archive unpacks to.

    Raises:
        ValueError: If the archive must not be unpacked.
        zipfile.BadZipFile: If it is damaged.
        NotImplementedError: If it uses an unsupported compression method.
    """
    infos = opened.infolist()
    if len(infos) % end.modulus != end.stated:  # damage can hide members behind a longer one
        raise zipfile.BadZipFile(f"it states {end.stated} members, but lists {len(infos)}")
    _check_unpacked_size(archive, infos)
    named = {}
    utf8 = _are_names_utf8(infos)
    for info in infos:
        name, fault = _inspect_member(info, utf8=utf8)
        if fault:
            raise _rejected_member(archive, name, fault)
        if info.compress_type not in METHODS:
            raise NotImplementedError(f"method {info.compress_type} of {name!r}")
        named[name] = info
    if len(named) < len(infos):
        raise ValueError(f"{str(archive)!r} is rejected: two of its members have the same name.")
    members = _sort_members(archive, named)
    _check_twin_members(archive, [*members.folders, *members.files])
    _check_contents_overlap(archive, named, end.start)
    return members


def _rejected_member(archive: Path, name: str, reason: str) -> ValueError:
    """Returns the error for a member that must not be unpacked."""
    shown = name if len(name) <= SHOWN_LETTERS else f"{name[:SHOWN_LETTERS]}..."
    return ValueError(f"{str(archive)!r} is rejected: its member {shown!r} {reason}.")


def _check_unpacked_size(archive: Path, infos: Iterable[zipfile.ZipInfo]) -> None:
    """Raises if an archive unpacks to too many bytes, or to too many for its packed size."""
    total = sum(info.file_size for info in infos)
    packed = max(sum(info.compress_size for info in infos), 1)
    too_much = (
        (total > MAX_UNPACKED_BYTES, f"{total:,} bytes"),
        (total > MAX_RATIO * packed, f"{total / packed:.0f} times its packed size"),
    )
    for exceeds, what in too_much:
        if exceeds:
            raise ValueError(f"{str(archive)!r} is rejected: it would unpack to {what}.")


def _are_names_utf8(infos: Iterable[zipfile.ZipInfo]) -> bool:
    """Whether all names of members are UTF-8, which programs on Linux and macOS do not state."""
    try:
        for info in infos:
            if not info.orig_filename.isascii():  # encoding long names takes longer than all checks
                encoded_name(info).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _inspect_member(info: zipfile.ZipInfo, *, utf8: bool) -> tuple[str, str]:
    """Returns the path of a member, and why it must not be unpacked, or an empty string.

    With `utf8`, the name is read as UTF-8 even if the archive does not state this encoding.

    The path does not depend on the version of Python: from 3.12 on, `ZipInfo.filename` is the name
    in an extra field. It may repeat the bytes of the name in the header, as programs write it that
    state only the encoding. Another name is rejected, because other programs ignore it.
    """
    raw = encoded_name(info)
    others = {*second_names(info.extra)}
    if others - {raw}:
        return info.orig_filename, "has a second name in its extra field"
    name = raw.decode("utf-8") if others or utf8 else info.orig_filename
    parts = name.removesuffix("/").split("/")
    kind = stat.S_IFMT(info.external_attr >> 16)
    is_folder = name.endswith("/")
    rules = (
        (name.startswith(("/", "\\")) or name[1:2] == ":", "has an absolute path"),
        (".." in name.replace("\\", "/").split("/"), "points outside of the folder"),
        (
            "\\" in name or "" in parts or "." in parts or CONTROL.search(name),
            "has a name that is not a plain path",
        ),
        (
            len(name.encode()) > LONGEST_NAME
            or any(len(part.encode()) > LONGEST_PART for part in parts),
            "has a name that is too long",
        ),
        (len(parts) - (not is_folder) > MAX_DEPTH, f"is in more than {MAX_DEPTH} nested folders"),
        (NOT_PORTABLE.search(name), "has a name that Windows rejects or changes"),
        (kind not in (0, stat.S_IFREG, stat.S_IFDIR), "is neither a file nor a folder"),
        (
            kind == (stat.S_IFREG if is_folder else stat.S_IFDIR)
            or (is_folder and info.file_size > 0),
            "is both a file and a folder",
        ),
        (info.flag_bits & ENCRYPTED, "is encrypted"),
    )
    return name, next((reason for applies, reason in rules if applies), "")


def _sort_members(archive: Path, named: dict[str, zipfile.ZipInfo]) -> Members:
    """Separates files and folders, and adds the folders that only occur in the names of files."""
    files = {name: info for name, info in named.items() if not name.endswith("/")}
    folders: dict[str, None] = {}  # a set that keeps the order
    for name in named:
        missing = []
        end = name.rfind("/")
        while end > 0 and name[:end] not in folders:
            missing.append(name[:end])
            end = name.rfind("/", 0, end)
        folders.update(dict.fromkeys(reversed(missing)))
    for name in named:
        if name in folders:
            inside = next(other for other in named if other.startswith(f"{name}/"))
            raise _rejected_member(archive, inside, "is in a folder that is also a file")
    return Members(files, list(folders))


def _check_twin_members(archive: Path, paths: Iterable[str]) -> None:
    """Raises an error if two paths are the same file on systems that ignore case or composition."""
    first: dict[str, str] = {}
    for path in paths:
        folded = unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())
        other = first.setdefault(folded, path)
        if other != path:
            reason = f"differs from {other!r} only in case or in the form of its accents"
            raise _rejected_member(archive, path, reason)


def _check_contents_overlap(
    archive: Path, named: dict[str, zipfile.ZipInfo], list_start: int
) -> None:
    """Raises if the contents of two members overlap, or reach into the list of members."""
    end = 0
    name = ""
    for name, info in sorted(named.items(), key=lambda item: item[1].header_offset):
        if info.header_offset < end:
            raise _rejected_member(archive, name, "overlaps another member")
        end = info.header_offset + HEADER.size + info.compress_size
    if end > list_start:
        raise zipfile.BadZipFile(f"the content of {name!r} is not in it")
