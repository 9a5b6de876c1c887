"""Cache of the features of images, so that an unchanged image is passed through the network once.

Each folder of images has one file for each network, which is read as a whole and replaced by a
rename. Images are identified by their content. A file that is damaged, or cannot be read or
written, counts as empty: features are then computed again.
"""

import hashlib
import os
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from catdog_keras._keras_home import cache_directory
from catdog_keras._least_recently_used import remove_least_recently_used
from catdog_keras._scratch import scratch_folder
from catdog_keras.datasets._check_cache import SWITCH
from catdog_keras.datasets._scan_report import ImageFile
from catdog_keras.diagnostics._feature_inputs import Floats

FOLDER = "features"
MAX_BYTES = 2**30  # of all files, about 200,000 images with MobileNetV2


def cached_features(
    images: Sequence[ImageFile], key: str, compute: Callable[[list[ImageFile]], Floats]
) -> Floats:
    """Returns the features of images, from the cache where it has them.

    Args:
        images: The images.
        key: Identifies the folder of the images, their preparation and the network.
        compute: Function that returns the features of images that the cache does not have.
    """
    file = _cache_file_of_key(key)
    held = {} if file is None else _read_cached_features(file)
    missing = list({each.sha256: each for each in images if each.sha256 not in held}.values())
    if missing:
        rows = compute(missing)
        held |= {image.sha256: row for image, row in zip(missing, rows, strict=True)}
    features = np.stack([held[image.sha256] for image in images])
    if missing and file is not None:
        _write_cached_features(file, [image.sha256 for image in images], features)
    return features


def _cache_file_of_key(key: str) -> Path | None:
    """Returns the file, or None if the cache is switched off or there is no folder for it."""
    if os.environ.get(SWITCH) == "0":
        return None
    try:
        directory = cache_directory() / FOLDER
    except OSError:
        return None
    return directory / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"


def _read_cached_features(file: Path) -> dict[str, np.ndarray]:
    """Returns the features in a file of the cache by checksum of the image; none if damaged."""
    try:
        # Opened here, because `np.load` does not close a damaged file.
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as content:
            digests, rows = content["digests"].tolist(), content["features"]
        if rows.dtype != np.float32 or rows.ndim != 2:
            return {}
        found = dict(zip(digests, rows, strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
    with suppress(OSError):
        os.utime(file)  # the files that have not been used for the longest time are removed first
    return found


def _write_cached_features(file: Path, digests: Sequence[str], features: Floats) -> None:
    """Replaces a file of the cache; without write permission, nothing is saved."""
    if features.nbytes > MAX_BYTES:
        return
    with suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        with scratch_folder(file.parent) as scratch:
            unfinished = scratch / file.name
            np.savez(unfinished, digests=np.array(digests), features=features)
            unfinished.replace(file)
        remove_least_recently_used(file.parent, ".npz", MAX_BYTES)
