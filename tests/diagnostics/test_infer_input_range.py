"""The input range of a model, inferred from the layers before its first weights."""

import inspect

import keras
import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from keras import layers

from catdog_keras import (
    Preprocessing,
    RandomAffine,
    build_model1,
    build_model2,
    build_model3,
    infer_input_range,
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
# MobileNetV2 is known by its name; MobileNetV3 scales images itself.
FAST = ("MobileNetV2", "MobileNetV3Small")


def network():
    return [layers.Conv2D(4, 3), layers.ReLU(), layers.GlobalAveragePooling2D(), layers.Dense(2)]


def sequential(*front):
    return keras.Sequential([keras.Input(SHAPE), *front, *network()])


def functional(front, shape=SHAPE):
    x = images = keras.Input(shape)
    x = front(x)
    for layer in network():
        x = layer(x)
    return keras.Model(images, x)


def normalization(mean, deviation):
    return layers.Normalization(mean=[mean] * 3, variance=[deviation**2] * 3)


def nested_preprocessing(images):
    inner = keras.Input(SHAPE)
    nest = keras.Model(inner, layers.Rescaling(1 / 127.5, offset=-1)(layers.RandomFlip()(inner)))
    return nest(keras.Sequential([layers.RandomContrast(0.1), RandomAffine(zoom=0.1)])(images))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: sequential(layers.Rescaling(1 / 255)), BYTES),
        (lambda: sequential(layers.Rescaling(1 / 127.5, offset=-1)), BYTES),
        (lambda: sequential(layers.Rescaling(2.0, offset=-1)), UNIT),
        (lambda: sequential(layers.Rescaling(0.5, offset=0.5)), SIGNED),
        (lambda: sequential(normalization(120.0, 60.0)), BYTES),
        (lambda: sequential(normalization(0.5, 0.25)), UNIT),
        (lambda: sequential(layers.Rescaling(1 / 255), normalization(0.5, 0.25)), BYTES),
        (lambda: sequential(Preprocessing("imagenet_caffe"), layers.Rescaling(1 / 128)), BYTES),
        (
            lambda: sequential(layers.RandomFlip(), layers.Resizing(9, 7), Preprocessing("unit")),
            BYTES,
        ),
        (
            lambda: sequential(layers.Pipeline([layers.RandomFlip(), layers.Rescaling(1 / 255)])),
            BYTES,
        ),
        (lambda: sequential(keras.Sequential([layers.Rescaling(1 / 255)])), BYTES),
        (lambda: functional(lambda x: x / 255.0), BYTES),
        (lambda: functional(lambda x: keras.ops.subtract(x * (1 / 127.5), 1.0)), BYTES),
        (lambda: functional(nested_preprocessing), BYTES),
        (lambda: functional(layers.Rescaling(1 / 255), (None, None, 3)), BYTES),
        (lambda: sequential(), None),
        (lambda: sequential(layers.RandomFlip(), layers.ZeroPadding2D()), None),
        (lambda: sequential(layers.Rescaling(1 / 255), layers.Rescaling(1 / 255)), None),
        (lambda: keras.Sequential([keras.Input(SHAPE), layers.Rescaling(1 / 255)]), None),
        (lambda: keras.Sequential([layers.Rescaling(1 / 255), *network()]), None),  # not built
        (lambda: build_model1((46, 46, 3)), None),
        (lambda: build_model2((46, 46, 3)), None),
        (lambda: build_model3((46, 46, 3)), BYTES),
        (lambda: transfer_model(sequential(), SHAPE, preprocessing="imagenet_torch"), BYTES),
        (lambda: transfer_model("synthetic_small", (32, 32, 3), weights=None), BYTES),
    ],
)
def test_input_range_is_inferred_from_preprocessing_layers(make, expected):
    assert infer_input_range(make()) == expected


def preprocessing_of(name):
    """The `preprocess_input` of a network in `keras.applications`."""
    return next(
        module.preprocess_input
        for module in [*vars(keras.applications).values(), keras.applications.mobilenet_v3]
        if hasattr(module, "preprocess_input")
        and (hasattr(module, name) or name.startswith("MobileNetV3"))
    )


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in FAST else pytest.mark.slow) for n in APPLICATIONS]
)
def test_application_range_is_inferred_with_and_without_preprocessing(name):
    shape = (75, 75, 3)
    network = getattr(keras.applications, name)(include_top=False, weights=None, input_shape=shape)
    assert infer_input_range(network) == APPLICATIONS[name]
    images = keras.Input(shape)
    inside = keras.Model(images, network(preprocessing_of(name)(images)))
    assert infer_input_range(inside) == BYTES


def test_input_range_is_inferred_from_application_name():
    """A small model takes the place of each network, under the name that Keras gives it."""
    seen = set()
    for name, expected in APPLICATIONS.items():
        default = inspect.signature(getattr(keras.applications, name)).parameters["name"].default
        if default is None or expected == BYTES:  # computed names; networks that scale inside
            continue
        seen.add(expected)
        network = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(2, 1)], name=default)
        assert infer_input_range(network) == expected, name
        images = keras.Input(SHAPE)
        inside = keras.Model(images, network(preprocessing_of(name)(images)))
        assert infer_input_range(inside) == BYTES, name
    assert len(seen) == 3  # signed, and the two of ImageNet's mean


