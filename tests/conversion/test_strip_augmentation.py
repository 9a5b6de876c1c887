"""The model without augmentation: the same bits at inference, nothing random left, anywhere in it."""

import inspect

import keras
import numpy as np
import pytest
from hypothesis import given, strategies as st
from keras import layers

from catdog_keras import (
    RandomAffine,
    RandomApply,
    RandomChoice,
    augmentation_preset,
    build_model2,
    build_model3,
    strip_augmentation,
    transfer_model,
)
from catdog_keras.conversion._strip_augmentation import AUGMENTATIONS, is_augmentation

SHAPE = (12, 12, 3)
HEAD = (layers.Conv2D, {"filters": 4, "kernel_size": 3}), (layers.GlobalAveragePooling2D, {})


def head():
    return [*(kind(**arguments) for kind, arguments in HEAD), layers.Dense(2)]


def sequential(*front, dtype="float32", shape=SHAPE):
    return keras.Sequential([keras.Input(shape, dtype=dtype), *front, *head()], name="net")


def make_images(model, count=3):
    images = np.random.default_rng(0).uniform(0, 255, (count, *model.input_shape[1:]))
    return images.astype(model.inputs[0].dtype)


def predicted(model):
    """Of single operations: a compiler may order the sums of two graphs differently."""
    return keras.ops.convert_to_numpy(model(make_images(model), training=False))


def every_layer(model):
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from every_layer(layer)


def assert_stripped(model):
    """The copy holds no augmentation, predicts the same bits, and the model is as it was."""
    before = model.to_json(), [layer.name for layer in every_layer(model)]
    expected = predicted(model)
    stripped = strip_augmentation(model)
    assert not [layer.name for layer in every_layer(stripped) if isinstance(layer, AUGMENTATIONS)]
    np.testing.assert_array_equal(predicted(stripped), expected)
    assert (model.to_json(), [layer.name for layer in every_layer(model)]) == before
    np.testing.assert_array_equal(predicted(model), expected)
    return stripped


def nested():
    """Augmentation in a separate Sequential, in one followed by a network, and at the top level."""
    front = keras.Sequential([layers.RandomFlip(), RandomAffine(zoom=0.1)], name="front")
    inner_images = keras.Input(SHAPE)
    inner = keras.Model(
        inner_images,
        layers.Conv2D(3, 1)(layers.RandomContrast(0.2)(inner_images)),
        name="inner",
    )
    last = keras.Sequential([keras.Input(SHAPE), layers.RandomErasing(), *head()], name="last")
    images = keras.Input(SHAPE, name="images")
    x = front(images)
    x = layers.Rescaling(1 / 255, name="scaling")(x)
    x = layers.RandomBrightness(0.1, (0, 1))(x)
    x = keras.ops.add(inner(x), x)
    return keras.Model(images, last(x))


def mixed_pipeline():
    inside = [layers.RandomFlip(), layers.Rescaling(1 / 255, offset=-0.5), layers.RandomZoom(0.1)]
    return sequential(layers.Pipeline(inside, name="pipeline"))


def time_distributed_model():
    flip = layers.TimeDistributed(layers.RandomFlip())
    inputs = keras.Input((2, *SHAPE))
    return keras.Sequential([inputs, flip, layers.Flatten(name="flatten"), layers.Dense(1)])


def test_stripped_model_predict_matches_original_model():
    model = nested()
    compiled = [
        each.predict(make_images(each), verbose=0) for each in (strip_augmentation(model), model)
    ]
    np.testing.assert_allclose(*compiled, rtol=1e-4, atol=1e-6)


AUGMENT = {
    "flip": lambda: layers.RandomFlip(),
    "affine": lambda: RandomAffine(zoom=0.1),
    "contrast": lambda: layers.RandomContrast(0.2),
    "choice": lambda: RandomChoice([RandomApply(layers.RandomFlip())]),
    "pipeline": lambda: layers.Pipeline([layers.RandomFlip()]),
}
KEEP = {
    "scaling": lambda: layers.Rescaling(0.5, offset=1.0),
    "convolution": lambda: layers.Conv2D(3, 1),
    "dropout": lambda: layers.Dropout(0.5),
    "noise": lambda: layers.GaussianNoise(1.0),
}
KEPT = (layers.Rescaling, layers.Conv2D, layers.Dropout, layers.GaussianNoise)
# A model of augmentation alone becomes the identity.
CONTAINERS = (keras.Model, layers.InputLayer, layers.Identity)
CHAINS = st.recursive(
    st.lists(st.sampled_from([*AUGMENT, *KEEP]), min_size=1, max_size=3),
    lambda inner: st.lists(inner | st.sampled_from([*AUGMENT, *KEEP]), min_size=1, max_size=3),
    max_leaves=3,
)


