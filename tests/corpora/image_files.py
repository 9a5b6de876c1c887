"""Writers of single image files, for what Pillow writes and for what it does not."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

COLOR = (200, 30, 40)
SIZE = (24, 16)  # width, height
ORIENTATION = 0x0112


def flat(mode: str = "RGB", color: object = COLOR, size: tuple[int, int] = SIZE) -> Image.Image:
    """An image of one color."""
    return Image.new(mode, size, color)


def encoded(form: str, image: Image.Image | None = None, **options: object) -> bytes:
    """The bytes of an image in a format."""
    buffer = io.BytesIO()
    (image or flat()).save(buffer, form, **options)
    return buffer.getvalue()


def saved(form: str, image: Image.Image | None = None, **options: object) -> Callable:
    """A writer of an image in a format, whatever the file's ending."""
    return lambda path: path.write_bytes(encoded(form, image and image.copy(), **options))


def frames(form: str, **options: object) -> Callable:
    """A writer of an image with a second, blue one behind it."""
    # Created again each time: Pillow keeps the settings of one format on images that it has written.
    return lambda path: path.write_bytes(
        encoded(form, save_all=True, append_images=[flat(color=(0, 0, 255))], **options)
    )


def holds(content: bytes) -> Callable:
    """A writer of any bytes."""
    return lambda path: path.write_bytes(content)


def noise() -> Image.Image:
    """An image that does not compress, so that a cut falls into its pixels."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))


def with_exif(form: str, orientation: int, **options: object) -> Callable:
    """An image with an EXIF orientation; its stored pixels are rotated accordingly."""
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:8] = COLOR
    stored = {
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright),
        7: upright.swapaxes(0, 1)[::-1, ::-1],
        8: np.rot90(upright, -1),
    }.get(orientation, np.full_like(upright, COLOR))
    image = Image.fromarray(np.ascontiguousarray(stored))
    exif = image.getexif()
    exif[ORIENTATION] = orientation
    exact = {"JPEG": {"quality": 95, "subsampling": "4:4:4"}, "WEBP": {"lossless": True}}
    return saved(form, image, exif=exif, **exact.get(form, {}), **options)


def png(header: bytes, rows: bytes, *, spoil: str = "", extra: bytes = b"") -> bytes:
    """A PNG file from its 13 header bytes and its filtered rows, for what Pillow does not write."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data) ^ (1 if spoil == name.decode() else 0)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    chunks = [chunk(b"IHDR", header), extra, chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


def png_header(width: int, height: int, bits: int, kind: int, interlace: int = 0) -> bytes:
    """The 13 bytes of a PNG header; kind 2 is RGB, kind 0 grey."""
    return struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, interlace)


def transparency(*samples: int) -> bytes:
    """The chunk of a PNG file that calls one grey or one color clear."""
    data = struct.pack(f">{len(samples)}H", *samples)
    check = struct.pack(">I", zlib.crc32(b"tRNS" + data))
    return struct.pack(">I", len(data)) + b"tRNS" + data + check


def tiff(
    bits: int, pixels: bytes, *, photometric: int = 1, channels: int = 1, kind: int = 1
) -> bytes:
    """A TIFF file of `SIZE`; photometric 0 is white at zero, 2 is RGB; kind 2 is signed."""
    long, short = 4, 3
    tags = {
        256: (long, [SIZE[0]]),
        257: (long, [SIZE[1]]),
        258: (short, [bits] * channels),
        259: (short, [1]),
        262: (short, [photometric]),
        273: (long, [8]),  # where the pixels begin: directly behind the header
        277: (short, [channels]),
        278: (long, [SIZE[1]]),
        279: (long, [len(pixels)]),
        339: (short, [kind] * channels),
    }
    directory = 8 + len(pixels)
    beyond = directory + 2 + 12 * len(tags) + 4  # values that do not fit into four bytes
    entries, values = b"", b""
    for tag, (size, numbers) in tags.items():
        data = struct.pack(f"<{len(numbers)}{'I' if size == long else 'H'}", *numbers)
        if len(data) > 4:
            data, values = struct.pack("<I", beyond + len(values)), values + data
        entries += struct.pack("<HHI", tag, size, len(numbers)) + data.ljust(4, b"\0")
    header = b"II*\0" + struct.pack("<I", directory) + pixels
    return header + struct.pack("<H", len(tags)) + entries + bytes(4) + values


def cut(content: bytes, share: float = 0.5) -> Callable:
    """A writer of the first part of some bytes."""
    return holds(content[: int(len(content) * share)])


def patched(content: bytes, at: int, new: bytes) -> bytes:
    """Bytes with others in their midst."""
    return content[:at] + new + content[at + len(new) :]


def jpeg_of_size(width: int, height: int) -> bytes:
    """A JPEG file whose header claims another size than its data has."""
    content = encoded("JPEG")
    frame = content.index(b"\xff\xc0")
    return patched(content, frame + 5, struct.pack(">HH", height, width))
