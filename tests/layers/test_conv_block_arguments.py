"""The block with any arguments against the stock layers that it stands for."""

import inspect
import io
import zipfile

import h5py
import keras
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from catdog_keras import ConvBlock
from catdog_keras._backend import fused_bn_pool
from catdog_keras.layers import BatchNormalization
from catdog_keras.layers._conv_arguments import CONV_NAMES
from tests.arrays import as_float32
from tests.corpora.block_arguments import (
    FILTERS,
    StockLayers,
    block_arguments,
    images_for,
    random_weights,
)

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
# Each example compiles its operations; the other profiles have more examples.
EXAMPLES = settings(
    max_examples=settings.default.max_examples // (6 if keras.backend.backend() == "jax" else 3)
)


def assert_close(found, expected, tolerance=2e-4):
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * scale)


def make_pair(arguments, images):
    """A block and the stock layers with the same random weights."""
    pair = ConvBlock(FILTERS, **arguments), StockLayers(arguments)
    for layer in pair:
        layer(keras.KerasTensor(images.shape))
    shapes = [weight.shape for weight in pair[0].get_weights()]
    assert shapes == [weight.shape for weight in pair[1].get_weights()]
    for layer in pair:
        layer.set_weights(random_weights(shapes))
    return pair


@pytest.mark.skipif(not ON_TENSORFLOW, reason="other backends have no such kernel")
@settings(max_examples=settings.default.max_examples // 5)
@given(arguments=block_arguments(pooling="max", pool_size=2, groups=1))
def test_block_with_pooling_kernel_equals_stock_layers(arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fused_bn_pool, "LARGE_MAP", 1)
        check_equal(arguments)


@EXAMPLES
@given(arguments=block_arguments())
def test_block_equals_stock_layers(arguments):
    check_equal(arguments)


def check_equal(arguments):
    images = images_for(arguments)
    block, stock = make_pair(arguments, images)
    declared = block.compute_output_shape(images.shape)
    unknown = tuple(None if side == 15 or side == 16 else side for side in images.shape)
    symbolic = ConvBlock(FILTERS, **arguments)(keras.KerasTensor(unknown)).shape
    assert all(one in (None, other) for one, other in zip(symbolic, declared, strict=True))
    for training in (False, True):
        found, expected = (layer(images, training=training) for layer in (block, stock))
        assert tuple(found.shape) == declared
        assert_close(as_float32(found), as_float32(expected))
    for found, expected in zip(block.get_weights(), stock.get_weights(), strict=True):
        assert_close(found, expected)  # the moving averages were updated
    found, expected = (sum(map(float, map(as_float32, each.losses))) for each in (block, stock))
    assert found == pytest.approx(expected, rel=1e-5)


TRAINED = [
    {
        "normalization": "before",
        "strides": 2,
        "padding": "same",
        "kernel_regularizer": "l2",
        "dropout": 0.3,
    },
    {
        "normalization": "before",
        "dilation_rate": 2,
        "use_bias": False,
        "activation": "leaky_relu",
        "pool_size": (1, 3),
        "data_format": "channels_first",
    },
    {
        "normalization": "after",
        "groups": 2,
        "pooling": "avg",
        "kernel_constraint": "max_norm",
        "bias_constraint": "non_neg",
        "bias_regularizer": "l1",
    },
    {"normalization": None, "activation": "relu6", "dropout": 0.5, "kernel_regularizer": "l1"},
]


def train(layer, images, weights, policy="float32"):
    """Trains a layer and a head for three steps; returns the losses and the weights."""
    targets = np.random.default_rng(2).normal(size=(len(images), 2)).astype("float32")
    keras.utils.set_random_seed(0)
    head = [keras.layers.Flatten(), keras.layers.Dense(2, kernel_initializer="ones")]
    model = keras.Sequential([keras.Input(images.shape[1:]), layer, *head])
    layer.set_weights(weights)
    model.compile(keras.optimizers.SGD(0.01), "mse")
    losses = [float(model.train_on_batch(images, targets)) for _ in range(3)]
    return losses, layer.get_weights()


@pytest.mark.parametrize("arguments", TRAINED, ids=range(len(TRAINED)))
def test_training_equals_stock_layers_for_several_steps(arguments):
    arguments = {"momentum": 0.6, "seed": 7} | arguments
    images = images_for(arguments)
    shapes = [weight.shape for weight in make_pair(arguments, images)[0].get_weights()]
    results = [
        train(layer, images, random_weights(shapes))
        for layer in (ConvBlock(FILTERS, **arguments), StockLayers(arguments))
    ]
    (losses, weights), (stock_losses, stock_weights) = results
    assert losses == pytest.approx(stock_losses, rel=1e-4)
    assert losses[0] != losses[-1]
    for found, expected in zip(weights, stock_weights, strict=True):
        assert_close(found, expected, 1e-3)


@pytest.mark.parametrize("normalization", ["after", "before"])
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_error_in_mixed_precision_is_comparable_to_stock_layers(normalization, policy):
    arguments = {"normalization": normalization, "padding": "same"}
    images = images_for(arguments)
    _, stock = make_pair(arguments, images)
    truth = as_float32(stock(images, training=True))
    errors = []
    for layer in (ConvBlock(FILTERS, **arguments, dtype=policy), None):
        if layer is None:
            keras.config.set_dtype_policy(policy)
            try:
                layer = StockLayers(arguments)
            finally:
                keras.config.set_dtype_policy("float32")
        layer(keras.KerasTensor(images.shape))
        layer.set_weights(random_weights([each.shape for each in stock.get_weights()]))
        outputs = layer(images, training=True)
        assert keras.backend.standardize_dtype(outputs.dtype) == policy.removeprefix("mixed_")
        errors.append(np.abs(as_float32(outputs) - truth).max())
    assert errors[0] < 1.5 * errors[1] + 1e-3


@pytest.mark.parametrize("normalization", ["before", None])
@pytest.mark.parametrize(("activation", "height"), [("relu", 6), ("gelu", 13)])
def test_activation_runs_after_pooling_only_if_result_is_the_same(
    normalization, activation, height, monkeypatch
):
    block = ConvBlock(4, activation=activation, normalization=normalization)
    activate, heights = block._activate, []

    def recording(maps):
        heights.append(maps.shape[2 if block.convolution.data_format == "channels_first" else 1])
        return activate(maps)

    monkeypatch.setattr(block, "_activate", recording)
    block(keras.ops.convert_to_tensor(images_for({})), training=True)
    assert heights[-1] == height


def test_dropout_is_active_in_training_only_and_applied_last():
    images = images_for({})
    block = ConvBlock(4, dropout=0.5, seed=1, normalization="after")
    np.testing.assert_array_equal(as_float32(block(images)), as_float32(block(images)))
    outputs = as_float32(block(images, training=True))
    assert 0.3 < (outputs == 0).mean() < 0.7  # a normalization after it would leave no zeros
    assert block.layers[-1] is block.dropout_layer


def test_every_argument_of_stock_layers_is_accepted_or_has_a_remedy():
    own = set(inspect.signature(ConvBlock.__init__).parameters) - {"self", "kwargs"}
    for kind in (keras.layers.Conv2D, BatchNormalization, keras.layers.Dropout):
        for name in set(inspect.signature(kind.__init__).parameters) - {"self", "kwargs"}:
            if name in own:
                assert name not in CONV_NAMES
            elif name != "activity_regularizer":  # of every layer
                with pytest.raises(
                    TypeError, match=f"`{name}` is not an argument of ConvBlock"
                ) as error:
                    ConvBlock(4, **{name: None})
                assert "Its arguments are" not in str(error.value)
    with pytest.raises(TypeError, match="`unknown` is not an argument of ConvBlock"):
        ConvBlock(4, unknown=1)
    for meant, _ in CONV_NAMES.values():
        assert set(meant) <= own


def test_activity_regularizer_applies_to_outputs_and_is_saved():
    block = ConvBlock(4, activity_regularizer=keras.regularizers.L1(0.5))
    outputs = as_float32(block(images_for({})))
    (loss,) = block.losses
    assert float(as_float32(loss)) == pytest.approx(0.5 * np.abs(outputs).sum() / 3, rel=1e-4)
    assert ConvBlock.from_config(block.get_config()).activity_regularizer.l1 == 0.5


def test_groups_must_divide_number_of_input_channels():
    with pytest.raises(ValueError, match="a multiple of groups=3; received input_shape"):
        ConvBlock(6, groups=3).build((None, 9, 9, 4))


def test_initializer_and_regularizer_instances_reach_the_convolution():
    block = ConvBlock(
        4,
        kernel_initializer=keras.initializers.Constant(0.5),
        bias_initializer="ones",
        bias_constraint=keras.constraints.NonNeg(),
    )
    block.build((None, 9, 9, 3))
    kernel, bias, *_ = block.get_weights()
    assert (kernel == 0.5).all()
    assert (bias == 1).all()
    assert block.convolution.bias.constraint is block.bias_constraint


@pytest.mark.parametrize("pool_size", [None, 1])
def test_summary_shows_parts_that_are_enabled(pool_size):
    model = keras.Sequential(
        [keras.Input((12, 12, 3)), ConvBlock(4, pool_size=pool_size, dropout=0.1, name="block")]
    )
    lines = []
    model.summary(expand_nested=True, print_fn=lines.append, line_length=120)
    text = "\n".join(lines)
    for part in ("convolution (Conv2D)", "normalization (BatchN", "dropout (Dropout)"):
        assert f"└ {part}" in text
    assert "MaxPooling2D" not in text
    assert "?" not in text  # every part has a shape
    plain = []
    model.summary(print_fn=plain.append, line_length=120)
    assert "Conv2D" not in "\n".join(plain)


def test_saved_file_names_weights_by_attribute(tmp_path):
    model = keras.Sequential([keras.Input((12, 12, 3)), ConvBlock(4, dropout=0.1)])
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        weights = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
    block = weights["layers/conv_block"]
    assert set(block["convolution/vars"]) == set("01")
    assert set(block["batch_normalization/vars"]) == set("0123")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for found, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


@given(arguments=block_arguments())
def test_config_round_trip_keeps_every_drawn_argument(arguments):
    config = ConvBlock(FILTERS, **arguments).get_config()
    again = ConvBlock.from_config(config)
    assert again.get_config() == config
    for name, value in (arguments | {"padding": arguments["padding"].lower()}).items():
        kept = getattr(again, name)
        assert kept == value or callable(kept)


@st.composite
def image_sides(draw):
    return draw(st.integers(1, 20)), draw(st.integers(1, 20))


@given(arguments=block_arguments(data_format="channels_last", groups=1), sides=image_sides())
def test_shape_of_small_images_is_that_of_keras_or_an_error(arguments, sides):
    shape = (None, *sides, 4)
    block = ConvBlock(FILTERS, **arguments)
    convolution = keras.layers.Conv2D(
        FILTERS,
        arguments["kernel_size"],
        strides=arguments["strides"],
        dilation_rate=arguments["dilation_rate"],
        padding=arguments["padding"],
    )
    pooling = keras.layers.MaxPooling2D(arguments["pool_size"] or 1)
    try:
        expected = pooling.compute_output_shape(convolution.compute_output_shape(shape))
    except ValueError:
        expected = None
    if expected is None or min(expected[1:3]) < 1:
        with pytest.raises(ValueError, match="`input_shape` must be at least"):
            block.compute_output_shape(shape)
    else:
        assert block.compute_output_shape(shape) == expected


def test_strides_are_the_third_argument_as_in_conv2d():
    assert ConvBlock(16, 3, 2).get_config()["strides"] == 2
    assert ConvBlock(16, 3, 2, pool_size=None).compute_output_shape((None, 33, 33, 3))[1:3] == (
        16,
        16,
    )
