"""PNG and JPEG files without metadata that is damaged and not needed to decode the pixels.

TensorFlow's decoders skip such metadata. Pillow rejects the whole file, as for a comment with a
wrong checksum.
"""

import zlib
from collections.abc import Iterator

from catdog_keras._image_files.jpeg_markers import (
    APPLICATION,
    COMMENT,
    JPEG_START,
    START_OF_SCAN,
    WITHOUT_LENGTH,
)
from catdog_keras._image_files.png_chunks import PNG_SIGNATURE, iterate_png_chunks

PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_JFIF, _EXIF, _ADOBE = 0xE0, 0xE1, 0xEE  # segments that change colors or orientation
# With their length; TensorFlow's decoder ignores shorter ones.
_JFIF_BYTES, _ADOBE_BYTES = 16, 14


def without_metadata(content: bytes) -> Iterator[bytes]:
    """Yields a PNG or JPEG file with less and less metadata; nothing for other files.

    The orientation is removed last.
    """
    if content.startswith(PNG_SIGNATURE):
        yield from _stripped_png_files(content)
    elif content.startswith(JPEG_START):
        yield _stripped_jpeg_file(content, with_exif=True)
        yield _stripped_jpeg_file(content, with_exif=False)


def without_pixels(content: bytes) -> bytes:
    """Returns a PNG file without its pixels: the header, and the metadata before and after them."""
    kept = [
        content[start - 8 : end + 4]
        for start, end, kind in iterate_png_chunks(content)
        if kind != b"IDAT"
    ]
    return b"".join([PNG_SIGNATURE, *kept, PNG_END])


def _stripped_png_files(content: bytes) -> Iterator[bytes]:
    """Yields a PNG file without damaged chunks, then without chunks that pixels do not need."""
    valid, exif, pixels = [PNG_SIGNATURE], [PNG_SIGNATURE], [PNG_SIGNATURE]
    end = len(PNG_SIGNATURE)
    for start, end, kind in iterate_png_chunks(content):
        chunk = content[start - 8 : end + 4]
        needed = kind[:1].isupper()
        if not needed and zlib.crc32(kind + content[start:end]) != int.from_bytes(chunk[-4:]):
            continue  # as TensorFlow's decoder does
        valid.append(chunk)
        if needed or kind in (b"tRNS", b"eXIf"):
            exif.append(chunk)
        if needed or kind == b"tRNS":
            pixels.append(chunk)
    rest = content[end + 4 :] if end > len(PNG_SIGNATURE) else content[end:]
    for kept in (valid, exif, pixels):
        yield b"".join([*kept, rest])


def _stripped_jpeg_file(content: bytes, *, with_exif: bool) -> bytes:
    """Returns a JPEG file without comments and without segments of applications."""
    kept, at = [JPEG_START], 2
    while content[at : at + 1] == b"\xff" and at + 4 <= len(content):
        marker = content[at + 1]
        if marker == 0xFF or marker in WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == START_OF_SCAN:
            break
        segment = content[at : at + 2 + int.from_bytes(content[at + 2 : at + 4])]
        if _is_needed_segment(marker, segment, with_exif=with_exif):
            kept.append(segment)
        at += max(len(segment), 2)
    return b"".join([*kept, content[at:]])


def _is_needed_segment(marker: int, segment: bytes, *, with_exif: bool) -> bool:
    """Returns whether JPEG metadata affects colors or, if `with_exif`, the orientation."""
    if marker == _JFIF:
        return len(segment) >= 2 + _JFIF_BYTES and segment[4:9] == b"JFIF\0"
    if marker == _EXIF:
        return with_exif and segment[4:10] == b"Exif\0\0"
    if marker == _ADOBE:
        return len(segment) >= 2 + _ADOBE_BYTES
    return marker not in APPLICATION and marker != COMMENT
