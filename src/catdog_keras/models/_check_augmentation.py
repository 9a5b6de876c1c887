"""Validation of the augmentation layer of a model."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import keras

from catdog_keras._checks import describe
from catdog_keras._input_range import (
    BYTES,
    Range,
    black_and_white,
    format_range,
    range_of,
    same_range,
)
from catdog_keras._mixing import check_no_mixing
from catdog_keras.layers import AugmentationPipeline, RandomApply, RandomChoice
from catdog_keras.layers._augmentation_pipeline import layer_or_pipeline
from catdog_keras.layers._wrapper_layer import Strength

_CHAINS = (AugmentationPipeline, keras.Sequential, keras.layers.Pipeline)
_REMEDY = (
    "Images in [0, 255] go in and out: pass a scaling layer as `preprocessing`, or use a model "
    "that contains it."
)


Augmentation: TypeAlias = keras.Layer | Strength | Sequence[keras.Layer | Strength] | None


def check_augmentation(value: Any, input_shape: tuple[int, ...]) -> keras.Layer | None:
    """Returns a layer that keeps images in [0, 255], or None; raises if it is known not to do so.

    A layer that scales, or one for another `value_range`, would produce other images in training
    than in inference, without an error. A layer that mixes images would keep their labels. The name
    of a preset becomes its layer, a list an `AugmentationPipeline`.
    """
    if value is None:
        return None
    layer = layer_or_pipeline("augmentation", value, optional=True)
    if isinstance(value, str):  # presets have the right range
        return layer
    check_no_mixing("augmentation", layer)
    try:
        found = _range_after(layer, black_and_white(input_shape), layer)
    except _WrongRangeError:
        raise
    except Exception:  # the layer needs another shape or dtype: building the model shows it
        return layer
    if not same_range(found, BYTES):
        raise _range_change_error(layer, layer, BYTES, found)
    return layer


class _WrongRangeError(ValueError):
    """An augmentation layer that does not fit images in [0, 255]."""


def _range_change_error(augmentation: Any, layer: Any, given: Range, found: Range) -> ValueError:
    """Returns the error about a layer of an augmentation that changes the value range."""
    requirement = "a layer that keeps the range of the images"
    problem = f"{layer.name!r} maps {format_range(given)} to {format_range(found)}. {_REMEDY}"
    return _WrongRangeError(describe("augmentation", requirement, augmentation, problem))


def _range_after(layer: Any, images: Any, augmentation: Any) -> Range:
    """Returns the range of images after an augmentation layer without its random changes."""
    return range_of(_apply_checking_ranges(layer, images, augmentation))


def _apply_checking_ranges(layer: Any, images: Any, augmentation: Any) -> Any:
    """Calls an augmentation, and layers inside it; raises if one is for another value range."""
    if isinstance(layer, _CHAINS):
        for each in layer.layers:
            images = _apply_checking_ranges(each, images, augmentation)
        return images
    given = range_of(images)
    if isinstance(layer, (RandomApply, RandomChoice)):
        for each in [layer.layer] if isinstance(layer, RandomApply) else layer.layers:
            found = _range_after(each, images, augmentation)
            if not same_range(found, given):
                raise _range_change_error(augmentation, each, given, found)
        return images
    wanted: Any = getattr(layer, "value_range", None) or ()
    if len(wanted) == 2 and not same_range((float(wanted[0]), float(wanted[1])), given):
        requirement = "a layer for the range of the images"
        problem = (
            f"{layer.name!r} has value_range={tuple(wanted)}, and receives {format_range(given)}."
        )
        raise _WrongRangeError(describe("augmentation", requirement, augmentation, problem))
    return layer(images, training=False)
