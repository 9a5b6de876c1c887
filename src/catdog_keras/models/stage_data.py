"""Training data of a fine-tuning stage, in a reproducible order after an interruption."""

from typing import Any

import keras
import numpy as np

from catdog_keras.models.feature_batches import FeatureBatches
from catdog_keras.models.feature_extraction import Collected
from catdog_keras.models.labelled_batches import BATCH_SIZE, Array, read_labelled


class _Pictures:
    """Images, with the interface of a feature store."""

    def __init__(self, pictures: Array) -> None:
        self._pictures = pictures

    def __getitem__(self, places: list[int]) -> Array:
        return self._pictures[places]


def feedable(name: str, data: Any, model: keras.Model, seed: Any) -> Any:
    """Returns a dataset for `fit`: `data` unchanged, or batches of its arrays.

    Arrays are shuffled by `seed`; None keeps their order.
    """
    if not isinstance(data, tuple | list):
        return data
    batches = list(read_labelled(name, data, tuple(model.input_shape[1:])))
    pictures, labels = (np.concatenate(parts) for parts in list(zip(*batches, strict=True))[:2])
    given = [batch[2] for batch in batches if batch[2] is not None]
    size = BATCH_SIZE if isinstance(data, tuple) else len(batches[0][0])
    collected = Collected(
        [[place] for place in range(len(pictures))],
        labels,
        np.concatenate(given) if given else None,
        size,
    )
    return FeatureBatches(_Pictures(pictures), collected, seed)


def begin_passes(data: Any, count: int) -> None:
    """Advances a dataset by `count` epochs without reading them."""
    for _ in range(count):
        if isinstance(data, keras.utils.PyDataset):
            data.on_epoch_end()
        else:
            next(iter(data), None)
