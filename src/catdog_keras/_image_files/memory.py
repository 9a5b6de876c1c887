"""Bounds on the memory to decode one image, and on that of all threads together."""

import ctypes
import functools
import mmap
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from catdog_keras._image_files.heif import describe_avif
from catdog_keras._image_files.jpeg_scans import has_separate_scans
from catdog_keras._image_files.open_image import PNG_BITS, open_image
from catdog_keras._image_files.orientation import read_orientation

if TYPE_CHECKING:
    from PIL import Image

MEMORY_BYTES = 400_000_000  # of all images that are being decoded
IMAGE_BYTES = 300_000_000  # of one image
HEIF_BYTES = 320_000_000  # a HEIC photograph of 50 megapixels, as telephones take, needs 318 MB
CONTENT_BYTES = 100_000_000  # of all files that were read to be decoded
LARGE_BYTES = 60_000_000  # freed memory of at least this size is returned to the system
DONT_NEED = 4  # MADV_DONTNEED of Linux
BYTES_PER_PIXEL = 6  # of Pillow's image, and of one channel that is made of it and copied
NAMES = {
    "WEBP": "a WebP file",
    "AVIF": "an AVIF file",
    "HEIF": "a HEIC file",
    "PNG": "a PNG file",
    "TIFF": "a TIFF file that is rotated by its EXIF orientation",
    "JPEG": "a JPEG file of several scans",
    "MPO": "a JPEG file of several scans",
}


def open_described(content: bytes) -> "Image.Image":
    """Opens an image as `open_image` does, and adds to `info` what determines its memory.

    These are `bit_depth` and `chroma` of an AVIF file, `bit_depth` of a PNG file, `rotated` of a
    TIFF file, which Pillow copies to rotate it, and `several_scans` of a JPEG file, of which
    libjpeg holds all coefficients until the last scan.
    """
    from PIL.JpegImagePlugin import JpegImageFile

    image = open_image(content)
    if image.format == "AVIF":
        image.info.update(describe_avif(content))
    elif image.format == "PNG":
        image.info["bit_depth"] = content[PNG_BITS]
    elif image.format == "TIFF":
        image.info["rotated"] = read_orientation(image, content) > 1
    elif isinstance(image, JpegImageFile):
        separate = has_separate_scans(content, len(image.layer))
        image.info["several_scans"] = separate or "progressive" in image.info
    return image


def why_too_much_memory(image: "Image.Image") -> str:
    """Returns why an image that was opened needs too much memory to be decoded, or nothing."""
    limit = HEIF_BYTES if image.format == "HEIF" else IMAGE_BYTES
    most = int(limit / bytes_per_pixel(image) / 1_000_000)
    if image.width * image.height <= most * 1_000_000:
        return ""
    kind = NAMES.get(image.format or "", f"a {image.mode} image in the format {image.format}")
    alpha = " with transparency" if image.has_transparency_data else ""
    depth = f" with {image.info['bit_depth']} bits per color" if _has_deep_colors(image) else ""
    joined = " and".join(part for part in (alpha, depth) if part)
    return f"{kind}{joined} of more than {most} megapixels, which takes too much memory"


def bytes_per_pixel(image: "Image.Image") -> float:
    """Returns the memory that a decoder and its result need, measured with 12 to 49 megapixels.

    The result is one channel, or a smaller image. Formats that are not listed need less than the
    limit at the largest number of pixels.

    Args:
        image: An image that `open_described` has opened.
    """
    if image.format == "WEBP":
        return 18.5 if image.has_transparency_data else 17.0
    if image.format == "AVIF":
        return _bytes_per_avif_pixel(image)
    if image.format == "HEIF":
        return _bytes_per_heif_pixel(image)
    if image.format == "PNG" and _has_deep_colors(image):
        return 2 * (4 if image.has_transparency_data else 3) + 2.6
    if image.info.get("rotated"):  # with one strip of up to 100 MB
        return 12.0
    if image.info.get("several_scans"):
        return 4.2 + 2 * _jpeg_coefficients(image)
    return float(BYTES_PER_PIXEL)