def chain(parts, functional):
    """Builds a model of a list of names; a list inside of it becomes a model in the model."""
    made = [
        chain(part, not functional) if isinstance(part, list) else (AUGMENT | KEEP)[part]()
        for part in parts
    ]
    if not functional:
        return keras.Sequential([keras.Input(SHAPE), *made])
    x = images = keras.Input(SHAPE)
    for layer in made:
        x = layer(x)
    return keras.Model(images, x)


@given(parts=CHAINS, functional=st.booleans())
def test_strip_augmentation_keeps_other_layers_in_order_in_any_chain(parts, functional):
    model = chain(parts, functional)
    stripped = assert_stripped(model)
    assert all(isinstance(layer, (*KEPT, *CONTAINERS)) for layer in every_layer(stripped))
    names, expected = (
        [layer.name for layer in every_layer(each) if isinstance(layer, KEPT)]
        for each in (stripped, model)
    )
    assert names == expected


@pytest.mark.parametrize(
    ("make", "left"),
    [
        (lambda: build_model2((46, 46, 3)), ["images", "block1"]),
        (lambda: build_model3((46, 46, 3)), ["images", "preprocessing", "block1"]),
        (
            lambda: transfer_model(
                keras.Sequential([keras.Input(SHAPE), layers.Conv2D(4, 3)], name="backbone"),
                SHAPE,
                augmentation=keras.Sequential([layers.RandomFlip(), layers.RandomRotation(0.1)]),
            ),
            ["images", "backbone", "pooling"],
        ),
        (nested, ["images", "scaling", "inner"]),
        (lambda: sequential(layers.RandomFlip(), layers.Rescaling(0.1, name="s")), ["s"]),
        (lambda: sequential(layers.Pipeline([layers.RandomFlip()])), ["conv2d"]),
        (lambda: sequential(augmentation_preset("strong")), ["conv2d"]),
        (lambda: sequential(RandomChoice([RandomApply(layers.RandomFlip())])), ["conv2d"]),
        (mixed_pipeline, ["pipeline"]),
        (time_distributed_model, ["flatten"]),
    ],
)
def test_stripped_model_has_no_augmentation_and_identical_outputs(make, left):
    keras.utils.clear_session(free_memory=False)  # resets names; a collection takes long
    stripped = assert_stripped(make())
    assert [layer.name for layer in stripped.layers][: len(left)] == left


# Keras's MixUp asks for int64, which JAX has not by default.
@pytest.mark.filterwarnings("ignore:(?s).*Explicitly requested dtype int64:UserWarning")
def test_is_augmentation_is_true_only_for_keras_augmentation_layers():
    """A layer of images that passes them on at inference augments; the others are the model's."""
    arguments = {
        "CenterCrop": (8, 8),
        "MaxNumBoundingBoxes": (3,),
        "RandomColorDegeneration": (0.5,),
        "RandomCrop": (8, 8),
        "RandomPosterization": (4,),
        "RandomShear": (0.1, 0.1),
        "RandomTranslation": (0.1, 0.1),
        "Resizing": (8, 8),
    }
    one = ("RandomBrightness", "RandomContrast", "RandomHue", "RandomRotation", "RandomSaturation")
    arguments |= dict.fromkeys((*one, "RandomSharpness", "RandomZoom"), (0.1,))
    base = next(kind for kind in layers.RandomFlip.__mro__ if "Base" in kind.__name__)
    of_images = {
        name: kind
        for name, kind in vars(layers).items()
        if inspect.isclass(kind) and issubclass(kind, base)
    }
    assert len(of_images) > 30
    images = np.random.default_rng(0).uniform(0, 255, (1, 12, 12, 3)).astype("float32")
    kept = {
        "AutoContrast",
        "CenterCrop",
        "ContrastLimitedAdaptiveHistogramEqualization",
        "Resizing",
    }
    about_boxes = "MaxNumBoundingBoxes"
    for name, kind in of_images.items():
        layer = kind(*arguments.get(name, ()))
        assert is_augmentation(layer) is (name not in {*kept, about_boxes}), name
        if name != about_boxes:
            outputs = keras.ops.convert_to_numpy(layer(images, training=False))
            assert np.array_equal(outputs, images) is (name not in kept), name


