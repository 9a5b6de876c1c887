"""HEIC files through an optional package, and AVIF files through Pillow."""

import numpy as np
import pytest
from PIL import Image, features

from catdog_keras import load_image_folder, load_images, scan_images
from catdog_keras._image_files import heif, memory
from catdog_keras._image_files.heif import describe_avif
from catdog_keras._image_files.memory import why_too_much_memory
from catdog_keras.diagnostics._measure_images import measure_images

PIXELS = np.zeros((48, 64, 3), np.uint8)
PIXELS[:24, :, 0], PIXELS[:, 32:, 1] = 200, 150  # black, red, green and yellow quarters


def write_heic(path, pixels=PIXELS, **options):
    package = pytest.importorskip("pillow_heif")
    image = Image.fromarray(pixels)
    package.from_pillow(image).save(path, quality=95, **options)


def write_avif(path, pixels=PIXELS, **options):
    if not features.check("avif"):
        pytest.skip("this build of Pillow does not support AVIF")
    Image.fromarray(pixels).save(path, quality=95, **options)


WRITERS = {"heic": write_heic, "heif": write_heic, "avif": write_avif}


@pytest.fixture
def only_with_decoder(request):
    """Skips the tests of HEIC where its decoder is not installed."""
    if "heif" in request.node.name or "heic" in request.node.name:
        pytest.importorskip("pi_heif")


@pytest.mark.usefixtures("only_with_decoder")
@pytest.mark.parametrize("ending", WRITERS)
def test_image_is_decoded_from_its_content(tmp_path, ending):
    file = tmp_path / f"image.{ending}"
    WRITERS[ending](file)
    found = load_images(file, image_size=(48, 64))
    assert found.scan.good[0].reason == ""
    assert (found.scan.good[0].plain, found.scan.good[0].pixels) == (False, 48 * 64)
    (images,) = found.dataset
    assert np.abs(images[0] - PIXELS).mean() < 3
    file.rename(tmp_path / "other.jpg")
    name = {"avif": "AVIF"}.get(ending, "HEIF")
    assert scan_images(tmp_path).nonstandard[0].reason == f"content is {name}"


@pytest.mark.usefixtures("only_with_decoder")
@pytest.mark.parametrize("ending", WRITERS)
def test_damaged_file_is_reported(tmp_path, ending):
    file = tmp_path / f"image.{ending}"
    WRITERS[ending](file, np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    content = file.read_bytes()
    for length in (12, 60, len(content) // 2):
        file.write_bytes(content[:length])
        assert scan_images(tmp_path).bad[0].reason, length


@pytest.mark.usefixtures("only_with_decoder")
@pytest.mark.parametrize("ending", ["heic", "avif"])
def test_transparent_image_has_white_background(tmp_path, ending):
    pixels = np.dstack([PIXELS, np.full((48, 64), 255, np.uint8)])
    pixels[:, 32:, 3] = 0
    WRITERS[ending](tmp_path / f"image.{ending}", pixels)
    (images,) = load_images(tmp_path / f"image.{ending}", image_size=(48, 64)).dataset
    assert images[0, 30, 40].numpy().min() > 250
    assert images[0, 30, 10].numpy().max() < 10


@pytest.mark.usefixtures("only_with_decoder")
@pytest.mark.parametrize("ending", ["heic", "avif"])
def test_file_without_exif_data_is_measured(tmp_path, ending):
    WRITERS[ending](tmp_path / f"image.{ending}", PIXELS)
    (measured,) = measure_images("files", (str(tmp_path / f"image.{ending}"),))
    assert (measured.file.exif_bytes, measured.file.orientation) == (0, 1)


def opened(kind, mode, width, height, **info):
    """An image as it is opened: its pixels are not decoded."""
    image = Image.new(mode, (1, 1))
    image.format, image._size, image.info = kind, (width, height), info
    return image


PHONE = (8160, 6120)  # 49.9 megapixels


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (opened("HEIF", "RGB", *PHONE, chroma=420, bit_depth=8), ""),
        (opened("HEIF", "RGB", *PHONE, chroma=420, bit_depth=10), ""),
        (opened("HEIF", "RGB", 6000, 4000, chroma=422, bit_depth=10), ""),
        (opened("HEIF", "RGB", *PHONE, chroma=422, bit_depth=10), "a HEIC file with 10 bits per color of more than 26 megapixels"),
        (opened("HEIF", "RGB", *PHONE, chroma=444, bit_depth=8), "a HEIC file of more than 38 megapixels"),
        (opened("HEIF", "RGBA", *PHONE, chroma=444, bit_depth=10), "a HEIC file with transparency and with 10 bits per color of more than 16 megapixels"),
        (opened("HEIF", "RGB", *PHONE), "a HEIC file of more than 38 megapixels"),
        (opened("AVIF", "RGB", 5800, 5800, chroma=420, bit_depth=8), ""),
        (opened("AVIF", "RGB", 6164, 6164, chroma=420, bit_depth=8), "an AVIF file of more than 34 megapixels"),
        (opened("AVIF", "RGB", 5385, 5385, chroma=420, bit_depth=10), ""),
        (opened("AVIF", "RGB", 5600, 5600, chroma=444, bit_depth=10), "an AVIF file with 10 bits per color of more than 22 megapixels"),
        (opened("AVIF", "RGBA", 6000, 6000, chroma=444, bit_depth=8), "an AVIF file with transparency of more than 24 megapixels"),
        (opened("WEBP", "RGB", 4123, 4123), ""),
        (opened("WEBP", "RGB", 4124, 4124), "a WebP file of more than 17 megapixels"),
        (opened("WEBP", "RGBA", 4200, 4200), "a WebP file with transparency of more than 16 megapixels"),
        (opened("PNG", "RGBA", 7071, 7071, bit_depth=8), ""),
        (opened("PNG", "RGB", 7000, 7000, bit_depth=16), "a PNG file with 16 bits per color of more than 34 megapixels"),
        (opened("PNG", "RGBA", 7000, 7000, bit_depth=16), "a PNG file with transparency and with 16 bits per color of more than 28 megapixels"),
    ],
)  # fmt: skip
def test_image_that_takes_too_much_memory_is_rejected_by_its_header(image, reason):
    reason = f"{reason}, which takes too much memory" if reason else ""
    assert why_too_much_memory(image) == reason


