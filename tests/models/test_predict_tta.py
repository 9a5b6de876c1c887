"""Probabilities averaged over views, each of which is what it says."""

import keras
import numpy as np
import pytest
from keras import layers

from catdog_keras import RandomAffine, augmentation_preset, build_model3, predict_tta
from catdog_keras._checks import describe
from tests.arrays import softmax

SHAPE = (8, 9, 3)


def make_images(count=5):
    return np.random.default_rng(0).uniform(0, 1, (count, *SHAPE)).astype("float32")


def classifier(outputs=2, activation=None):
    """A model whose output depends on left and right."""
    parts = [
        layers.Flatten(),
        layers.Dense(outputs, activation, kernel_initializer="glorot_normal"),
    ]
    return keras.Sequential([keras.Input(SHAPE), *parts])


def test_predict_tta_averages_probabilities_of_image_and_its_mirror():
    model, images = classifier(), make_images()
    plain, mirrored = (softmax(model.predict(x, verbose=0)) for x in (images, images[:, :, ::-1]))
    assert np.abs(plain - mirrored).max() > 0.01
    found = predict_tta(model, images)
    np.testing.assert_allclose(found, (plain + mirrored) / 2, rtol=1e-5)
    of_logits = softmax((np.log(plain) + np.log(mirrored)) / 2)
    assert np.abs(found - of_logits).max() > 1e-4
    np.testing.assert_allclose(predict_tta(model, images, 0), plain, rtol=1e-5)
    np.testing.assert_allclose(predict_tta(model, images, []), plain, rtol=1e-5)
    np.testing.assert_allclose(predict_tta(model, images, None), plain, rtol=1e-5)
    np.testing.assert_allclose(predict_tta(model, images, "mirror"), found, rtol=1e-5)


def test_predict_tta_accepts_functions_and_layers_in_training_mode():
    model, images = classifier(), make_images()
    views = [lambda x: x[:, ::-1], RandomAffine(translation=(0.5, 0.5)), layers.Rescaling(0.5)]
    seen = [images, images[:, ::-1], views[1](images, training=True), 0.5 * images]
    expected = np.mean([softmax(keras.ops.convert_to_numpy(model(x))) for x in seen], axis=0)
    np.testing.assert_allclose(predict_tta(model, images, views), expected, rtol=1e-5)


def test_predict_tta_takes_names_of_presets_with_seeds():
    model, images = classifier(), make_images()
    one, again, other = (predict_tta(model, images, "medium", seed=s) for s in (1, 1, 2**31 + 2))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 1e-4
    preset = augmentation_preset("medium", seed=1)
    np.testing.assert_allclose(predict_tta(model, images, [preset]), one, rtol=1e-5)
    twice = predict_tta(model, images, ["light", "medium"], seed=0)
    views = [augmentation_preset("light", seed=0), augmentation_preset("medium", seed=1)]
    np.testing.assert_allclose(predict_tta(model, images, views), twice, rtol=1e-5)


