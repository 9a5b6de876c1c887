"""Features of the images of a dataset, computed where the cache does not have them."""

import hashlib
from typing import Any

import numpy as np

from catdog_keras._arrays import Array
from catdog_keras._batches import count_batches
from catdog_keras._progress import progress_bar
from catdog_keras._range_check import RangeCheck
from catdog_keras.training._feature_batches import FeatureIndex
from catdog_keras.training._feature_extractor import BATCH_SIZE, FeatureExtractor
from catdog_keras.training._feature_store import FeatureStore, Rows
from catdog_keras.training._labeled_batches import (
    empty_data_error,
    join_weights,
    pixels_not_finite_error,
    read_labeled,
)


def cache_features(
    name: str,
    data: Any,
    extractor: FeatureExtractor,
    store: FeatureStore,
    *,
    num_views: int,
    keyed: bool,
    ranges: RangeCheck,
) -> FeatureIndex:
    """Computes the features of a dataset's images that are not yet in the store, and adds them.

    The first view is the unchanged image, the others are augmented. With `keyed`, the key of an
    image is a hash of its content; otherwise it is its position in the dataset. `ranges` inspects
    the images.
    """
    keys: list[list[bytes]] = []
    labels, weights = [], []
    queues = [FeatureQueue(name, extractor, store, augmented=flag) for flag in (False, True)]
    with progress_bar(f"Features of {name}", count_batches(data), "batches") as advance:
        for images, batch_labels, batch_weights in read_labeled(name, data, extractor.image_shape):
            ranges.see(name, images)
            if not ranges.is_finite:  # a compiled ReLU can turn NaN into 0
                raise pixels_not_finite_error(name)
            ranges.warn()
            for image in images:
                mark = (
                    f"{image.shape}".encode() + image.tobytes()
                    if keyed
                    else f"{name} {len(keys)}".encode()
                )
                keys.append([feature_key(mark, view) for view in range(num_views)])
                for view, key in enumerate(keys[-1]):
                    queues[view > 0].put(key, image)
            labels.append(batch_labels)
            weights.append(batch_weights)
            advance(1)
    for queue in queues:
        queue.flush()
    if not keys:
        raise empty_data_error(name)
    ranges.warn(is_complete=True)
    return FeatureIndex(
        keys,
        np.concatenate(labels),
        join_weights(name, weights),
        len(labels[0]),
    )


def feature_key(mark: bytes, view: int = 0) -> bytes:
    """Returns the key of a view of an image, which is identified by `mark`, such as its content."""
    return hashlib.sha256(bytes([view]) + mark).digest()


class FeatureQueue:
    """Collects images of one size until they fill a batch, and stores their features."""

    def __init__(
        self, name: str, extractor: FeatureExtractor, store: FeatureStore, *, augmented: bool
    ) -> None:
        self._name = name
        self._extractor, self._store, self._augmented = extractor, store, augmented
        self._waiting: dict[bytes, Array] = {}

    def put(self, key: bytes, image: Array) -> None:
        """Adds an image, unless the store has its features."""
        if key in self._store:
            return
        waiting = next(iter(self._waiting.values()), image)
        if waiting.shape != image.shape:
            self.flush()
        self._waiting[key] = image
        if len(self._waiting) == BATCH_SIZE:
            self.flush()

    def flush(self) -> None:
        """Computes and stores the features of the images that wait."""
        if self._waiting:
            images = np.stack(list(self._waiting.values()))
            rows = self._extractor.compute(images, augmented=self._augmented)
            _check_finite_features(self._name, images, rows)
            self._store.add(self._waiting, rows)
            self._waiting = {}


def _check_finite_features(name: str, images: Array, features: Rows) -> None:
    """Raises an error if features are not finite: the loss and all weights would become NaN."""
    if np.isfinite(features).all():
        return
    if not np.isfinite(images).all():
        raise pixels_not_finite_error(name)
    largest = max(abs(float(images.min())), abs(float(images.max())))
    raise ValueError(
        f"`{name}` must hold images with finite features; the frozen layers return NaN or infinite "
        f"values for finite pixels, of up to {largest:.4g}. Check the weights, and the value range "
        'of the images. Layers in float16 overflow above 65504: use `dtype="float32"`.'
    )
