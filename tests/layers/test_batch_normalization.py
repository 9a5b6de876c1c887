"""The fused layer against Keras's own, and both against float64 arithmetic in NumPy."""

import keras
import numpy as np
import pytest

from catdog_keras import _backend, use_fused_batch_norm
from catdog_keras.layers import BatchNormalization
from tests.arrays import as_float32

BACKEND = keras.backend.backend()
only_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="about TensorFlow's graphs")
only_torch = pytest.mark.skipif(BACKEND != "torch", reason="about PyTorch's kernel")


def reference(inputs, gamma, beta, epsilon=1e-3):
    """Normalized channels-last inputs, their mean and biased variance, in float64."""
    values = inputs.astype("float64")
    axes = tuple(range(values.ndim - 1))
    mean, variance = values.mean(axes), values.var(axes)
    return gamma * (values - mean) / np.sqrt(variance + epsilon) + beta, mean, variance


def make_images(*shape, offset=0.0, seed=0):
    return (np.random.default_rng(seed).normal(size=shape) * 3 + offset).astype("float32")


def pair(shape, **arguments):
    """The fused layer and Keras's, with the same weights, which no initializer gives."""
    layers = BatchNormalization(**arguments), keras.layers.BatchNormalization(**arguments)
    for layer in layers:
        layer.build(shape)
        generator = np.random.default_rng(1)
        layer.set_weights([generator.uniform(0.5, 1.5, weight.shape) for weight in layer.weights])
    return layers


def is_fused(inputs, axis=-1):
    return _backend.can_fuse_batch_norm(keras.ops.convert_to_tensor(inputs), axis)


def test_can_fuse_batch_norm_accepts_only_supported_inputs():
    images = make_images(2, 3, 4, 5)
    assert is_fused(images) == is_fused(images, 3) == (BACKEND != "jax")
    assert is_fused(images.astype("float16")) == (BACKEND != "jax")
    assert is_fused(images, 1) == (BACKEND == "torch")
    assert not is_fused(images, 2)
    assert not is_fused(images[0])
    assert not is_fused(images.astype("int32"))
    assert is_fused(images[:1, :1, :1]) == (BACKEND == "tensorflow")


