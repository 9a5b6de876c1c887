"""Resolves a `source` argument to an image folder: downloads, unpacks or renders it if needed."""

import os
from pathlib import Path

from catdog_keras._checks import check_path, describe
from catdog_keras._keras_home import cache_directory, cache_write_errors
from catdog_keras._progress import progress_bar
from catdog_keras._publish import publish_folder
from catdog_keras._scratch import remove_abandoned, scratch_folder
from catdog_keras.datasets._fetch_archive import fetch_archive
from catdog_keras.datasets._unpack_archive import unpack_archive

UNPACKED = "unpacked"
CATS_DOGS_URL = "https://storage.googleapis.com/mledu-datasets/cats_and_dogs_filtered.zip"


def find_cats_dogs(source: str | os.PathLike[str] | None) -> Path:
    """Resolves a source of cats and dogs to a folder: public, synthetic, or a given path."""
    if source is None or source == "public":
        downloads = cache_directory() / "downloads"
        with cache_write_errors(downloads):
            archive = fetch_archive(CATS_DOGS_URL, downloads)
        return unpack_archive(archive, cache_directory() / UNPACKED)
    if source == "synthetic":
        return _synthetic_directory()
    return find_folder("source", source, "Or pass 'synthetic', or 'public' for the photographs.")


def find_folder(name: str, source: str | os.PathLike[str], others: str = "") -> Path:
    """Resolves a source to a folder: returns a folder unchanged and unpacks an archive.

    Args:
        name: Name of the argument, for error messages.
        source: Path of the folder or archive.
        others: What else the argument can be, for the error if nothing exists there.
    """
    path = check_path(name, source).absolute()  # independent of a later os.chdir
    requirement = "an existing folder or zip archive"
    if not path.exists():
        remedy = f"Check the path. {others}".rstrip()
        raise FileNotFoundError(describe(name, requirement, str(source), remedy))
    if path.is_dir():
        return path
    if not path.is_file():  # reading a FIFO would block
        raise ValueError(describe(name, requirement, str(source), "It is not a regular file."))
    return unpack_archive(path, cache_directory() / UNPACKED)


def _synthetic_directory() -> Path:
    """Resolves the synthetic source: renders it once, to a folder that is created atomically."""
    from catdog_keras.datasets import synthetic  # lazy: imports Pillow

    remove_abandoned(cache_directory())
    target = cache_directory() / f"synthetic-{synthetic.VERSION}"
    if not target.is_dir():
        with (
            cache_write_errors(target.parent),
            scratch_folder(target.parent) as scratch,
            progress_bar("Drawing cats and dogs", synthetic.COUNT, "images") as advance,
        ):
            drawn = scratch / target.name
            synthetic.write_synthetic(drawn, progress=advance)
            publish_folder(drawn, target)
    return target
