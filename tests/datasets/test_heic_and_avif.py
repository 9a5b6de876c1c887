"""HEIC files through an optional package, and AVIF files through Pillow."""

import numpy as np
import pytest
from PIL import Image, features

from catdog_keras import load_image_folder, load_images, scan_images
from catdog_keras.datasets import _heif as heif, _validate as validate

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


def test_avif_file_of_too_many_pixels_is_reported(tmp_path, monkeypatch):
    write_avif(tmp_path / "image.avif")
    monkeypatch.setattr(validate, "MAX_AVIF_MEGAPIXELS", 0.003)
    assert scan_images(tmp_path).bad[0].reason == "an AVIF file of more than 40 megapixels"


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
    heif._register.cache_clear()
    try:
        content = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
        (tmp_path / "image.heic").write_bytes(content)
        reason = scan_images(tmp_path).bad[0].reason
    finally:
        heif._register.cache_clear()
    assert reason == "a HEIC file, which requires another package: pip install pi-heif"


def test_brands_of_avif_are_not_those_of_heic(monkeypatch):
    monkeypatch.setattr(heif, "_register", lambda: True)
    assert heif.can_open_heif(b"\0\0\0\x18ftypmif1\0\0\0\0heicmif1")
    assert not heif.can_open_heif(b"\0\0\0\x18ftypmif1\0\0\0\0avifmif1")
    assert not heif.can_open_heif(b"\0\0\0\x14ftypisom\0\0\0\0heic")  # a video
    assert not heif.can_open_heif(b"")