@pytest.mark.parametrize("training", [True, False])
def test_zero_epsilon_matches_keras(training):
    images = make_images(4, 5, 7, 3)
    ours, theirs = (
        keras.ops.convert_to_numpy(layer(images, training=training))
        for layer in pair(images.shape, epsilon=0.0)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_outputs_gradients_and_moving_averages_match_keras(gradients, scale, center, training):
    images = make_images(4, 5, 7, 3)
    weighting = keras.ops.convert_to_tensor(make_images(4, 5, 7, 3, seed=2))
    found = []
    for layer in pair(images.shape, scale=scale, center=center):

        def loss(images, layer=layer):
            # Two calls, so that gradients of one input through two normalizations add up.
            outputs = layer(images, training=training)
            return keras.ops.sum(layer(outputs * 2.0 + images, training=training) * weighting)

        outputs = as_float32(layer(images, training=training))
        of_inputs, of_weights = gradients(loss, layer, images)
        found.append([outputs, of_inputs, *of_weights, *layer.get_weights()])
    assert len(found[0]) == 2 + scale + center + 2 + scale + center
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_outputs_and_moving_averages_match_keras_for_each_dtype_policy(policy):
    images = make_images(4, 5, 7, 3, offset=10)
    tolerance = {"float32": 1e-5, "mixed_float16": 2e-3, "mixed_bfloat16": 2e-2}[policy]
    for training in (True, False):
        ours, theirs = pair(images.shape, dtype=policy)
        outputs, expected = ours(images, training=training), theirs(images, training=training)
        assert outputs.dtype == expected.dtype
        np.testing.assert_allclose(
            as_float32(outputs), as_float32(expected), rtol=tolerance, atol=tolerance
        )
        for kept, keras_kept in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(kept, keras_kept, rtol=2e-5, atol=2e-5)


def test_moving_averages_match_keras_after_20_steps():
    ours, theirs = pair((None, None, None, 3), momentum=0.9)
    for step in range(20):
        images = make_images(1 + step % 3, 2 + step % 2, 3, 3, offset=step, seed=step)
        ours(images, training=True)
        theirs(images, training=True)
    for kept, keras_kept in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(kept, keras_kept, rtol=1e-5)
    images = make_images(2, 3, 3, 3)
    np.testing.assert_allclose(as_float32(ours(images)), as_float32(theirs(images)), rtol=1e-4)


@pytest.mark.parametrize(
    ("shape", "axis"),
    [((6, 3), -1), ((4, 5, 3), -1), ((4, 5, 7, 3), 1), ((4, 5, 7, 3), 2), ((2, 3, 4, 5, 3), -1)],
)
def test_other_ranks_and_axes_match_keras(shape, axis):
    images = make_images(*shape)
    ours, theirs = pair(shape, axis=axis)
    for training in (True, False):
        np.testing.assert_allclose(
            as_float32(ours(images, training=training)),
            as_float32(theirs(images, training=training)),
            rtol=1e-4,
            atol=1e-5,
        )
    for kept, keras_kept in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(kept, keras_kept, rtol=1e-5)


def test_mask_changes_outputs_and_matches_keras():
    images = make_images(4, 5, 7, 3)
    mask = np.random.default_rng(0).uniform(size=(4, 5, 7)) < 0.5
    ours, theirs = pair(images.shape)
    outputs = as_float32(ours(images, training=True, mask=mask))
    np.testing.assert_array_equal(outputs, as_float32(theirs(images, training=True, mask=mask)))
    unmasked, _ = pair(images.shape)
    assert not np.allclose(outputs, as_float32(unmasked(images, training=True)), atol=1e-2)


@pytest.mark.parametrize(
    "arguments",
    [
        {"renorm": True, "renorm_clipping": {"rmax": 1.5, "rmin": 0.5, "dmax": 0.2}},
        pytest.param({"synchronized": True}, marks=only_tensorflow),
    ],
)
def test_renorm_and_synchronized_match_keras_without_fused_kernel(arguments, monkeypatch):
    monkeypatch.delattr(_backend, "batch_norm_training")
    monkeypatch.delattr(_backend, "batch_norm_inference")
    ours, theirs = pair((None, None, None, 3), **arguments)
    for training in (True, True, False):
        images = make_images(4, 5, 7, 3, offset=3)
        outputs, expected = ours(images, training=training), theirs(images, training=training)
        np.testing.assert_array_equal(as_float32(outputs), as_float32(expected))


@pytest.mark.parametrize("offset", [0.0, 1e2, 1e4])
def test_rounding_error_does_not_exceed_keras_when_mean_is_large(offset):
    images = make_images(4, 9, 11, 3, offset=offset)
    expected, mean, variance = reference(images, gamma=1.0, beta=0.0)
    errors = []
    for layer in (BatchNormalization(momentum=0.0), keras.layers.BatchNormalization(momentum=0.0)):
        outputs = as_float32(layer(images, training=True))
        _, _, kept_mean, kept_variance = layer.get_weights()
        errors.append(
            [
                np.abs(outputs - expected).max(),
                np.abs(kept_mean / mean - 1).max(),
                np.abs(kept_variance / variance - 1).max(),
            ]
        )
    assert (np.array(errors[0]) <= np.array(errors[1]) + 1e-5).all(), errors
    if BACKEND != "jax":  # Keras's own arithmetic on JAX loses the variance far from zero
        assert max(errors[0]) < 2e-3, errors


def test_constant_input_is_normalized_to_beta():
    layer, _ = pair((None, None, None, 3))
    beta = layer.get_weights()[1]
    images = np.full((4, 3, 3, 3), 100.0, "float32")
    outputs = as_float32(layer(images, training=True))
    np.testing.assert_allclose(outputs, np.broadcast_to(beta, outputs.shape), atol=1e-3)


def test_one_value_per_channel_is_normalized_to_beta():
    images = make_images(1, 1, 1, 3)
    ours, theirs = pair(images.shape)
    for layer in (ours, theirs):
        outputs = as_float32(layer(images, training=True))
        np.testing.assert_allclose(outputs[0, 0, 0], layer.get_weights()[1], atol=1e-5)
    for kept, keras_kept in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(kept, keras_kept, rtol=1e-6)


def test_frozen_layer_uses_and_keeps_moving_averages():
    images = make_images(4, 5, 7, 3)
    layer, _ = pair(images.shape)
    layer.trainable = False
    before = layer.get_weights()
    outputs = as_float32(layer(images, training=True))
    np.testing.assert_array_equal(outputs, as_float32(layer(images, training=False)))
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def small_model(layer, **compiling):
    model = keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            keras.layers.Conv2D(4, 3),
            layer,
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1), "mse", **compiling)
    return model


