"""The copy with the fused normalization: the same weights, outputs and training."""

import keras
import numpy as np
import pytest
from keras import layers

from catdog_keras import (
    BatchNormalization,
    ConvBlock,
    build_model1,
    strip_augmentation,
    use_fused_batch_norm,
)


def blocks(channels):
    return [layers.Conv2D(channels, 3), layers.BatchNormalization(), layers.ReLU()]


def functional():
    inner = keras.Sequential([keras.Input((8, 8, 3)), *blocks(4)], name="inner")
    x = inputs = keras.Input((8, 8, 3), name="images")
    x = inner(x)
    for layer in blocks(3):
        x = layer(x)
    return keras.Model({"images": inputs}, layers.Flatten()(keras.ops.exp(x) * 0.5))


def sequential():
    return keras.Sequential([keras.Input((8, 8, 3)), *blocks(4), layers.Flatten()])


def normalizations(model):
    found = []
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            found.append(type(layer))
        elif isinstance(layer, keras.Model):
            found += normalizations(layer)
    return found


@pytest.mark.parametrize("make", [functional, sequential])
def test_copy_keeps_outputs_and_weight_paths_and_fuses_batch_norm(make, disturb, outputs_of):
    model = disturb(make())
    fast = use_fused_batch_norm(model)
    assert set(normalizations(fast)) == {BatchNormalization}
    assert set(normalizations(model)) == {layers.BatchNormalization}
    assert type(fast) is type(model)
    assert [weight.path for weight in fast.weights] == [weight.path for weight in model.weights]
    np.testing.assert_allclose(outputs_of(fast), outputs_of(model), rtol=1e-5, atol=1e-6)


