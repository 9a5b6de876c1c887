"""One image file of each kind, what it is, and what becomes of it.

Every image that can be read shows `COLOR` all over, but where a reason says otherwise; the
turned ones show it in their upper half once they are upright.
"""

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

from tests.corpora.image_files import (
    COLOR,
    SIZE,
    cut,
    encoded,
    flat,
    frames,
    holds,
    jpeg_of_size,
    noise,
    png,
    png_header,
    saved,
    tiff,
    transparency,
    with_exif,
)

LARGE_TEXT = "more text or color profile than Pillow reads, which is ignored"
GREY = 86  # COLOR in mode "L"


class Kind(NamedTuple):
    """A kind of file: how it is written, what the scan calls it, and what it shows."""

    write: Callable[[Path], object]
    status: str
    reason: str = ""
    color: tuple[int, int, int] | None = COLOR


def _link_to(target: str) -> Callable:
    """A writer of a link to a path."""
    return lambda path: path.symlink_to(target)


def _link_to_good_image(path: Path) -> None:
    """Writes a link to an image in another folder."""
    target = path.parent.parent / "elsewhere"
    target.write_bytes(encoded("PNG"))
    path.symlink_to(target)


def _png_comment(size: int = 17, count: int = 1, **options: bool) -> PngImagePlugin.PngInfo:
    """Text chunks of a PNG file."""
    info = PngImagePlugin.PngInfo()
    for _ in range(count):
        info.add_text("Comment", ("found on the roof" * (size // 17 + 1))[:size], **options)
    return info


def _png_international_text(size: int) -> PngImagePlugin.PngInfo:
    """A compressed text chunk of a PNG file, in UTF-8."""
    info = PngImagePlugin.PngInfo()
    info.add_itxt("Comment", "猫" * (size // 3), zip=True)
    return info


def _write_chunks_behind_pixels(path: Path) -> None:
    """Writes a PNG file whose large text is behind the pixels."""
    content = encoded("PNG", pnginfo=_png_comment(2**21, zip=True))
    text = content.index(b"zTXt") - 4
    pixels = content.index(b"IDAT") - 4
    path.write_bytes(content[:text] + content[pixels:-12] + content[text:pixels] + content[-12:])


_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
_GREYS = (GREY, GREY, GREY)
_DEEP = struct.pack(">3H", *(257 * c for c in COLOR))
_RGB16 = (png_header(4, 4, 16, 2), (b"\0" + _DEEP * 4) * 4)
_GREY16 = (png_header(4, 4, 16, 0), (b"\0" + _DEEP[:2] * 4) * 4)
_GREY2 = (png_header(4, 4, 2, 0), b"\0\xaa" * 4)  # each sample is 2
_WHITE = (255, 255, 255)
_PIXELS = SIZE[0] * SIZE[1]
_TWELVE = (0xFFF * GREY // 255 << 12 | 0xFFF * GREY // 255).to_bytes(3)  # two samples

GOOD = {
    "baseline.jpg": Kind(saved("JPEG"), "good"),
    "grey.jpg": Kind(saved("JPEG", flat("L", GREY)), "good", color=_GREYS),
    "progressive.jpg": Kind(saved("JPEG", progressive=True), "good"),
    "not subsampled.jpg": Kind(saved("JPEG", subsampling="4:4:4"), "good"),
    "half subsampled.jpg": Kind(saved("JPEG", subsampling="4:2:2"), "good"),
    "optimized.jpg": Kind(saved("JPEG", optimize=True), "good"),
    "restart markers.jpg": Kind(saved("JPEG", restart_marker_blocks=1), "good"),
    "best quality.jpg": Kind(saved("JPEG", quality=100), "good"),
    "stored as RGB.jpg": Kind(saved("JPEG", keep_rgb=True), "good"),
    "one pixel.jpg": Kind(saved("JPEG", flat(size=(1, 1))), "good"),
    "one pixel.png": Kind(saved("PNG", flat(size=(1, 1))), "good"),
    "one column.png": Kind(saved("PNG", flat(size=(1, 2000))), "good"),
    "one row.jpg": Kind(saved("JPEG", flat(size=(2000, 1))), "good"),
    "color profile.jpg": Kind(saved("JPEG", icc_profile=_PROFILE), "good"),
    "comment.jpg": Kind(saved("JPEG", comment=b"found on the roof"), "good"),
    "more after its end.jpg": Kind(holds(encoded("JPEG") + b"\0" * 99), "good"),
    "upright.jpg": Kind(with_exif("JPEG", 1), "good"),
    "no such orientation.jpg": Kind(with_exif("JPEG", 9), "good"),
    "true color.png": Kind(saved("PNG"), "good"),
    "grey.png": Kind(saved("PNG", flat("L", GREY)), "good", color=_GREYS),
    "one bit.png": Kind(saved("PNG", flat("1", 1)), "good", color=(255, 255, 255)),
    "text.png": Kind(saved("PNG", pnginfo=_png_comment()), "good"),
    "text of one MB.png": Kind(saved("PNG", pnginfo=_png_comment(2**20, zip=True)), "good"),
    "long text.png": Kind(saved("PNG", pnginfo=_png_comment(2**21)), "good"),
    "interlaced.png": Kind(holds(png(png_header(1, 1, 8, 2, 1), b"\0" + bytes(COLOR))), "good"),
    "true color.bmp": Kind(saved("BMP"), "good"),
    "lossy.webp": Kind(saved("WEBP"), "good"),
    "lossless.webp": Kind(saved("WEBP", lossless=True), "good"),
    "plain.tif": Kind(saved("TIFF"), "good"),
    "lzw.tiff": Kind(saved("TIFF", compression="tiff_lzw"), "good"),
    "deflated.tif": Kind(saved("TIFF", compression="tiff_adobe_deflate"), "good"),
    "CAPITALS.JPG": Kind(saved("JPEG"), "good"),
    "other ending.jfif": Kind(saved("JPEG"), "good"),
    "кошка 猫 🐈.jpg": Kind(saved("JPEG"), "good"),
    "x" * 240 + ".png": Kind(saved("PNG"), "good"),
    "link.png": Kind(_link_to_good_image, "good"),
}  # fmt: skip

NONSTANDARD = {
    **{
        f"turned {orientation}.jpg": Kind(with_exif("JPEG", orientation), "nonstandard", "rotated by its EXIF orientation")
        for orientation in range(2, 9)
    },
    "turned.png": Kind(with_exif("PNG", 6), "nonstandard", "rotated by its EXIF orientation"),
    "turned.tif": Kind(with_exif("TIFF", 6), "nonstandard", "rotated by its EXIF orientation"),
    "turned.webp": Kind(with_exif("WEBP", 6), "nonstandard", "rotated by its EXIF orientation"),
    "more than one MB of text.png": Kind(saved("PNG", pnginfo=_png_comment(2**20 + 1, zip=True)), "nonstandard", LARGE_TEXT),
    "international text.png": Kind(saved("PNG", pnginfo=_png_international_text(2**21)), "nonstandard", LARGE_TEXT),
    "text behind pixels.png": Kind(_write_chunks_behind_pixels, "nonstandard", LARGE_TEXT),
    "65 MB of text.png": Kind(saved("PNG", pnginfo=_png_comment(2**20, 65, zip=True)), "nonstandard", LARGE_TEXT),
    "large color profile.png": Kind(saved("PNG", icc_profile=bytes(2**21)), "nonstandard", LARGE_TEXT),
    "turned, with text.png": Kind(with_exif("PNG", 6, pnginfo=_png_comment(2**21, zip=True)), "nonstandard", f"rotated by its EXIF orientation, {LARGE_TEXT}"),
    "palette.png": Kind(saved("PNG", flat().quantize()), "nonstandard", "palette"),
    "palette.bmp": Kind(saved("BMP", flat().quantize()), "nonstandard", "palette"),
    "palette.gif": Kind(saved("GIF"), "nonstandard", "palette"),
    "palette.tif": Kind(saved("TIFF", flat().quantize()), "nonstandard", "palette"),
    "clear palette.png": Kind(saved("PNG", flat().quantize(), transparency=0), "nonstandard", "palette, transparency", (255, 255, 255)),
    "frames.gif": Kind(frames("GIF"), "nonstandard", "palette, several frames, the first is used"),
    "frames.png": Kind(frames("PNG"), "nonstandard", "several frames, the first is used"),
    "frames.webp": Kind(frames("WEBP", lossless=True), "nonstandard", "several frames, the first is used"),
    "pages.tif": Kind(frames("TIFF"), "nonstandard", "several frames, the first is used"),
    "two cameras.jpg": Kind(frames("MPO"), "nonstandard", "several frames, the first is used"),
    "16 bit grey.png": Kind(saved("PNG", Image.fromarray(np.full((16, 24), GREY * 257, np.uint16))), "nonstandard", "16 bit", _GREYS),
    "16 bit grey.tif": Kind(saved("TIFF", Image.fromarray(np.full((16, 24), GREY * 257, np.uint16))), "nonstandard", "16 bit", _GREYS),
    "16 bit color.png": Kind(holds(png(*_RGB16)), "nonstandard", "16 bit"),
    "16 bit color.tif": Kind(holds(tiff(16, struct.pack("<3H", *(257 * c for c in COLOR)) * _PIXELS, photometric=2, channels=3)), "nonstandard", "16 bit"),
    "12 bit.tif": Kind(holds(tiff(12, _TWELVE * (_PIXELS // 2))), "nonstandard", "12 bit", _GREYS),
    "16 bit, white at zero.tif": Kind(holds(tiff(16, struct.pack("<H", 257 * (255 - GREY)) * _PIXELS, photometric=0)), "nonstandard", "16 bit", _GREYS),
    "clear 16 bit color.png": Kind(holds(png(*_RGB16, extra=transparency(*struct.unpack(">3H", _DEEP)))), "nonstandard", "16 bit, transparency", _WHITE),
    "clear 16 bit grey.png": Kind(holds(png(*_GREY16, extra=transparency(257 * COLOR[0]))), "nonstandard", "16 bit, transparency", _WHITE),
    "clear 2 bit grey.png": Kind(holds(png(*_GREY2, extra=transparency(2))), "nonstandard", "transparency", _WHITE),
    "another grey clear.png": Kind(holds(png(*_GREY2, extra=transparency(1))), "nonstandard", "transparency", (170, 170, 170)),
    "opaque.png": Kind(saved("PNG", flat("RGBA", (*COLOR, 255))), "nonstandard", "transparency"),
    "clear.png": Kind(saved("PNG", flat("RGBA", (*COLOR, 0))), "nonstandard", "transparency", (255, 255, 255)),
    "half clear.png": Kind(saved("PNG", flat("RGBA", (*COLOR, 128))), "nonstandard", "transparency", (227, 142, 147)),
    "clear grey.png": Kind(saved("PNG", flat("LA", (GREY, 0))), "nonstandard", "transparency", (255, 255, 255)),
    "clear color.png": Kind(saved("PNG", transparency=COLOR), "nonstandard", "transparency", (255, 255, 255)),
    "clear.webp": Kind(saved("WEBP", flat("RGBA", (*COLOR, 0)), lossless=True), "nonstandard", "transparency", (255, 255, 255)),
    "clear.tif": Kind(saved("TIFF", flat("RGBA", (*COLOR, 0))), "nonstandard", "transparency", (255, 255, 255)),
    "print.jpg": Kind(saved("JPEG", flat().convert("CMYK")), "nonstandard", "CMYK colors"),
    "print.tif": Kind(saved("TIFF", flat().convert("CMYK")), "nonstandard", "CMYK colors"),
    "png.jpg": Kind(saved("PNG"), "nonstandard", "content is PNG"),
    "jpeg.png": Kind(saved("JPEG"), "nonstandard", "content is JPEG"),
    "webp.jpg": Kind(saved("WEBP"), "nonstandard", "content is WEBP"),
    "gif.jpg": Kind(saved("GIF"), "nonstandard", "palette, content is GIF"),
    "bmp.png": Kind(saved("BMP"), "nonstandard", "content is BMP"),
}  # fmt: skip

_UNKNOWN = "not an image in any known format"
_BROKEN = "could not be decoded: "
_JPEG, _PNG = encoded("JPEG", noise()), encoded("PNG", noise())
_UNSCALED = " samples, which have no defined white level"
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
    # The reason depends on whether the package for HEIC files is installed.
    "telephone.jpg": Kind(holds(b"\0\0\0\x18ftypheic" + bytes(100)), "bad", ""),
    "first bytes.jpg": Kind(holds(_JPEG[:3]), "bad", _UNKNOWN),
    "half.jpg": Kind(cut(_JPEG), "bad", _BROKEN + "image file is truncated"),
    "half progressive.jpg": Kind(cut(encoded("JPEG", noise(), progressive=True)), "bad", _BROKEN + "image file is truncated"),
    # Pillow 13 takes it for an image that is torn, Pillow 12 for none.
    "header only.jpg": Kind(holds(_JPEG[: _JPEG.index(b"\xff\xda")]), "bad", ""),
    "no tables.jpg": Kind(holds(_JPEG.replace(b"\xff\xdb", b"\xff\xfe")), "bad", _BROKEN),
    "half.png": Kind(cut(_PNG), "bad", _BROKEN),
    "wrong checksum.png": Kind(holds(png(png_header(4, 4, 8, 2), (b"\0" + bytes(COLOR) * 4) * 4, spoil="IDAT")), "bad", _BROKEN),
    "too few rows.png": Kind(holds(png(png_header(4, 4, 8, 2), b"\0" + bytes(COLOR) * 4)), "bad", _BROKEN),
    "no such filter.png": Kind(holds(png(png_header(4, 4, 8, 2), (b"\x09" + bytes(COLOR) * 4) * 4)), "bad", _BROKEN),
    "no width.png": Kind(holds(png(png_header(0, 4, 8, 2), b"")), "bad", _UNKNOWN),
    "half.gif": Kind(cut(encoded("GIF", noise())), "bad", _BROKEN),
    "half.bmp": Kind(cut(encoded("BMP", noise())), "bad", _BROKEN + "image file is truncated"),
    "half.webp": Kind(cut(encoded("WEBP", noise())), "bad", _BROKEN),
    "half.tif": Kind(cut(encoded("TIFF", noise())), "bad", ""),
    "measured.tif": Kind(saved("TIFF", flat("F", 0.5)), "bad", "32-bit floating-point" + _UNSCALED),
    "counted.tif": Kind(saved("TIFF", flat("I", 2**20)), "bad", "32-bit signed" + _UNSCALED),
    "signed.tif": Kind(holds(tiff(16, bytes(2 * _PIXELS), kind=2)), "bad", "16-bit signed" + _UNSCALED),
    "PostScript.jpg": Kind(saved("EPS"), "bad", _UNKNOWN),
    "half avif.jpg": Kind(cut(encoded("AVIF")), "bad", ""),
    "jpeg 2000.jpg": Kind(saved("JPEG2000"), "bad", _UNKNOWN),
    "icon.png": Kind(saved("ICO", flat(size=(16, 16))), "bad", _UNKNOWN),
    "targa.png": Kind(saved("TGA"), "bad", _UNKNOWN),
    "huge.png": Kind(saved("PNG", Image.new("1", (10_000, 5_001))), "bad", _HUGE),
    "claims to be huge.jpg": Kind(holds(jpeg_of_size(65_500, 65_500)), "bad", _HUGE),
    "bomb.png": Kind(holds(png(png_header(60_000, 60_000, 8, 2), bytes(10**6))), "bad", _HUGE),
    "pipe.png": Kind(os.mkfifo, "bad", "not a regular file"),
    "device.png": Kind(_link_to("/dev/zero"), "bad", "not a regular file"),
    "leads nowhere.png": Kind(_link_to("nowhere"), "bad", "cannot be read: No such file"),
    "leads to itself.png": Kind(_link_to("leads to itself.png"), "bad", "cannot be read: Too many levels"),
    os.fsdecode(b"caf\xe9.png"): Kind(saved("PNG"), "bad", "its name is not valid UTF-8"),
}  # fmt: skip

KINDS = {**GOOD, **NONSTANDARD, **BAD}
