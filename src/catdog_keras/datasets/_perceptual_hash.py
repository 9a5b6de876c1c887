"""Perceptual hashes: similar for an image that was resized, brightened or recompressed."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import Image

HASH_SIDE = 32
HASH_FREQUENCIES = 8
HASH_BITS = HASH_FREQUENCIES**2
FLAT = 2.0  # standard deviation in levels below which an image has no structure to correlate
STRIP_PIXELS = 2_000_000  # that are converted to gray at once, which limits the memory
REDUCED_SIDE = 4 * HASH_SIDE  # to which large images are averaged before they are resized

Gray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Signature:
    """A 64-bit perceptual hash, and the 32 x 32 grayscale pixels from which it was computed."""

    hash: int
    pixels: Gray


def signature_of(gray: "Image.Image") -> Signature:
    """Returns the 64-bit DCT hash of a grayscale image, with the pixels that it was computed from.

    The image is resized to 32 x 32 pixels; each bit states whether one of the 8 x 8 lowest
    frequencies of its discrete cosine transform is above their median.

    Source: Zauner (2010), Implementation and benchmarking of perceptual image hash functions,
    section 3.2.
    """
    from PIL import Image

    pixels = np.asarray(gray.resize((HASH_SIDE, HASH_SIDE), Image.Resampling.LANCZOS))
    return Signature(hash_of(pixels), pixels)


def shrink(
    rows: "Callable[[int, int], Image.Image]",
    size: tuple[int, int],
    orient: Callable[[Gray], Gray],
) -> Gray:
    """Returns 32 x 32 gray pixels of an image that can be large, for `hash_of`.

    They are resized by a filter that is faster than that of `signature_of`.

    Args:
        rows: Returns an RGB image of a range of rows, as they are stored.
        size: Width and height of all rows together.
        orient: Returns the view of upright pixels in which the rows are as they are stored.
    """
    from PIL import Image

    width, height = size
    across, down = max(1, width // REDUCED_SIDE), max(1, height // REDUCED_SIDE)
    step = max(1, STRIP_PIXELS // (width * down)) * down
    if step >= height:
        gray = _gray_levels_of_blocks(rows(0, height), across, down)
    else:
        gray = Image.new("L", (-(-width // across), -(-height // down)))
        for top in range(0, height, step):
            strip = rows(top, min(top + step, height))
            gray.paste(_gray_levels_of_blocks(strip, across, down), (0, top // down))
    box = (0, 0, width / across, height / down)
    small = gray.resize((HASH_SIDE, HASH_SIDE), Image.Resampling.BILINEAR, box)
    upright = np.empty((HASH_SIDE, HASH_SIDE), np.uint8)
    orient(upright)[:] = np.frombuffer(small.tobytes(), np.uint8).reshape(upright.shape)
    return upright


def _gray_levels_of_blocks(image: "Image.Image", across: int, down: int) -> "Image.Image":
    """Returns the gray levels of an image to hash, averaged over blocks of this size."""
    gray = image.convert("L")
    return gray.reduce((across, down)) if across * down > 1 else gray


def hash_of(pixels: Gray) -> int:
    """Returns the hash of the 32 x 32 pixels of an image."""
    basis = _dct_cosines()
    lowest = (basis @ pixels @ basis.T).ravel()
    ordered = np.sort(lowest)
    median = (ordered[HASH_BITS // 2 - 1] + ordered[HASH_BITS // 2]) / 2
    return int.from_bytes(np.packbits(lowest > median).tobytes())


def has_structure(pixels: Gray) -> bool:
    """Returns whether an image to hash is not nearly uniform: others can correlate with it."""
    levels = pixels.ravel().astype(np.float64)
    variance = (levels @ levels) / levels.size - (levels.sum() / levels.size) ** 2
    return bool(variance >= FLAT**2)


@functools.cache
def _dct_cosines() -> npt.NDArray[np.float64]:
    """Returns the lowest frequencies of the DCT-II, which hashes are made of, shape `(8, 32)`."""
    frequencies = np.arange(HASH_FREQUENCIES)[:, None]
    positions = np.arange(HASH_SIDE)[None, :]
    return np.cos(np.pi * frequencies * (2 * positions + 1) / (2 * HASH_SIDE))
