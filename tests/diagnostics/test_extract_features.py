"""Features of images: values, order, inputs of all kinds, and errors."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import catdog_keras
from catdog_keras.diagnostics import extract_features

IMAGES = np.random.default_rng(0).uniform(0, 255, (5, 32, 32, 3)).astype("float32")


@pytest.fixture(scope="module")
def backbone():
    """A small backbone with random weights."""
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(6, 3, strides=4, use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
        ]
    )


def test_features_are_pooled_outputs_and_backbone_stays_trainable(backbone):
    maps = keras.ops.convert_to_numpy(backbone(IMAGES, training=False))
    average, largest = (extract_features(IMAGES, backbone, pooling=p) for p in ("avg", "max"))
    assert (average.shape, average.dtype) == ((5, 6), np.float32)
    np.testing.assert_allclose(average, maps.mean((1, 2)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(largest, maps.max((1, 2)), rtol=1e-4, atol=1e-5)
    assert all(layer.trainable for layer in backbone.layers)


def test_named_backbone_equals_front_of_transfer_model():
    model = catdog_keras.transfer_model("synthetic_small", (32, 32, 3))
    front = keras.Model(model.input, model.get_layer("pooling").output)
    expected = keras.ops.convert_to_numpy(front(IMAGES, training=False))
    features = extract_features(IMAGES, "synthetic_small")
    np.testing.assert_allclose(features, expected, rtol=1e-3, atol=1e-4)
    halved = extract_features(IMAGES, "synthetic_small", dtype="bfloat16")
    assert halved.dtype == np.float32
    assert 0 < np.abs(halved - features).max() < 0.1 * np.abs(features).max()
    np.testing.assert_allclose(extract_features(IMAGES, front), features, rtol=1e-3, atol=1e-4)


@settings(max_examples=6)
@given(st.integers(1, 5), st.permutations(range(5)))
def test_rows_follow_the_images_for_every_batch_size(backbone, batch_size, order):
    expected = extract_features(IMAGES, backbone)
    found = extract_features(IMAGES[list(order)], backbone, batch_size=batch_size)
    np.testing.assert_allclose(found, expected[list(order)], rtol=1e-4, atol=1e-5)


def test_batches_with_and_without_labels_give_the_same_features(backbone):
    expected = extract_features(IMAGES, backbone)
    labeled = [(IMAGES[:3], [0, 1, 0]), (IMAGES[3:], [1, 1])]
    plain = [IMAGES[:3], IMAGES[3:], IMAGES[:0]]
    for dataset in (labeled, plain):
        np.testing.assert_allclose(
            extract_features(dataset, backbone), expected, rtol=1e-4, atol=1e-5
        )


def test_loaded_images_give_a_row_per_file(backbone, drawn_synthetic):
    files = catdog_keras.load_cats_dogs(drawn_synthetic).files["test"][:3]
    images = catdog_keras.load_images(files, image_size=(32, 32))
    features = extract_features(images, backbone)
    assert features.shape == (3, 6)
    np.testing.assert_allclose(
        features, extract_features(images.dataset, backbone), rtol=1e-4, atol=1e-5
    )


def test_backbone_that_cannot_be_rebuilt_is_used_unfolded(backbone):
    class Plain(keras.Model):
        def call(self, inputs):
            return keras.ops.mean(inputs, axis=(1, 2)) / 255

    features = extract_features(IMAGES, Plain())
    np.testing.assert_allclose(features, IMAGES.mean((1, 2)) / 255, rtol=1e-4)
    with pytest.raises(ValueError, match="`dtype` must be None for a backbone"):
        extract_features(IMAGES, Plain(), dtype="bfloat16")


@pytest.mark.parametrize(
    ("images", "arguments", "error", "message"),
    [
        ("cats", {}, TypeError, "Load the files first: `load_images"),
        (["a.jpg"], {}, TypeError, "Load the files first: `load_images"),
        (3, {}, TypeError, "`images` must be an array of images"),
        (IMAGES[:0], {}, ValueError, "`images` must hold at least one image"),
        ([], {}, ValueError, "`images` must hold at least one image"),
        (IMAGES[0], {"backbone": "synthetic_small"}, ValueError, "shape"),
        (
            IMAGES,
            {"backbone": "mobilenet_v9"},
            ValueError,
            "`backbone` must be a name from BACKBONES",
        ),
        (IMAGES, {"backbone": 3}, TypeError, "`backbone` must be a name from BACKBONES"),
        (IMAGES, {"pooling": "sum"}, ValueError, "`pooling` must be one of"),
        (IMAGES, {"batch_size": 0}, ValueError, "`batch_size` must be an integer"),
        (IMAGES, {"dtype": "float99"}, ValueError, "`dtype` must be a dtype"),
        (IMAGES[:, :16], {}, ValueError, "shape"),
    ],
)
def test_extract_features_rejects_invalid_arguments(backbone, images, arguments, error, message):
    with pytest.raises(error) as caught:
        extract_features(images, **{"backbone": backbone, **arguments})
    assert message in str(caught.value)


def test_features_that_are_not_finite_are_rejected():
    backbone = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.AveragePooling2D(4)])
    images = IMAGES.copy()
    images[3] = np.nan
    with (
        pytest.warns(UserWarning, match="NaN or infinite"),
        pytest.raises(ValueError, match="for 1 image, the first at index 3"),
    ):
        extract_features(images, backbone)


def test_model_with_several_outputs_is_rejected():
    inputs = keras.Input((32, 32, 3))
    model = keras.Model(inputs, [keras.layers.Flatten()(inputs), inputs])
    with pytest.raises(ValueError, match="a model with one output of features"):
        extract_features(IMAGES, model)