# JAX is always compiled in use; PyTorch takes a minute to compile, and runs the same kernel.
@pytest.mark.parametrize(
    "jit_compile", {"tensorflow": [False, True], "jax": [True], "torch": [False]}[BACKEND]
)
def test_trained_weights_match_keras(jit_compile):
    images, targets = make_images(10, 6, 6, 3, offset=5), make_images(10, 2, seed=1)
    weights = []
    for layer in (BatchNormalization(), keras.layers.BatchNormalization()):
        keras.utils.set_random_seed(0)
        model = small_model(layer, jit_compile=jit_compile)
        model.fit(images, targets, batch_size=4, epochs=2, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@only_tensorflow
def test_graph_uses_fused_kernel_except_under_xla():
    import tensorflow as tf

    layer, _ = pair((None, None, None, 3))
    images = tf.constant(make_images(4, 5, 7, 3, offset=1e4))
    expected, _, _ = reference(images.numpy(), *layer.get_weights()[:2])
    for jit_compile in (False, True):
        function = tf.function(
            lambda images, training: layer(images, training=training), jit_compile=jit_compile
        )
        for training in (True, False):
            graph = function.get_concrete_function(images, training).graph
            names = {operation.type for operation in graph.get_operations()}
            assert ("FusedBatchNormV3" in names) == (not jit_compile)
        outputs = function(images, training=True)
        # XLA's expansion of the fused kernel is off by more than 1 here, or NaN.
        np.testing.assert_allclose(outputs, expected, atol=1e-2)


@only_tensorflow
def test_can_fuse_batch_norm_is_false_when_xla_is_on_or_undetectable(monkeypatch):
    import tensorflow as tf

    images = make_images(2, 3, 4, 5)
    assert is_fused(images)
    monkeypatch.setattr(tf.config.optimizer, "get_jit", lambda: "autoclustering")
    assert not is_fused(images)
    monkeypatch.undo()
    monkeypatch.delattr(tf.__internal__, "get_enclosing_xla_context")
    assert not is_fused(images)


@only_torch
def test_torch_training_uses_native_batch_norm_kernel():
    layer, _ = pair((None, None, None, 3))
    outputs = layer(make_images(4, 5, 7, 3), training=True)
    names, nodes = set(), [outputs.grad_fn]
    while nodes:
        node = nodes.pop()
        if node is not None:
            names.add(node.name())
            nodes += [parent for parent, _ in node.next_functions]
    assert "NativeBatchNormBackward0" in names


def test_weights_file_loads_into_keras_layer(tmp_path):
    images = make_images(3, 6, 6, 3)
    ours, theirs = (
        small_model(layer) for layer in (BatchNormalization(), keras.layers.BatchNormalization())
    )
    ours.fit(images, make_images(3, 2), verbose=0)
    ours.save_weights(tmp_path / "model.weights.h5")
    theirs.load_weights(tmp_path / "model.weights.h5")
    expected = as_float32(ours(images, training=False))
    np.testing.assert_allclose(as_float32(theirs(images, training=False)), expected, atol=1e-5)


def test_saved_model_converts_to_and_from_keras_layer(tmp_path, monkeypatch):
    images = make_images(3, 6, 6, 3)
    ours, theirs = (
        small_model(layer) for layer in (BatchNormalization(), keras.layers.BatchNormalization())
    )
    for model, name in ((ours, "ours.keras"), (theirs, "theirs.keras")):
        model.fit(images, make_images(3, 2), verbose=0)
        model.save(tmp_path / name)
    with_us = use_fused_batch_norm(keras.saving.load_model(tmp_path / "theirs.keras"))
    # As if this package were not there.
    registered = keras.saving.get_custom_objects()
    monkeypatch.delitem(registered, "catdog_keras>BatchNormalization")
    without_us = keras.saving.load_model(
        tmp_path / "ours.keras",
        custom_objects={"catdog_keras>BatchNormalization": keras.layers.BatchNormalization},
    )
    for first, second, kind in (
        (ours, without_us, keras.layers.BatchNormalization),
        (theirs, with_us, BatchNormalization),
    ):
        assert type(second.layers[1]) is kind
        expected = as_float32(first(images, training=False))
        np.testing.assert_allclose(as_float32(second(images, training=False)), expected, atol=1e-5)


def gradient_penalty_derivatives(layers, images):
    """Derivatives of the square of a gradient by the weights, as a gradient penalty has them."""
    import tensorflow as tf

    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(images)
            total = tf.reduce_sum(layers(images, training=True) ** 3)
        penalty = tf.reduce_sum(inner.gradient(total, images) ** 2)
    return outer.gradient(penalty, [weight.value for weight in layers.trainable_weights])


@pytest.mark.skipif(BACKEND != "tensorflow", reason="about TensorFlow's kernel")
@pytest.mark.parametrize("compiled", [True, False])
def test_second_derivatives_match_keras(compiled):
    """TensorFlow's own second derivatives of the fused kernel are not."""
    import tensorflow as tf

    images = tf.constant(make_images(2, 9, 9, 3))
    found = []
    for kind in (BatchNormalization, keras.layers.BatchNormalization):
        layers = keras.Sequential([keras.layers.Conv2D(4, 3, activation="tanh"), kind()])
        layers.build(images.shape)
        generator = np.random.default_rng(1)
        layers.set_weights([generator.uniform(0.1, 0.5, w.shape) for w in layers.weights])
        run = (
            tf.function(gradient_penalty_derivatives) if compiled else gradient_penalty_derivatives
        )
        found.append(run(layers, images))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * np.abs(theirs).max())


@pytest.mark.skipif(BACKEND != "tensorflow", reason="PyTorch has no forward mode here")
def test_forward_mode_jvp_matches_keras():
    import tensorflow as tf

    images, tangent = (
        tf.constant(make_images(2, 5, 7, 3)),
        tf.constant(make_images(2, 5, 7, 3, seed=3)),
    )
    found = []
    for layer in pair(images.shape):
        with tf.autodiff.ForwardAccumulator(images, tangent) as forward:
            outputs = layer(images, training=True)
        found.append(forward.jvp(outputs))
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-5)
