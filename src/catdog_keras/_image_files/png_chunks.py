"""Text and color profiles of PNG files, which are not needed to decode the pixels.

Pillow raises an error for text beyond its limits, which are these. TensorFlow's kernel has none: a
few kilobytes of compressed text would take gigabytes.
"""

import math
import zlib
from collections.abc import Iterator

MAX_CHUNK_BYTES = 2**20  # of the decompressed content of one chunk
MAX_TOTAL_BYTES = 2**26
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
ORIENTATION_KEYWORDS = (b"Raw profile type exif", b"XML:com.adobe.xmp")


def without_large_text(content: bytes) -> bytes:
    """Returns a PNG file without text and color profile if these exceed a limit.

    Text that can hold the orientation is kept if it is within the limit of a chunk. Other files
    are returned unchanged.
    """
    if not content.startswith(PNG_SIGNATURE) or not _has_large_text(content):
        return content
    kept = []
    found = set()
    start = 0
    for place, end, kind in iterate_png_chunks(content):
        if kind not in TEXT_CHUNKS:
            continue
        data = content[place:end]
        keyword = data.partition(b"\0")[0]
        if keyword in ORIENTATION_KEYWORDS and keyword not in found:
            found.add(keyword)
            if _unpacked_text_bytes(kind, data) <= MAX_CHUNK_BYTES:
                continue
        kept.append(content[start : place - 8])
        start = end + 4
    return b"".join([*kept, content[start:]])


def _has_large_text(content: bytes) -> bool:
    """Returns whether the decompressed text and color profile of a PNG file exceed a limit."""
    total = 0.0
    for place, end, kind in iterate_png_chunks(content):
        if kind in TEXT_CHUNKS:
            total += _unpacked_text_bytes(kind, content[place:end])
            if total > MAX_TOTAL_BYTES:
                return True
    return False


def iterate_png_chunks(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yields start and end of the data of each complete chunk, and its type."""
    start = len(PNG_SIGNATURE)
    while start + 8 <= len(content):
        kind = content[start + 4 : start + 8]
        end = start + 8 + int.from_bytes(content[start : start + 4])
        if end + 4 > len(content) or kind == b"IEND":
            return
        yield start + 8, end, kind
        start = end + 4


def _unpacked_text_bytes(kind: bytes, data: bytes) -> float:
    """Returns the size of the text or profile in a chunk; infinity if it exceeds the limit."""
    _, _, rest = data.partition(b"\0")
    compressed = kind in (b"zTXt", b"iCCP")
    packed = rest[1:]  # after the method
    if kind == b"iTXt":
        compressed = rest[:1] != b"\0"
        packed = rest[2:].split(b"\0", 2)[-1]  # after the method, language and translated keyword
    if not compressed:
        return len(data)
    unpacker = zlib.decompressobj()
    try:
        size = len(unpacker.decompress(packed, MAX_CHUNK_BYTES))
    except zlib.error:
        return 0
    return math.inf if unpacker.unconsumed_tail else size
