"""Augmentation presets: the effect of each strength, and invalid arguments."""

import json

import keras
import numpy as np
import pytest

from catdog_keras.layers import AugmentationPipeline, RandomAffine, augmentation_preset
from catdog_keras.layers._augmentation_preset import STRENGTHS

EVERY_STRENGTH = pytest.mark.parametrize("strength", STRENGTHS)


def make_images(count, high=255.0):
    return np.random.default_rng(0).uniform(0, high, (count, 12, 12, 3)).astype("float32")


def augmented(layer, images):
    return keras.ops.convert_to_numpy(layer(images, training=True))


def test_medium_is_default_and_has_expected_config():
    expected = RandomAffine("horizontal", rotation_degrees=20, zoom=0.1, translation=0.1)
    config = {**expected.get_config(), "name": "augmentation"}
    assert (
        augmentation_preset().get_config() == augmentation_preset("medium").get_config() == config
    )


@EVERY_STRENGTH
def test_preset_changes_images_only_in_training(strength):
    images = make_images(32)
    layer = augmentation_preset(strength, seed=0)
    assert layer.name == "augmentation"
    assert augmentation_preset(strength, name="front").name == "front"
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(images, training=False)), images)
    outputs = augmented(layer, images)
    assert outputs.shape == images.shape
    assert (outputs != images).any()


@EVERY_STRENGTH
def test_same_seed_reproduces_outputs_after_serialization(strength):
    images = make_images(32)
    layer = augmentation_preset(strength, seed=2**31 - 1)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    first = augmented(layer, images)
    again = keras.saving.deserialize_keras_object(config)
    np.testing.assert_array_equal(augmented(again, images), first)
    assert (augmented(augmentation_preset(strength, seed=2), images) != first).any()


def test_light_flips_about_half_of_images_horizontally():
    images = make_images(64)
    outputs = augmented(augmentation_preset("light", seed=0), images)
    kept = np.isclose(outputs, images, atol=1e-2).all((1, 2, 3))
    swapped = np.isclose(outputs, images[:, :, ::-1], atol=1e-2).all((1, 2, 3))
    assert (kept ^ swapped).all()
    assert 16 < swapped.sum() < 48


@pytest.mark.parametrize("value_range", [(0, 255), (0, 1), [0.0, 1.0]])
def test_strong_keeps_value_range_and_erases_with_mid_gray(value_range):
    low, high = value_range
    images = np.full((200, 16, 16, 3), high, "float32")
    images[..., 1] = low + 0.4 * (high - low)
    outputs = augmented(augmentation_preset("strong", seed=0, value_range=value_range), images)
    slack = 1e-4 * high
    assert outputs.min() >= low - slack
    assert outputs.max() <= high + slack
    grey = np.isclose(outputs, (low + high) / 2, atol=slack).all(-1).mean((1, 2))
    assert 25 < (grey > 0).sum() < 80  # 1 of 4
    assert grey.max() < 0.2
    # One color all over: what changed outside of the rectangle changed by its color.
    recolored = (abs(outputs[:, 0, 0] - images[:, 0, 0]) > 0.01 * (high - low)).any(-1)
    assert 130 < recolored.sum() < 185  # 8 of 10
    assert len(np.unique(outputs[recolored, 0, 0].round(3), axis=0)) > 100


def test_strong_gives_each_layer_a_different_seed():
    affine, color, erasing = augmentation_preset("strong", seed=2**31 - 1).layers
    seeded = [affine, color, erasing, *color.layer.layers, erasing.layer]
    seeds = [layer.seed for layer in seeded]
    assert len(set(seeds)) == len(seeds) == 7
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert isinstance(augmentation_preset("strong"), AugmentationPipeline)


@EVERY_STRENGTH
def test_channels_first_matches_transposed_channels_last(strength):
    images = make_images(3)
    expected = augmented(augmentation_preset(strength, seed=0), images)
    layer = augmentation_preset(strength, seed=0, data_format="channels_first")
    outputs = augmented(layer, np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    np.testing.assert_allclose(outputs.transpose(0, 2, 3, 1), expected, atol=1e-2)


SPAN = "a pair (low, high) of numbers with low < high"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"strength": "weak"}, ValueError, "`strength` must be one of 'light', 'medium', 'strong'; received strength='weak'. Did you mean 'light'?"),
        ({"strength": 2}, TypeError, "`strength` must be one of 'light', 'medium', 'strong'; received strength=2."),
        ({"seed": 2**31}, ValueError, "`seed` must be an integer from 0 to 2147483647; received seed=2147483648."),
        ({"value_range": 255}, TypeError, f"`value_range` must be {SPAN}; received value_range=255."),
        ({"value_range": ("0", 1)}, TypeError, f"`value_range` must be {SPAN}; received value_range=('0', 1)."),
        ({"value_range": (1, 0)}, ValueError, f"`value_range` must be {SPAN}; received value_range=(1, 0)."),
        ({"value_range": (0, 1, 2)}, ValueError, f"`value_range` must be {SPAN}; received value_range=(0, 1, 2)."),
        ({"value_range": (0, float("nan"))}, ValueError, f"`value_range` must be {SPAN}; received value_range=(0, nan)."),
        ({"data_format": "first"}, ValueError, "`data_format` must be one of 'channels_last', 'channels_first'; received data_format='first'."),
    ],
)  # fmt: skip
def test_invalid_arguments_raise(arguments, error, message):
    with pytest.raises(error) as caught:
        augmentation_preset(**arguments)
    assert str(caught.value) == message


def test_strong_lowers_and_raises_saturation_within_range_of_bytes():
    images = np.tile(np.float32([140, 120, 100]), (64, 6, 6, 1))
    layer = augmentation_preset("strong", seed=3)
    outputs = augmented(layer, images)
    assert outputs.min() >= 0
    assert outputs.max() <= 255
    center = outputs[:, 3, 3]  # erased images are gray there
    spread = np.ptp(center[np.ptp(center, axis=1) > 0.5], axis=1)
    # Contrast and brightness alone change the spread of 40 by at most 30%.
    assert (spread < 40 * 0.65).any()
    assert (spread > 40 * 1.35).any()


def test_strong_has_range_of_bytes_by_default():
    (color, erasing) = augmentation_preset("strong").layers[1:]
    for layer in (*color.layer.layers, erasing.layer):
        assert tuple(layer.value_range) == (0, 255)


@pytest.mark.parametrize("policy", ["mixed_float16", "float16", "mixed_bfloat16"])
@EVERY_STRENGTH
def test_preset_runs_in_a_dataset_under_16_bit_policy(strength, policy):
    import tensorflow as tf

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        layer = augmentation_preset(strength, seed=0)
    finally:
        keras.config.set_dtype_policy(before)
    dataset = tf.data.Dataset.from_tensor_slices(make_images(8)).batch(4)
    batches = list(dataset.map(lambda images: layer(images, training=True)))
    assert [batch.dtype.name for batch in batches] == [policy.removeprefix("mixed_")] * 2
