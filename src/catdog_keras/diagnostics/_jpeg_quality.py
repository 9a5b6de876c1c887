"""Estimates the quality with which a JPEG file was saved."""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

LOSSLESS = 101  # above the highest quality
# Quantization table of luminance in annex K of the JPEG standard, at quality 50.
_LUMINANCE = (
    *(16, 11, 10, 16, 24, 40, 51, 61),
    *(12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77),
    *(24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101),
    *(72, 92, 95, 98, 112, 100, 103, 99),
)


def jpeg_quality(image: "Image.Image") -> int:
    """Returns the quality, from 1 to 100, whose luminance table has the most similar sum.

    It is exact for files that were written by libjpeg and its descendants. Other programs use other
    tables, of which the result is the nearest one on this scale. For other formats it is 101.

    Source: ITU-T T.81 (1992), annex K; libjpeg, `jpeg_quality_scaling`.
    """
    tables = getattr(image, "quantization", None)
    if not tables:
        return LOSSLESS
    total = sum(tables[min(tables)])
    return int(np.abs(_table_sums() - total).argmin()) + 1


@cache
def _table_sums() -> np.ndarray:
    """Returns the sum of the luminance table at each quality from 1 to 100."""
    qualities = np.arange(1, 101)
    scales = np.where(qualities < 50, 5000 // qualities, 200 - 2 * qualities)
    tables = (np.array(_LUMINANCE) * scales[:, None] + 50) // 100
    return np.clip(tables, 1, 255).sum(1)
