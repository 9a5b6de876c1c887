"""The strip of grey cells that carries a synthetic picture's class and number.

The strip holds 48 bits: the class, the number and a checksum, mixed by a small cipher. Every cell
depends on all of them, so that no cell, nor any sum of cells, tells the class.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

CLASS_NAMES = ("cat", "dog")
MAX_NUMBER = 2**20 - 1
_CELLS = 24
_LEVELS = np.array([68, 112, 156, 200])  # two bits a cell
_HALF_BITS = 24
_HALF_MASK = 2**_HALF_BITS - 1
_CHECK_BITS = 48 - 1 - 20
_CHECK_MASK = 2**_CHECK_BITS - 1
_ROUND_KEYS = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1, 0xD3A2646D)
_STRIP_SHARE = 0.03  # of the picture's height
_SMALLEST_SIDE = 64  # pixels; below it a cell is narrower than the reach of a bilinear resize


@dataclass(frozen=True)
class PictureIdentity:
    """What a synthetic picture shows.

    Attributes:
        class_name: "cat" or "dog".
        number: The picture's number in its class, as in its file name.
    """

    class_name: str
    number: int


def strip_height(height: int) -> int:
    """Returns the height of the strip in a picture `height` pixels high."""
    return max(2, round(_STRIP_SHARE * height))


def paint_strip(pixels: NDArray[np.uint8], identity: PictureIdentity) -> None:
    """Paints the strip over the lowest rows of `pixels`, shape (height, width, 3), in place."""
    height, width, _ = pixels.shape
    code = _encrypt(_with_checksum(identity))
    shifts = 2 * np.arange(_CELLS)
    greys = _LEVELS[(code >> shifts) & 3]
    cell_of_column = np.arange(width) * _CELLS // width
    pixels[height - strip_height(height) :] = greys[cell_of_column, None]


def read_identity(image: ArrayLike) -> PictureIdentity:
    """Reads class and number from the pixels of a synthetic picture.

    The picture may have been compressed as JPEG and resized, not cropped, turned or flipped.

    Args:
        image: One picture of shape `(height, width, 3)`, both sides at least 64 pixels, integers
            or floats in [0, 255].

    Returns:
        The `PictureIdentity`: `class_name`, "cat" or "dog", and `number`.

    Raises:
        ValueError: If the shape is another one, or if the picture is not synthetic or is damaged:
            its strip does not pass the checksum.

    Example:
        >>> from catdog_keras.datasets.synthetic import draw_picture, read_identity
        >>> read_identity(draw_picture("dog", 7))
        PictureIdentity(class_name='dog', number=7)
    """
    pixels = np.asarray(image)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or min(pixels.shape[:2]) < _SMALLEST_SIDE:
        raise ValueError(
            "`image` must be one picture of shape (height, width, 3), both sides at least "
            f"{_SMALLEST_SIDE}; received an array of shape {pixels.shape}."
        )
    width = pixels.shape[1]
    columns = ((np.arange(_CELLS) + 0.5) * width / _CELLS).astype(int)
    greys = pixels[-1, columns].astype(np.float64).mean(axis=1)
    pairs = np.abs(greys[:, None] - _LEVELS).argmin(axis=1)
    code = sum(int(pair) << (2 * cell) for cell, pair in enumerate(pairs))
    return _without_checksum(_decrypt(code))


def _with_checksum(identity: PictureIdentity) -> int:
    payload = identity.number << 1 | CLASS_NAMES.index(identity.class_name)
    return payload << _CHECK_BITS | _checksum(payload)


def _without_checksum(code: int) -> PictureIdentity:
    payload, check = code >> _CHECK_BITS, code & _CHECK_MASK
    if check != _checksum(payload):
        raise ValueError(
            "This picture carries no readable identity: its lowest rows fail the checksum. "
            "Pass a picture of the synthetic set, not cropped, turned or flipped."
        )
    return PictureIdentity(CLASS_NAMES[payload & 1], payload >> 1)


def _checksum(payload: int) -> int:
    return _scrambled(_scrambled(payload, _ROUND_KEYS[0]), _ROUND_KEYS[1]) & _CHECK_MASK


def _scrambled(value: int, key: int) -> int:
    """A 32-bit hash of `value`: multiply, fold, multiply, fold."""
    value = (value ^ key) * 0x7FEB352D & 0xFFFFFFFF
    value = (value ^ value >> 15) * 0x846CA68B & 0xFFFFFFFF
    return value ^ value >> 16


def _encrypt(code: int) -> int:
    """A Feistel cipher: every bit of the result depends on every bit of `code`."""
    left, right = code >> _HALF_BITS, code & _HALF_MASK
    for key in _ROUND_KEYS:
        left, right = right, left ^ _scrambled(right, key) & _HALF_MASK
    return left << _HALF_BITS | right


def _decrypt(code: int) -> int:
    left, right = code >> _HALF_BITS, code & _HALF_MASK
    for key in reversed(_ROUND_KEYS):
        left, right = right ^ _scrambled(left, key) & _HALF_MASK, left
    return left << _HALF_BITS | right
