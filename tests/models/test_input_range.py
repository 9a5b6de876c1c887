"""Which pictures a model takes, found out from what stands before its first weights."""

import keras
import numpy as np
import pytest
from keras import layers

from catdog_keras import (
    Preprocessing,
    RandomAffine,
    build_model1,
    build_model2,
    build_model3,
    input_range,
    transfer_model,
)

BYTES, UNIT, SIGNED = (0.0, 255.0), (0.0, 1.0), (-1.0, 1.0)
SHAPE = (12, 12, 3)
APPLICATIONS = {
    "ConvNeXtTiny": BYTES,
    "DenseNet121": Preprocessing("imagenet_torch").output_range,
    "EfficientNetB0": BYTES,
    "EfficientNetV2B0": BYTES,
    "EfficientNetV2S": BYTES,
    "InceptionV3": SIGNED,
    "MobileNet": SIGNED,
    "MobileNetV2": SIGNED,
    "MobileNetV3Small": BYTES,
    "NASNetMobile": SIGNED,
    "ResNet50": Preprocessing("imagenet_caffe").output_range,
    "ResNet50V2": SIGNED,
    "VGG16": Preprocessing("imagenet_caffe").output_range,
    "VGG19": Preprocessing("imagenet_caffe").output_range,
    "Xception": SIGNED,
}
# What a network wants does not depend on the backend, and building them all takes a minute.
BUILT = list(APPLICATIONS) if keras.backend.backend() == "tensorflow" else ["MobileNetV2", "VGG16"]


def network():
    return [layers.Conv2D(4, 3), layers.ReLU(), layers.GlobalAveragePooling2D(), layers.Dense(2)]


def behind(*front):
    return keras.Sequential([keras.Input(SHAPE), *front, *network()])


def functional(front, shape=SHAPE):
    x = images = keras.Input(shape)
    x = front(x)
    for layer in network():
        x = layer(x)
    return keras.Model(images, x)


def normalization(mean, deviation):
    return layers.Normalization(mean=[mean] * 3, variance=[deviation**2] * 3)


def weightless_nest(images):
    inner = keras.Input(SHAPE)
    nest = keras.Model(inner, layers.Rescaling(1 / 127.5, offset=-1)(layers.RandomFlip()(inner)))
    return nest(keras.Sequential([layers.RandomContrast(0.1), RandomAffine(zoom=0.1)])(images))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: behind(layers.Rescaling(1 / 255)), BYTES),
        (lambda: behind(layers.Rescaling(1 / 127.5, offset=-1)), BYTES),
        (lambda: behind(layers.Rescaling(2.0, offset=-1)), UNIT),
        (lambda: behind(layers.Rescaling(0.5, offset=0.5)), SIGNED),
        (lambda: behind(normalization(120.0, 60.0)), BYTES),
        (lambda: behind(normalization(0.5, 0.25)), UNIT),
        (lambda: behind(layers.Rescaling(1 / 255), normalization(0.5, 0.25)), BYTES),
        (lambda: behind(Preprocessing("imagenet_caffe"), layers.Rescaling(1 / 128)), BYTES),
        (lambda: behind(layers.RandomFlip(), layers.Resizing(9, 7), Preprocessing("unit")), BYTES),
        (lambda: behind(layers.Pipeline([layers.RandomFlip(), layers.Rescaling(1 / 255)])), BYTES),
        (lambda: behind(keras.Sequential([layers.Rescaling(1 / 255)])), BYTES),
        (lambda: functional(lambda x: x / 255.0), BYTES),
        (lambda: functional(lambda x: keras.ops.subtract(x * (1 / 127.5), 1.0)), BYTES),
        (lambda: functional(weightless_nest), BYTES),
        (lambda: functional(layers.Rescaling(1 / 255), (None, None, 3)), BYTES),
        (lambda: behind(), None),
        (lambda: behind(layers.RandomFlip(), layers.ZeroPadding2D()), None),
        (lambda: behind(layers.Rescaling(1 / 255), layers.Rescaling(1 / 255)), None),
        (lambda: keras.Sequential([keras.Input(SHAPE), layers.Rescaling(1 / 255)]), None),
        (lambda: keras.Sequential([layers.Rescaling(1 / 255), *network()]), None),  # not built
        (lambda: build_model1((46, 46, 3)), None),
        (lambda: build_model2((46, 46, 3)), None),
        (lambda: build_model3((46, 46, 3)), BYTES),
        (lambda: transfer_model(behind(), SHAPE, preprocessing="imagenet_torch"), BYTES),
        (lambda: transfer_model("resnet50_v2", (32, 32, 3), weights=None), BYTES),
    ],
)
def test_the_range_follows_from_the_layers_in_front(make, expected):
    assert input_range(make()) == expected


@pytest.mark.parametrize("name", BUILT)
def test_networks_of_keras_are_known_bare_and_prepared(name):
    shape = (75, 75, 3)
    network = getattr(keras.applications, name)(include_top=False, weights=None, input_shape=shape)
    assert input_range(network) == APPLICATIONS[name]
    module = next(
        module
        for module in [*vars(keras.applications).values(), keras.applications.mobilenet_v3]
        if hasattr(module, "preprocess_input")
        and (hasattr(module, name) or name.startswith("MobileNetV3"))
    )
    images = keras.Input(shape)
    inside = keras.Model(images, network(module.preprocess_input(images)))
    assert input_range(inside) == BYTES


def test_looking_changes_nothing():
    model = build_model3((46, 46, 3))
    before = model.to_json()
    pictures = np.random.default_rng(0).uniform(0, 255, (2, 46, 46, 3))
    expected = keras.ops.convert_to_numpy(model(pictures))
    input_range(model)
    assert model.to_json() == before
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(pictures)), expected)


def test_a_model_is_wanted():
    with pytest.raises(TypeError) as caught:
        input_range("model")
    assert str(caught.value) == "`model` must be a keras.Model; received model='model'."
