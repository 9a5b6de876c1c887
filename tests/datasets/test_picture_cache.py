"""Decoded pictures on disk: found again, never half, never another picture's."""

import numpy as np
import pytest
from PIL import Image

from catdog_keras import load_cats_dogs
from catdog_keras.datasets.picture_cache import load_or_store

TINY = {"image_size": (4, 4), "batch_size": 4, "shuffle": False}


def _pixels(splits):
    return [np.concatenate([images for images, _ in dataset]) for dataset in splits]


def test_the_disk_gives_what_decoding_gives_and_is_found_again(cats_dogs, tmp_path):
    folder = tmp_path / "decoded"
    plain = _pixels(load_cats_dogs(cats_dogs, **TINY))
    for _ in range(2):
        for expected, found in zip(
            plain, _pixels(load_cats_dogs(cats_dogs, **TINY, cache=folder)), strict=True
        ):
            np.testing.assert_array_equal(found, expected)
        written = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
        assert len(written) == 3
        again = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
        assert again == written


def test_a_changed_picture_is_decoded_anew(cats_dogs, tmp_path):
    folder = tmp_path / "decoded"
    before = _pixels(load_cats_dogs(cats_dogs, **TINY, cache=folder))[0]
    Image.new("RGB", (4, 4), (1, 2, 3)).save(cats_dogs / "train" / "cats" / "picture.0.png")
    after = _pixels(load_cats_dogs(cats_dogs, **TINY, cache=folder))[0]
    assert after[0, 0, 0].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(after[1:], before[1:])


def _fail():
    raise AssertionError("decoded although it was there")
    yield


def test_nothing_is_decoded_where_the_file_is_whole(tmp_path):
    shape = (2, 1, 1, 3)
    pictures = [np.full((1, 1, 3), value, np.float32) for value in (3.4, 200.6)]
    first = load_or_store(tmp_path, ["a", "b"], shape, iter(pictures))
    assert first[:, 0, 0, 0].tolist() == [3, 201]
    np.testing.assert_array_equal(load_or_store(tmp_path, ["a", "b"], shape, _fail()), first)
    with pytest.raises(AssertionError, match="decoded although"):
        load_or_store(tmp_path, ["b", "a"], shape, _fail())
    assert [path.name[:9] for path in tmp_path.iterdir()] == ["pictures-"]


@pytest.mark.parametrize("kept", [0, 5, 60, -1])
def test_a_file_that_was_cut_off_is_made_anew(tmp_path, kept):
    shape = (2, 1, 1, 3)
    pictures = [np.full((1, 1, 3), value, np.float32) for value in (3, 200)]
    load_or_store(tmp_path, ["a", "b"], shape, iter(pictures))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:kept])
    healed = load_or_store(tmp_path, ["a", "b"], shape, iter(pictures))
    assert healed[:, 0, 0, 0].tolist() == [3, 200]
