"""Batches of cached features, and the index of the cached images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np

from catdog_keras._arrays import Array


@dataclass(frozen=True)
class FeatureIndex:
    """The images of a dataset, as keys of their cached features.

    Attributes:
        keys: For each image the keys of its views in the store.
        labels: Labels of all images.
        weights: Sample weights of all images, or None.
        batch_size: Number of images in the first batch.
    """

    keys: list[list[Any]]
    labels: Array
    weights: Array | None
    batch_size: int


class FeatureRows(Protocol):
    """Protocol of a store that maps keys to the features of images."""

    def __getitem__(self, keys: list[Any], /) -> Array:
        """Returns the rows of all `keys`, in that order."""


class FeatureBatches(keras.utils.PyDataset):
    """Batches of features and labels; each epoch has every image once, in one of its views."""

    def __init__(
        self, store: FeatureRows, data: FeatureIndex, seed: int | Sequence[int] | None = None
    ) -> None:
        """Shuffles and selects views in each epoch, by `seed`; None keeps the order and view 0."""
        super().__init__()
        self._store, self._data, self._batch_size = store, data, data.batch_size
        self._generator = None if seed is None else np.random.default_rng(seed)
        self.on_epoch_end()

    @property
    def first_labels(self) -> Any:
        """Label of one image, with a batch dimension."""
        return self._data.labels[:1]

    @property
    def labels(self) -> Array:
        """Labels of all images."""
        return self._data.labels

    @property
    def has_weights(self) -> bool:
        """Whether the batches contain sample weights."""
        return self._data.weights is not None

    def __len__(self) -> int:
        """Returns the number of batches; the last may be smaller."""
        return -(-len(self._data.keys) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """Returns one batch: features, labels and, if present, sample weights."""
        start = index * self._batch_size
        places = self._order[start : start + self._batch_size]
        keys = [self._data.keys[place][self._views[place]] for place in places]
        batch = (self._store[keys], self._data.labels[places])
        return batch if self._data.weights is None else (*batch, self._data.weights[places])

    def on_epoch_end(self) -> None:
        """Samples the order and the views of the next epoch."""
        count = len(self._data.keys)
        self._order = np.arange(count)
        self._views = np.zeros(count, int)
        if self._generator is not None:
            self._generator.shuffle(self._order)
            self._views = self._generator.integers(0, len(self._data.keys[0]), count)
