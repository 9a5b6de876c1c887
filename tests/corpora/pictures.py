"""One picture file of each kind, what it is, and what becomes of it.

Every picture that can be read shows `COLOUR` all over, but where a reason says otherwise; the
turned ones show it in their upper half once they are upright.
"""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

COLOUR = (200, 30, 40)
SIZE = (24, 16)  # width, height
ORIENTATION = 0x0112
GREY = 86  # COLOUR in mode "L"


class Kind(NamedTuple):
    """A kind of file: how it is written, what the scan calls it, and what it shows."""

    write: Callable[[Path], object]
    status: str
    reason: str = ""
    colour: tuple[int, int, int] | None = COLOUR


def flat(mode: str = "RGB", colour: object = COLOUR, size: tuple[int, int] = SIZE) -> Image.Image:
    """A picture of one colour."""
    return Image.new(mode, size, colour)


def encoded(form: str, image: Image.Image | None = None, **options: object) -> bytes:
    """The bytes of a picture in a format."""
    buffer = io.BytesIO()
    (image or flat()).save(buffer, form, **options)
    return buffer.getvalue()


def saved(form: str, image: Image.Image | None = None, **options: object) -> Callable:
    """A writer of a picture in a format, whatever the file's ending."""
    return lambda path: path.write_bytes(encoded(form, image and image.copy(), **options))


def frames(form: str, **options: object) -> Callable:
    """A writer of a picture with a second, blue one behind it."""
    # Made anew each time: Pillow leaves the settings of one format on the pictures it has written.
    return lambda path: path.write_bytes(
        encoded(form, save_all=True, append_images=[flat(colour=(0, 0, 255))], **options)
    )


def holds(content: bytes) -> Callable:
    """A writer of any bytes."""
    return lambda path: path.write_bytes(content)


