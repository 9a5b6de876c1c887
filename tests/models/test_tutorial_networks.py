"""Models 1 to 3 against the tutorial's literal Keras code: layers, outputs and gradients."""

import functools
import inspect
import warnings

import keras
import numpy as np
import pytest
from keras import layers

from catdog_keras import (
    ConvBlock,
    Preprocessing,
    RandomAffine,
    augmentation_preset,
    build_model1,
    build_model2,
    build_model3,
)

BACKEND = keras.backend.backend()
BUILDERS = [build_model1, build_model2, build_model3]
SMALL = (46, 52, 3)
FULL = (160, 160, 3)


def tutorial_model(shape=FULL):
    """Returns the tutorial's `model1`; only the input shape is variable."""
    with warnings.catch_warnings():
        # Keras 3 prefers an Input layer to the `input_shape` of the tutorial.
        warnings.filterwarnings("ignore", "Do not pass an `input_shape`", UserWarning)
        # fmt: off
        return keras.Sequential([
          # feature extraction
          layers.Conv2D(64,(3,3),activation = 'relu', input_shape = shape),
          layers.BatchNormalization(),
          layers.MaxPooling2D((2,2)),
          layers.Conv2D(32,(3,3),activation = 'relu'),
          layers.BatchNormalization(),
          layers.MaxPooling2D((2,2)),
          layers.Conv2D(32,(3,3,),activation = 'relu'),
          layers.BatchNormalization(),
          layers.MaxPooling2D((2,2)),
          layers.Conv2D(32,(3,3,),activation = 'relu'),
          layers.BatchNormalization(),
          layers.MaxPooling2D((2,2)),
          layers.Flatten(),

          # classification
          layers.Dense(128,activation = 'relu'),
          layers.Dropout(0.2),
          layers.Dense(256,activation = 'relu'),
          layers.Dropout(0.2),
          layers.Dense(256,activation = 'relu'),
          layers.Dropout(0.2),
          layers.Dense(128,activation = 'relu'),
          layers.Dense(2) # output layer
        ])
        # fmt: on


def unfold(model):
    """Yields (layer, output shape, activation) of each Keras layer of a model.

    A `ConvBlock` becomes its convolution, with the activation of the block, its normalization and
    its pooling. The input and the layers in front of model 1 are left out. Shapes have the channels
    last, also on PyTorch, where the parts of a block work with the channels first.
    """
    for layer in model.layers:
        if isinstance(layer, ConvBlock):
            assert layer.convolution.activation is keras.activations.linear
            shape = from_channels_last(layer.convolution.data_format, layer.input.shape)
            for part in layer.layers:
                shape = part.compute_output_shape(shape)
                activation = layer.activation if part is layer.convolution else None
                yield part, to_channels_last(layer.convolution.data_format, shape), activation
            assert to_channels_last(layer.convolution.data_format, shape) == layer.output.shape
        elif not isinstance(layer, (layers.InputLayer, RandomAffine, Preprocessing)):
            yield layer, layer.output.shape, getattr(layer, "activation", None)


def from_channels_last(data_format, shape):
    batch, height, width, channels = shape
    return (batch, channels, height, width) if data_format == "channels_first" else shape


def to_channels_last(data_format, shape):
    batch, first, second, third = shape
    return (batch, second, third, first) if data_format == "channels_first" else shape


def keras_type(layer):
    """Returns the class in `keras.layers` that `layer` is an instance of."""
    return next(
        kind for kind in type(layer).__mro__ if getattr(layers, kind.__name__, None) is kind
    )


