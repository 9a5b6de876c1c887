"""EXIF orientation of an image file, and arrays turned by it."""

from typing import TYPE_CHECKING

import numpy as np

from catdog_keras._image_files.open_image import open_image
from catdog_keras._image_files.strip_metadata import without_pixels

if TYPE_CHECKING:
    from PIL import Image

EXIF_ORIENTATION = 0x0112
ORIENTATIONS = range(1, 9)
TRANSPOSED = range(5, 9)  # orientations that exchange width and height
# Chunks and keywords that can hold an orientation. Pillow decodes a PNG file to search for them.
PNG_ORIENTATION = (b"eXIf", b"Raw profile type", b"XML:com.adobe.xmp")


def read_orientation(image: "Image.Image", content: bytes) -> int:
    """Returns the EXIF orientation from 1 to 8; of a PNG file without any, without decoding it.

    It is 1 if it cannot be read or has another value: viewers show such images as they are stored.
    """
    if image.format == "PNG" and not any(name in content for name in PNG_ORIENTATION):
        return 1
    try:
        found = _read_exif(image, content).get(EXIF_ORIENTATION)
        return next((turn for turn in ORIENTATIONS if turn == found), 1)
    except MemoryError:
        raise
    except Exception:  # Pillow raises various exceptions for damaged metadata
        return 1


def _read_exif(image: "Image.Image", content: bytes) -> "Image.Exif":
    """Returns the EXIF data of an image, for its orientation; of a PNG file without its pixels.

    Pillow would decode them to search for EXIF data behind them.
    """
    from PIL import Image

    if image.format != "PNG":
        return image.getexif()
    with open_image(without_pixels(content)) as opened:
        return Image.Image.getexif(opened)


def as_stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """Returns an upright image as a view in the orientation of the file, with its rows."""
    views = {
        2: lambda: upright[:, ::-1],
        3: lambda: upright[::-1, ::-1],
        4: lambda: upright[::-1],
        5: lambda: upright.swapaxes(0, 1),
        6: lambda: np.rot90(upright),
        7: lambda: upright.swapaxes(0, 1)[::-1, ::-1],
        8: lambda: np.rot90(upright, -1),
    }
    return views.get(orientation, lambda: upright)()
