"""Damaged metadata that is not needed to decode the pixels does not make an image bad."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from catdog_keras import load_images, scan_images
from catdog_keras._image_files.decode_pillow import decode_pillow
from catdog_keras._image_files.decode_tensorflow import decode_tf
from tests.corpora.jpeg_scans import segment

PIXELS = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
EXIF = Image.Exif()
EXIF[0x0112] = 6  # to be rotated
EXIF = EXIF.tobytes()


def encoded(form):
    content = io.BytesIO()
    Image.fromarray(PIXELS).save(content, form)
    return content.getvalue()


def png(*chunks):
    content = encoded("PNG")
    end = 33  # of the header
    return content[:end] + b"".join(chunks) + content[end:]


def chunk(kind, data, *, valid=True):
    checksum = zlib.crc32(kind + data) ^ (0 if valid else 1)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def jpeg(*segments, jfif=True):
    content = encoded("JPEG")
    return content[:2] + b"".join(segments) + content[2 if jfif else 20 :]


TEXT = chunk(b"tEXt", b"Comment\0text", valid=False)
CUT_JFIF = segment(0xE0, b"JFIF\0")
GOOD = {
    "text.png": png(TEXT),
    "private.png": png(chunk(b"abCd", b"1", valid=False)),
    "transparency.png": png(chunk(b"tRNS", b"\0" * 6, valid=False)),
    "size.png": png(chunk(b"pHYs", b"1")),
    "method.png": png(chunk(b"zTXt", b"Comment\0\7text")),
    "gamma.png": png(chunk(b"gAMA", b"")),
    "animation.png": png(chunk(b"acTL", b"1")),
    "exif.png": png(chunk(b"eXIf", b"1")),
    "jfif.jpg": jpeg(CUT_JFIF, jfif=False),
    "exif.jpg": jpeg(segment(0xE1, EXIF[:12])),
    "adobe.jpg": jpeg(segment(0xEE, b"Adobe")),
    "frames.jpg": jpeg(segment(0xE2, b"MPF\0")),
}
ROTATED = {
    "rotated.png": png(chunk(b"eXIf", EXIF[6:]), TEXT),
    "rotated size.png": png(chunk(b"eXIf", EXIF[6:]), chunk(b"pHYs", b"1")),
    "rotated.jpg": jpeg(CUT_JFIF, segment(0xE1, EXIF), jfif=False),
}
BAD = {
    "pixels.png": png(chunk(b"IDAT", b"1", valid=False)),
    "palette.png": png(chunk(b"PLTE", b"123", valid=False)),
    "cut.png": png(TEXT)[:-40],
    "cut.jpg": jpeg(CUT_JFIF, jfif=False)[:-200],
}


def write(folder, files):
    for name, content in files.items():
        (folder / name).write_bytes(content)


def test_damaged_metadata_does_not_make_an_image_bad(tmp_path):
    write(tmp_path, GOOD)
    found = scan_images(tmp_path)
    assert (found.bad, found.nonstandard) == ([], [])


@pytest.mark.parametrize("name", GOOD)
def test_pixels_are_those_of_tensorflow(name):
    content = GOOD[name]
    by_pillow, by_tensorflow = decode_pillow(content), decode_tf(content).numpy()
    # The two decoders of JPEG differ in their rounding and upsampling.
    assert np.abs(by_pillow.astype(int) - by_tensorflow).mean() <= (4 if ".jpg" in name else 0)


def test_orientation_is_read_in_spite_of_other_damaged_metadata(tmp_path):
    write(tmp_path, ROTATED)
    found = scan_images(tmp_path)
    assert [image.reason for image in found.nonstandard] == ["rotated by its EXIF orientation"] * 3
    loaded = load_images(tmp_path, image_size=(60, 40))
    upright = np.rot90(PIXELS, -1)
    for images in loaded.dataset.unbatch().as_numpy_iterator():
        assert np.abs(images - upright.astype(float)).mean() < 60  # 85 for other noise


def test_damaged_pixels_make_an_image_bad(tmp_path):
    write(tmp_path, BAD)
    assert len(scan_images(tmp_path).bad) == len(BAD)
