"""Compares images with the range that a model expects, while they are used."""

import math
from contextlib import suppress
from typing import Any

import keras
import numpy as np

from catdog_keras._arrays import to_array
from catdog_keras._batches import iterate, split_batch
from catdog_keras._input_range import (
    BYTES,
    SIGNED,
    SLACK,
    UNIT,
    Range,
    find_input_range,
    format_range,
    same_range,
)
from catdog_keras._preprocessing_schemes import SCHEMES
from catdog_keras._warnings import warn

TORCH = SCHEMES["imagenet_torch"].output_range
# Video frames are sorted: hundreds of them can be dark.
_ENOUGH = 512


class InputRangeWarning(UserWarning):
    """The images are not in the range that the model appears to expect."""


class RangeCheck:
    """Warns once if the images of a call are not in the range that its model is known to expect.

    Call `see` for each batch when it is used, so that the images are not read again, and `warn`
    in the thread of the caller. Values outside of the range are decisive. Images in [0, 1] for a
    model of [0, 255] could be dark; this is decided after many images, or all of them.

    Attributes:
        is_finite: Whether no image so far has NaN or infinite pixels.
    """

    def __init__(self, model: keras.Model) -> None:
        """Infers the range; nothing is checked if it is unknown, except for NaN and infinity."""
        self._expected: Range | None = None
        with suppress(Exception):  # the model fails when it is run, with a better message
            self._expected = find_input_range(model)
        self._names: list[str] = []
        self._complete: dict[str, Range] = {}
        self._has_warned = False
        self.is_finite = True

    def see(self, name: str, images: Any) -> None:
        """Adds a batch of images; `name` is the argument name of the images or their dataset."""
        if keras.tree.is_nested(images):
            return
        if name not in self._names[-1:]:
            self._names.append(name)
            self._low, self._high, self._count = math.inf, -math.inf, 0
            self.is_finite = self._is_integral = True
        values = to_array(images)
        if not values.size:
            return
        if values.dtype.kind not in "biuf":
            values = values.astype("float32")  # bfloat16
        low, high = float(values.min()), float(values.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            self.is_finite = False
            values = values[np.isfinite(values)]
            low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
        self._low, self._high = min(self._low, low), max(self._high, high)
        self._count += len(images)
        # The values of dark images decide, and those are rare.
        if self._is_integral and self._low >= -5 and self._high <= 5:
            self._is_integral = bool((values == np.round(values)).all())

    def see_first(self, name: str, data: Any) -> None:
        """Inspects the first batch of a dataset that is read elsewhere, and warns."""
        if self._has_warned or name in self._names or self._expected is None:
            return
        with suppress(Exception):  # the training raises it again, with a better message
            images, _, _ = split_batch(name, next(iterate(data)), "batches (images, labels)")
            self.see(name, images)
        self.warn(is_complete=True)

    def warn(self, *, is_complete: bool = False) -> None:
        """Warns if the images so far contradict the model; `is_complete` if these are all."""
        if self._has_warned or not self._names:
            return
        name, found = self._names[-1], (self._low, self._high)
        if not self.is_finite and is_complete:  # outputs that are not finite are an error
            self._has_warned = True
            warn(
                f"The images in `{name}` contain NaN or infinite values. The results are probably "
                "wrong. Check the preprocessing for a division by zero.",
                InputRangeWarning,
            )
        elif self._expected is not None and self._contradicts(self._expected, found, is_complete):
            self._has_warned = True
            warn(
                f"The model expects pixel values in {format_range(self._expected)}, but the images "
                f"in `{name}` are in {format_range(found)}. The results are probably "
                "wrong. Scale the images, or put the scaling into the model.",
                InputRangeWarning,
            )
        elif is_complete:
            self._compare_datasets(name, found)

    def _compare_datasets(self, name: str, found: Range) -> None:
        """Warns if one dataset is scaled and another is not, which matters for every model."""
        largest = max(map(abs, found))
        for other, (low, high) in self._complete.items():
            before = max(abs(low), abs(high))
            if min(before, largest) > 0 and max(before, largest) > 50 * min(before, largest):
                self._has_warned = True
                warn(
                    f"The images in `{other}` are in {format_range((low, high))}, but those in "
                    f"`{name}` are in {format_range(found)}. Scale both alike.",
                    InputRangeWarning,
                )
                return
        self._complete[name] = found

    def _contradicts(self, expected: Range, found: Range, is_complete: bool) -> bool:
        width = expected[1] - expected[0]
        slack = SLACK * width
        if found[0] < expected[0] - slack or found[1] > expected[1] + slack:
            return True
        if not (is_complete or self._count >= _ENOUGH) or found[0] == found[1]:
            return False
        level = (1 + SLACK) / 255 * width
        # Scaled twice, or in [0, 1] for [0, 255], unless these are the darkest integers.
        if expected[0] - level <= found[0] and found[1] <= expected[0] + level:
            return not self._is_integral
        if same_range(expected, BYTES):
            return found[0] <= -0.5 and found[1] <= 5
        others = (known for known in (UNIT, SIGNED, TORCH) if not same_range(known, expected))
        return any(same_range(found, known, 0.05) for known in others)
