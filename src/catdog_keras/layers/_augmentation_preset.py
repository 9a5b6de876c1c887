"""Data augmentation presets: light, medium and strong."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import keras

from catdog_keras import _backend
from catdog_keras._checks import DataFormat, check_choice, describe
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.layers._argument_names import PRESET_NAMES
from catdog_keras.layers._augmentation_pipeline import AugmentationPipeline
from catdog_keras.layers._base_augmentation import LARGEST_SEED, Seed, check_seed
from catdog_keras.layers._bounding_boxes import BoxFormat
from catdog_keras.layers._random_affine import RandomAffine
from catdog_keras.layers._random_apply import RandomApply
from catdog_keras.layers._wrapper_layer import PRESETS, STRENGTH_HINTS, STRENGTHS, Strength


@suggests_arguments(PRESET_NAMES)
def augmentation_preset(
    strength: Strength = "medium",
    *,
    seed: Seed = None,
    value_range: Sequence[float] = (0, 255),
    data_format: DataFormat | None = None,
    bounding_box_format: BoxFormat | None = None,
    name: str = "augmentation",
) -> keras.Layer:
    """Creates a data augmentation layer for images of upright objects, such as cats and dogs.

    The layer augments when it is called, also in a `tf.data` map; inside a model it is active in
    `fit` only. Arguments that take an augmentation layer, such as `build_model2(augmentation=)`,
    also take the name of a strength; `"medium"` is their default in `build_model2` and
    `build_model3`.

    Args:
        strength: One of
            `"light"`: horizontal flip of half of the images;
            `"medium"`: flip, rotation by up to 20 degrees, zoom and translation by up to 0.1, in
            one resampling;
            `"strong"`: as `"medium"`, with rotation by up to 30 degrees, zoom by up to 0.2,
            translation by up to 0.15 and shear by up to 10 degrees; brightness, contrast and
            saturation in 8 of 10 images; a gray rectangle over 2% to 15% of the area in 1 of 4.
            Requires three channels.
        seed: Integer from 0 to 2147483647, a `keras.random.SeedGenerator`, or None for a random
            seed.
        value_range: Pair (low, high), the value range of the images. Only `"strong"` uses it: a
            wrong range produces wrong colors without an error.
        data_format: `"channels_last"`, `"channels_first"`, or None for
            `keras.config.image_data_format()`.
        bounding_box_format: Format of the boxes in dictionaries, as for `RandomAffine`; None if
            there are no boxes.
        name: Name of the layer.

    Returns:
        A layer that keeps the shape of the images: a `RandomAffine`, or an `AugmentationPipeline`
        for `"strong"`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument has a value that is not allowed.

    See Also:
        `RandomAffine`: the geometric part.
        `AugmentationPipeline`: your own combination of layers.
        `plot_augmentation`: shows images before and after.

    Example:
        >>> import catdog_keras, keras, numpy as np
        >>> layer = catdog_keras.augmentation_preset()
        >>> images = np.zeros((2, 32, 32, 3), "float32")
        >>> tuple(layer(images).shape)
        (2, 32, 32, 3)

        As the first layer of a model, where it is active in `fit` only:

        >>> model = keras.Sequential([
        ...     keras.Input((32, 32, 3)),
        ...     catdog_keras.augmentation_preset("light", seed=0),
        ...     catdog_keras.ConvBlock(8),
        ... ])

        For images in [0, 1] instead of [0, 255]:

        >>> strong = catdog_keras.augmentation_preset("strong", value_range=(0, 1))
    """
    check_choice("strength", strength, STRENGTHS, STRENGTH_HINTS)
    low, high = _check_preset_range(value_range)
    seed = check_seed(seed)
    formats: dict[str, Any] = {
        "data_format": data_format,
        "bounding_box_format": bounding_box_format,
    }
    common: dict[str, Any] = {"seed": seed, **formats}
    if strength == "light":
        return RandomAffine("horizontal", name=name, **common)
    if strength == "medium":
        return RandomAffine("horizontal", 20, 0.1, 0.1, name=name, **common)
    affine = RandomAffine("horizontal", 30, 0.2, 0.15, 10, **common)
    layers = [affine, *_color_and_erasing_layers((low, high), seed, formats)]
    return AugmentationPipeline(layers, name=name)


def _color_and_erasing_layers(
    value_range: tuple[float, float], seed: Seed, formats: dict[str, Any]
) -> list[keras.Layer]:
    """Returns the layers that only the strong preset has, each with a separate seed."""
    # Layers with the same seed would draw the same random numbers. Keras's layers need an integer.
    first = _backend.initial_seed(seed) if isinstance(seed, keras.random.SeedGenerator) else seed
    seeds = [None if first is None else (first + n) % (LARGEST_SEED + 1) for n in range(1, 7)]
    # In float16, Keras's layers fail in a graph, because `keras.ops.arange` has no such kernel.
    common: dict[str, Any] = {"value_range": value_range, **formats, "dtype": "float32"}
    color = AugmentationPipeline(
        [
            keras.layers.RandomBrightness(0.15, seed=seeds[0], **common),
            keras.layers.RandomContrast(0.3, seed=seeds[1], **common),
            # Reduces or increases the saturation. RandomSaturation would leave a range of (0, 255):
            # it clips the saturation to `value_range`, but saturation is between 0 and 1 in any
            # range.
            keras.layers.RandomColorDegeneration((-0.4, 0.4), seed=seeds[2], **common),
        ]
    )
    erasing = keras.layers.RandomErasing(
        (1.0, 1.0),  # always: RandomApply sets the probability
        scale=(0.02, 0.15),
        fill_value=sum(value_range) / 2,
        seed=seeds[3],
        **common,
    )
    return [
        RandomApply(color, 0.8, seed=seeds[4]),
        RandomApply(erasing, 0.25, seed=seeds[5]),
    ]


def _check_preset_range(value: Any) -> tuple[float, float]:
    """Returns `value_range` of a preset as floats; raises if it is not an ascending pair."""
    requirement = "a pair (low, high) of numbers with low < high"
    if not isinstance(value, (tuple, list)):
        raise TypeError(describe("value_range", requirement, value))
    if any(isinstance(bound, bool) or not isinstance(bound, (int, float)) for bound in value):
        raise TypeError(describe("value_range", requirement, value))
    if len(value) != 2 or not value[0] < value[1]:
        raise ValueError(describe("value_range", requirement, value))
    low, high = value
    return float(low), float(high)


PRESETS.update({strength: partial(augmentation_preset, strength) for strength in STRENGTHS})
