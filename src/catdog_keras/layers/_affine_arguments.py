"""Validation of the ranges of `RandomAffine`, with warnings of values in other units."""

import math
from collections.abc import Sequence
from typing import Any

from catdog_keras._checks import check_finite, check_range, describe
from catdog_keras._message import argument, setting
from catdog_keras._warnings import warn

Span = float | Sequence[float]
Range = tuple[float, float]

# Angles that are likely in radians: their values in degrees are unusual.
_RADIANS = [math.pi * part for part in (2.0, 1.0, 1 / 2, 1 / 3, 1 / 4, 1 / 6, 1 / 8, 1 / 12)]


def check_rotation(value: Any) -> Range:
    """Returns the range of the argument `rotation_degrees`; warns of fractions and of radians."""
    span = check_range("rotation_degrees", value, minimum=-360, maximum=360)
    largest = max(map(abs, span))
    if 0 < largest < 1:
        reason = ", less than one degree. The factor of "
        remedy = (
            "keras.layers.RandomRotation is a fraction of a full turn: for the same rotation "
            "multiply it by 360."
        )
        _warn_of_degrees("rotation_degrees", value, reason + remedy)
    elif any(math.isclose(largest, angle, rel_tol=1e-3) for angle in _RADIANS):
        _warn_of_degrees("rotation_degrees", value, _remark_on_radians(largest))
    return span


def check_shear(value: Any) -> Range:
    """Returns the range of the argument `shear_degrees`; warns of fractions and of radians."""
    span = check_range("shear_degrees", value, minimum=-80, maximum=80)
    largest = max(map(abs, span))
    if 0 < largest < 1:
        degrees = math.degrees(math.atan(largest))
        reason = (
            ", less than one degree. The factor of keras.layers.RandomShear is the tangent of the "
            f"angle: for the same shear use {degrees:.3g} instead of {largest:.3g}."
        )
        _warn_of_degrees("shear_degrees", value, reason)
    elif any(math.isclose(largest, angle, rel_tol=1e-3) for angle in _RADIANS):
        _warn_of_degrees("shear_degrees", value, _remark_on_radians(largest))
    return span


def _remark_on_radians(largest: float) -> str:
    """Returns the end of an affine argument's warning: how many degrees an angle in radians is."""
    return f". For an angle in radians, {largest:.4g} is {math.degrees(largest):.4g} degrees."


def _warn_of_degrees(name: str, value: Any, reason: str) -> None:
    """Warns that an angle of `RandomAffine` is in degrees, for the given reason."""
    warn(argument(name) + " is in degrees; received " + setting(name, repr(value)) + reason)


def check_zoom(value: Any) -> Range:
    """Returns the range of the argument `zoom`; warns of scales, which would shrink every image."""
    remedy = ""
    if not isinstance(value, (tuple, list)) and isinstance(value, (int, float)) and value > 0.9:
        remedy = "To zoom out only, pass a pair: (0, 1) shows up to twice the height and width."
    low, high = check_range("zoom", value, minimum=-0.9, maximum=9, remedy=remedy)
    if low >= 0.5 or (low > 0 and high >= 1):
        warn(
            setting("zoom", repr(value))
            + f" shrinks every image to {_sizes_in_percent(low, high)} of its size: "
            + "the result shows 1 + "
            + argument("zoom")
            + " times the height and width of the image. For images that are scaled by "
            + f"{low:.4g} to {high:.4g}, pass "
            + setting("zoom", f"({1 / high - 1:.2g}, {1 / low - 1:.2g})")
            + "."
        )
    return low, high


def _sizes_in_percent(low: float, high: float) -> str:
    """Returns the sizes of images after affine zooming by a range of `zoom`, in percent."""
    first, last = f"{1 / (1 + high):.0%}", f"{1 / (1 + low):.0%}"
    return first if first == last else f"{first} to {last}"


def check_translation(value: Any) -> Range:
    """Returns the range of the argument `translation`, a fraction; explains the unit for pixels."""
    remedy = "It is a fraction of the height and of the width, not a number of pixels."
    bounds = value if isinstance(value, (tuple, list)) else (value,)
    numbers = all(isinstance(bound, (int, float)) for bound in bounds)
    pixels = numbers and any(abs(bound) > 1 for bound in bounds)
    return check_range("translation", value, minimum=-1, maximum=1, remedy=remedy if pixels else "")


def check_fill_value(value: Any) -> float | tuple[float, ...]:
    """Returns the affine fill value as a number, or as a tuple of one per channel, or raises."""
    if not isinstance(value, (tuple, list)):
        return check_finite("fill_value", value)
    if not value:
        requirement = "a finite number, or one for each channel"
        raise ValueError(describe("fill_value", requirement, value))
    return tuple(check_finite(f"fill_value[{number}]", each) for number, each in enumerate(value))


def check_fill_channels(fill_value: float | tuple[float, ...], channels: int | None) -> None:
    """Raises if several affine fill values are not one for each channel of the images."""
    if isinstance(fill_value, tuple) and channels not in (len(fill_value), None):
        requirement = f"one number, or one for each of the {channels} channels"
        raise ValueError(describe("fill_value", requirement, fill_value))