def noise() -> Image.Image:
    """A picture that does not compress, so that a cut falls into its pixels."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))


def with_exif(form: str, orientation: int) -> Callable:
    """A picture whose EXIF data says how it was held; its stored pixels lie accordingly."""
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:8] = COLOUR
    stored = {
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright),
        7: upright.swapaxes(0, 1)[::-1, ::-1],
        8: np.rot90(upright, -1),
    }.get(orientation, np.full_like(upright, COLOUR))
    image = Image.fromarray(np.ascontiguousarray(stored))
    exif = image.getexif()
    exif[ORIENTATION] = orientation
    return saved(
        form,
        image,
        exif=exif,
        **({"quality": 95, "subsampling": "4:4:4"} if form == "JPEG" else {}),
    )


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


def _link(target: str) -> Callable:
    return lambda path: path.symlink_to(target)


def _link_to_good(path: Path) -> None:
    target = path.parent.parent / "elsewhere"
    target.write_bytes(encoded("PNG"))
    path.symlink_to(target)


def _comment() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "found on the roof")
    return info


_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
_GREYS = (GREY, GREY, GREY)
_RGB16 = png(
    png_header(4, 4, 16, 2), (b"\0" + struct.pack(">3H", *(257 * c for c in COLOUR)) * 4) * 4
)

GOOD = {
    "baseline.jpg": Kind(saved("JPEG"), "good"),
    "grey.jpg": Kind(saved("JPEG", flat("L", GREY)), "good", colour=_GREYS),
    "progressive.jpg": Kind(saved("JPEG", progressive=True), "good"),
    "not subsampled.jpg": Kind(saved("JPEG", subsampling="4:4:4"), "good"),
    "half subsampled.jpg": Kind(saved("JPEG", subsampling="4:2:2"), "good"),
    "optimised.jpg": Kind(saved("JPEG", optimize=True), "good"),
    "restart markers.jpg": Kind(saved("JPEG", restart_marker_blocks=1), "good"),
    "best quality.jpg": Kind(saved("JPEG", quality=100), "good"),
    "stored as RGB.jpg": Kind(saved("JPEG", keep_rgb=True), "good"),
    "one pixel.jpg": Kind(saved("JPEG", flat(size=(1, 1))), "good"),
    "one pixel.png": Kind(saved("PNG", flat(size=(1, 1))), "good"),
    "one column.png": Kind(saved("PNG", flat(size=(1, 2000))), "good"),
    "one row.jpg": Kind(saved("JPEG", flat(size=(2000, 1))), "good"),
    "colour profile.jpg": Kind(saved("JPEG", icc_profile=_PROFILE), "good"),
    "comment.jpg": Kind(saved("JPEG", comment=b"found on the roof"), "good"),
    "more after its end.jpg": Kind(holds(encoded("JPEG") + b"\0" * 99), "good"),
    "upright.jpg": Kind(with_exif("JPEG", 1), "good"),
    "no such orientation.jpg": Kind(with_exif("JPEG", 9), "good"),
    "true colour.png": Kind(saved("PNG"), "good"),
    "grey.png": Kind(saved("PNG", flat("L", GREY)), "good", colour=_GREYS),
    "one bit.png": Kind(saved("PNG", flat("1", 1)), "good", colour=(255, 255, 255)),
    "text.png": Kind(saved("PNG", pnginfo=_comment()), "good"),
    "interlaced.png": Kind(holds(png(png_header(1, 1, 8, 2, 1), b"\0" + bytes(COLOUR))), "good"),
    "true colour.bmp": Kind(saved("BMP"), "good"),
    "lossy.webp": Kind(saved("WEBP"), "good"),
    "lossless.webp": Kind(saved("WEBP", lossless=True), "good"),
    "plain.tif": Kind(saved("TIFF"), "good"),
    "lzw.tiff": Kind(saved("TIFF", compression="tiff_lzw"), "good"),
    "deflated.tif": Kind(saved("TIFF", compression="tiff_adobe_deflate"), "good"),
    "CAPITALS.JPG": Kind(saved("JPEG"), "good"),
    "other ending.jfif": Kind(saved("JPEG"), "good"),
    "кошка 猫 🐈.jpg": Kind(saved("JPEG"), "good"),
    "x" * 240 + ".png": Kind(saved("PNG"), "good"),
    "link.png": Kind(_link_to_good, "good"),
}  # fmt: skip

ODD = {
    **{
        f"turned {orientation}.jpg": Kind(with_exif("JPEG", orientation), "odd", "turned by its EXIF orientation")
        for orientation in range(2, 9)
    },
    "turned.png": Kind(with_exif("PNG", 6), "odd", "turned by its EXIF orientation"),
    "palette.png": Kind(saved("PNG", flat().quantize()), "odd", "palette"),
    "palette.bmp": Kind(saved("BMP", flat().quantize()), "odd", "palette"),
    "palette.gif": Kind(saved("GIF"), "odd", "palette"),
    "palette.tif": Kind(saved("TIFF", flat().quantize()), "odd", "palette"),
    "clear palette.png": Kind(saved("PNG", flat().quantize(), transparency=0), "odd", "palette, transparency", (255, 255, 255)),
    "frames.gif": Kind(frames("GIF"), "odd", "palette, 2 frames, the first is used"),
    "frames.png": Kind(frames("PNG"), "odd", "2 frames, the first is used"),
    "frames.webp": Kind(frames("WEBP", lossless=True), "odd", "2 frames, the first is used"),
    "pages.tif": Kind(frames("TIFF"), "odd", "2 frames, the first is used"),
    "two cameras.jpg": Kind(frames("MPO"), "odd", "2 frames, the first is used"),
    "16 bit grey.png": Kind(saved("PNG", Image.fromarray(np.full((16, 24), GREY * 257, np.uint16))), "odd", "16 bit", _GREYS),
    "16 bit grey.tif": Kind(saved("TIFF", Image.fromarray(np.full((16, 24), GREY * 257, np.uint16))), "odd", "16 bit", _GREYS),
    "16 bit colour.png": Kind(holds(_RGB16), "odd", "16 bit"),
    "opaque.png": Kind(saved("PNG", flat("RGBA", (*COLOUR, 255))), "odd", "transparency"),
    "clear.png": Kind(saved("PNG", flat("RGBA", (*COLOUR, 0))), "odd", "transparency", (255, 255, 255)),
    "half clear.png": Kind(saved("PNG", flat("RGBA", (*COLOUR, 128))), "odd", "transparency", (227, 142, 147)),
    "clear grey.png": Kind(saved("PNG", flat("LA", (GREY, 0))), "odd", "transparency", (255, 255, 255)),
    "clear colour.png": Kind(saved("PNG", transparency=COLOUR), "odd", "transparency", (255, 255, 255)),
    "clear.webp": Kind(saved("WEBP", flat("RGBA", (*COLOUR, 0)), lossless=True), "odd", "transparency", (255, 255, 255)),
    "clear.tif": Kind(saved("TIFF", flat("RGBA", (*COLOUR, 0))), "odd", "transparency", (255, 255, 255)),
    "print.jpg": Kind(saved("JPEG", flat().convert("CMYK")), "odd", "CMYK colours"),
    "print.tif": Kind(saved("TIFF", flat().convert("CMYK")), "odd", "CMYK colours"),
    "png.jpg": Kind(saved("PNG"), "odd", "content is PNG"),
    "jpeg.png": Kind(saved("JPEG"), "odd", "content is JPEG"),
    "webp.jpg": Kind(saved("WEBP"), "odd", "content is WEBP"),
    "gif.jpg": Kind(saved("GIF"), "odd", "palette, content is GIF"),
    "bmp.png": Kind(saved("BMP"), "odd", "content is BMP"),
}  # fmt: skip

_UNKNOWN = "not a picture in any known format"
_BROKEN = "does not decode: "
_JPEG, _PNG = encoded("JPEG", noise()), encoded("PNG", noise())
_UNSCALED = "32-bit samples, of which no value is known to be white"
_HUGE = "more than 50 megapixels"

BAD = {
    "empty.jpg": Kind(holds(b""), "bad", "empty file"),
    "one byte.png": Kind(holds(b"\x89"), "bad", _UNKNOWN),
    "zeros.jpg": Kind(holds(bytes(5000)), "bad", _UNKNOWN),
    "log-in page.jpg": Kind(holds(b"<!doctype html><html>log in</html>"), "bad", _UNKNOWN),
    "answer.png": Kind(holds(b'{"error": 404}'), "bad", _UNKNOWN),
    "archive.jpg": Kind(holds(b"PK\3\4" + bytes(100)), "bad", _UNKNOWN),
    "document.jpg": Kind(holds(b"%PDF-1.7\n" + bytes(100)), "bad", _UNKNOWN),
    "drawing.png": Kind(holds(b'<svg xmlns="http://www.w3.org/2000/svg"/>'), "bad", _UNKNOWN),
    "telephone.jpg": Kind(holds(b"\0\0\0\x18ftypheic" + bytes(100)), "bad", _UNKNOWN),
    "first bytes.jpg": Kind(holds(_JPEG[:3]), "bad", _UNKNOWN),
    "half.jpg": Kind(cut(_JPEG), "bad", _BROKEN + "image file is truncated"),
    "half progressive.jpg": Kind(cut(encoded("JPEG", noise(), progressive=True)), "bad", _BROKEN + "image file is truncated"),
    "header only.jpg": Kind(holds(_JPEG[: _JPEG.index(b"\xff\xda")]), "bad", _BROKEN),
    "no tables.jpg": Kind(holds(_JPEG.replace(b"\xff\xdb", b"\xff\xfe")), "bad", _BROKEN),
    "half.png": Kind(cut(_PNG), "bad", _BROKEN),
    "wrong checksum.png": Kind(holds(png(png_header(4, 4, 8, 2), (b"\0" + bytes(COLOUR) * 4) * 4, spoil="IDAT")), "bad", _BROKEN),
    "too few rows.png": Kind(holds(png(png_header(4, 4, 8, 2), b"\0" + bytes(COLOUR) * 4)), "bad", _BROKEN),
    "no such filter.png": Kind(holds(png(png_header(4, 4, 8, 2), (b"\x09" + bytes(COLOUR) * 4) * 4)), "bad", _BROKEN),
    "no width.png": Kind(holds(png(png_header(0, 4, 8, 2), b"")), "bad", _UNKNOWN),
    "half.gif": Kind(cut(encoded("GIF", noise())), "bad", _BROKEN),
    "half.bmp": Kind(cut(encoded("BMP", noise())), "bad", _BROKEN + "image file is truncated"),
    "half.webp": Kind(cut(encoded("WEBP", noise())), "bad", _BROKEN),
    "half.tif": Kind(cut(encoded("TIFF", noise())), "bad", ""),
    "measured.tif": Kind(saved("TIFF", flat("F", 0.5)), "bad", _UNSCALED),
    "counted.tif": Kind(saved("TIFF", flat("I", 2**20)), "bad", _UNSCALED),
    "huge.png": Kind(saved("PNG", Image.new("1", (10_000, 5_001))), "bad", _HUGE),
    "claims to be huge.jpg": Kind(holds(jpeg_of_size(65_500, 65_500)), "bad", _HUGE),
    "bomb.png": Kind(holds(png(png_header(60_000, 60_000, 8, 2), bytes(10**6))), "bad", _HUGE),
    "pipe.png": Kind(os.mkfifo, "bad", "not a regular file"),
    "device.png": Kind(_link("/dev/zero"), "bad", "not a regular file"),
    "leads nowhere.png": Kind(_link("nowhere"), "bad", "cannot be read: No such file"),
    "leads to itself.png": Kind(_link("leads to itself.png"), "bad", "cannot be read: Too many levels"),
    os.fsdecode(b"caf\xe9.png"): Kind(saved("PNG"), "bad", "its name is not valid UTF-8"),
}  # fmt: skip

KINDS = {**GOOD, **ODD, **BAD}
