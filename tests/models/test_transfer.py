"""Transfer models: frozen where they say so, fed as their weights expect."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from catdog_keras import (
    BACKBONES,
    Preprocessing,
    RandomAffine,
    WeightsNotFoundError,
    transfer_model,
)

SMALL = (32, 32, 3)


def small_backbone():
    return keras.Sequential(
        [
            keras.Input(SMALL),
            keras.layers.Conv2D(4, 3),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
        ],
        name="small",
    )


def values(variables):
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


# What the table says does not depend on the backend; fourteen networks take minutes to trace on JAX.
TABLE = list(BACKBONES) if keras.backend.backend() == "tensorflow" else ["mobilenet_v2"]


@pytest.mark.parametrize("name", TABLE)
def test_every_backbone_of_the_table_builds_and_predicts(name):
    side = BACKBONES[name].minimum_size
    model = transfer_model(name, (side, side, 3), 3, weights=None)
    extremes = np.stack([np.zeros((side, side, 3)), np.full((side, side, 3), 255)])
    logits = keras.ops.convert_to_numpy(model(extremes))
    assert logits.shape == (2, 3)
    assert np.isfinite(logits).all()
    head = model.get_layer("logits")
    assert [w.path for w in model.trainable_variables] == [w.path for w in head.variables]


@pytest.mark.parametrize("name", [n for n in BACKBONES if BACKBONES[n].preprocessing])
def test_the_preprocessing_is_that_of_keras(name):
    module = {
        "densenet121": "densenet",
        "nasnet_mobile": "nasnet",
        "resnet50_v2": "resnet_v2",
    }.get(name, name)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3)).astype("float32")
    expected = getattr(keras.applications, module).preprocess_input(pictures.copy())
    layer = Preprocessing(BACKBONES[name].preprocessing)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(layer(pictures)), expected, rtol=1e-6, atol=1e-5
    )


def test_frozen_means_frozen():
    backbone = small_backbone()
    model = transfer_model(backbone, SMALL)
    before = values(backbone.variables)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    pictures = np.random.default_rng(0).uniform(0, 255, (8, *SMALL))
    model.fit(pictures, np.arange(8) % 2, epochs=2, verbose=0)
    weights = [w for w in backbone.variables if "seed" not in w.path]
    assert len(weights) == 6
    for was, now, variable in zip(
        before, values(backbone.variables), backbone.variables, strict=True
    ):
        if "seed" not in variable.path:
            np.testing.assert_array_equal(was, now)


def test_batch_norm_of_a_frozen_backbone_stays_in_inference_mode():
    model = transfer_model(small_backbone(), SMALL, dropout=0)
    normalization = model.get_layer("small").layers[1]
    pictures = np.random.default_rng(0).uniform(0, 255, (4, *SMALL)).astype("float32")
    inputs = normalization(pictures[..., :1].repeat(4, axis=-1), training=True)
    np.testing.assert_allclose(  # untouched averages: mean 0 and variance 1
        keras.ops.convert_to_numpy(inputs),
        pictures[..., :1].repeat(4, axis=-1) / np.sqrt(1.001),
        rtol=1e-5,
    )


def test_a_backbone_of_rank_two_needs_no_pooling():
    backbone = keras.Sequential([keras.Input(SMALL), keras.layers.Flatten(), keras.layers.Dense(5)])
    names = [layer.name for layer in transfer_model(backbone, SMALL).layers]
    assert "pooling" not in names


def test_the_order_is_augmentation_preprocessing_backbone():
    model = transfer_model(
        small_backbone(),
        SMALL,
        augmentation=RandomAffine("horizontal", name="turn"),
        preprocessing="unit",
    )
    names = [layer.name for layer in model.layers]
    assert names == ["images", "turn", "preprocessing", "small", "pooling", "dropout", "logits"]


def test_max_pooling_is_the_largest_feature():
    backbone = keras.Sequential([keras.Input(SMALL), keras.layers.Rescaling(1.0)])
    model = transfer_model(backbone, SMALL, pooling="max")
    pooled = keras.Model(model.input, model.get_layer("pooling").output)
    pictures = np.random.default_rng(0).uniform(0, 255, (2, *SMALL)).astype("float32")
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(pooled(pictures)), pictures.max(axis=(1, 2)), rtol=1e-6
    )


KNOWN = ", ".join(repr(name) for name in BACKBONES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backbone": "mobilenet_v9"}, f"`backbone` must be one of {KNOWN}; received backbone='mobilenet_v9'."),
        ({"input_shape": (16, 16, 3)}, "`input_shape` must be at least (32, 32, 3) for 'mobilenet_v2', with 3 channels; received input_shape=(16, 16, 3)."),
        ({"input_shape": (32, 32, 1)}, "`input_shape` must be at least (32, 32, 3) for 'mobilenet_v2', with 3 channels; received input_shape=(32, 32, 1)."),
        ({"preprocessing": "unit"}, "`preprocessing` must be None for a named backbone, which knows its own; received preprocessing='unit'."),
        ({"pooling": "sum"}, "`pooling` must be one of 'avg', 'max'; received pooling='sum'."),
        ({"dropout": 1.5}, "`dropout` must be a number from 0 to 1; received dropout=1.5."),
        ({"weights": "nowhere.h5"}, '`weights` must be "imagenet", None or the path of a weights file; received weights=\'nowhere.h5\', and there is no such file.'),
    ],
)  # fmt: skip
def test_arguments_are_checked(arguments, message):
    with pytest.raises((ValueError, OSError)) as caught:
        transfer_model(**{"input_shape": SMALL, "weights": None, **arguments})
    assert str(caught.value) == message


def test_without_network_and_weights_the_file_and_its_place_are_named(tmp_path):
    program = (
        "import catdog_keras\n"
        "try: catdog_keras.transfer_model()\n"
        "except catdog_keras.WeightsNotFoundError as error: print('MESSAGE', error)"
    )
    # An address on which nothing listens stands in for a network that is not there.
    closed = "http://127.0.0.1:9"
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "https_proxy": closed}
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True
    )
    message = ran.stdout.split("MESSAGE ")[1]
    assert "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_160_no_top.h5" in message
    assert str(tmp_path / "models") in message
    assert "set KERAS_HOME" in message
    assert "weights=None" in message
    assert issubclass(WeightsNotFoundError, OSError)
