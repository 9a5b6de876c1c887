"""Features are computed once for each image, and a damaged cache is only slower."""

import numpy as np
import pytest

from catdog_keras._least_recently_used import BLOCK_BYTES
from catdog_keras.datasets._scan_report import ImageFile
from catdog_keras.doctor import _feature_cache as cache


@pytest.fixture(autouse=True)
def keras_home(tmp_path, monkeypatch):
    """An empty folder of the feature cache, which is switched on."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv(cache.SWITCH, raising=False)
    return tmp_path / "catdog_keras" / cache.FOLDER


class Network:
    """Returns features that depend on the content only, and counts the images."""

    def __init__(self):
        self.seen = []

    def __call__(self, images):
        self.seen += [image.sha256 for image in images]
        return np.array([[int(image.sha256), 1.5] for image in images], np.float32)


def images(*digests):
    """Returns images with these checksums."""
    return [ImageFile(f"{digest}.png", "good", "", 1, digest) for digest in digests]


def test_only_new_images_are_computed_in_any_order(keras_home):
    network = Network()
    cache.cached_features(images("1", "2", "2"), "key", network)
    again = cache.cached_features(images("2", "3", "1"), "key", network)
    assert network.seen == ["1", "2", "3"]
    assert again.tolist() == [[2, 1.5], [3, 1.5], [1, 1.5]]
    assert [file.suffix for file in keras_home.iterdir()] == [".npz"]


def test_other_key_and_switch_compute_again(keras_home, monkeypatch):
    network = Network()
    cache.cached_features(images("1"), "one", network)
    cache.cached_features(images("1"), "other", network)
    monkeypatch.setenv(cache.SWITCH, "0")
    cache.cached_features(images("1"), "one", network)
    assert network.seen == ["1", "1", "1"]
    assert len(list(keras_home.iterdir())) == 2


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04damaged", b"\x93NUMPY", None])
def test_damaged_file_is_computed_again_and_replaced(keras_home, content):
    network = Network()
    cache.cached_features(images("1"), "key", network)
    (file,) = keras_home.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-30] if content is None else content)
    assert cache.cached_features(images("1"), "key", network).tolist() == [[1, 1.5]]
    cache.cached_features(images("1"), "key", network)
    assert network.seen == ["1", "1"]


def test_least_recently_used_files_are_removed(keras_home, monkeypatch):
    monkeypatch.setattr(cache, "MAX_BYTES", 2 * BLOCK_BYTES)
    for key in ("a", "b", "c"):
        cache.cached_features(images("1"), key, Network())
    network = Network()
    cache.cached_features(images("1"), "c", network)
    assert network.seen == []
    assert len(list(keras_home.iterdir())) == 2


def test_folder_that_cannot_be_written_is_no_error(keras_home):
    keras_home.parent.mkdir(parents=True, exist_ok=True)
    keras_home.write_text("a file")
    assert cache.cached_features(images("1"), "key", Network()).tolist() == [[1, 1.5]]
