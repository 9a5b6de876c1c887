"""In which of the usual ranges the pixels of pictures are."""

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
# Within what was one level of a byte, a picture that was scaled twice has more levels than these.
_LEVELS = 4


@dataclass(frozen=True)
class Found:
    """The values that pixels have.

    Attributes:
        low: The least.
        high: The largest.
        kind: The usual range that they are in, "twice" for what was scaled twice, "beyond" outside
            of all; None where nothing can be said, of a single colour for example.
    """

    low: float
    high: float
    kind: Range | Literal["twice", "beyond"] | None

    @classmethod
    def of(cls, values: Array) -> "Found":
        """Tells in which range values are."""
        low, high = float(values.min()), float(values.max())
        return cls(low, high, _kind_of(values, low, high))

    def fills(self, kind: object) -> bool:
        """Whether the values reach both ends of a range."""
        return isinstance(kind, tuple) and same_range((self.low, self.high), kind)

    def __str__(self) -> str:
        """The range in words."""
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