NO_CHANGE = (
    lambda: layers.RandomFlip(),
    lambda: layers.Dropout(0.5),
    lambda: layers.Resizing(6, 5),
    lambda: RandomAffine("horizontal"),
)


@given(
    maps=st.sampled_from(
        [(BYTES, UNIT), (BYTES, SIGNED), (UNIT, SIGNED), (SIGNED, UNIT)]  # from, to
    ),
    steps=st.lists(st.tuples(st.floats(0.2, 5), st.floats(-2, 2)), max_size=2),
    between=st.lists(st.sampled_from(range(len(NO_CHANGE))), max_size=2),
    nested=st.integers(0, 3),
)
def test_input_range_is_inferred_through_any_chain_of_rescalings(maps, steps, between, nested):
    given_range, wanted = maps
    scale = (wanted[1] - wanted[0]) / (given_range[1] - given_range[0])
    offset = wanted[0] - scale * given_range[0]
    for factor, shift in steps:  # those that the last step has to complete
        scale, offset = scale / factor, offset - scale / factor * shift
    parts = [layers.Rescaling(factor, offset=shift) for factor, shift in steps]
    parts.append(layers.Rescaling(scale, offset=offset))
    for place in between:
        parts.insert(place % (len(parts) + 1), NO_CHANGE[place]())
    if nested:
        parts[:nested] = [keras.Sequential([keras.Input(SHAPE), *parts[:nested]])]
    model = keras.Sequential([keras.Input(SHAPE), *parts, layers.Conv2D(2, 1)])
    assert infer_input_range(model) == given_range


def test_infer_input_range_leaves_model_unchanged():
    model = build_model3((46, 46, 3))
    before = model.to_json()
    images = np.random.default_rng(0).uniform(0, 255, (2, 46, 46, 3))
    expected = keras.ops.convert_to_numpy(model(images))
    infer_input_range(model)
    assert model.to_json() == before
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(images)), expected)


class Scaled(keras.Model):
    """A network for signed values, which scales images in its own `call`."""

    def call(self, inputs, training=None):
        return super().call(inputs / 127.5 - 1, training=training)


def test_infer_input_range_is_none_for_model_with_its_own_call():
    backbone = keras.applications.MobileNetV2((32, 32, 3), include_top=False, weights=None)
    assert infer_input_range(backbone) == SIGNED
    assert infer_input_range(Scaled(backbone.inputs, backbone.outputs, name=backbone.name)) is None


def test_non_model_argument_raises():
    with pytest.raises(TypeError) as caught:
        infer_input_range("model")
    assert str(caught.value) == (
        "`model` must be a keras.Model; received model='model'. Load it: "
        "`keras.models.load_model('model')`."
    )


@pytest.mark.parametrize("shape", [(5,), (5, 12), (2, 12, 12, 3)])
def test_infer_input_range_is_none_for_inputs_that_are_not_images(shape):
    inputs = keras.Input(shape)
    scaled = layers.Rescaling(1 / 255)(inputs)
    outputs = layers.Dense(2)(layers.Flatten()(scaled))
    assert infer_input_range(keras.Model(inputs, outputs)) is None


@pytest.mark.parametrize(
    ("mean", "deviation"), [(2, 1), (1, 1), (0.8, 1), (1.5, 1.1), (2.5, 1.7), (5, 3), (20, 15)]
)
def test_infer_input_range_is_unknown_for_normalization_of_very_dark_images(mean, deviation):
    assert infer_input_range(sequential(normalization(mean, deviation))) is None


@given(
    source=st.sampled_from([BYTES, UNIT, SIGNED]),
    brightness=st.floats(0.01, 1),
    gamma=st.floats(0.2, 5),
    front=st.sampled_from([(1, 0), (1 / 255, 0), (1 / 127.5, -1), (3, 7)]),
    back=st.sampled_from([None, (1, 0.1), (0.9, 0)]),
    seed=st.integers(0, 100),
)
def test_infer_input_range_is_right_or_unknown_for_an_adapted_normalization(
    source, brightness, gamma, front, back, seed
):
    values = brightness * np.random.default_rng(seed).random(1000) ** gamma
    values = source[0] + (source[1] - source[0]) * values
    # Other values have a mean and a variance that are those of images in [0, 1], too.
    assume(values.mean() >= 1 if source == BYTES else source == UNIT or values.mean() <= 0)
    scaled = front[0] * values + front[1]
    chain = [layers.Rescaling(*front), normalization(scaled.mean(), scaled.std())]
    chain += [] if back is None else [layers.Rescaling(*back)]
    assert infer_input_range(sequential(*chain)) in (source, None)


@pytest.mark.parametrize(
    ("mean", "deviation", "expected"),
    [(0.45, 0.27, UNIT), (115, 68, BYTES), (0, 255, BYTES), (127.5, 127.5, BYTES), (-0.7, 0.4, SIGNED)],
)  # fmt: skip
def test_infer_input_range_is_known_for_normalization_of_usual_images(mean, deviation, expected):
    assert infer_input_range(sequential(normalization(mean, deviation))) == expected


def test_infer_input_range_reads_operations_that_return_several_tensors():
    images = keras.Input((8, 8, 3))
    red, *others = keras.ops.split(keras.layers.Rescaling(1 / 255)(images), 3, axis=-1)
    joined = keras.layers.Concatenate()([red, *others])
    model = keras.Model(images, keras.layers.Conv2D(2, 3)(joined))
    # The model scales its images from [0, 255].
    assert infer_input_range(model) == BYTES
