"""Augmentation that mixes several images and their labels, as MixUp and CutMix do."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy.typing as npt

from catdog_keras._checks import describe

MIXING = (keras.layers.MixUp, keras.layers.CutMix)
MIX_IN_DATASET = (
    "Apply it to batches of the dataset: `train.map(lambda x, y: mix({'images': x, 'labels': y}))`."
)
_TOLERANCE = 1e-4


def check_no_mixing(name: str, value: Any) -> None:
    """Raises a ValueError if a layer or model mixes images, but cannot mix their labels."""
    for layer in _layer_and_nested_layers(value):
        if isinstance(layer, MIXING):
            kind = type(layer).__name__
            requirement = "without layers that mix images, whose labels would not be mixed"
            error = describe(name, requirement, value, f"It has {kind}. {MIX_IN_DATASET}")
            raise ValueError(error)  # noqa: TRY004 - the type is a layer, as required


def mixes_images(value: Any) -> bool:
    """Returns whether a layer, or one that it wraps, mixes images."""
    return any(isinstance(layer, MIXING) for layer in _layer_and_nested_layers(value))


def _layer_and_nested_layers(value: Any) -> Iterator[Any]:
    """Yields a layer or model and all nested layers, any of which may mix images."""
    yield value
    nested = getattr(value, "layers", None)
    for each in nested if isinstance(nested, list | tuple) else [getattr(value, "layer", None)]:
        if isinstance(each, keras.Layer):
            yield from _layer_and_nested_layers(each)


def has_mixed_labels(labels: npt.NDArray[Any]) -> bool:
    """Returns whether rows are mixes of two one-hot rows in different proportions.

    Smoothed labels have equal proportions, and those of a teacher model all classes in each row.
    """
    if labels.ndim != 2 or labels.shape[1] < 2 or labels.dtype.kind != "f":
        return False
    largest = labels.max(axis=1)
    mixed = largest[(largest < 1 - _TOLERANCE) & ((labels > _TOLERANCE).sum(axis=1) == 2)]
    if len(mixed) < 2 or mixed.max() - mixed.min() < _TOLERANCE:
        return False
    # With two classes the labels of a teacher model also have two values.
    return labels.shape[1] > 2 or bool((largest >= 1 - _TOLERANCE).any())
