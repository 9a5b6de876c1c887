"""The tutorial's three networks: their exact sizes, and what stands in front of them."""

import keras
import numpy as np
import pytest

from catdog_keras import (
    ConvBlock,
    Preprocessing,
    RandomAffine,
    build_model1,
    build_model2,
    build_model3,
)

BUILDERS = [build_model1, build_model2, build_model3]


def count(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables)


@pytest.mark.parametrize("build", BUILDERS)
def test_the_network_has_the_tutorials_size(build):
    model = build()
    assert count(model.trainable_variables) == 433_314
    moving_averages = [w for w in model.non_trainable_variables if "moving" in w.path]
    assert count(moving_averages) == 433_634 - 433_314


def test_model1_has_no_other_variables():
    assert build_model1().count_params() == 433_634


def test_feature_maps_are_the_tutorials():
    shapes = [layer.output.shape for layer in build_model1().layers]
    assert shapes[1:6] == [
        (None, 79, 79, 64),
        (None, 38, 38, 32),
        (None, 18, 18, 32),
        (None, 8, 8, 32),
        (None, 2048),
    ]


def test_what_stands_in_front():
    kinds = {build: [type(layer) for layer in build().layers[1:4]] for build in BUILDERS}
    assert kinds[build_model1][0] is ConvBlock
    assert kinds[build_model2][:2] == [RandomAffine, ConvBlock]
    assert kinds[build_model3] == [RandomAffine, Preprocessing, ConvBlock]


def test_model3_scales_the_pictures_itself():
    model = build_model3((46, 46, 3))
    inner = keras.Model(model.input, model.get_layer("preprocessing").output)
    extremes = np.stack([np.zeros((46, 46, 3)), np.full((46, 46, 3), 255)])
    outputs = keras.ops.convert_to_numpy(inner(extremes))
    assert (outputs.min(), outputs.max()) == (-1, 1)


@pytest.mark.parametrize("build", [build_model2, build_model3])
def test_another_augmentation_takes_the_place(build):
    layer = keras.layers.RandomFlip(name="mine")
    assert build(augmentation=layer).layers[1] is layer
    with pytest.raises(TypeError) as caught:
        build(augmentation="flip")
    assert str(caught.value) == (
        "`augmentation` must be a keras.Layer; received augmentation='flip'."
    )


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_classes": 0}, ValueError, "`num_classes` must be an integer of at least 1; received num_classes=0."),
        ({"num_classes": "2"}, TypeError, "`num_classes` must be an integer of at least 1; received num_classes='2'."),
        ({"input_shape": 160}, TypeError, "`input_shape` must be a picture's shape of three integers of at least 1; received input_shape=160."),
        ({"input_shape": (160, 160)}, ValueError, "`input_shape` must be a picture's shape of three integers of at least 1; received input_shape=(160, 160). For example (160, 160, 3)."),
        ({"input_shape": (160.0, 160, 3)}, TypeError, "`input_shape` must be a picture's shape of three integers of at least 1; received input_shape=(160.0, 160, 3). For example (160, 160, 3)."),
        ({"input_shape": (46, 45, 3)}, ValueError, "`input_shape` must be of at least 46 x 46 pixels for four blocks; received input_shape=(46, 45, 3)."),
        ({"input_shape": (0, 160, 3)}, ValueError, "`input_shape` must be a picture's shape of three integers of at least 1; received input_shape=(0, 160, 3). For example (160, 160, 3)."),
    ],
)  # fmt: skip
def test_arguments_are_checked(build, arguments, error, message):
    with pytest.raises(error) as caught:
        build(**arguments)
    assert str(caught.value) == message


def test_integers_of_numpy_are_integers():
    assert build_model1((np.int64(46), 46, 3), np.int64(3)).output_shape == (None, 3)


def test_the_smallest_pictures_leave_one_pixel():
    model = build_model1((46, 46, 3))
    assert model.get_layer("block4").output.shape == (None, 1, 1, 32)
