"""Number of parts of an image file, which bounds the memory and time that reading its header takes.

Decoders keep an object for each segment of a JPEG file, chunk of a PNG file and strip of a TIFF
file, and join the blocks of a comment in a GIF file one by one. A part can be as short as two bytes
of the file.
"""

import itertools
from collections.abc import Iterator
from typing import Literal

from catdog_keras._image_files.jpeg_markers import JPEG_START, START_OF_SCAN
from catdog_keras._image_files.png_chunks import PNG_SIGNATURE, iterate_png_chunks

# Segments of a JPEG file, chunks of a PNG file without the pixels, or entries of the directory of a
# TIFF file; usually less than 100.
MAX_PARTS = 10_000
MAX_PIXEL_PARTS = 200_000  # chunks of pixels of a PNG file, or strips or tiles of a TIFF file
MAX_GIF_BLOCKS = 4000  # of at most 255 bytes, in front of the first frame

_GIF = (b"GIF87a", b"GIF89a")
# Byte order, and whether offsets have 8 bytes.
_TIFF: dict[bytes, tuple[Literal["little", "big"], bool]] = {
    b"II*\0": ("little", False),
    b"MM\0*": ("big", False),
    b"II+\0": ("little", True),
    b"MM\0+": ("big", True),
}
_STRIPS_AND_TILES = (273, 279, 324, 325)  # offsets and sizes of strips, and of tiles
_GIF_EXTENSION, _GIF_FRAME = 0x21, 0x2C


def has_too_many_parts(content: bytes) -> bool:
    """Returns whether a file has more parts than a decoder can read in bounded memory and time."""
    if content.startswith(JPEG_START):
        return _has_more_parts(_jpeg_segments(content), MAX_PARTS)
    if content.startswith(PNG_SIGNATURE):
        chunks = itertools.islice(iterate_png_chunks(content), MAX_PIXEL_PARTS + 1)
        names = [name for _, _, name in chunks]
        return len(names) > MAX_PIXEL_PARTS or len(names) - names.count(b"IDAT") > MAX_PARTS
    if content.startswith(_GIF):
        return _has_more_parts(_gif_blocks(content), MAX_GIF_BLOCKS)
    return content[:4] in _TIFF and _has_too_many_strips(content)


def _has_more_parts(parts: Iterator[int], most: int) -> bool:
    """Returns whether a file has more than `most` parts, without reading further ones."""
    return sum(1 for _ in itertools.islice(parts, most + 1)) > most


def _jpeg_segments(content: bytes) -> Iterator[int]:
    """Yields the marker of each part of a JPEG file before the pixels: segments, other bytes."""
    at = 2
    while (at := content.find(b"\xff", at)) >= 0 and at + 4 <= len(content):
        marker = content[at + 1]
        if marker == START_OF_SCAN:
            return
        yield marker
        is_segment = marker not in (0x00, 0xFF)  # 0xFF is a fill byte in front of a marker
        at += 2 + int.from_bytes(content[at + 2 : at + 4]) if is_segment else 1


def _gif_blocks(content: bytes) -> Iterator[int]:
    """Yields the size of each part of a GIF file before its frames: data blocks, 0 for others."""
    flags = content[10] if len(content) > 10 else 0
    at = 13 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0)
    while at < len(content) and content[at] != _GIF_FRAME:
        yield 0
        if content[at] == _GIF_EXTENSION:
            at += 2
            while at < len(content) and content[at]:
                yield content[at]
                at += 1 + content[at]
        at += 1  # the end of the extension, or a byte that decoders skip


def _has_too_many_strips(content: bytes) -> bool:
    """Returns whether the first directory of a TIFF file declares too many entries or strips."""
    order, is_large = _TIFF[content[:4]]
    first, head, width, count = (slice(4, 8), 2, 12, slice(4, 8))
    if is_large:
        first, head, width, count = (slice(8, 16), 8, 20, slice(4, 12))
    at = int.from_bytes(content[first], order)
    number = int.from_bytes(content[at : at + head], order)
    if number > MAX_PARTS:
        return True
    places = range(at + head, at + head + width * number, width)
    entries = [content[place : place + width] for place in places]
    return any(
        int.from_bytes(entry[:2], order) in _STRIPS_AND_TILES
        and int.from_bytes(entry[count], order) > MAX_PIXEL_PARTS
        for entry in entries
    )
