"""A zip archive, from its address to a folder of files: download, verify, unpack."""

import hashlib
import os
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

MAX_MEMBERS = 2_000_000
MAX_UNPACKED_BYTES = 64 * 2**30
MAX_RATIO = 200  # unpacked to packed; pictures hardly shrink, a zip bomb reaches 1,000 and more
DOWNLOAD_TIMEOUT_SECONDS = 30


def cache_directory() -> Path:
    """Where downloads and unpacked archives stay: in Keras's own folder, under our name.

    Raises:
        OSError: If it cannot be made.
    """
    home = os.environ.get("KERAS_HOME")
    directory = (Path(home) if home else Path.home() / ".keras") / "catdog_keras"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"The folder for downloads and unpacked archives, {str(directory)!r}, cannot be made: "
            f"{error.strerror}. Set KERAS_HOME to a folder that can be written to."
        ) from error
    return directory


def fetch_archive(url: str, directory: Path) -> Path:
    """Downloads an archive once and returns its path.

    The file comes under a temporary name and gets its own only when it is whole and a zip.

    Raises:
        OSError: If it cannot be downloaded or is no zip archive.
    """
    target = directory / PurePosixPath(url).name
    if target.exists():
        return target
    import pooch
    import requests

    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".download-", dir=directory) as scratch:
        download = pooch.HTTPDownloader(timeout=DOWNLOAD_TIMEOUT_SECONDS, progressbar=False)
        arrived = Path(scratch) / target.name
        try:
            pooch.get_logger().setLevel("WARNING")
            pooch.retrieve(url, None, fname=arrived.name, path=scratch, downloader=download)
        except requests.RequestException as error:
            raise OSError(
                f"{url} could not be downloaded ({type(error).__name__}). Without a network, give "
                'the path of the archive as `source`, or use source="synthetic".'
            ) from error
        if not zipfile.is_zipfile(arrived):
            raise OSError(
                f"What came from {url} is no zip archive, but perhaps the page of a login or a "
                "proxy. Download it by hand and give its path as `source`."
            )
        arrived.replace(target)
    return target


def unpack_archive(archive: Path, directory: Path) -> Path:
    """Unpacks a zip archive once, into a folder named by its content, and returns that folder.

    The archive is looked through before anything is written, and rejected whole if any member is
    not a plain file or folder inside it. The folder appears all at once, when it is complete.

    Raises:
        ValueError: If it is no zip archive, is damaged, or has a member that must not be unpacked.
    """
    with archive.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    target = directory / f"{archive.stem}-{digest[:16]}"
    if target.is_dir():
        return target
    directory.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".unpack-", dir=directory))
    try:
        _extract(archive, scratch)
        appear(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def appear(scratch: Path, target: Path) -> None:
    """Gives a finished folder its name at once; keeps the one of a process that was faster."""
    try:
        scratch.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _extract(archive: Path, directory: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            _check_members(archive, members)
            for member in members:
                opened.extract(member, directory)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as error:
        raise ValueError(
            f"{str(archive)!r} is no whole zip archive: {error}. Get it anew."
        ) from error


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
    files = {member.filename for member in members if not member.is_dir()}
    for member in members:
        reason = _reason_to_reject(member, files)
        if reason:
            raise ValueError(
                f"{str(archive)!r} is rejected: its member {member.filename!r} {reason}."
            )


def _reason_to_reject(member: zipfile.ZipInfo, files: set[str]) -> str:
    name = member.orig_filename
    mode = member.external_attr >> 16
    rules = (
        (name.startswith(("/", "\\")) or name[1:2] == ":", "has an absolute name"),
        (".." in PurePosixPath(name.replace("\\", "/")).parts, "points out of the folder"),
        ("\\" in name or "\0" in name, "has a name that is no plain path"),
        (
            bool(mode) and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_IFMT(mode) == 0),
            "is neither a file nor a folder",
        ),
        (bool(member.flag_bits & 0x1), "is encrypted"),
        (not files.isdisjoint(_folders(member)), "lies in a folder that is also a file"),
    )
    return next((reason for applies, reason in rules if applies), "")


def _folders(member: zipfile.ZipInfo) -> list[str]:
    """The folders that a member needs, a folder itself among them."""
    path = PurePosixPath(member.filename)
    return [str(folder) for folder in ([path] if member.is_dir() else []) + list(path.parents)]