def test_random_views_are_reproducible_and_differ_from_each_other():
    model, images = classifier(), make_images()
    one, again, other = (predict_tta(model, images, 3, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 1e-3
    first = predict_tta(model, images, 1, seed=1)
    assert np.abs(one - first).max() > 1e-3


def test_predict_tta_gives_same_result_for_arrays_tensors_and_datasets():
    import tensorflow as tf

    model, images = classifier(), make_images()
    expected = predict_tta(model, images)
    labels = np.zeros(5, "int32")
    for given in (
        keras.ops.convert_to_tensor(images),
        [images[:3], images[3:]],
        [(images[:3], labels[:3]), (images[3:], labels[3:])],
        tf.data.Dataset.from_tensor_slices(images).batch(2),
        tf.data.Dataset.from_tensor_slices((images, labels)).batch(2),
    ):
        np.testing.assert_allclose(predict_tta(model, given), expected, rtol=1e-5)
    small = predict_tta(model, images, batch_size=2)
    np.testing.assert_allclose(small, expected, rtol=1e-5)


@pytest.mark.parametrize(("outputs", "activation"), [(3, "softmax"), (1, "sigmoid")])
def test_predict_tta_gives_same_result_for_logits_and_probabilities(outputs, activation):
    model, images = classifier(outputs), make_images()
    ended = keras.Sequential([keras.Input(SHAPE), model, layers.Activation(activation)])
    found = predict_tta(ended, images, from_logits=False)
    assert found.shape == (5, max(outputs, 2))
    np.testing.assert_allclose(predict_tta(model, images), found, rtol=1e-5)


def test_predict_tta_disables_augmentation_layers_of_model():
    images = np.random.default_rng(0).uniform(0, 255, (2, 46, 46, 3)).astype("float32")
    model = build_model3((46, 46, 3))
    one, again = (predict_tta(model, images) for _ in range(2))
    np.testing.assert_array_equal(one, again)


VIEWS = (
    "'mirror', 'light', 'medium', 'strong', a number of views, a list of layers or functions, or "
    "None for no views"
)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"model": 3}, TypeError, "`model` must be a keras.Model; received model=3."),
        ({"images": 3}, TypeError, "`images` must be an array of images, or a finite dataset of batches of images; received images=3."),
        ({"images": []}, ValueError, "`images` must hold at least one image; received none."),
        ({"views": "flip"}, ValueError, describe("views", VIEWS, "flip")),
        ({"views": ["flip"]}, TypeError, describe("views", VIEWS, ["flip"])),
        ({"views": -1}, ValueError, "`views` must be an integer of at least 0; received views=-1."),
        ({"from_logits": 1}, TypeError, "`from_logits` must be True or False; received from_logits=1."),
        ({"from_logits": False}, ValueError, "`from_logits` must be True for a model that ends in logits; received from_logits=False."),
        ({"model": "softmax", "from_logits": True}, ValueError, "`from_logits` must be False for a model that ends in a softmax; received from_logits=True. Its outputs are probabilities: pass from_logits=False."),
        ({"batch_size": 0}, ValueError, "`batch_size` must be an integer of at least 1; received batch_size=0."),
        ({"seed": -1}, ValueError, "`seed` must be an integer of at least 0; received seed=-1."),
    ],
)  # fmt: skip
def test_predict_tta_rejects_invalid_arguments(arguments, error, message):
    if arguments.get("model") == "softmax":
        arguments = {**arguments, "model": classifier(activation="softmax")}
    with pytest.raises(error) as caught:
        predict_tta(**{"model": classifier(), "images": make_images(), **arguments})
    assert str(caught.value) == message


def test_predict_tta_rejects_wrong_view_size_and_output_shape():
    with pytest.raises(
        ValueError,
        match=r"`views` must return as many images as they receive, here 5; received shape \(2, ",
    ):
        predict_tta(classifier(), make_images(), [lambda x: x[:2]])
    maps = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(2, 3)])
    with pytest.raises(ValueError, match=r"received outputs of shape \(5, 6, 7, 2\)"):
        predict_tta(maps, make_images())


def test_predict_tta_accepts_one_row_of_ambiguous_logits():
    model = keras.Sequential([keras.Input(SHAPE), layers.GlobalAveragePooling2D(), layers.Dense(2)])
    model.layers[-1].set_weights([np.zeros((SHAPE[-1], 2)), np.array([0.4, 0.6])])
    found = predict_tta(model, np.zeros((1, *SHAPE), "float32"))
    np.testing.assert_allclose(found, [[0.450166, 0.549834]], atol=1e-5)


@pytest.mark.parametrize("from_logits", [True, False])
def test_predict_tta_refuses_sigmoid_for_each_class_with_either_setting(from_logits):
    with pytest.raises(ValueError, match="independent probabilities"):
        predict_tta(classifier(activation="sigmoid"), make_images(), from_logits=from_logits)


def test_predict_tta_refuses_outputs_that_are_not_probabilities():
    model = keras.Sequential([classifier(), keras.layers.Activation("relu")])
    with pytest.raises(ValueError, match="pass from_logits=True"):
        predict_tta(model, 100 * make_images(), from_logits=False)


def test_mirror_image_of_a_channels_first_model_swaps_left_and_right():
    model = keras.Sequential([keras.Input((3, 8, 9)), layers.Flatten(), layers.Dense(2)])
    images = make_images().transpose(0, 3, 1, 2)
    expected = [softmax(model.predict(x, verbose=0)) for x in (images, images[:, :, :, ::-1])]
    np.testing.assert_allclose(predict_tta(model, images), np.mean(expected, axis=0), rtol=1e-5)
    assert predict_tta(model, images, 2).shape == (5, 2)


def test_mirror_image_of_inputs_that_are_not_images_is_rejected():
    # The batch axis would be reversed, which averages the predictions of different inputs.
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    with pytest.raises(ValueError, match=r"`views` must be 0 or a list .* shape \(5, 4\)"):
        predict_tta(model, np.ones((5, 4)))
    assert predict_tta(model, np.ones((5, 4)), 0).shape == (5, 2)