def _jpeg_coefficients(image: Any) -> float:
    """Returns the coefficients per pixel in the memory of libjpeg if there are several scans."""
    _, across, down, _ = zip(*image.layer, strict=True)
    sampled = sum(x * y for x, y in zip(across, down, strict=True))
    return sampled / max(max(across) * max(down), 1)  # 0 in a damaged file


def _stored_planes(image: "Image.Image") -> float:
    """Returns the values per pixel that are stored in memory for the colors."""
    return {420: 1.5, 422: 2.0}.get(image.info.get("chroma", 444), 3.0)


def _bytes_per_avif_pixel(image: "Image.Image") -> float:
    """Returns the memory of the stored planes and of the result, fitted to measured values."""
    planes, rest = _stored_planes(image), 7.1
    if image.has_transparency_data:
        planes, rest = planes + 1, 8.3
    return rest + planes * (2 if _has_deep_colors(image) else 1)


def _bytes_per_heif_pixel(image: "Image.Image") -> float:
    """Returns the memory of the stored planes and of the result, fitted to measured values."""
    planes = _stored_planes(image)
    channels = 3
    if image.has_transparency_data:
        planes, channels = planes + 1, 4
    needed = 1.32 * planes + 1.46 * channels
    is_plain = planes == 1.5  # 4:2:0 without transparency is converted to 8 bits at once
    return needed if is_plain or not _has_deep_colors(image) else 1.72 * needed


def _has_deep_colors(image: "Image.Image") -> bool:
    """Returns whether colors of more than 8 bits are stored, whose decoding needs more memory."""
    return image.format in ("AVIF", "HEIF", "PNG") and image.info.get("bit_depth", 8) > 8


@functools.cache
def _c_library() -> Any:
    """Returns the C library of Linux, whose memory functions other systems do not need or have."""
    return ctypes.CDLL(None) if sys.platform == "linux" else None


def _return_freed_memory() -> None:
    """Returns freed memory to the system.

    The GNU C library keeps it for each thread, so that several threads would together keep several
    times the memory that they need.
    """
    with suppress(AttributeError):  # another system or C library
        _c_library().malloc_trim(0)


def discard_memory(address: int, size: int) -> None:
    """Returns the memory of values that are not read again to the system, which sets them to 0.

    TensorFlow keeps the memory of tensors that are deleted.
    """
    first = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
    last = (address + size) // mmap.PAGESIZE * mmap.PAGESIZE
    if size > LARGE_BYTES and sys.platform == "linux":
        _c_library().madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), DONT_NEED)


class _MemoryBudget:
    """Memory that threads share: each waits until there is enough; one can always go on."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._used = 0.0
        self._released = threading.Condition()

    @contextmanager
    def take(self, needed: float) -> Iterator[None]:
        with self._released:
            self._released.wait_for(lambda: not self._used or self._used + needed <= self.limit)
            self._used += needed
        try:
            yield
        finally:
            if needed > LARGE_BYTES:
                _return_freed_memory()
            with self._released:
                self._used -= needed
                self._released.notify_all()


# Two, so that threads which wait to decode what they have read do not wait for each other.
_contents, _pixels = _MemoryBudget(CONTENT_BYTES), _MemoryBudget(MEMORY_BYTES)


def memory_to_read(file_bytes: int) -> AbstractContextManager[None]:
    """Waits until there is memory for the content of an image file, before that to decode it."""
    return _contents.take(file_bytes)


def memory_to_decode(
    image: "Image.Image", least_bytes_per_pixel: float = 0
) -> AbstractContextManager[None]:
    """Waits until there is memory to decode an image that `open_described` has opened.

    Args:
        image: The image.
        least_bytes_per_pixel: What its use needs, if that can be more than `bytes_per_pixel`.
    """
    needed = max(bytes_per_pixel(image), least_bytes_per_pixel)
    return _pixels.take(image.width * image.height * needed)