def count(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


def describe_layers(model):
    """Returns one dictionary per Keras layer: type, whole config, shape and parameters.

    The config holds units, filters, kernel size, strides, padding, rate, momentum, epsilon,
    initializers and so on. Names differ and are left out. An axis or data format is described by
    whether it agrees with the layout that the layer works on.
    """
    descriptions = []
    data_format = "channels_last"
    for layer, shape, activation in unfold(model):
        config = layer.get_config()
        data_format = config.pop("data_format", data_format)
        if "axis" in config:
            channels = (1,) if data_format == "channels_first" else (-1, 3)
            config["axis"] = "channels" if config["axis"] in channels else config["axis"]
        descriptions.append(
            {
                **config,
                "name": None,
                "type": keras_type(layer),
                "activation": activation,
                "output shape": shape,
                "parameters": layer.count_params(),
                "trainable parameters": count(layer.trainable_weights),
            }
        )
    return descriptions


@functools.cache
def tutorial_layers(shape):
    return describe_layers(tutorial_model(shape))


@pytest.mark.parametrize("shape", [FULL, SMALL])
@pytest.mark.parametrize("build", BUILDERS)
def test_layers_match_tutorial_layer_by_layer(build, shape):
    found, expected = describe_layers(build(shape)), tutorial_layers(shape)
    for number, (ours, tutorials) in enumerate(zip(found, expected, strict=False)):
        assert ours == tutorials, f"layer {number}"
    assert len(found) == len(expected) == 21


@pytest.mark.parametrize("build", BUILDERS)
def test_parameter_counts_match_tutorial(build):
    expected = tutorial_model()
    found = [layer for layer, *_ in unfold(build())]
    assert sum(layer.count_params() for layer in found) == expected.count_params()
    trainable = [weight for layer in found for weight in layer.trainable_weights]
    assert count(trainable) == count(expected.trainable_weights)


def test_model1_total_parameter_count_matches_tutorial():
    assert build_model1().count_params() == tutorial_model().count_params()


@pytest.mark.parametrize(
    ("build", "front"),
    [
        (build_model1, []),
        (build_model2, [RandomAffine]),
        (build_model3, [RandomAffine, Preprocessing]),
    ],
)
def test_models_differ_only_in_augmentation_and_preprocessing(build, front):
    model = build()
    assert [type(layer) for layer in model.layers[1 : len(front) + 2]] == [*front, ConvBlock]
    names = [layer.name for layer in build_model1().layers[1:]]
    assert [layer.name for layer in model.layers[len(front) + 1 :]] == names


@pytest.fixture
def tutorial_pair(disturb):
    """Builds model 1 and the tutorial's model with the same weights and dropout seeds.

    Weights get values that no initializer gives, gammas of either sign among them.
    """

    def build(shape, dtype):
        before = keras.config.floatx()
        keras.config.set_floatx(dtype)
        keras.config.set_dtype_policy(dtype)
        try:
            ours, tutorials = build_model1(shape), disturb(tutorial_model(shape))
        finally:
            keras.config.set_floatx(before)
            keras.config.set_dtype_policy(before)
        for (layer, *_), other in zip(unfold(ours), tutorials.layers, strict=True):
            layer.set_weights(other.get_weights())
            if isinstance(layer, layers.Dropout):
                layer.seed_generator.state.assign(other.seed_generator.state)
        return ours, tutorials

    return build


class GradientRecorder(keras.optimizers.Optimizer):
    """Replaces each variable by its gradient instead of updating it.

    One call of `train_on_batch` then yields the gradients of the training step that `fit` runs,
    on every backend.
    """

    def update_step(self, gradient, variable, learning_rate):
        self.assign(variable, gradient)


def as_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor).astype("float64")


