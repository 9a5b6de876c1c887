"""Features of all images, which several checks share."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from catdog_keras._backend import has_fast_bfloat16
from catdog_keras._checksum import sha256_of
from catdog_keras._image_files.open_image import decoder_versions
from catdog_keras._progress import progress_bar
from catdog_keras.datasets._image_index import Listing
from catdog_keras.datasets._options import BatchOptions
from catdog_keras.datasets._pipeline import batched_dataset
from catdog_keras.datasets._scan_report import ImageFile
from catdog_keras.diagnostics import extract_features
from catdog_keras.diagnostics._feature_inputs import Floats
from catdog_keras.doctor._feature_cache import cached_features

VERSION = 1  # incremented when the same image and network give other features
BATCH_SIZE = 32


def compute_features(
    found: Sequence[ImageFile],
    root: Path,
    backbone: str | keras.Model,
    weights: str | os.PathLike[str],
    options: BatchOptions,
) -> Floats:
    """Computes the features of images, prepared as for a training.

    Those of a named network are cached. They are computed in bfloat16 where the processor has
    instructions for it.

    Raises:
        WeightsNotFoundError: If the weights are not on this machine and cannot be downloaded.
    """
    prepared = {**options.preparation, "color_mode": "rgb"}
    if not isinstance(backbone, str):
        return _extract_with_progress(found, backbone, weights, prepared, None)
    dtype = "bfloat16" if has_fast_bfloat16() else None
    versions = [VERSION, keras.__version__, keras.backend.backend(), decoder_versions()]
    network = [backbone, _identify_weights(weights), dtype]
    key = json.dumps([os.fspath(root), network, prepared, versions])
    return cached_features(
        found,
        key,
        lambda missing: _extract_with_progress(missing, backbone, weights, prepared, dtype),
    )


def _extract_with_progress(
    found: Sequence[ImageFile],
    backbone: str | keras.Model,
    weights: str | os.PathLike[str],
    prepared: dict[str, Any],
    dtype: str | None,
) -> Floats:
    """Computes the features of images without the cache, with a progress bar."""
    options = BatchOptions.in_order(batch_size=BATCH_SIZE, **prepared)
    paths = tuple(image.path for image in found)
    listing = Listing(paths, np.zeros(len(paths), np.int32))
    dataset = batched_dataset(listing, found, options, shuffled=False)
    with progress_bar("Computing features", len(paths), "images") as advance:

        def batches() -> Iterator[Any]:
            for images, _ in dataset:
                yield images
                advance(len(images))

        return extract_features(batches(), backbone, weights=weights, dtype=dtype)


def _identify_weights(weights: str | os.PathLike[str]) -> str:
    """Returns the SHA-256 of the weights file that computes features, or a published name."""
    file = Path(weights)
    return sha256_of(file) if file.is_file() else str(weights)
