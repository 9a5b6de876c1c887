"""Batches of a learning-rate sweep: images, or features that a frozen backbone computes once."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from catdog_keras._arrays import Array
from catdog_keras._progress import progress_bar
from catdog_keras._range_check import RangeCheck
from catdog_keras.diagnostics._label_checks import require_labels
from catdog_keras.training._cached_features import FeatureQueue, feature_key
from catdog_keras.training._feature_extractor import FeatureExtractor
from catdog_keras.training._feature_store import FeatureStore
from catdog_keras.training._labeled_batches import (
    Batch,
    empty_data_error,
    not_repeatable_error,
    read_labeled,
)


@dataclass(frozen=True)
class SweepBatches:
    """The batches of a sweep, which are checked when they are read.

    Attributes:
        train: The dataset.
        shape: Shape of an image.
        probe: A compiled model, whose loss must accept the labels.
        ranges: Inspects the images.
        steps: Number of batches in the sweep.
    """

    train: Any
    shape: tuple[int | None, ...]
    probe: keras.Model
    ranges: RangeCheck
    steps: int

    def images(self) -> Iterator[Batch]:
        """Yields batches of images, of one epoch after another."""
        left = self.steps
        for epoch in itertools.count():
            start = left
            for batch in itertools.islice(self._read(), left):
                left -= 1
                yield batch
            if not left:
                return
            if left == start:
                raise (
                    not_repeatable_error("train", self.train)
                    if epoch
                    else empty_data_error("train")
                )

    def features(self, extractor: FeatureExtractor) -> Iterator[Batch]:
        """Yields batches of features; those of the first epoch are used again in the next ones."""
        store = FeatureStore(extractor.feature_shape)
        queue = FeatureQueue("train", extractor, store, augmented=False)
        epoch: list[tuple[list[bytes], Array, Array | None]] = []
        count = itertools.count()
        try:
            with progress_bar("Features of train", None, "batches") as advance:
                for images, labels, weights in itertools.islice(self._read(), self.steps):
                    keys = [feature_key(f"{next(count)}".encode()) for _ in images]
                    for key, image in zip(keys, images, strict=True):
                        queue.put(key, image)
                    epoch.append((keys, labels, weights))
                    advance(1)
                queue.flush()
            if not epoch:
                raise empty_data_error("train")
            for keys, labels, weights in itertools.islice(itertools.cycle(epoch), self.steps):
                yield store[keys], labels, weights
        finally:
            store.close()

    def _read(self) -> Iterator[Batch]:
        for images, labels, weights in read_labeled("train", self.train, self.shape):
            require_labels("train", labels, self.probe)
            self.ranges.see("train", images)
            self.ranges.warn()
            yield images, labels, weights
