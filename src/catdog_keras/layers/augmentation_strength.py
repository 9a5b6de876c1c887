"""Augmentation ready for use, in three strengths."""

from collections.abc import Sequence
from typing import Any

import keras

from catdog_keras._checks import check_choice, check_integer, describe
from catdog_keras.layers.random_affine import RandomAffine
from catdog_keras.layers.random_apply import RandomApply
from catdog_keras.layers.random_sequence import RandomSequence
from catdog_keras.layers.seeded import LARGEST_SEED

STRENGTHS = ("light", "medium", "strong")


def augmentation(
    strength: str = "medium",
    *,
    seed: int | None = None,
    value_range: Sequence[float] = (0, 255),
    data_format: str | None = None,
    name: str = "augmentation",
) -> keras.Layer:
    """Makes a layer that augments pictures of things seen from the side, such as cats and dogs.

    It acts with `training=True` only, which `fit` sets; in a `tf.data` map set it yourself. What
    `build_model2`, `build_model3` and the tutorial put in front by default is `"medium"`.

    Args:
        strength: One of
            `"light"`: left and right swap in half of the pictures;
            `"medium"`: that, turns by up to 20 degrees, zoom and shifts by up to a tenth, in one
            resampling;
            `"strong"`: that with up to 30 degrees, 0.2 and 0.15 and a shear of up to 10 degrees;
            brightness, contrast and saturation in 8 of 10 pictures; a grey rectangle over 2 % to
            15 % of the area in 1 of 4. For pictures of three channels.
        seed: Integer from 0 to 2147483647, or None for fresh ones.
        value_range: Pair (low, high), the range of the pictures. Only `"strong"` depends on it:
            with a wrong one its colours are wrong, and no error tells.
        data_format: `"channels_last"`, `"channels_first"`, or None for Keras's own setting.
        name: Name of the layer.

    Returns:
        One layer, from pictures to pictures of the same shape: a `RandomAffine`, or a
        `RandomSequence` for `"strong"`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument has a value that is not allowed.

    Example:
        >>> import catdog_keras
        >>> catdog_keras.augmentation("medium").rotation_degrees
        20
    """
    check_choice("strength", strength, STRENGTHS)
    low, high = _check_value_range(value_range)
    if seed is not None:
        seed = check_integer("seed", seed, minimum=0, maximum=LARGEST_SEED)
    common: dict[str, Any] = {"seed": seed, "data_format": data_format}
    if strength == "light":
        return RandomAffine("horizontal", name=name, **common)
    if strength == "medium":
        return RandomAffine("horizontal", 20, 0.1, 0.1, name=name, **common)
    affine = RandomAffine("horizontal", 30, 0.2, 0.15, 10, **common)
    layers = [affine, *_colour_and_erasing((low, high), seed, data_format)]
    return RandomSequence(layers, name=name)


def _colour_and_erasing(
    value_range: tuple[float, float], seed: int | None, data_format: str | None
) -> list[keras.Layer]:
    # Layers of the same seed would draw the same numbers.
    seeds = [None if seed is None else (seed + n) % (LARGEST_SEED + 1) for n in range(1, 7)]
    common: dict[str, Any] = {"value_range": value_range, "data_format": data_format}
    colour = RandomSequence(
        [
            keras.layers.RandomBrightness(0.15, seed=seeds[0], **common),
            keras.layers.RandomContrast(0.3, seed=seeds[1], **common),
            # Towards grey and away from it. RandomSaturation leaves a range of (0, 255): what it
            # limits by it is the saturation, which is from 0 to 1 in any range.
            keras.layers.RandomColorDegeneration((-0.4, 0.4), seed=seeds[2], **common),
        ]
    )
    erasing = keras.layers.RandomErasing(
        (1.0, 1.0),  # always: RandomApply says how often
        scale=(0.02, 0.15),
        fill_value=sum(value_range) / 2,
        seed=seeds[3],
        **common,
    )
    return [
        RandomApply(colour, 0.8, seed=seeds[4]),
        RandomApply(erasing, 0.25, seed=seeds[5]),
    ]


def _check_value_range(value: Any) -> tuple[float, float]:
    requirement = "a pair (low, high) of numbers with low < high"
    if not isinstance(value, (tuple, list)):
        raise TypeError(describe("value_range", requirement, value))
    if any(isinstance(bound, bool) or not isinstance(bound, (int, float)) for bound in value):
        raise TypeError(describe("value_range", requirement, value))
    if len(value) != 2 or not value[0] < value[1]:
        raise ValueError(describe("value_range", requirement, value))
    low, high = value
    return float(low), float(high)
