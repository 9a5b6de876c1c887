"""The packaged backbone: its size, its weights, and that its features separate the classes."""

from importlib import resources

import keras
import numpy as np
import pytest

from catdog_keras import fit_head, transfer_model
from catdog_keras.datasets.synthetic import draw_image
from catdog_keras.models import _synthetic_small as synthetic_small
from catdog_keras.models._synthetic_small import build_synthetic_small, read_packaged_weights

SHAPE = (96, 96, 3)


@pytest.fixture(scope="module")
def images_and_labels():
    """Images of the seed that users load; the backbone was trained on other seeds."""
    jobs = [(name, number) for number in range(60) for name in ("cat", "dog")]
    images = [np.asarray(draw_image(*job).resize(SHAPE[:2])) for job in jobs]
    return np.stack(images), np.arange(len(jobs)) % 2


def test_synthetic_small_weights_file_is_at_most_one_megabyte():
    file = resources.files("catdog_keras.models").joinpath(synthetic_small.WEIGHTS_FILE)
    assert len(file.read_bytes()) <= 1_000_000


def test_synthetic_small_loads_packaged_weights_and_is_frozen():
    backbone = transfer_model("synthetic_small", SHAPE).get_layer("synthetic_small")
    packaged = read_packaged_weights()
    assert len(packaged) == len(backbone.get_weights())
    for expected, loaded in zip(packaged, backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, expected)
        assert np.isfinite(expected).all()
    assert not any(variable.trainable for variable in backbone.variables)
    random = transfer_model("synthetic_small", SHAPE, weights=None).get_layer("synthetic_small")
    assert not np.array_equal(random.get_weights()[0], packaged[0])


def test_synthetic_small_downsamples_by_16():
    assert build_synthetic_small((160, 96, 3), None).output_shape == (None, 10, 6, 128)


def test_head_trained_on_60_images_reaches_95_percent_accuracy(images_and_labels):
    images, labels = images_and_labels
    keras.utils.set_random_seed(0)
    model = transfer_model("synthetic_small", SHAPE)
    model.compile(
        keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    fit_head(model, (images[:60], labels[:60]), epochs=20, verbose=0)
    predicted = np.argmax(model.predict(images[60:], verbose=0), axis=1)
    assert np.mean(predicted == labels[60:]) >= 0.95


def test_synthetic_small_loads_weights_from_file(tmp_path):
    source = build_synthetic_small(SHAPE, None)
    source.save_weights(tmp_path / "mine.weights.h5")
    model = transfer_model("synthetic_small", SHAPE, weights=tmp_path / "mine.weights.h5")
    loaded = model.get_layer("synthetic_small").get_weights()
    for expected, found in zip(source.get_weights(), loaded, strict=True):
        np.testing.assert_array_equal(found, expected)
