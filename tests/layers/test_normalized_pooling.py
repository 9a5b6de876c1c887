"""Normalization and pooling as one function, against Keras's layers one after the other."""

import keras
import numpy as np
import pytest

from catdog_keras import ConvBlock, _backend
from catdog_keras._backend import fused_bn_pool as normalized_pooling

if keras.backend.backend() != "tensorflow":
    pytest.skip("TensorFlow alone has this way", allow_module_level=True)

import tensorflow as tf

FILTERS = 6
SHAPE = (2, 10, 12, 3)  # of the images in most tests: XLA compiles the kernels for each shape


@pytest.fixture(autouse=True)
def lower_large_map_threshold(monkeypatch):
    """Makes feature maps of all sizes take the path for large ones."""
    monkeypatch.setattr(normalized_pooling, "LARGE_MAP", 1)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def stock(activation="relu", pool_size=2, normalization="after", **arguments):
    parts = [
        keras.layers.Activation(activation, **arguments),
        keras.layers.BatchNormalization(momentum=0.9, **arguments),
    ]
    return keras.Sequential(
        [
            keras.layers.Conv2D(FILTERS, 3, **arguments),
            *(parts if normalization == "after" else parts[::-1]),
            keras.layers.MaxPooling2D(pool_size, **arguments),
        ]
    )


def pair(shape, gammas=None, **arguments):
    """A block and the stock layers, with the same weights; gammas of either sign, and a zero."""
    block, layers = ConvBlock(FILTERS, momentum=0.9, **arguments), stock(**arguments)
    for each in (block, layers):
        each.build((None, *shape[1:]))
    kernel, *_ = block.get_weights()
    gammas = np.array([1.5, -0.7, 0.0, 0.2, -2.0, 1.0]) if gammas is None else gammas
    averages = [numbers(FILTERS, seed=2), np.abs(numbers(FILTERS, seed=3)) + 0.5]
    weights = [numbers(*kernel.shape) / 3, numbers(FILTERS, seed=1), gammas, numbers(FILTERS)]
    for each in (block, layers):
        each.set_weights([*weights, *averages])
    return block, layers


def step(layer, images, *, compiled=True, jit_compile=None):
    """Outputs, gradients of the inputs and of all weights, and moving averages of one step."""

    def run(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
            weighting = tf.reshape(
                tf.sin(tf.range(tf.size(outputs), dtype="float32")), outputs.shape
            )
            loss = tf.reduce_sum(tf.cast(outputs, "float32") * weighting)
        trained = [weight.value for weight in layer.trainable_weights]
        return outputs, *tape.gradient(loss, [inputs, *trained])

    run = tf.function(run, jit_compile=jit_compile) if compiled else run
    found = [np.asarray(tf.cast(each, "float32")) for each in run(tf.constant(images))]
    return found + [np.asarray(weight) for weight in layer.non_trainable_weights]


def assert_arrays_close(found, expected, tolerance):
    for one, other in zip(found, expected, strict=True):
        scale = max(1.0, np.abs(other).max())
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * scale)


def supports_fused_path(block, images):
    size = block.pool_size
    window = (size, size) if isinstance(size, int) else size
    return _backend.can_normalize_and_pool(block.convolution(images), window)


@pytest.mark.parametrize(
    ("shape", "arguments"),
    [
        ((2, 10, 12, 3), {}),
        ((1, 9, 11, 3), {}),  # rows and columns that fill no window
        ((3, 5, 4, 3), {}),
        ((2, 11, 10, 3), {"pool_size": (3, 1)}),
        ((2, 8, 13, 1), {"pool_size": (1, 4)}),
        ((2, 10, 12, 3), {"activation": "tanh"}),
        ((2, 10, 12, 3), {"activation": None}),
        ((2, 10, 12, 3), {"normalization": "before"}),
        ((1, 9, 11, 3), {"normalization": "before", "activation": "leaky_relu"}),
        ((2, 11, 10, 3), {"normalization": "before", "activation": None, "pool_size": (3, 1)}),
    ],
)
def test_outputs_gradients_and_moving_averages_match_keras_layers(shape, arguments):
    block, layers = pair(shape, **arguments)
    images = numbers(*shape)
    assert supports_fused_path(block, images)
    expected = step(layers, images, compiled=False)
    assert len(expected) == 1 + 1 + 4 + 2
    # Tracing takes long: one case of each order of the layers is traced.
    compiled = arguments in ({}, {"normalization": "before"}) and shape == SHAPE
    assert_arrays_close(step(block, images, compiled=compiled), expected, 2e-5)


