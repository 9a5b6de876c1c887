"""Decoded images on disk: found again, never half, never another image's."""

import os

import numpy as np
import pytest
from PIL import Image

from catdog_keras import load_cats_dogs
from catdog_keras.datasets._image_cache import cache_in_file

TINY = {"image_size": (4, 4), "batch_size": 4, "shuffle": False}


def _pixels(splits):
    return [np.concatenate([images for images, _ in dataset]) for dataset in splits]


def test_disk_cache_is_reused_and_returns_same_pixels_as_uncached_loading(cats_dogs, tmp_path):
    folder = tmp_path / "decoded"
    plain = _pixels(load_cats_dogs(cats_dogs, **TINY))
    listings = []
    for _ in range(2):
        for expected, found in zip(
            plain, _pixels(load_cats_dogs(cats_dogs, **TINY, cache=folder)), strict=True
        ):
            np.testing.assert_array_equal(found, expected)
        written = {path.name: path.stat() for path in folder.iterdir()}
        listings.append({name: (each.st_ino, each.st_mtime_ns) for name, each in written.items()})
    assert len(listings[0]) == 3
    assert listings[1] == listings[0]


def test_changed_image_is_decoded_again(cats_dogs, tmp_path):
    folder = tmp_path / "decoded"
    before = _pixels(load_cats_dogs(cats_dogs, **TINY, cache=folder))[0]
    Image.new("RGB", (4, 4), (1, 2, 3)).save(cats_dogs / "train" / "cats" / "image.0.png")
    after = _pixels(load_cats_dogs(cats_dogs, **TINY, cache=folder))[0]
    assert after[0, 0, 0].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(after[1:], before[1:])


def _first_channel(stored):
    return stored[np.arange(stored.shape[0])][:, 0, 0, 0].tolist()


def _fail_if_decoded():
    raise AssertionError("decoded although it was there")
    yield


def test_load_or_store_does_not_decode_when_cache_file_is_valid(tmp_path):
    shape = (2, 1, 1, 3)
    images = [np.full((1, 1, 3), value, np.float32) for value in (3.4, 200.6)]
    first = cache_in_file(tmp_path, ["a", "b"], shape, iter(images))
    assert _first_channel(first) == [3, 201]
    assert _first_channel(cache_in_file(tmp_path, ["a", "b"], shape, _fail_if_decoded())) == [
        3,
        201,
    ]
    with pytest.raises(AssertionError, match="decoded although"):
        cache_in_file(tmp_path, ["b", "a"], shape, _fail_if_decoded())
    assert [path.name[:7] for path in tmp_path.iterdir()] == ["images-"]


@pytest.fixture
def stored(tmp_path):
    """A cache of two images of one pixel, and a function that requests it again."""
    images = [np.full((1, 1, 3), value, np.float32) for value in (3, 200)]

    def ask():
        return cache_in_file(tmp_path, ["a", "b"], (2, 1, 1, 3), iter(images))

    return ask(), ask


@pytest.mark.parametrize("kept", [0, 5, 60, -1])
def test_truncated_cache_file_is_rebuilt(stored, kept):
    first, ask = stored
    first.file.write_bytes(first.file.read_bytes()[:kept])
    assert _first_channel(ask()) == [3, 200]


@pytest.mark.parametrize("at", [0, 60, -10, -5, -1])
def test_cache_file_with_changed_byte_is_rebuilt(stored, at):
    first, ask = stored
    whole = first.file.read_bytes()
    content = bytearray(whole)
    content[at] ^= 1
    first.file.write_bytes(content)
    assert _first_channel(ask()) == [3, 200]
    assert first.file.read_bytes() == whole


def test_cache_file_is_readable_by_numpy_load(stored):
    assert np.load(stored[0].file)[:, 0, 0, 0].tolist() == [3, 200]


def test_cache_file_truncated_while_in_use_raises_with_path(stored):
    first, _ = stored
    os.truncate(first.file, first.file.stat().st_size - 5)
    assert first[np.array([0])].ravel().tolist() == [3, 3, 3]
    with pytest.raises(OSError, match="was truncated while in use") as caught:
        first[np.array([1])]
    assert str(first.file) in str(caught.value)


def test_full_disk_raises_with_required_size_and_leaves_no_file(cats_dogs, tmp_path, full_disk):
    folder = tmp_path / "decoded"
    refusal = "`cache` must be a readable and writable folder"
    with full_disk(), pytest.raises(OSError, match=refusal) as caught:
        load_cats_dogs(cats_dogs, image_size=(64, 64), batch_size=4, cache=folder)
    assert f"received cache={str(folder)!r}. File too large. It needs 1 MB for" in str(caught.value)
    assert list(folder.iterdir()) == []


def test_cache_path_below_a_file_raises_with_path(cats_dogs, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"cache=.*file/decoded'\. Not a directory"):
        load_cats_dogs(cats_dogs, **TINY, cache=tmp_path / "file" / "decoded")