def test_random_crop_that_changes_size_is_kept():
    model = sequential(layers.RandomCrop(8, 8, name="crop"), layers.RandomFlip())
    names = [layer.name for layer in strip_augmentation(model).layers]
    assert names[0] == "crop"
    assert len(names) == 4


@pytest.mark.parametrize("functional", [False, True])
@pytest.mark.parametrize(("dtype", "policy"), [("uint8", "float32"), ("float32", "mixed_bfloat16")])
def test_cast_of_removed_augmentation_layer_is_kept(dtype, policy, functional):
    model = sequential(layers.RandomFlip(dtype=policy), dtype=dtype)
    if functional:
        model = keras.Model(model.inputs[0], model.outputs[0])
    assert_stripped(model)


def test_model_with_only_augmentation_becomes_identity():
    for model in (
        keras.Sequential([keras.Input(SHAPE), layers.RandomFlip()]),
        keras.Model(images := keras.Input(SHAPE), layers.RandomFlip()(images)),
    ):
        np.testing.assert_array_equal(predicted(strip_augmentation(model)), make_images(model))


def test_stripped_model_keeps_weight_paths_and_shares_no_weights():
    model = sequential(layers.RandomFlip())
    expected = predicted(model)
    stripped = strip_augmentation(model)
    stripped.set_weights([0 * weight for weight in stripped.get_weights()])
    np.testing.assert_array_equal(predicted(model), expected)
    assert [w.path for w in stripped.weights] == [w.path for w in model.weights]


def test_stripped_model_keeps_frozen_layers_and_compiled_state():
    model = sequential(layers.RandomFlip())
    model.layers[1].trainable = False
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for each in (model, keras.Model(model.inputs[0], model.outputs[0])):
        stripped = strip_augmentation(each)
        assert len(stripped.trainable_variables) == 2
        assert stripped.compiled is each.compiled
    assert model.compiled


@keras.saving.register_keras_serializable(package="tests")
class OwnAugmentation(layers.Layer):
    """What a user might write."""

    def compute_output_shape(self, input_shape):
        return input_shape

    def call(self, inputs, training=False):
        return 255.0 - inputs if training else inputs


def test_extra_layers_argument_removes_custom_layers():
    model = sequential(layers.TimeDistributed(OwnAugmentation()), OwnAugmentation())
    assert len(strip_augmentation(model).layers) == 5
    for also in (OwnAugmentation, [OwnAugmentation]):
        assert len(strip_augmentation(model, extra_layers=also).layers) == 3


def test_stripped_model_can_be_saved(tmp_path):
    stripped = strip_augmentation(nested())
    stripped.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(predicted(loaded), predicted(stripped))


@pytest.mark.parametrize(
    ("model", "also", "error", "message"),
    [
        (3, (), TypeError, "`model` must be a keras.Model; received model=3."),
        (None, int, TypeError, "`extra_layers` must be a layer class, or several; received extra_layers=<class 'int'>."),
        (None, "RandomFlip", TypeError, "`extra_layers` must be a layer class, or several; received extra_layers='RandomFlip'."),
    ],
)  # fmt: skip
def test_invalid_arguments_raise(model, also, error, message):
    with pytest.raises(error) as caught:
        strip_augmentation(sequential() if model is None else model, extra_layers=also)
    assert str(caught.value) == message


def test_unbuilt_model_raises():
    with pytest.raises(ValueError, match="`model` must be a built Functional or Sequential model"):
        strip_augmentation(keras.Sequential([layers.RandomFlip()]))


@pytest.mark.parametrize("nested", [False, True])
def test_adapted_normalization_is_kept(nested):
    norm = layers.Normalization()
    norm.adapt(np.random.default_rng(1).uniform(40, 200, (4, *SHAPE)))
    front = keras.Sequential([keras.Input(SHAPE), norm]) if nested else norm
    assert_stripped(sequential(layers.RandomFlip(), front))


def test_adapted_discretization_is_kept():
    bins = layers.Discretization(num_bins=4)
    bins.adapt(np.random.default_rng(1).uniform(0, 255, (4, *SHAPE)))
    assert_stripped(sequential(layers.RandomFlip(), bins, layers.Rescaling(1.0)))
