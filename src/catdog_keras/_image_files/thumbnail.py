"""Thumbnails of image files, for display."""

from typing import TYPE_CHECKING

from catdog_keras._image_files.decode_pillow import decode_pillow
from catdog_keras._image_files.limits import open_within_limits
from catdog_keras._image_files.memory import memory_to_decode
from catdog_keras._warnings import ignore_warnings_of

if TYPE_CHECKING:
    from PIL import Image

SMOOTHING = 4  # rows and columns that are left for each of the thumbnail, so that it is smooth


def decode_thumbnail(content: bytes, side: int) -> "Image.Image":
    """Decodes an image to RGB, upright, and at most `side` pixels wide and high.

    Raises:
        InvalidImageError: If it is not an image in one of the formats, or is too large.
        Exception: Various types, if it is damaged.
    """
    from PIL import Image

    with ignore_warnings_of("PIL"):  # about metadata that is not used
        opened, content = open_within_limits(content)
    every = max(1, max(opened.size) // (SMOOTHING * side))
    with memory_to_decode(opened):
        image = Image.fromarray(decode_pillow(content, every=every))
    image.thumbnail((side, side))
    return image
