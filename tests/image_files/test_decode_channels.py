"""Large images are decoded one channel at a time, with the same result."""

import mmap
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catdog_keras import load_images, scan_images
from catdog_keras._image_files import decode_tensorflow, memory
from catdog_keras._image_files.decode_pillow import CHANNELS
from catdog_keras._image_files.memory import bytes_per_pixel, open_described
from catdog_keras.datasets import _pipeline
from catdog_keras.datasets._options import INTERPOLATIONS
from tests.corpora.image_files import encoded
from tests.corpora.jpeg_scans import DC, jpeg

COLORS = np.random.default_rng(0).integers(0, 256, (37, 53, 4), np.uint8)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A plain file, a rotated one, and others that are converted."""
    folder = tmp_path_factory.mktemp("images")
    image, turned = Image.fromarray(COLORS), Image.Exif()
    turned[0x0112] = 6
    image.convert("RGB").save(folder / "plain.jpg")
    image.convert("RGB").save(folder / "turned.jpg", exif=turned)
    image.save(folder / "transparent.png")
    image.convert("P").save(folder / "palette.gif")
    image.convert("CMYK").save(folder / "print.jpg")
    return folder


def load(folder, **options):
    (batch,) = load_images(folder, image_size=(24, 17), **options).dataset
    return np.asarray(batch)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("color_mode", CHANNELS)
@pytest.mark.parametrize("fit", ["crop_to_aspect_ratio", "pad_to_aspect_ratio", None])
def test_large_images_have_the_pixels_of_others(interpolation, color_mode, fit, files, monkeypatch):
    options = {"interpolation": interpolation, "color_mode": color_mode}
    if fit is not None:
        options[fit] = True
    expected = load(files, **options)
    monkeypatch.setattr(_pipeline, "ORDINARY_PIXELS", 0)
    monkeypatch.setattr(_pipeline, "WHOLE_PIXELS", 0)
    found = load(files, **options)
    assert np.array_equal(found, expected)


def sequential(scans):
    """A JPEG file that is not progressive, whose components are in one scan or in several."""
    return jpeg([(components, 0, 63, 0) for components in scans], frame=0xC0)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (encoded("JPEG", Image.new("RGB", (16, 16))), 6),
        (encoded("JPEG", Image.new("RGB", (16, 16)), progressive=True, subsampling=0), 10.2),
        (encoded("JPEG", Image.new("RGB", (16, 16)), progressive=True, subsampling=1), 8.2),
        (encoded("JPEG", Image.new("RGB", (16, 16)), progressive=True, subsampling=2), 7.2),
        (encoded("JPEG", Image.new("L", (16, 16)), progressive=True), 6.2),
        (encoded("JPEG", Image.new("CMYK", (16, 16)), progressive=True), 12.2),
        (sequential([(1, 2, 3)]), 6),
        (sequential([(1,), (2,), (3,)]), 10.2),
        (sequential([(1, 2, 3), (1, 2, 3)]), 6),
        (jpeg([DC]), 10.2),
    ],
    ids=[
        "baseline",
        "4:4:4",
        "4:2:2",
        "4:2:0",
        "gray",
        "CMYK",
        "one",
        "each",
        "one twice",
        "only DC",
    ],
)
def test_coefficients_of_several_scans_are_counted(content, expected):
    assert bytes_per_pixel(open_described(content)) == pytest.approx(expected)


def test_progressive_file_that_takes_too_much_memory_is_reported(tmp_path, monkeypatch):
    image = Image.new("RGB", (1100, 1000))
    image.save(tmp_path / "progressive.jpg", progressive=True)
    image.save(tmp_path / "baseline.jpg")
    monkeypatch.setattr(memory, "IMAGE_BYTES", 13_000_000)
    report = scan_images(tmp_path)
    assert [Path(each.path).name for each in report.bad] == ["progressive.jpg"]
    reason = "a JPEG file of several scans of more than 1 megapixels, which takes too much memory"
    assert report.bad[0].reason == reason


def test_jpeg_without_sampling_factors_is_reported(tmp_path):
    content = jpeg([DC]).replace(b"\x11\0", b"\0\0")
    (tmp_path / "damaged.jpg").write_bytes(content)
    assert scan_images(tmp_path).bad[0].reason.startswith("could not be decoded")


def test_thread_waits_until_there_is_memory():
    budget = memory._MemoryBudget(10)
    taken = []
    with budget.take(100):  # alone, also beyond the limit
        taken.append(budget._used)
    with budget.take(4), budget.take(6):
        taken.append(budget._used)
    assert taken == [100, 10]
    assert budget._used == 0


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep the memory")
def test_only_whole_pages_of_the_values_are_discarded(monkeypatch):
    monkeypatch.setattr(memory, "LARGE_BYTES", 0)
    page = mmap.PAGESIZE
    values = np.ones(6 * page, np.uint8)
    first = -values.ctypes.data % page
    memory.discard_memory(values.ctypes.data + first + 1, 3 * page)  # contains two whole pages
    kept = np.ones(6 * page, np.uint8)
    kept[first + page : first + 3 * page] = 0
    assert np.array_equal(values, kept)


def test_memory_of_large_png_is_discarded_after_its_use(tmp_path, monkeypatch):
    discarded = []
    monkeypatch.setattr(decode_tensorflow, "discard_memory", lambda _, size: discarded.append(size))
    Image.fromarray(COLORS).save(tmp_path / "transparent.png")
    load(tmp_path)
    assert discarded == [COLORS.size] * 2  # checked, and loaded
