"""Data for `fit`: datasets unchanged, and arrays in batches that are shuffled in each epoch."""

from typing import Any

import keras
import numpy as np

from catdog_keras import _backend
from catdog_keras._arrays import Array
from catdog_keras._batches import batch_size_of, is_arrays
from catdog_keras._checks import describe, describe_received
from catdog_keras.diagnostics._label_checks import require_labels
from catdog_keras.training._feature_batches import FeatureBatches, FeatureIndex
from catdog_keras.training._labeled_batches import empty_data_error, join_weights, read_labeled


class _ImageStore:
    """Images as data for `fit`, with the interface of a feature store."""

    def __init__(self, images: Array) -> None:
        self._images = images

    def __getitem__(self, places: list[int]) -> Array:
        return self._images[places]


def as_fit_data(name: str, data: Any, model: keras.Model, seed: Any) -> Any:
    """Returns a dataset for `fit`: `data` unchanged, or batches of its arrays.

    Arrays are shuffled by `seed`; None keeps their order.
    """
    if not isinstance(data, tuple | list):
        return data
    if len(model.inputs) != 1:  # `read_labeled` reads images and labels alone
        requirement = "a dataset other than a tuple or list for a model with several inputs"
        raise ValueError(describe_received(name, requirement, f"a {type(data).__name__}"))
    batches = list(read_labeled(name, data, tuple(model.input_shape[1:])))
    if not batches:
        raise empty_data_error(name)
    shapes = sorted({images.shape[1:] for images, _, _ in batches})
    if len(shapes) > 1:
        listed = ", ".join(map(str, shapes))
        remedy = "Resize them, or pass a dataset that is not a list."
        raise ValueError(describe(name, "a list of images of one size", listed, remedy))
    images, labels = (np.concatenate(parts) for parts in list(zip(*batches, strict=True))[:2])
    require_labels(name, labels, model)
    weights = join_weights(name, [batch[2] for batch in batches])
    size = batch_size_of(data) if is_arrays(data) else len(batches[0][0])
    if _backend.requires_tf_data(model):
        arrays = [images, labels] if weights is None else [images, labels, weights]
        return _backend.as_tf_data(arrays, size, seed)
    collected = FeatureIndex([[place] for place in range(len(images))], labels, weights, size)
    return FeatureBatches(_ImageStore(images), collected, seed)
