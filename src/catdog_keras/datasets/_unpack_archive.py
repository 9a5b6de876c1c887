"""Safe extraction of zip archives: validated first, then unpacked atomically."""

import hashlib
import os
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from catdog_keras._keras_home import cache_write_errors
from catdog_keras._publish import publish_folder
from catdog_keras._scratch import remove_abandoned, scratch_folder
from catdog_keras.datasets._list_archive_members import Members, list_members
from catdog_keras.datasets._zip_end_record import read_end_record
from catdog_keras.datasets._zip_local_headers import check_local_headers

MAX_MEMBERS = 2_000_000
MAX_LIST_BYTES = 512 * 2**20  # of the names and sizes of all members, which are held in memory
READ_BYTES = 2**18
# Exceptions for an archive that is damaged or in an unknown format.
DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    EOFError,
    UnicodeDecodeError,
)


def unpack_archive(archive: Path, directory: Path) -> Path:
    """Unpacks a zip archive once, to a folder named by its checksum, and returns the folder.

    The archive is validated before anything is written, and rejected if any member is not a regular
    file or folder inside it. The folder is created atomically. Files of an existing folder that are
    missing or have changed are restored. The folder is never removed: other processes may read it.

    Raises:
        ValueError: If the file is not a zip archive, is damaged, or has an unsafe member.
        OSError: If the archive cannot be read, or the folder cannot be written.
    """
    with cache_write_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        remove_abandoned(directory)
    with _archive_errors(archive):
        stream = archive.open("rb")
    with stream:
        with _archive_errors(archive):
            opened, members = _open_archive(archive, stream)
            stream.seek(0)
            target = directory / hashlib.file_digest(stream, "sha256").hexdigest()[:32]
        with cache_write_errors(directory):
            if not target.is_dir() or any(_altered_members(target, members)):
                _unpack_members(archive, opened, members, target)
    return target


@contextmanager
def _archive_errors(archive: Path) -> Iterator[None]:
    """Converts errors of the archive in the block to one that names it.

    Raises:
        ValueError: If the archive is damaged or uses an unsupported method.
        OSError: If the system cannot read it.
    """
    try:
        yield
    except NotImplementedError as error:
        raise ValueError(
            f"{str(archive)!r} uses an unsupported compression method: {error}. Create it "
            "again with a standard method, such as deflate."
        ) from error
    except (*DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(f"{str(archive)!r} cannot be read: {error.strerror}.") from error
        raise ValueError(
            f"{str(archive)!r} is not a valid zip archive (truncated or corrupt): {error}. "
            "Download it again."
        ) from error


def _open_archive(archive: Path, stream: BinaryIO) -> tuple[zipfile.ZipFile, Members]:
    """Opens and validates an archive; memory is bounded before `zipfile` reads it."""
    end = read_end_record(stream)
    if end is None:
        stream.seek(0)
        if stream.read(2) == b"PK":
            raise zipfile.BadZipFile("its end is missing")
        raise ValueError(
            f"{str(archive)!r} is not a zip archive. Pass a folder of class folders or a zip "
            "archive of it; unpack archives of other formats first."
        )
    if end.size > MAX_LIST_BYTES:
        raise ValueError(f"{str(archive)!r} is rejected: {end.size:,} bytes list its members.")
    count = end.count_entries(stream)
    if count > MAX_MEMBERS:
        raise ValueError(f"{str(archive)!r} is rejected: it would unpack to {count:,} members.")
    with warnings.catch_warnings():  # of an empty second name, which is rejected
        warnings.simplefilter("ignore")
        opened = zipfile.ZipFile(stream)
    members = list_members(archive, opened, end)
    offsets = (info.header_offset for info in opened.infolist())
    end.check_prefix(stream, min(offsets, default=end.start))
    check_local_headers(stream, opened, end.start)
    return opened, members


def _unpack_members(archive: Path, opened: zipfile.ZipFile, members: Members, target: Path) -> None:
    """Unpacks to a temporary folder, then renames it; existing files are never removed."""
    with scratch_folder(target.parent) as scratch:
        new = scratch / "new"
        new.mkdir()
        for folder in members.folders:
            (new / folder).mkdir()
        for name, info in members.files.items():
            with (new / name).open("xb") as file:
                for block in _read_member(archive, opened, info):
                    file.write(block)
        publish_folder(new, target)
        if new.is_dir():  # the folder already existed
            for name in _altered_members(target, members):
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                (new / name).replace(target / name)


def _read_member(archive: Path, opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yields the content of a member to unpack, of which `zipfile` compares the checksum."""
    count = 0
    with _archive_errors(archive), opened.open(info) as member:
        while block := member.read(READ_BYTES):
            count += len(block)
            yield block
        if count < info.file_size:
            raise zipfile.BadZipFile("a member is shorter than the archive states")


def _altered_members(folder: Path, members: Members) -> Iterator[str]:
    """Yields the files that are not unpacked in the folder with their size and checksum."""
    for name, info in members.files.items():
        try:
            with (folder / name).open("rb") as file:
                intact = os.fstat(file.fileno()).st_size == info.file_size
                checksum = 0
                while intact and (block := file.read(READ_BYTES)):
                    checksum = zlib.crc32(block, checksum)
        except OSError:
            intact = False
        if not intact or checksum != info.CRC:
            yield name
