"""Bounds on the memory to decode one image, and on that of all threads together."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

MEMORY_BYTES = 400_000_000
# A HEIC photograph of 50 megapixels, as telephones take them, needs 318 MB.
IMAGE_BYTES = 320_000_000
BYTES_PER_PIXEL = 8  # the most that a decoder and its result need, except the formats below
NAMES = {"WEBP": "a WebP file", "AVIF": "an AVIF file", "HEIF": "a HEIC file"}


def why_too_much_memory(image: "Image.Image") -> str:
    """Returns why an image that was opened needs too much memory to be decoded, or nothing."""
    most = int(IMAGE_BYTES / bytes_per_pixel(image) / 1_000_000)
    if image.width * image.height <= most * 1_000_000:
        return ""
    kind = NAMES.get(image.format or "", f"a {image.mode} image in the format {image.format}")
    alpha = " with transparency" if image.has_transparency_data else ""
    depth = f" with {image.info['bit_depth']} bits per color" if _is_deep(image) else ""
    joined = " and".join(part for part in (alpha, depth) if part)
    return f"{kind}{joined} of more than {most} megapixels, which takes too much memory"


def bytes_per_pixel(image: "Image.Image") -> float:
    """Returns the memory that a decoder and its result need, measured with 12 to 49 megapixels.

    Formats that are not listed need less than the limit at the largest number of pixels.
    """
    if image.format == "WEBP":
        return 16.0
    if image.format == "AVIF":
        return _bytes_per_avif_pixel(image)
    if image.format == "HEIF":
        return _bytes_per_heif_pixel(image)
    if image.format == "JPEG" and image.mode == "CMYK" and "progressive" in image.info:
        return 7.3
    return 6.0


def _planes(image: "Image.Image") -> float:
    """Returns the values per pixel that are stored for the colors."""
    return {420: 1.5, 422: 2.0}.get(image.info.get("chroma", 444), 3.0)


def _bytes_per_avif_pixel(image: "Image.Image") -> float:
    """Returns the memory of the stored planes and of the result, fitted to measured values."""
    planes, rest = _planes(image), 7.1
    if image.has_transparency_data:
        planes, rest = planes + 1, 8.3
    return rest + planes * (2 if _is_deep(image) else 1)


def _bytes_per_heif_pixel(image: "Image.Image") -> float:
    """Returns the memory of the stored planes and of the result, fitted to measured values."""
    planes = _planes(image)
    channels = 3
    if image.has_transparency_data:
        planes, channels = planes + 1, 4
    needed = 1.32 * planes + 1.46 * channels
    is_plain = planes == 1.5  # 4:2:0 without transparency is converted to 8 bits at once
    return needed if is_plain or not _is_deep(image) else 1.72 * needed


def _is_deep(image: "Image.Image") -> bool:
    return image.format in ("AVIF", "HEIF") and image.info.get("bit_depth", 8) > 8


_used = 0.0
_released = threading.Condition()


@contextmanager
def memory_for(
    pixels: int, file_bytes: int, bytes_per_pixel: float = BYTES_PER_PIXEL
) -> Iterator[None]:
    """Waits until there is memory to decode an image; one image can always be decoded."""
    global _used
    needed = pixels * max(BYTES_PER_PIXEL, bytes_per_pixel) + 2 * file_bytes
    with _released:
        _released.wait_for(lambda: not _used or _used + needed <= MEMORY_BYTES)
        _used += needed
    try:
        yield
    finally:
        with _released:
            _used -= needed
            _released.notify_all()