def run(model, images, labels, *, jit_compile):
    """Returns outputs in inference and in training, loss, gradients and moving averages."""
    inference = as_numpy(model(images, training=False))
    keras.utils.set_random_seed(1)  # PyTorch draws its dropout from the global generator
    training = as_numpy(model(images, training=True))
    model.compile(
        GradientRecorder(learning_rate=1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=jit_compile,
    )
    keras.utils.set_random_seed(2)
    loss = np.asarray(model.train_on_batch(images, labels), "float64")
    gradients = [as_numpy(variable) for variable in model.trainable_variables]
    averages = [as_numpy(v) for v in model.non_trainable_variables if "moving" in v.path]
    assert (len(gradients), len(averages)) == (26, 8)
    return inference, training, loss, gradients, averages


def largest_difference(found, expected):
    """Returns the largest difference of two arrays relative to the largest expected value."""
    return np.abs(found - expected).max() / np.abs(expected).max()


def distance(found, expected):
    """Returns the Euclidean distance of two arrays relative to the expected norm."""
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def exact(dtype):
    """Whether both models run the same operations, and so must agree to rounding.

    In float32 TensorFlow without XLA, and PyTorch, normalize by other kernels than the stock
    layers. JAX has no such kernels, and no float64 unless it is switched on.
    """
    return BACKEND == "jax" or dtype == "float64"


DTYPES = ["float32"] if BACKEND == "jax" else ["float64", "float32"]


# At the full size float32 alone takes another path than at the small one.
@pytest.mark.parametrize(
    ("dtype", "shape", "batch_size"),
    [
        *((dtype, SMALL, 4) for dtype in DTYPES),
        ("float32", FULL, 2),
        *(
            pytest.param(each, FULL, 2, marks=pytest.mark.slow)
            for each in DTYPES
            if each != "float32"
        ),
    ],
)
def test_outputs_and_gradients_match_tutorial(tutorial_pair, shape, batch_size, dtype):
    """At the full size TensorFlow pools two blocks before it normalizes them."""
    generator = np.random.default_rng(0)
    images = generator.uniform(0, 255, (batch_size, *shape)).astype(dtype)
    labels = np.arange(batch_size) % 2
    found, expected = (
        run(model, images, labels, jit_compile=BACKEND == "jax")
        for model in tutorial_pair(shape, dtype)
    )
    inference, training, loss, gradients, averages = map(list, zip(found, expected, strict=True))
    # Largest differences measured with several seeds: 3e-6 with float64, where our logits alone are
    # float32, and 0 on JAX. In float32: inference 5e-6, training 2.4e-4, from the variance that
    # the fused kernels compute.
    assert largest_difference(*inference) < 3e-5
    tolerance = 3e-5 if exact(dtype) else 2e-3
    assert largest_difference(*training) < tolerance
    assert largest_difference(*loss) < tolerance
    for each in zip(*averages, strict=True):
        assert largest_difference(*each) < tolerance
    for ours, tutorials in zip(*gradients, strict=True):
        if exact(dtype):
            assert largest_difference(ours, tutorials) < tolerance
        else:
            # Rounding decides which of two nearly equal values a pooling takes and whether a
            # value near zero passes a ReLU. From the same layers in float64, the stock layers in
            # float32 differ by up to 0.05 and ours by up to 0.11 (PyTorch); unrelated gradients
            # differ by about 1.
            assert distance(ours, tutorials) < 0.2


@pytest.mark.slow  # XLA compiles both networks; test_normalized_pooling.py compares one block
@pytest.mark.skipif(BACKEND != "tensorflow", reason="XLA is an option on TensorFlow only")
def test_training_step_matches_tutorial_under_xla(tutorial_pair):
    """There the block runs the same operations as the stock layers."""
    images = np.random.default_rng(0).uniform(0, 255, (4, *SMALL)).astype("float32")
    found, expected = (
        run(model, images, np.arange(4) % 2, jit_compile=True)[2:]
        for model in tutorial_pair(SMALL, "float32")
    )
    for ours, tutorials in zip(
        keras.tree.flatten(found), keras.tree.flatten(expected), strict=True
    ):
        assert largest_difference(ours, tutorials) < 1e-5


def small_images(count=4):
    return np.random.default_rng(0).uniform(0, 255, (count, 46, 46, 3)).astype("float32")


@pytest.mark.parametrize(
    ("build", "scale"),
    [(build_model2, lambda images: images), (build_model3, lambda images: images / 127.5 - 1)],
)
def test_models_2_and_3_match_model1_on_preprocessed_images(build, scale):
    model, first = build((46, 46, 3)), build_model1((46, 46, 3))
    first.set_weights(model.get_weights())
    images = small_images()
    found, expected = as_numpy(model(images)), as_numpy(first(scale(images)))
    assert largest_difference(found, expected) < 1e-5  # measured: 1.4e-6


def test_model3_scales_images_to_minus_one_to_one():
    model = build_model3((46, 46, 3))
    inner = keras.Model(model.input, model.get_layer("preprocessing").output)
    extremes = np.stack([np.zeros((46, 46, 3)), np.full((46, 46, 3), 255)])
    outputs = as_numpy(inner(extremes))
    assert (outputs.min(), outputs.max()) == (-1, 1)


@pytest.mark.parametrize("build", [build_model2, build_model3])
def test_augmentation_argument_replaces_default_layer(build):
    layer = keras.layers.RandomFlip(name="mine")
    assert build(augmentation=layer).layers[1] is layer
    with pytest.raises(ValueError, match=r"`augmentation` must be a keras\.Layer.*='flip'"):
        build(augmentation="flip")
    with pytest.raises(TypeError, match=r"`augmentation` must be a keras\.Layer.*=0\.1"):
        build(augmentation=0.1)


@pytest.mark.parametrize("build", [build_model2, build_model3])
def test_augmentation_argument_takes_names_of_presets_and_none(build):
    names = [layer.name for layer in build().layers]
    assert inspect.signature(build).parameters["augmentation"].default == "medium"
    for strength in ("light", "medium", "strong"):
        model = build(augmentation=strength)
        assert [layer.name for layer in model.layers] == names
        expected = augmentation_preset(strength)
        assert type(model.layers[1]) is type(expected)
        if strength != "strong":
            assert model.layers[1].get_config() == expected.get_config()
    names.remove("augmentation")
    assert [layer.name for layer in build(augmentation=None).layers] == names


def dropout_layers(model):
    return [layer for layer in model.layers if isinstance(layer, layers.Dropout)]


@pytest.mark.parametrize("build", BUILDERS)
def test_dropout_sets_rate_of_all_three_layers(build):
    for rate in (0, 0.5, 1, np.float32(0.25)):
        model = build((46, 46, 3), dropout=rate)
        assert [layer.rate for layer in dropout_layers(model)] == [rate] * 3


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_dropout_drops_units_in_training_only(rate):
    model = build_model1((46, 46, 3), dropout=rate)
    for layer in dropout_layers(model):
        probe = keras.Model(model.input, [layer.input, layer.output])
        before, after = map(as_numpy, probe(small_images(32), training=False))
        np.testing.assert_array_equal(after, before)
        before, after = map(as_numpy, probe(small_images(32), training=True))
        active = before > 0
        kept = active & (after > 0)
        np.testing.assert_allclose(after[kept], before[kept] / (1 - rate), rtol=1e-6)
        dropped = 1 - kept.sum() / active.sum()
        assert abs(dropped - rate) < 5 * np.sqrt(rate * (1 - rate) / active.sum())


def test_training_outputs_are_deterministic_without_dropout():
    model = build_model1((46, 46, 3), dropout=0)
    first, second = (as_numpy(model(small_images(), training=True)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_dropout_of_one_zeroes_logits_in_training_only():
    model = build_model1((46, 46, 3), dropout=1)
    outputs = as_numpy(model(small_images(), training=True))
    np.testing.assert_array_equal(outputs, np.zeros_like(outputs))
    assert as_numpy(model(small_images())).any()


@pytest.mark.parametrize("build", BUILDERS)
def test_saved_model_keeps_dropout_rate(build, tmp_path):
    build((46, 46, 3), dropout=0.5).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert [layer.rate for layer in dropout_layers(loaded)] == [0.5] * 3


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_classes": 0}, ValueError, "`num_classes` must be .*integer.*num_classes=0"),
        ({"num_classes": "2"}, TypeError, "`num_classes` must be .*integer.*num_classes='2'"),
        ({"input_shape": 160}, TypeError, "`input_shape` must be .*shape.*input_shape=160"),
        ({"input_shape": (160, 160)}, ValueError, r"`input_shape` must be .*shape.*input_shape=\(160, 160\)"),
        ({"input_shape": (160.0, 160, 3)}, TypeError, r"`input_shape` must be .*integers.*input_shape=\(160\.0, 160, 3\)"),
        ({"input_shape": (46, 45, 3)}, ValueError, r"`input_shape` must be .*46 x 46 pixels.*input_shape=\(46, 45, 3\)"),
        ({"input_shape": (0, 160, 3)}, ValueError, r"`input_shape` must be .*shape.*input_shape=\(0, 160, 3\)"),
        ({"dropout": -0.1}, ValueError, r"`dropout` must be .*number from 0 to 1.*dropout=-0\.1"),
        ({"dropout": 1.1}, ValueError, r"`dropout` must be .*number from 0 to 1.*dropout=1\.1"),
        ({"dropout": float("nan")}, ValueError, "`dropout` must be .*number from 0 to 1.*dropout=nan"),
        ({"dropout": True}, TypeError, "`dropout` must be .*number from 0 to 1.*dropout=True"),
        ({"dropout": "0.2"}, TypeError, r"`dropout` must be .*number from 0 to 1.*dropout='0\.2'"),
    ],
)  # fmt: skip
def test_invalid_arguments_are_rejected(build, arguments, error, message):
    with pytest.raises(error, match=message):
        build(**arguments)


def test_numpy_integers_are_accepted():
    assert build_model1((np.int64(46), 46, 3), np.int64(3)).output_shape == (None, 3)


def test_block4_output_is_one_pixel_at_minimum_image_size():
    model = build_model1((46, 46, 3))
    assert model.get_layer("block4").output.shape == (None, 1, 1, 32)


@pytest.mark.parametrize("build", [build_model1, build_model2, build_model3])
def test_momentum_applies_to_every_normalization(build):
    for momentum in (0.99, 0.9):
        given = {} if momentum == 0.99 else {"momentum": momentum}
        model = build((46, 46, 3), **given)
        blocks = [model.get_layer(f"block{number}") for number in range(1, 5)]
        assert [block.batch_normalization.momentum for block in blocks] == [momentum] * 4
    with pytest.raises(ValueError, match=r"`momentum` .*received momentum=1.5"):
        build((46, 46, 3), momentum=1.5)
