"""Limits of size, and of the time and memory that decoding takes, checked before decoding."""

from typing import TYPE_CHECKING, Any

from catdog_keras._image_files.file_parts import has_too_many_parts
from catdog_keras._image_files.heif import why_unknown
from catdog_keras._image_files.jpeg_markers import JPEG_START
from catdog_keras._image_files.jpeg_scans import has_too_many_scans
from catdog_keras._image_files.memory import open_described, why_too_much_memory
from catdog_keras._image_files.open_image import TIFF_BITS
from catdog_keras._image_files.png_chunks import without_large_text

if TYPE_CHECKING:
    from PIL import Image

MAX_MEGAPIXELS = 50
TOO_LARGE = f"more than {MAX_MEGAPIXELS} megapixels"
MAX_STRIP_BYTES = 100_000_000  # a decoder holds a compressed strip or tile in addition to the image
TOO_LARGE_STRIP = "a TIFF file with a compressed strip or tile of more than 100 MB"
TOO_MANY_SCANS = "a JPEG file with too many scans to decode in a reasonable time"
MAX_EXIF_SEGMENTS = 100  # Pillow joins them, in a time that is quadratic in their number
TOO_MANY_EXIF_SEGMENTS = "a JPEG file with too many EXIF segments to read in a reasonable time"
TOO_MANY_PARTS = "an image file with too many parts to read in a reasonable time"
EXIF_SEGMENT = b"Exif\0\0"
TIFF_ROWS_PER_STRIP, TIFF_TILE_WIDTH, TIFF_TILE_LENGTH = 278, 322, 323


class InvalidImageError(Exception):
    """The reason why a file cannot be read as an image, such as an exceeded limit."""


class UndecodableImageError(InvalidImageError):
    """The reason of a decoder, not a limit; memory or an optional package may be missing."""


def open_within_limits(content: bytes) -> tuple["Image.Image", bytes]:
    """Opens an image that can be decoded in a reasonable time and memory; does not decode it.

    Returns:
        The opened image, and the content without text and color profile that Pillow does not read.

    Raises:
        InvalidImageError: If it is not an image in one of the formats, or is too large.
    """
    from PIL import Image, UnidentifiedImageError

    if content.startswith(JPEG_START) and content.count(EXIF_SEGMENT) > MAX_EXIF_SEGMENTS:
        raise InvalidImageError(TOO_MANY_EXIF_SEGMENTS)
    if has_too_many_parts(content):
        raise InvalidImageError(TOO_MANY_PARTS)
    content = without_large_text(content)
    try:
        image = open_described(content)
    except UnidentifiedImageError:
        if reason := why_unknown(content):
            raise UndecodableImageError(reason) from None
        raise InvalidImageError("not an image in any known format") from None
    except Image.DecompressionBombError:
        raise InvalidImageError(TOO_LARGE) from None
    except Exception as error:  # decoders raise various exceptions for damaged files
        raise UndecodableImageError(f"could not be decoded: {error}") from error
    kind, pixels = image.format or "", image.width * image.height
    if pixels > MAX_MEGAPIXELS * 1_000_000:
        raise InvalidImageError(TOO_LARGE)
    if kind in ("JPEG", "MPO") and has_too_many_scans(content, pixels):
        raise InvalidImageError(TOO_MANY_SCANS)
    if reason := why_too_much_memory(image):
        raise InvalidImageError(reason)
    if kind == "TIFF" and _bytes_of_tiff_strip(image) > MAX_STRIP_BYTES:
        raise InvalidImageError(TOO_LARGE_STRIP)
    return image, content


def _bytes_of_tiff_strip(image: Any) -> int:
    """Returns the decoded size, to limit it, of a compressed strip or tile of a TIFF file, or 0."""
    if not image.tile or image.tile[0][0] != "libtiff":
        return 0
    tags = image.tag_v2
    bits = sum(tags.get(TIFF_BITS, (1,)))
    if TIFF_TILE_WIDTH in tags:
        return int(tags[TIFF_TILE_WIDTH] * tags.get(TIFF_TILE_LENGTH, 1) * bits // 8)
    rows = min(tags.get(TIFF_ROWS_PER_STRIP, image.height), image.height)
    return int(image.width * rows * bits // 8)