@pytest.mark.parametrize(
    ("subsampling", "chroma"), [("4:2:0", 420), ("4:2:2", 422), ("4:4:4", 444)]
)
def test_bits_and_chroma_of_an_avif_file_are_read(subsampling, chroma, tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "image.avif", subsampling=subsampling)
    content = (tmp_path / "image.avif").read_bytes()
    assert describe_avif(content) == {"bit_depth": 8, "chroma": chroma}
    flags = content.index(b"av1C") + 6
    for bits, depth in ((0x40, 10), (0x60, 12)):
        deep = content[:flags] + bytes([content[flags] | bits]) + content[flags + 1 :]
        assert describe_avif(deep) == {"bit_depth": depth, "chroma": chroma}
    assert describe_avif(content[: flags - 6]) == {"bit_depth": 12, "chroma": 444}


@pytest.mark.usefixtures("only_with_decoder")
@pytest.mark.parametrize("ending", ["heic", "avif"])
def test_file_that_takes_too_much_memory_is_reported(ending, tmp_path, monkeypatch):
    WRITERS[ending](tmp_path / f"image.{ending}", np.zeros((1100, 1000, 3), np.uint8))
    for limit in ("IMAGE_BYTES", "HEIF_BYTES"):
        monkeypatch.setattr(memory, limit, 8_700_000)
    kind = {"heic": "a HEIC", "avif": "an AVIF"}[ending]
    reason = f"{kind} file of more than 1 megapixels, which takes too much memory"
    assert scan_images(tmp_path).bad[0].reason == reason


def test_avif_with_orientation_is_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    write_avif(tmp_path / "image.avif", exif=exif)
    found = load_images(tmp_path / "image.avif", image_size=(64, 48))
    assert found.scan.nonstandard[0].reason == "rotated by its EXIF orientation"
    (images,) = found.dataset
    assert np.abs(images[0] - np.rot90(PIXELS, -1)).mean() < 3


@pytest.mark.usefixtures("only_with_decoder")
def test_folder_of_heic_files_loads(tmp_path):
    for label, name in enumerate("ab"):
        (tmp_path / name).mkdir()
        for number in range(5):
            pixels = np.full((16, 16, 3), 100 * label + 10 * number, np.uint8)
            write_heic(tmp_path / name / f"{number}.HEIC", pixels)
    splits = load_image_folder(tmp_path, image_size=8, batch_size=2)
    for dataset in splits:
        for images, labels in dataset:
            assert (
                np.asarray(images).mean(axis=(1, 2, 3)) > 70
            ).tolist() == labels.numpy().tolist()


def test_heic_without_the_package_is_reported_with_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(heif, "PACKAGES", ("no_such_package",))
    heif._register_heif_plugin.cache_clear()
    try:
        content = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
        (tmp_path / "image.heic").write_bytes(content)
        reason = scan_images(tmp_path).bad[0].reason
    finally:
        heif._register_heif_plugin.cache_clear()
    assert reason == "a HEIC file, which requires another package: pip install pi-heif"


def test_brands_of_avif_are_not_those_of_heic(monkeypatch):
    monkeypatch.setattr(heif, "_register_heif_plugin", lambda: True)
    assert heif.can_open_heif(b"\0\0\0\x18ftypmif1\0\0\0\0heicmif1")
    assert not heif.can_open_heif(b"\0\0\0\x18ftypmif1\0\0\0\0avifmif1")
    assert not heif.can_open_heif(b"\0\0\0\x14ftypisom\0\0\0\0heic")  # a video
    assert not heif.can_open_heif(b"")