def test_copy_trains_like_original_model(disturb):
    model = disturb(functional())
    model.compile(keras.optimizers.SGD(0.01), "mse")
    fast = use_fused_batch_norm(model)
    assert fast.compiled
    generator = np.random.default_rng(0)
    images = generator.uniform(-1, 1, (16, 8, 8, 3)).astype("float32")
    targets = generator.uniform(-1, 1, (16, model.output_shape[1])).astype("float32")
    before = [weight.copy() for weight in model.get_weights()]
    for each in (model, fast):
        each.fit({"images": images}, targets, batch_size=8, epochs=2, shuffle=False, verbose=0)
    moved = 0.0
    for one, other, old in zip(fast.get_weights(), model.get_weights(), before, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
        moved = max(moved, np.abs(other - old).max())
    assert moved > 0.01


def test_frozen_layers_stay_frozen_in_copy(disturb):
    model = disturb(sequential())
    model.layers[1].trainable = False
    assert len(use_fused_batch_norm(model).trainable_variables) == 2
    model.trainable = False
    assert use_fused_batch_norm(model).trainable_variables == []


def test_copy_shares_no_weights_and_can_be_saved(disturb, outputs_of, tmp_path):
    model = disturb(functional())
    fast = use_fused_batch_norm(model)
    fast.save(tmp_path / "fast.keras")
    expected = outputs_of(model)
    fast.set_weights([0 * weight for weight in fast.get_weights()])
    np.testing.assert_array_equal(outputs_of(model), expected)
    loaded = keras.saving.load_model(tmp_path / "fast.keras")
    assert set(normalizations(loaded)) == {BatchNormalization}
    np.testing.assert_allclose(outputs_of(loaded), expected, rtol=1e-5, atol=1e-6)


def test_mobilenet_v2_batch_norms_are_fused_with_same_outputs(disturb, outputs_of):
    model = disturb(keras.applications.MobileNetV2(weights=None, input_shape=(96, 96, 3)))
    fast = use_fused_batch_norm(model)
    assert normalizations(fast) == [BatchNormalization] * 52
    np.testing.assert_allclose(outputs_of(fast), outputs_of(model), rtol=1e-4, atol=1e-6)


@keras.saving.register_keras_serializable(package="tests")
class Block(layers.Layer):
    """A layer that contains a normalization."""

    def build(self, input_shape):
        self.norm = layers.BatchNormalization()
        self.norm.build(input_shape)

    def call(self, inputs):
        return self.norm(inputs)


def test_layer_with_inner_batch_norm_warns_and_is_copied(disturb, outputs_of):
    inputs = keras.Input((8, 8, 3))
    model = disturb(keras.Model(inputs, Block(name="own")(inputs), name="net"))
    with pytest.warns(
        UserWarning, match=r"Of 'net' these layers .* unchanged: 'own' \(Block\)"
    ) as seen:
        fast = use_fused_batch_norm(model)
    assert [each.filename for each in seen if "Of 'net'" in str(each.message)] == [__file__]
    np.testing.assert_array_equal(outputs_of(fast), outputs_of(model))


def test_conv_block_is_copied_without_warning(disturb, recwarn):
    model = disturb(build_model1((46, 46, 3)))
    fast = use_fused_batch_norm(model)
    block, copied = model.get_layer("block1"), fast.get_layer("block1")
    assert isinstance(copied, ConvBlock)
    assert copied is not block
    assert copied.get_config() == block.get_config()
    for one, other in zip(fast.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert [str(warning.message) for warning in recwarn if "these layers" in str(warning)] == []


def test_invalid_arguments_raise():
    with pytest.raises(TypeError, match=r"`model` must be a keras\.Model; received model=3"):
        use_fused_batch_norm(3)
    with pytest.raises(ValueError, match="`model` must be a built Functional or Sequential model"):
        use_fused_batch_norm(keras.Sequential([layers.Dense(2)]))


@pytest.mark.parametrize("make", [use_fused_batch_norm, strip_augmentation])
@pytest.mark.parametrize("whole", [True, False])
def test_copy_keeps_frozen_model_with_trainable_layer(make, whole):
    model = functional()
    inner = model.get_layer("inner")
    (model if whole else inner).trainable = False
    inner.layers[0].trainable = True
    copied = make(model)
    assert copied.trainable is not whole
    assert copied.get_layer("inner").trainable is False
    assert copied.get_layer("inner").layers[0].trainable is True
    assert [w.path for w in copied.trainable_weights] == [w.path for w in model.trainable_weights]


def test_copy_supports_lambda_activation_layer_and_loss(outputs_of):
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation=lambda x: 2.0 * x),
            layers.BatchNormalization(),
            layers.Lambda(lambda x: x + 1.0),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    model.compile("sgd", loss=lambda targets, outputs: keras.ops.mean((targets - outputs) ** 2))
    fast = use_fused_batch_norm(model)
    np.testing.assert_allclose(outputs_of(fast), outputs_of(model), rtol=1e-5, atol=1e-6)
    assert model.compiled
    assert fast.loss is model.loss
    assert fast.optimizer is not model.optimizer


def test_lambda_metric_warns_and_leaves_copy_uncompiled():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(2)])
    model.compile("sgd", "mse", metrics=[lambda targets, outputs: keras.ops.mean(outputs)])
    with pytest.warns(UserWarning, match="The copy is not compiled. .* compiled with metrics that"):
        fast = use_fused_batch_norm(model)
    assert not fast.compiled
    assert model.compiled


class NoConfig(keras.Model):
    """A model inside a model that nothing can make again."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, inputs):
        return self.inner(inputs)


def test_layer_that_cannot_be_rebuilt_raises():
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, NoConfig(layers.Conv2D(4, 3))(inputs))
    with pytest.raises(
        ValueError, match=r"layers that can be rebuilt .* 'no_config.*' \(NoConfig\) cannot"
    ):
        use_fused_batch_norm(model)


def test_adapted_normalization_is_kept(outputs_of):
    first = layers.Normalization()
    first.adapt(np.random.default_rng(1).uniform(-3, 9, (4, 8, 8, 3)))
    model = keras.Sequential([keras.Input((8, 8, 3)), first, *blocks(2)])
    np.testing.assert_allclose(
        outputs_of(use_fused_batch_norm(model)), outputs_of(model), rtol=1e-5
    )
