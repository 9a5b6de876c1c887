"""Check of the memory of a model, with small limits."""

import keras
import pytest

from catdog_keras.cli import model_memory
from catdog_keras.cli.errors import InputError
from catdog_keras.cli.model_memory import check_memory

SHAPE = (8, 16, 16, 3)


def model(*body):
    """Returns a model of the layers in a row, for images of 16 x 16 pixels."""
    x = images = keras.Input((16, 16, 3))
    for each in body:
        x = each(x)
    return keras.Model(images, x)


@pytest.fixture
def hidden():
    """A model that returns 3 KB per image and computes with 491 KB."""
    return model(
        keras.layers.Pipeline([keras.layers.UpSampling2D(8), keras.layers.AveragePooling2D(8)])
    )


def test_values_inside_of_a_layer_are_limited(hidden, monkeypatch):
    monkeypatch.setattr(model_memory, "MAX_BYTES", 10**6)
    with pytest.raises(ValueError, match=r"about 0.0 GB for a batch of 8 images.*--batch-size"):
        check_memory(hidden, "m.keras", SHAPE)
    monkeypatch.setattr(model_memory, "MAX_BYTES", 10**8)
    check_memory(hidden, "m.keras", SHAPE)


def test_smaller_batch_is_accepted_as_the_message_says(hidden, monkeypatch):
    monkeypatch.setattr(model_memory, "MAX_BYTES", 10**6)
    check_memory(hidden, "m.keras", (1, *SHAPE[1:]))


def test_message_for_a_batch_of_one_does_not_name_its_option(hidden, monkeypatch):
    monkeypatch.setattr(model_memory, "MAX_BYTES", 1000)
    with pytest.raises(ValueError, match=r"for one image; allowed: 0\.0 GB\. Load it with --trust"):
        check_memory(hidden, "m.keras", (1, *SHAPE[1:]))


def test_values_that_do_not_depend_on_the_batch_have_the_limit_of_one_image(monkeypatch):
    constant = model(
        lambda x: keras.ops.mean(x, axis=0, keepdims=True), keras.layers.UpSampling2D(20)
    )
    monkeypatch.setattr(model_memory, "MAX_BYTES", 4 * 10**6)
    with pytest.raises(ValueError, match="for one image"):
        check_memory(constant, "m.keras", SHAPE)


def test_weights_allow_for_copies_of_them(monkeypatch):
    monkeypatch.setattr(model_memory, "MAX_BYTES", 50_000)
    layer = keras.layers.Dense(20_000, use_bias=False, dtype="mixed_bfloat16")
    check_memory(model(keras.layers.GlobalMaxPooling2D(), layer), "m.keras", (1, *SHAPE[1:]))


def test_size_that_is_known_only_at_run_time_is_refused():
    padded = model(keras.layers.Resizing(4, 9, pad_to_aspect_ratio=True))
    with pytest.raises(ValueError, match=r"known only when it runs.*--trust-model"):
        check_memory(padded, "m.keras", SHAPE)


def test_images_that_are_too_small_for_the_model_are_an_input_error():
    images = keras.Input((None, None, 3))
    network = keras.Model(images, keras.layers.Conv2D(2, 30)(images))
    with pytest.raises(InputError, match="For images of 16 x 16 pixels Keras says"):
        check_memory(network, "m.keras", SHAPE)


def test_warnings_are_left_to_the_run():
    images = keras.Input((16, 16, 3), name="image")
    check_memory(keras.Model({"image": images}, images * 2), "m.keras", SHAPE)
