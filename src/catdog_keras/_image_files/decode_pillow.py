"""Decoding of images in all formats, by Pillow where TensorFlow's kernels cannot.

An image is converted in strips of rows, because conversions need several times the memory.
"""

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from catdog_keras._image_files.colors import (
    CHANNELS,
    convert_to_mode,
    convert_to_rgb,
    scale_to_8_bits,
)
from catdog_keras._image_files.decode_tensorflow import (
    decode_small,
    samples_of_tensor,
    thumbnail_reduction,
)
from catdog_keras._image_files.open_image import PNG_BITS, TIFF_BITS, open_image
from catdog_keras._image_files.orientation import TRANSPOSED, as_stored, read_orientation
from catdog_keras._image_files.png_chunks import without_large_text
from catdog_keras._warnings import ignore_warnings_of

if TYPE_CHECKING:
    from PIL import Image

STRIP_PIXELS = 2**19
ALIGNMENT = 64  # bytes, of the memory of a tensor
TIFF_PHOTOMETRIC = 262
WHITE_IS_ZERO = 0


def decode_pillow(content: bytes, color_mode: str = "rgb", *, every: int = 1) -> np.ndarray:
    """Decodes an image in any of the formats to RGB, gray or RGBA.

    EXIF orientation is applied, palettes are resolved, samples of more than 8 bits are scaled to 8,
    CMYK is converted, and transparent images are composited on white, except in RGBA. Of several
    frames the first is used. Only each `every`-th row and column is returned.

    Returns:
        uint8 array of shape `(height, width, channels)`.
    """
    content = without_large_text(content)
    with ignore_warnings_of("PIL"), open_image(content) as opened:
        rows = _open_rows(opened, content)
        orientation = read_orientation(opened, content)
        width, height = (-(-side // every) for side in opened.size)
        channels = CHANNELS[color_mode]
        pixels = np.empty((height, width, channels), np.uint8)
        if orientation in TRANSPOSED:
            pixels = pixels.reshape(width, height, channels)
        stored = as_stored(pixels, orientation)
        for top, strip in _iterate_strips(rows, *opened.size):
            kept = np.asarray(convert_to_mode(strip, color_mode))[-top % every :: every, ::every]
            first = -(-top // every)
            stored[first : first + len(kept)] = kept.reshape(len(kept), -1, channels)
        return pixels


def decode_channels(content: bytes, color_mode: str, use: Callable[[Any], Any]) -> list[Any]:
    """Decodes an image as `decode_pillow` does, one channel after another, in less memory.

    Args:
        content: The file.
        color_mode: `"rgb"`, `"grayscale"` or `"rgba"`.
        use: Called with each channel, a uint8 tensor of shape `(height, width, 1)`. The next one
            overwrites its values.

    Returns:
        The results of `use`.
    """
    content = without_large_text(content)
    with ignore_warnings_of("PIL"), open_image(content) as opened:
        rows = _open_rows(opened, content)
        orientation = read_orientation(opened, content)
        width, height = opened.size
        sides = (width, height) if orientation in TRANSPOSED else (height, width)
        pixels, tensor = _array_and_tensor((*sides, 1))
        stored = as_stored(pixels[..., 0], orientation)
        results = []
        for channel in range(CHANNELS[color_mode]):
            for top, strip in _iterate_strips(rows, width, height):
                only = convert_to_mode(strip, color_mode).getchannel(channel)
                stored[top : top + strip.height] = np.asarray(only)
            results.append(use(tensor))
        return results


def decode_gray(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Decodes an image to gray, in less memory than `decode_pillow` would take for its colors.

    Returns:
        uint8 array of shape `(height, width)`, upright, and the mean of red, green and blue.
    """
    content = without_large_text(content)
    with ignore_warnings_of("PIL"), open_image(content) as opened:
        width, height = opened.size
        if opened.format == "PNG" and content[PNG_BITS] > 8:  # 8 bits suffice for gray levels
            channels = 4 if opened.has_transparency_data else 3
            rows, _ = decode_small(content, "PNG", width * height, channels)
        else:
            rows = _open_rows(opened, content)
        # Only now: Pillow rotates a TIFF file when it decodes it.
        orientation = read_orientation(opened, content)
        width, height = opened.size
        pixels = np.empty((height, width), np.uint8)
        if orientation in TRANSPOSED:
            pixels = pixels.reshape(width, height)
        stored = as_stored(pixels, orientation)
        sums = np.zeros(3)
        for top, strip in _iterate_strips(rows, width, height):
            colors = convert_to_rgb(strip)
            stored[top : top + strip.height] = np.asarray(colors.convert("L"))
            sums += np.asarray(colors).reshape(-1, 3).sum(0, dtype=np.int64)
        return pixels, sums / (width * height)


def decode_small_pillow(
    image: "Image.Image",
) -> "tuple[Callable[[int, int], Image.Image], tuple[int, int]]":
    """Decodes an image of another format than PNG, a large JPEG file smaller; see `decode_small`.

    Raises:
        Exception: Various types, if the image is damaged, or its colors cannot be converted.
    """
    ratio = thumbnail_reduction(image.width * image.height)
    image.draft(image.mode, (max(1, image.width // ratio), max(1, image.height // ratio)))
    rows = _rows_of_image(image)  # reads the whole stream
    convert_to_rgb(rows(0, 1))
    return lambda top, bottom: convert_to_rgb(rows(top, bottom)), image.size


def _open_rows(opened: "Image.Image", content: bytes) -> "Callable[[int, int], Image.Image]":
    """Decodes an image and returns a function from a range of rows to an 8-bit image of them.

    The samples of a PNG file come from TensorFlow: Pillow truncates 16-bit color and misses some
    transparent colors.
    """
    import tensorflow as tf
    from PIL import Image

    if opened.format != "PNG":
        return _rows_of_image(opened)
    channels = 4 if opened.has_transparency_data else 3
    deep = content[PNG_BITS] > 8
    decoded = tf.io.decode_png(content, channels, tf.uint16 if deep else tf.uint8)
    samples = samples_of_tensor(decoded)

    def rows(top: int, bottom: int) -> "Image.Image":
        strip = samples[top:bottom]
        return Image.fromarray(scale_to_8_bits(strip, 0xFFFF) if deep else strip)

    return rows


def _rows_of_image(opened: "Image.Image") -> "Callable[[int, int], Image.Image]":
    """Decodes an image by Pillow; see `_open_rows`. Pillow clips 16-bit gray."""
    from PIL import Image
    from PIL.TiffImagePlugin import TiffImageFile

    opened.load()
    if not isinstance(opened, TiffImageFile) or not opened.mode.startswith("I;"):
        return lambda top, bottom: opened.crop((0, top, opened.width, bottom))
    samples, white = np.asarray(opened), 2 ** max(opened.tag_v2[TIFF_BITS]) - 1
    inverted = opened.tag_v2[TIFF_PHOTOMETRIC] == WHITE_IS_ZERO

    def rows(top: int, bottom: int) -> "Image.Image":
        strip = samples[top:bottom]
        return Image.fromarray(scale_to_8_bits(white - strip if inverted else strip, white))

    return rows


def _iterate_strips(
    rows: "Callable[[int, int], Image.Image]", width: int, height: int
) -> "Iterator[tuple[int, Image.Image]]":
    """Yields the strips in which a Pillow image is converted, each with its first row."""
    step = max(1, STRIP_PIXELS // width)
    for top in range(0, height, step):
        yield top, rows(top, min(top + step, height))


def _array_and_tensor(shape: tuple[int, ...]) -> tuple[np.ndarray, Any]:
    """Returns an array for Pillow's pixels and a tensor of the same values, without a copy."""
    import tensorflow as tf

    size = math.prod(shape)
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    array = memory[start : start + size].reshape(shape)
    return array, tf.experimental.dlpack.from_dlpack(array.__dlpack__())
