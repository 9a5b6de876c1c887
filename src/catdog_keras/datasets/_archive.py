"""Safe extraction of zip archives: validated first, then unpacked atomically."""

import hashlib
import lzma
import os
import re
import shutil
import stat
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

MAX_MEMBERS = 2_000_000
MAX_UNPACKED_BYTES = 64 * 2**30
MAX_RATIO = 200  # unpacked to packed size; images hardly shrink, a zip bomb reaches 1,000 and more

# Exceptions of Python's decompressors for an archive that is damaged or in an unknown format.
DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    UnicodeDecodeError,
)
LONGEST_PART = 255  # bytes of one path component, the limit of most file systems
LONGEST_NAME = 1000  # bytes of a path in the archive
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
END_RECORD_BYTES = 22 + 65_535  # at most: the end record and its comment
COUNT_IN_ZIP64 = 0xFFFF  # in place of the number of members, which is then in another record
LOCAL_HEADER_BYTES = 30  # in front of each member's name and content
LEFTOVER_SECONDS = 24 * 60 * 60  # older temporary folders belong to processes that ended


def cache_directory() -> Path:
    """Returns the folder of downloads and unpacked archives, `catdog_keras` in Keras's folder.

    Raises:
        OSError: If the folder cannot be created.
    """
    home = os.environ.get("KERAS_HOME")
    directory = (Path(home) if home else Path.home() / ".keras") / "catdog_keras"
    with cache_write_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextmanager
def cache_write_errors(directory: Path) -> Iterator[None]:
    """Converts system errors in the block to one that names the folder and how to choose another.

    Raises:
        OSError: In place of a system error.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:  # raised by this package, not by the system
            raise
        raise OSError(
            f"The folder for downloads and unpacked archives, {str(directory)!r}, cannot be "
            f"written to: {error.strerror}. Set KERAS_HOME to a folder with room for them."
        ) from error


def unpack_archive(archive: Path, directory: Path) -> Path:
    """Unpacks a zip archive once, to a folder named by its checksum, and returns the folder.

    The archive is validated before anything is written, and rejected if any member is not a regular
    file or folder inside it. The folder is created atomically. If files are missing from an
    existing folder, they are restored.

    Raises:
        ValueError: If the file is not a zip archive, is damaged, or has an unsafe member.
    """
    target = directory / sha256_of(archive)[:32]
    with cache_write_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        remove_stale_temp(directory)
        try:
            with zipfile.ZipFile(archive) as opened:
                members = opened.infolist()
                _check_count(archive, len(members))
                _check_members(archive, members)
                if not target.is_dir() or _missing(target, members):
                    _unpack(opened, members, target)
        except NotImplementedError as error:  # unsupported compression method or version
            raise ValueError(
                f"{str(archive)!r} uses an unsupported compression method: {error}. Create it "
                "again with a standard method, such as deflate."
            ) from error
        except (*DAMAGE, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # a system error; those of decompressors have no errno
            raise ValueError(
                f"{str(archive)!r} is not a valid zip archive (truncated or corrupt): {error}. "
                "Download it again."
            ) from error
    return target


def _check_count(archive: Path, count: int) -> None:
    """Raises an error unless the end of the archive states this number of members.

    `zipfile` reads a damaged member as longer than it is, and then omits those after it.
    """
    with archive.open("rb") as stream:
        stream.seek(max(0, archive.stat().st_size - END_RECORD_BYTES))
        tail = stream.read()
    at = tail.rfind(b"PK\5\6") + 10
    stated = int.from_bytes(tail[at : at + 2], "little")
    if stated not in (count % 2**16, COUNT_IN_ZIP64):
        raise zipfile.BadZipFile(f"it states {stated} members, but lists {count}")


def _unpack(opened: zipfile.ZipFile, members: list[zipfile.ZipInfo], target: Path) -> None:
    """Unpacks to a temporary folder, then renames it; existing files are never removed."""
    with tempfile.TemporaryDirectory(prefix=".unpack-", dir=target.parent) as scratch:
        new = Path(scratch) / "new"
        new.mkdir()  # extractall creates no folder for an empty archive
        opened.extractall(new)
        if _missing(new, members):
            raise zipfile.BadZipFile("a member is shorter than the archive states")
        publish(new, target)
        for name in _missing(target, members):  # the folder already existed, with missing files
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).replace(target / name)


def _missing(folder: Path, members: list[zipfile.ZipInfo]) -> list[str]:
    """Returns the members that do not exist in the folder with their full size."""
    return [
        member.filename
        for member in members
        if not member.is_dir() and _size(folder / member.filename) != member.file_size
    ]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return -1


def sha256_of(file: Path) -> str:
    """Returns the SHA-256 of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def remove_stale_temp(directory: Path) -> None:
    """Removes temporary folders of processes that were killed long ago."""
    for leftover in directory.glob(".*-*"):
        try:
            old = time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS
        except OSError:  # removed by another process
            continue
        if old:
            shutil.rmtree(leftover, ignore_errors=True)


def publish(scratch: Path, target: Path) -> None:
    """Renames a finished folder atomically; keeps an existing one of another process."""
    try:
        scratch.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _check_members(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    total = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    too_much = (
        (len(members) > MAX_MEMBERS, f"{len(members):,} members"),
        (total > MAX_UNPACKED_BYTES, f"{total:,} bytes"),
        (total > MAX_RATIO * max(packed, 1), f"{total / max(packed, 1):.0f} times its packed size"),
    )
    for exceeds, what in too_much:
        if exceeds:
            raise ValueError(f"{str(archive)!r} is rejected: it would unpack to {what}.")
    for member in members:
        _reject(archive, member, _find_fault(member))
    if len({member.filename for member in members}) < len(members):
        raise ValueError(f"{str(archive)!r} is rejected: two of its members have the same name.")
    files = {member.filename for member in members if not member.is_dir()}
    ends = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if not files.isdisjoint(_folders(member)):
            _reject(archive, member, "is in a folder that is also a file")
        if member.header_offset < ends:
            _reject(archive, member, "overlaps another member")
        ends = member.header_offset + LOCAL_HEADER_BYTES + member.compress_size


def _reject(archive: Path, member: zipfile.ZipInfo, reason: str) -> None:
    if reason:
        name = member.orig_filename
        raise ValueError(f"{str(archive)!r} is rejected: its member {name!r} {reason}.")


def _find_fault(member: zipfile.ZipInfo) -> str:
    """Returns why a member must not be unpacked, or an empty string."""
    name = member.orig_filename
    parts = PurePosixPath(name).parts
    mode = member.external_attr >> 16
    rules = (
        (name.startswith(("/", "\\")) or name[1:2] == ":", "has an absolute path"),
        (".." in PurePosixPath(name.replace("\\", "/")).parts, "points outside of the folder"),
        (
            "\\" in name
            or CONTROL.search(name) is not None
            or "/".join(parts) != name.removesuffix("/"),
            "has a name that is not a plain path",
        ),
        (not parts, "has a name that is not a plain path"),
        (
            len(name.encode()) > LONGEST_NAME
            or any(len(part.encode()) > LONGEST_PART for part in parts),
            "has a name that is too long",
        ),
        (
            stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR),
            "is neither a file nor a folder",
        ),
        (bool(member.flag_bits & 0x1), "is encrypted"),
    )
    return next((reason for applies, reason in rules if applies), "")


def _folders(member: zipfile.ZipInfo) -> list[str]:
    """Returns the folders that a member requires, including the member if it is a folder."""
    path = PurePosixPath(member.filename)
    return [str(folder) for folder in ([path] if member.is_dir() else []) + list(path.parents)]
