"""Classifies pixel values into the usual value ranges."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from catdog_keras.layers import Preprocessing
from catdog_keras.models.front import BYTES, SIGNED, UNIT, Range, same_range

Array = npt.NDArray[Any]

TORCH = Preprocessing("imagenet_torch").output_range
CAFFE = Preprocessing("imagenet_caffe").output_range
RANGES = (BYTES, UNIT, SIGNED, TORCH, CAFFE)
# Resizing with a cubic kernel overshoots a range by a few percent.
SLACK = 0.06
# An image that was scaled twice has more distinct values than this within one 8-bit level.
_LEVELS = 4


@dataclass(frozen=True)
class Found:
    """The value range of pixels.

    Attributes:
        low: Minimum.
        high: Maximum.
        kind: The usual range that contains the values, "twice" if they were scaled twice, or
            "beyond" if they are outside of all ranges; None if undecidable, for example for a
            single color.
    """

    low: float
    high: float
    kind: Range | Literal["twice", "beyond"] | None

    @classmethod
    def of(cls, values: Array) -> "Found":
        """Determines the range of pixel values."""
        low, high = float(values.min()), float(values.max())
        return cls(low, high, _kind_of(values, low, high))

    def fills(self, kind: object) -> bool:
        """Returns whether the values reach both ends of a range."""
        return isinstance(kind, tuple) and same_range((self.low, self.high), kind)

    def __str__(self) -> str:
        """Returns the range as text."""
        return f"[{self.low:.4g}, {self.high:.4g}]"


def _kind_of(values: Array, low: float, high: float) -> Any:
    if values.dtype.kind in "biu":
        if low < 0 or high > 255:
            return "beyond"
        return BYTES if high > 1 else None
    if low == high or np.isin(values, (0, 1)).all():
        return None
    level = (1 + SLACK) / 255
    if -level <= low and high <= level and _has_levels(values):
        return "twice"
    if -1 - 2 * level <= low and high <= -1 + 2 * level and _has_levels(values):
        return "twice"
    for known in (UNIT, SIGNED):
        slack = SLACK * (known[1] - known[0])
        if known[0] - slack <= low and high <= known[1] + slack:
            return known
    if low >= -1 or (low >= -SLACK * 255 and high > 5):
        return BYTES if high <= (1 + SLACK) * 255 else "beyond"
    if low >= -5 and high <= 5:
        return TORCH
    return CAFFE if low >= CAFFE[0] - 15 and high <= CAFFE[1] + 15 else "beyond"


def _has_levels(values: Array) -> bool:
    return np.unique(values[: 1 << 16]).size > _LEVELS
