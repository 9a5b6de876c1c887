"""Download of an archive, with a checksum that is pinned on first use."""

import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from catdog_keras._checksum import sha256_of
from catdog_keras._message import argument, setting
from catdog_keras._progress import progress_bar
from catdog_keras._scratch import remove_abandoned, scratch_folder
from catdog_keras._warnings import warn
from catdog_keras._write_files import atomic_write_text

DOWNLOAD_TIMEOUT_SECONDS = 30
DOWNLOAD_RETRIES = 2
MAX_DOWNLOAD_BYTES = 8 * 2**30
CHUNK_BYTES = 2**20


def fetch_archive(url: str, directory: Path) -> Path:
    """Downloads an archive once and returns its path.

    The file is downloaded under a temporary name and renamed when it is complete and a valid zip
    archive. The first checksum is pinned in a file next to it; later downloads must match.

    Raises:
        OSError: If the download fails, is not a zip archive, or does not match the checksum.
    """
    target = directory / PurePosixPath(url).name
    record = directory / f"{target.name}.sha256"
    directory.mkdir(parents=True, exist_ok=True)
    remove_abandoned(directory)
    known = record.read_text(encoding="ascii").strip() if record.exists() else None
    if not target.exists():
        _download_archive(url, target, known)
    digest = sha256_of(target)
    if known is None:
        atomic_write_text(record, digest)
        warn(
            f"No published checksum for {url}. Recorded SHA-256 {digest} in {str(record)!r}; later "
            "downloads must match.",
        )
    elif digest != known:
        raise OSError(
            f"{str(target)!r} has the SHA-256 {digest}, but {known} was recorded at the first "
            "download: it is damaged or was replaced. Delete it to download it again."
        )
    return target


def _download_archive(url: str, target: Path, known: str | None) -> None:
    """Downloads an archive to `target` if it matches the checksum `known` and is a zip archive."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    with scratch_folder(target.parent) as scratch:
        fetcher = pooch.create(
            scratch,
            base_url="",
            registry={target.name: known},
            urls={target.name: url},
            retry_if_failed=DOWNLOAD_RETRIES,
        )
        try:
            arrived = Path(fetcher.fetch(target.name, downloader=_stream_to_file))
        except requests.RequestException as error:
            raise OSError(
                f"{url} could not be downloaded ({type(error).__name__}). Without a network, give "
                "the path of the archive as "
                + argument("source")
                + ", or use "
                + setting("source", '"synthetic"')
                + "."
            ) from error
        except ValueError as error:  # raised by pooch for a checksum mismatch
            raise OSError(
                f"The archive from {url} differs from the first download, whose SHA-256 is "
                f"{known}. If the new archive is trusted, delete {str(target) + '.sha256'!r}."
            ) from error
        if not zipfile.is_zipfile(arrived):
            raise OSError(
                f"The response from {url} is not a zip archive; it may be a login or proxy page. "
                "Download the archive manually and pass its path as " + argument("source") + "."
            )
        arrived.replace(target)


def _stream_to_file(url: str, path: str, _: Any) -> None:
    """Downloads an archive like pooch's own downloader, with a size limit and a progress bar."""
    import requests

    with requests.get(url, stream=True, timeout=DOWNLOAD_TIMEOUT_SECONDS) as response:
        response.raise_for_status()
        total = int(response.headers.get("Content-Length", 0))
        with (
            Path(path).open("wb") as file,
            progress_bar("Downloading", total, "bytes") as advance,
        ):
            for chunk in response.iter_content(CHUNK_BYTES):
                file.write(chunk)
                advance(len(chunk))
                if file.tell() > MAX_DOWNLOAD_BYTES:
                    raise OSError(f"{url} sends more than {MAX_DOWNLOAD_BYTES:,} bytes: stopped.")
