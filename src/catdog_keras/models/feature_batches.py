"""Batches of cached features."""

from collections.abc import Sequence
from typing import Any, Protocol

import keras
import numpy as np

from catdog_keras.models.feature_extraction import Collected
from catdog_keras.models.labelled_batches import Array


class Rows(Protocol):
    """Protocol of a store that maps keys to the features of images."""

    def __getitem__(self, keys: list[Any], /) -> Array:
        """Returns the rows of all `keys`, in that order."""


class FeatureBatches(keras.utils.PyDataset):
    """Batches of features and labels; each epoch has every image once, in one of its views."""

    def __init__(
        self, store: Rows, data: Collected, seed: int | Sequence[int] | None = None
    ) -> None:
        """Shuffles and selects views in each epoch, by `seed`; None keeps the order and view 0."""
        super().__init__()
        self._store, self._data, self._batch_size = store, data, data.batch_size
        self._generator = None if seed is None else np.random.default_rng(seed)
        self.on_epoch_end()

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


def draw_seed() -> int:
    """Samples a seed from Keras's global random state, like the rest of a training."""
    return int(keras.random.randint((), 0, 2**31 - 1, dtype="int32"))