def test_eager_training_step_matches_keras_layers():
    block, layers = pair((2, 10, 12, 3))
    images = numbers(2, 10, 12, 3)
    expected = step(layers, images, compiled=False)
    assert_arrays_close(step(block, images, compiled=False), expected, 2e-5)


def test_bfloat16_outputs_match_rounded_float64_reference():
    maps, gammas, beta = numbers(4, 21, 24, FILTERS), numbers(FILTERS), numbers(FILTERS, seed=1)
    maps = tf.cast(maps, "bfloat16")
    arguments = (tf.constant(gammas), tf.constant(beta), 1e-3, (2, 3))
    found = _backend.normalize_and_pool(maps, *arguments, rectify=True)
    exact = np.maximum(np.asarray(tf.cast(maps, "float64")), 0)
    mean, variance = exact.mean((0, 1, 2)), exact.var((0, 1, 2))
    expected = gammas * (exact - mean) / np.sqrt(variance + 1e-3) + beta
    expected = tf.nn.max_pool2d(expected, (2, 3), (2, 3), "VALID")
    rounded = tf.cast(tf.cast(expected, "float32"), "bfloat16")
    same = np.asarray(found[0] == rounded)
    assert same.mean() > 0.999  # the others lie between two numbers of bfloat16
    np.testing.assert_allclose(tf.cast(found[0], "float64"), expected, rtol=2**-8, atol=1e-5)
    np.testing.assert_allclose(found[1], mean, rtol=1e-6)
    np.testing.assert_allclose(found[2], variance, rtol=1e-6)


