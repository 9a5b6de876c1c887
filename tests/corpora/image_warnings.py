"""Image files about which Pillow warns, with the verdict of a scan."""

import struct

from PIL import Image

from tests.corpora.image_files import encoded, flat, jpeg_of_size, patched, tiff
from tests.corpora.jpeg_scans import segment

SHORT, ASCII = 3, 2
ORIENTATION, DESCRIPTION = 0x0112, 0x010E


def with_segment(content: bytes, marker: int, data: bytes) -> bytes:
    """A JPEG file with one more segment at its begin."""
    return content[:2] + segment(marker, data) + content[2:]


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    """An entry of an EXIF directory."""
    return struct.pack("<HHII", tag, kind, count, value)


def exif(entries: bytes, count: int) -> bytes:
    """An EXIF block whose directory declares a number of entries."""
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, count) + entries


def chunk(content: bytes, name: bytes, data: bytes) -> bytes:
    """A PNG file with one more chunk behind its header."""
    import zlib

    check = struct.pack(">I", zlib.crc32(name + data))
    return content[:33] + struct.pack(">I", len(data)) + name + data + check + content[33:]


def _tiff_with(tag: bytes) -> bytes:
    """A TIFF file whose directory has one more entry, of an unused tag, at its end."""
    content = tiff(8, bytes(24 * 16))
    (start,) = struct.unpack("<I", content[4:8])
    (count,) = struct.unpack("<H", content[start : start + 2])
    end = start + 2 + 12 * count
    moved = content[:start] + struct.pack("<H", count + 1) + content[start + 2 : end] + tag
    return moved + bytes(4)


def _with_exif(form: str, block: bytes) -> bytes:
    """An image file of a format with an EXIF block."""
    return encoded(form, exif=block)


JPEG = encoded("JPEG", Image.linear_gradient("L").resize((40, 30)).convert("RGB"))
TOO_FEW = exif(entry(ORIENTATION, SHORT, 1, 1), 9)
TOO_LARGE = exif(entry(DESCRIPTION, ASCII, 90_000, 80_000) + entry(ORIENTATION, SHORT, 1, 1), 2)
TOO_MANY = exif(entry(ORIENTATION, SHORT, 2, 0x00010001), 1)
BEYOND = entry(DESCRIPTION, ASCII, 5_000, 2_000_000_000)

WARNED = {
    "corrupt exif.jpg": (with_segment(JPEG, 0xE1, TOO_FEW), "good"),
    "cut exif.jpg": (with_segment(JPEG, 0xE1, TOO_FEW[:20]), "good"),
    "no directory.jpg": (with_segment(JPEG, 0xE1, TOO_FEW[:14]), "good"),
    "large tag.jpg": (with_segment(JPEG, 0xE1, TOO_LARGE), "good"),
    "many values.jpg": (with_segment(JPEG, 0xE1, TOO_MANY), "good"),
    "malformed mpo.jpg": (with_segment(JPEG, 0xE2, b"MPF\0II*\0\xff\xff\xff\0"), "good"),
    "corrupt exif, CMYK.jpg": (
        with_segment(encoded("JPEG", flat().convert("CMYK")), 0xE1, TOO_FEW),
        "nonstandard",
    ),
    "no frames.png": (chunk(encoded("PNG"), b"acTL", struct.pack(">II", 0, 0)), "good"),
    "too many frames.png": (chunk(encoded("PNG"), b"acTL", b"\xff" * 8), "good"),
    "corrupt exif.png": (_with_exif("PNG", TOO_FEW), "good"),
    "corrupt exif.webp": (_with_exif("WEBP", TOO_FEW), "good"),
    "large tag.webp": (_with_exif("WEBP", TOO_LARGE), "good"),
    "large tag.tif": (_tiff_with(BEYOND), "good"),
    "large tag, turned.jpg": (
        with_segment(JPEG, 0xE1, patched(TOO_LARGE, 36, b"\x06")),
        "nonstandard",
    ),
    "large.jpg": (jpeg_of_size(12_000, 12_000), "bad"),
}
