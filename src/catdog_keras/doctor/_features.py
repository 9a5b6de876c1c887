"""Features of all images, which several checks share."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from catdog_keras._backend import has_fast_bfloat16
from catdog_keras._progress import progress_bar
from catdog_keras.datasets._index import Listing
from catdog_keras.datasets._options import BatchOptions
from catdog_keras.datasets._pipeline import batched_dataset
from catdog_keras.datasets._scan_report import ImageFile
from catdog_keras.diagnostics import extract_features
from catdog_keras.diagnostics._feature_inputs import Floats

BATCH_SIZE = 32


def compute_features(
    found: Sequence[ImageFile],
    backbone: str | keras.Model,
    weights: str | os.PathLike[str],
    options: BatchOptions,
) -> Floats:
    """Computes the features of images, prepared as for a training.

    They are computed in bfloat16 where the processor has instructions for it.

    Raises:
        WeightsNotFoundError: If the weights are not on this machine and cannot be downloaded.
    """
    prepared = {**options.preparation, "color_mode": "rgb"}
    in_order = BatchOptions.in_order(batch_size=BATCH_SIZE, **prepared)
    paths = tuple(image.path for image in found)
    listing = Listing(paths, np.zeros(len(paths), np.int32))
    dataset = batched_dataset(listing, found, in_order, shuffled=False)
    named = isinstance(backbone, str)
    with progress_bar("Computing features", len(paths), "images") as advance:

        def batches() -> Iterator[Any]:
            for images, _ in dataset:
                yield images
                advance(len(images))

        return extract_features(
            batches(),
            backbone,
            weights=weights,
            dtype="bfloat16" if named and has_fast_bfloat16() else None,
        )
