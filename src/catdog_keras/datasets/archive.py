"""A zip archive becomes a folder of files: looked through, then unpacked whole or not at all."""

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
MAX_RATIO = 200  # unpacked to packed; pictures hardly shrink, a zip bomb reaches 1,000 and more

# What Python's decompressors raise at an archive that is damaged or packed in an unknown way.
DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    UnicodeDecodeError,
)
LONGEST_PART = 255  # bytes of one name, as file systems have it
LONGEST_NAME = 1000  # bytes of a name with its folders
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
LOCAL_HEADER_BYTES = 30  # before each member's name and content
LEFTOVER_SECONDS = 24 * 60 * 60  # nothing takes that long: whoever made it is gone


def cache_directory() -> Path:
    """Where downloads and unpacked archives stay: in Keras's own folder, under our name.

    Raises:
        OSError: If it cannot be made.
    """
    home = os.environ.get("KERAS_HOME")
    directory = (Path(home) if home else Path.home() / ".keras") / "catdog_keras"
    with writing_to_cache(directory):
        directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextmanager
def writing_to_cache(directory: Path) -> Iterator[None]:
    """Says of what the system refuses in the block where that is, and how to choose another place.

    Raises:
        OSError: Instead of one of the system.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:  # not the system's: our own words
            raise
        raise OSError(
            f"The folder for downloads and unpacked archives, {str(directory)!r}, cannot be "
            f"written to: {error.strerror}. Set KERAS_HOME to a folder with room for them."
        ) from error


def unpack_archive(archive: Path, directory: Path) -> Path:
    """Unpacks a zip archive once, into a folder named by its content, and returns that folder.

    The archive is looked through before anything is written, and rejected whole if any member is
    not a plain file or folder inside it. The folder appears all at once, when it is complete; one
    from which files were lost is made anew.

    Raises:
        ValueError: If it is no zip archive, is damaged, or has a member that must not be unpacked.
    """
    target = directory / sha256_of(archive)[:32]
    with writing_to_cache(directory):
        directory.mkdir(parents=True, exist_ok=True)
        sweep(directory)
        try:
            with zipfile.ZipFile(archive) as opened:
                members = opened.infolist()
                _check_members(archive, members)
                if not target.is_dir() or _missing(target, members):
                    _unpack(opened, members, target)
        except NotImplementedError as error:  # how zipfile says so of a method, or a later version
            raise ValueError(
                f"{str(archive)!r} is packed in a way that is not read: {error}. Pack it anew, by "
                "any of zip's usual methods."
            ) from error
        except (*DAMAGE, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the system's own; a decompressor's has no number
            raise ValueError(
                f"{str(archive)!r} is no whole zip archive: {error}. Get it anew."
            ) from error
    return target


def _unpack(opened: zipfile.ZipFile, members: list[zipfile.ZipInfo], target: Path) -> None:
    """Unpacks beside `target`, then renames: what is whole there is never away."""
    with tempfile.TemporaryDirectory(prefix=".unpack-", dir=target.parent) as scratch:
        new = Path(scratch) / "new"
        new.mkdir()  # an archive without members makes none
        opened.extractall(new)
        if _missing(new, members):
            raise zipfile.BadZipFile("a member is shorter than the archive says")
        appear(new, target)
        for name in _missing(target, members):  # it was there before, and had lost some
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).replace(target / name)


def _missing(folder: Path, members: list[zipfile.ZipInfo]) -> list[str]:
    """The files that do not lie in the folder with their size."""
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
    """Returns the hash of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sweep(directory: Path) -> None:
    """Removes what processes that were killed long ago left unfinished."""
    for leftover in directory.glob(".*-*"):
        try:
            old = time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS
        except OSError:  # another process was faster
            continue
        if old:
            shutil.rmtree(leftover, ignore_errors=True)


def appear(scratch: Path, target: Path) -> None:
    """Gives a finished folder its name at once; keeps the one of a process that was faster."""
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
        (total > MAX_UNPACKED_BYTES, f"{total:,} bytes unpacked"),
        (total > MAX_RATIO * max(packed, 1), f"{total / max(packed, 1):.0f} times its packed size"),
    )
    for exceeds, what in too_much:
        if exceeds:
            raise ValueError(f"{str(archive)!r} is rejected: it would make {what}.")
    for member in members:
        _reject(archive, member, _wrong_with(member))
    if len({member.filename for member in members}) < len(members):
        raise ValueError(f"{str(archive)!r} is rejected: two of its members have one name.")
    files = {member.filename for member in members if not member.is_dir()}
    ends = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if not files.isdisjoint(_folders(member)):
            _reject(archive, member, "lies in a folder that is also a file")
        if member.header_offset < ends:
            _reject(archive, member, "overlaps another")
        ends = member.header_offset + LOCAL_HEADER_BYTES + member.compress_size


def _reject(archive: Path, member: zipfile.ZipInfo, reason: str) -> None:
    if reason:
        name = member.orig_filename
        raise ValueError(f"{str(archive)!r} is rejected: its member {name!r} {reason}.")


def _wrong_with(member: zipfile.ZipInfo) -> str:
    """Why a member must not be unpacked; empty if nothing speaks against it."""
    name = member.orig_filename
    parts = PurePosixPath(name).parts
    mode = member.external_attr >> 16
    rules = (
        (name.startswith(("/", "\\")) or name[1:2] == ":", "has an absolute name"),
        (".." in PurePosixPath(name.replace("\\", "/")).parts, "points out of the folder"),
        (
            "\\" in name
            or CONTROL.search(name) is not None
            or "/".join(parts) != name.removesuffix("/"),
            "has a name that is no plain path",
        ),
        (not parts, "has a name that is no plain path"),
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
    """The folders that a member needs, a folder itself among them."""
    path = PurePosixPath(member.filename)
    return [str(folder) for folder in ([path] if member.is_dir() else []) + list(path.parents)]
