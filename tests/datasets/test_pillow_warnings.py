"""Warnings of Pillow: of metadata that is not used, they change no verdict and are not shown."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from catdog_keras import load_images, scan_images
from catdog_keras._warnings import ignore_warnings_of
from tests.corpora.image_warnings import WARNED


@pytest.fixture
def folder(tmp_path):
    """A folder of the files about which Pillow warns."""
    for name, (content, _) in WARNED.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize("name", WARNED)
def test_file_of_the_corpus_makes_pillow_warn(folder, name):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with Image.open(folder / name) as image:
            image.getexif().get(0x0112)
            getattr(image, "n_frames", 1)
    assert caught


@pytest.mark.parametrize("action", ["error", "always"])
def test_scan_gives_same_verdict_under_each_warning_filter(folder, action):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter(action)
        report = scan_images(folder)
    found = {Path(path).name: image.status for path, image in report.by_path.items()}
    assert found == {name: status for name, (_, status) in WARNED.items()}
    assert caught == []


def test_images_that_pillow_warns_of_are_decoded_when_warnings_are_errors(folder):
    (folder / "large.jpg").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images = load_images(folder, image_size=(8, 8))
        assert sum(len(batch) for batch in images.dataset) == len(WARNED) - 1


def test_ignore_warnings_of_restores_filters_when_threads_overlap():
    before = list(warnings.filters)

    def warn_inside(_):
        with ignore_warnings_of("some_package"):
            warnings.warn_explicit("hidden", UserWarning, "f", 1, module="some_package.part")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        inside = list(warnings.filters)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(warn_inside, range(500)))
        assert list(warnings.filters) == inside
        with ignore_warnings_of("some_package"), pytest.raises(UserWarning):
            warnings.warn_explicit("shown", UserWarning, "f", 1, module="some_packages")
    assert list(warnings.filters) == before