@pytest.mark.parametrize("place", ["after", "before"])
def test_bfloat16_training_step_error_is_comparable_to_keras_layers(place):
    images = numbers(4, 22, 24, 3)
    truth = step(pair(images.shape, normalization=place)[1], images, compiled=False)
    blocks = pair(images.shape, dtype="mixed_bfloat16", normalization=place)
    errors = [
        [
            np.linalg.norm(a - b) / np.linalg.norm(b)
            for a, b in zip(step(b, images), truth, strict=True)
        ]
        for b in blocks
    ]
    for ours, theirs in zip(*errors, strict=True):
        assert ours < 1.2 * theirs + 1e-3


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_moving_averages_match_keras_layers_for_varying_batch_sizes(dtype):
    block, layers = pair((4, 10, 12, 3), dtype=dtype)
    for number in range(20):
        images = numbers(1 + number % 2, *SHAPE[1:], seed=number) + number
        block(images, training=True)
        layers(images, training=True)
    tolerance = 1e-5 if dtype == "float32" else 1e-3
    for ours, theirs in zip(block.get_weights()[-2:], layers.get_weights()[-2:], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("offset", [0.0, 1e2, 1e4])
def test_statistics_error_does_not_exceed_keras_when_mean_is_large(offset):
    maps = numbers(8, 40, 40, 4) + np.float32(offset)
    maps[:, 20] += 3  # the row that the guess at the mean is made from
    exact = maps.astype("float64")
    ours = normalized_pooling.normalize_and_pool(
        tf.constant(maps), tf.ones(4), tf.zeros(4), 1e-3, (2, 2), rectify=False
    )[1:]
    theirs = keras.ops.moments(maps, (0, 1, 2))
    for own, keras_own, true in zip(
        ours, theirs, (exact.mean((0, 1, 2)), exact.var((0, 1, 2))), strict=True
    ):
        error, keras_error = (np.abs(np.asarray(each) - true).max() for each in (own, keras_own))
        assert error <= keras_error + 1e-5


def test_mean_and_variance_of_large_maps_match_float64():
    maps = np.maximum(numbers(8, 320, 320, 2), 0)
    _, mean, variance = normalized_pooling.normalize_and_pool(
        tf.constant(maps), tf.ones(2), tf.zeros(2), 1e-3, (2, 2), rectify=False
    )
    exact = maps.astype("float64")
    np.testing.assert_allclose(mean, exact.mean((0, 1, 2)), rtol=2e-5)
    np.testing.assert_allclose(variance, exact.var((0, 1, 2)), rtol=2e-5)


@pytest.mark.parametrize("value", [0.0, 3.0, -1e6])
def test_constant_map_is_normalized_to_beta(value):
    maps = tf.fill((2, 8, 8, 2), tf.constant(value))
    beta = tf.constant([0.5, -2.0])
    outputs, mean, variance = _backend.normalize_and_pool(
        maps, tf.ones(2), beta, 1e-3, (2, 2), rectify=False
    )
    np.testing.assert_array_equal(mean, [value, value])
    np.testing.assert_array_equal(variance, [0, 0])
    np.testing.assert_array_equal(outputs, np.broadcast_to(beta, (2, 4, 4, 2)))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_gradient_of_tied_values_matches_max_pool2d(dtype):
    maps = tf.cast(tf.constant(np.random.default_rng(0).integers(0, 3, (2, 8, 8, 2))), dtype)

    def gradient(function):
        with tf.GradientTape() as tape:
            tape.watch(maps)
            outputs = tf.cast(function(maps), "float32")
            loss = tf.reduce_sum(outputs * numbers(2, 4, 4, 2))
        return np.asarray(tf.cast(tape.gradient(loss, maps), "float32"))

    def plain(maps):
        normalized, *_ = tf.raw_ops.FusedBatchNormV3(
            x=maps,
            scale=[1.0, -1.0],
            offset=[0.0, 0.0],
            mean=tf.zeros([0]),
            variance=tf.zeros([0]),
            epsilon=1e-3,
        )
        return tf.nn.max_pool2d(normalized, 2, 2, "VALID")

    def ours(maps):
        arguments = (tf.constant([1.0, -1.0]), tf.zeros(2), 1e-3, (2, 2))
        return _backend.normalize_and_pool(maps, *arguments, rectify=False)[0]

    found, expected = gradient(ours), gradient(plain)
    tolerance = {"float32": 1e-5, "bfloat16": 2e-2}[dtype]
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_nan_and_infinite_inputs_produce_nan_outputs(dtype):
    maps = numbers(2, 4, 4, 2)
    maps[0, 0, 0, 0], maps[0, 0, 0, 1] = np.nan, np.inf
    outputs, *_ = _backend.normalize_and_pool(
        tf.cast(maps, dtype), tf.ones(2), tf.zeros(2), 1e-3, (2, 2), rectify=True
    )
    assert np.isnan(np.asarray(tf.cast(outputs, "float32"))).any(axis=(0, 1, 2)).all()


def test_second_derivatives_match_keras_layers():
    images = numbers(*SHAPE)
    found = []
    for layer in pair(images.shape, np.array([1.5, -0.7, 0.5, 0.2, -2.0, 1.0])):
        inputs = tf.constant(images)
        with tf.GradientTape() as outer:
            outer.watch(inputs)
            with tf.GradientTape() as inner:
                inner.watch(inputs)
                loss = tf.reduce_sum(tf.square(layer(inputs, training=True)))
            slope = tf.reduce_sum(tf.square(inner.gradient(loss, inputs)))
        trained = [weight.value for weight in layer.trainable_weights]
        found.append([each.numpy() for each in outer.gradient(slope, [inputs, *trained])])
    assert_arrays_close(*found, 1e-4)


@pytest.mark.parametrize(
    ("arguments", "used"),
    [
        ({}, True),
        ({"activation": "gelu"}, True),
        ({"normalization": "before"}, True),
        ({"normalization": "before", "activation": "gelu"}, False),  # it decreases and increases
        ({"pooling": "avg"}, False),
        ({"pooling": "avg", "normalization": "before"}, False),
        ({"normalization": None}, False),
    ],
)
def test_kernel_is_used_only_where_pooling_can_come_first(arguments, used, monkeypatch):
    called = []
    kernel = _backend.normalize_and_pool
    monkeypatch.setattr(
        _backend, "normalize_and_pool", lambda *a, **k: called.append(1) or kernel(*a, **k)
    )
    ConvBlock(FILTERS, **arguments)(numbers(2, 8, 8, 3), training=True)
    assert bool(called) == used


def test_frozen_convolution_is_unchanged_while_normalization_trains():
    block, _ = pair(SHAPE)
    block.convolution.trainable = False
    model = keras.Sequential(
        [keras.Input(SHAPE[1:]), block, keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    model.compile("sgd", "mse")
    parts = [
        block.convolution.kernel,
        block.batch_normalization.gamma,
        block.batch_normalization.moving_mean,
    ]
    before = [np.array(part) for part in parts]
    model.fit(numbers(4, *SHAPE[1:]), numbers(4, 2), batch_size=2, verbose=0)
    moved = [(was != np.array(now)).any() for was, now in zip(before, parts, strict=True)]
    assert moved == [False, True, True]


def test_can_normalize_and_pool_accepts_only_supported_inputs():
    maps = tf.zeros((2, 8, 8, 6))
    assert _backend.can_normalize_and_pool(maps, (2, 2))
    assert _backend.can_normalize_and_pool(tf.cast(maps, "bfloat16"), (2, 2))
    assert not _backend.can_normalize_and_pool(tf.cast(maps[..., :5], "bfloat16"), (2, 2))
    assert not _backend.can_normalize_and_pool(tf.cast(maps, "float16"), (2, 2))
    assert not _backend.can_normalize_and_pool(maps, (4, 5))
    assert not _backend.can_normalize_and_pool(keras.KerasTensor((2, None, 8, 6)), (2, 2))


def test_can_normalize_and_pool_rejects_small_maps(monkeypatch):
    monkeypatch.setattr(normalized_pooling, "LARGE_MAP", 8 * 8 * 6 + 1)
    assert not _backend.can_normalize_and_pool(tf.zeros((2, 8, 8, 6)), (2, 2))
    assert _backend.can_normalize_and_pool(tf.zeros((2, 8, 9, 6)), (2, 2))


def test_block_runs_separate_layers_under_xla_and_when_frozen(monkeypatch):
    block, layers = pair((2, 10, 12, 3))
    images = numbers(2, 10, 12, 3)
    monkeypatch.delattr(_backend, "normalize_and_pool")
    assert_arrays_close(step(block, images, jit_compile=True), step(layers, images), 2e-5)
    block.trainable = layers.trainable = False
    np.testing.assert_allclose(
        block(images, training=True), layers(images, training=True), rtol=1e-4, atol=1e-5
    )


def test_varying_image_sizes_do_not_log_retracing_warning(caplog):
    """TensorFlow warns about a function that is retraced in most calls."""
    block = ConvBlock(FILTERS)
    with caplog.at_level("WARNING", logger="tensorflow"):
        for side in range(8, 20, 2):
            step(block, numbers(2, side, side, 3), compiled=False)
    assert "retracing" not in caplog.text


def test_forward_mode_jvp_matches_keras_layers():
    images, tangent = tf.constant(numbers(2, 10, 12, 3)), tf.constant(numbers(2, 10, 12, 3, seed=1))
    found = []
    for layer in pair(images.shape):
        with tf.autodiff.ForwardAccumulator(images, tangent) as forward:
            outputs = layer(images, training=True)
        found.append(forward.jvp(outputs))
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-5)
