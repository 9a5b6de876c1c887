"""The block against the same arithmetic written out in NumPy."""

import functools

import keras
import numpy as np
import pytest

from catdog_keras.layers import ConvBlock
from tests.arrays import as_float32

INPUT_SHAPE = (2, 9, 12, 3)


def make_images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def windows(images, height, width):
    """Views of shape (batch, rows, columns, channels, height, width)."""
    return np.lib.stride_tricks.sliding_window_view(images, (height, width), axis=(1, 2))


def reference(images, block, weights, *, training):
    """What the block should return for channels-last `images`, in float64."""
    kernel, bias, *norm = [np.asarray(weight, "float64") for weight in weights]
    height, width = kernel.shape[:2]
    if block.padding == "same":  # an even window gets its extra row below and right
        borders = [((side - 1) // 2, side // 2) for side in (height, width)]
        images = np.pad(images, [(0, 0), *borders, (0, 0)])
    values = np.einsum("brcihw,hwio->brco", windows(images, height, width), kernel) + bias
    values = np.maximum(values, 0)
    if norm:
        gamma, beta, mean, variance = norm
        if training:
            mean, variance = values.mean((0, 1, 2)), values.var((0, 1, 2))
        values = gamma * (values - mean) / np.sqrt(variance + 1e-3) + beta
    pool = (block.pool_size,) * 2 if isinstance(block.pool_size, int) else block.pool_size
    pooled = windows(values, *pool)[:, :: pool[0], :: pool[1]]
    return pooled.max((-2, -1))


def block_with_random_weights(**arguments):
    """A block whose weights no initializer gives; gammas of either sign."""
    block = ConvBlock(4, **arguments)
    first = block.data_format == "channels_first"
    block.build([INPUT_SHAPE[axis] for axis in (0, 3, 1, 2)] if first else INPUT_SHAPE)
    generator = np.random.default_rng(1)
    weights = [generator.normal(size=weight.shape) for weight in block.get_weights()]
    if block.normalization:
        weights[-1] = np.abs(weights[-1]) + 0.5
    block.set_weights(weights)
    return block, weights


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"kernel_size": (2, 5), "pool_size": (1, 3)},
        {"kernel_size": 4, "padding": "same", "pool_size": 4},
        {"pool_size": 1},
        {"normalization": None},
    ],
)
def test_outputs_match_numpy_reference(arguments, data_format):
    block, weights = block_with_random_weights(**arguments, data_format=data_format)
    images = make_images(*INPUT_SHAPE)
    first = data_format == "channels_first"
    inputs = images.transpose(0, 3, 1, 2) if first else images
    for training in (False, True):
        outputs = as_float32(block(inputs, training=training))
        assert outputs.shape == block.compute_output_shape(inputs.shape)
        outputs = outputs.transpose(0, 2, 3, 1) if first else outputs
        expected = reference(images, block, weights, training=training)
        np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


def test_trained_weights_match_conv_batch_norm_max_pool_layers():
    images, targets = make_images(4, 10, 10, 3), make_images(4, 2)
    weights = []
    for stock in (False, True):
        keras.utils.set_random_seed(0)
        layers = (
            [
                keras.layers.Conv2D(4, 3, activation="relu"),
                keras.layers.BatchNormalization(),
                keras.layers.MaxPooling2D(),
            ]
            if stock
            else [ConvBlock(4)]
        )
        head = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
        model = keras.Sequential([keras.Input((10, 10, 3)), *layers, *head])
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.fit(images, targets, batch_size=2, epochs=2, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("activation", ["softmax", lambda maps: maps / (1 + abs(maps[:, :1]))])
def test_activation_receives_axes_in_data_format_order(activation, data_format):
    block, _ = block_with_random_weights(
        activation=activation, data_format=data_format, pool_size=1
    )
    first = data_format == "channels_first"
    images = make_images(*INPUT_SHAPE)
    kernel, bias, gamma, beta, mean, variance = block.get_weights()
    maps = np.einsum("brcihw,hwio->brco", windows(images, 3, 3), kernel) + bias
    maps = maps.transpose(0, 3, 1, 2) if first else maps
    maps = as_float32(keras.activations.get(activation)(keras.ops.convert_to_tensor(maps)))
    maps = maps.transpose(0, 2, 3, 1) if first else maps
    expected = gamma * (maps - mean) / np.sqrt(variance + 1e-3) + beta
    outputs = as_float32(block(images.transpose(0, 3, 1, 2) if first else images))
    outputs = outputs.transpose(0, 2, 3, 1) if first else outputs
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="about the memory of PyTorch")
def test_torch_channels_last_step_does_not_copy_feature_maps():
    import torch

    def copied_maps(step):
        with torch.profiler.profile(record_shapes=True) as profile:
            step()
        copied = [each.input_shapes[0] for each in profile.events() if each.name == "aten::copy_"]
        return [shape for shape in copied if len(shape) == 4 and shape[0] == 2]

    model = keras.Sequential([keras.Input((40, 40, 3)), ConvBlock(16), ConvBlock(32)])
    images, slopes = (
        torch.from_numpy(make_images(2, *shape)) for shape in [(40, 40, 3), (8, 8, 32)]
    )
    assert copied_maps(lambda: images.permute(0, 3, 1, 2).contiguous()) == [[2, 3, 40, 40]]
    assert copied_maps(lambda: (model(images, training=True) * slopes).sum().backward()) == []


def test_disabled_parts_are_none():
    plain = ConvBlock(4, normalization=None, pool_size=None)
    assert plain.batch_normalization is None
    assert plain.pooling_layer is None
    assert plain.dropout_layer is None
    assert plain.layers == [plain.convolution]
    plain.build(INPUT_SHAPE)
    assert len(plain.weights) == 2
    assert len(block_with_random_weights()[0].weights) == 6


def test_momentum_sets_decay_of_moving_mean():
    images = make_images(*INPUT_SHAPE)
    kept = {}
    for momentum in (0.0, 0.75):
        block = ConvBlock(4, momentum=momentum, pool_size=1)
        block.build(INPUT_SHAPE)
        block.convolution.set_weights([np.ones((3, 3, 3, 4)) / 27, np.ones(4)])
        block(images, training=True)
        kept[momentum] = block.get_weights()[-2]
    np.testing.assert_allclose(kept[0.75], 0.25 * kept[0.0], rtol=1e-5)
    assert kept[0.0].all()


@pytest.mark.parametrize("how", ["argument", "attribute"])
def test_frozen_block_runs_in_inference_mode_and_keeps_moving_averages(how):
    block = ConvBlock(4, trainable=how != "argument")
    if how == "attribute":
        block.trainable = False
    images = make_images(*INPUT_SHAPE)
    outputs = as_float32(block(images, training=True))
    np.testing.assert_array_equal(outputs, as_float32(block(images, training=False)))
    *_, mean, variance = block.get_weights()
    np.testing.assert_array_equal(mean, np.zeros(4))
    np.testing.assert_array_equal(variance, np.ones(4))
    assert block.trainable_weights == []
    assert not block.convolution.trainable


@pytest.mark.parametrize("activation", [None, "leaky_relu", keras.layers.LeakyReLU(0.3)])
def test_saved_model_keeps_activation(activation, tmp_path):
    model = keras.Sequential([keras.Input((9, 12, 3)), ConvBlock(4, activation=activation)])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    images = make_images(*INPUT_SHAPE)
    outputs = as_float32(loaded(images))
    np.testing.assert_array_equal(outputs, as_float32(model(images)))
    assert (outputs < 0).any()


def test_unknown_height_and_width_are_accepted():
    block = ConvBlock(4)
    assert block.compute_output_shape((None, None, 9, 3)) == (None, None, 3, 4)
    model = keras.Sequential([keras.Input((None, None, 3)), block])
    assert tuple(model(make_images(2, 8, 11, 3)).shape) == (2, 3, 4, 4)


SMALL = "`input_shape` must be at least {needed} with {arguments}; received input_shape={shape}. Pass larger images, {remedy}."


@pytest.mark.parametrize(
    ("arguments", "shape", "message"),
    [
        (
            {},
            (None, 3, 9, 3),
            SMALL.format(
                needed="4 pixels high and 4 wide",
                arguments="kernel_size=3, pool_size=2, padding='valid' and data_format='channels_last'",
                shape="(None, 3, 9, 3)",
                remedy="stack fewer blocks, pass pool_size=None, or pass padding='same'",
            ),
        ),
        (
            {"kernel_size": (5, 1), "pool_size": (1, 2), "padding": "same"},
            (2, 1, 1, 3),
            SMALL.format(
                needed="1 pixels high and 2 wide",
                arguments="kernel_size=(5, 1), pool_size=(1, 2), padding='same' and data_format='channels_last'",
                shape="(2, 1, 1, 3)",
                remedy="stack fewer blocks, or pass pool_size=None",
            ),
        ),
        (
            {"strides": (2, 1), "pool_size": None},
            (2, 2, 9, 3),
            SMALL.format(
                needed="3 pixels high and 3 wide",
                arguments="kernel_size=3, pool_size=1, strides=(2, 1), padding='valid' and data_format='channels_last'",
                shape="(2, 2, 9, 3)",
                remedy="stack fewer blocks, or pass padding='same'",
            ),
        ),
        (
            {"dilation_rate": 4, "pool_size": 3},
            (2, 30, 10, 3),
            SMALL.format(
                needed="11 pixels high and 11 wide",
                arguments="kernel_size=3, pool_size=3, dilation_rate=4, padding='valid' and data_format='channels_last'",
                shape="(2, 30, 10, 3)",
                remedy="stack fewer blocks, pass pool_size=None, or pass padding='same'",
            ),
        ),
        (
            {},
            (9, 9, 3),
            "`input_shape` must be of four axes (batch, height, width, channels); received input_shape=(9, 9, 3).",
        ),
        (
            {"data_format": "channels_first"},
            (9, 9, 3),
            "`input_shape` must be of four axes (batch, channels, height, width); received input_shape=(9, 9, 3).",
        ),
    ],
)
def test_invalid_input_shape_raises(arguments, shape, message):
    with pytest.raises(ValueError, match="must be") as error:
        ConvBlock(4, **arguments).compute_output_shape(shape)
    assert str(error.value) == message
    with pytest.raises(ValueError, match="must be") as error:
        ConvBlock(4, **arguments).build(shape)
    assert str(error.value) == message


def test_call_raises_when_later_images_are_too_small():
    block = ConvBlock(4)
    block(make_images(*INPUT_SHAPE))
    with pytest.raises(ValueError, match="`input_shape` must be at least 4 pixels high"):
        block(make_images(2, 3, 9, 3))


def test_build_raises_when_number_of_channels_is_unknown():
    with pytest.raises(ValueError, match="must be") as error:
        ConvBlock(4).build((None, 9, 9, None))
    assert str(error.value) == (
        "`input_shape` must be with a known number of channels; received input_shape=(None, 9, 9, None)."
    )


WINDOW = "an integer of at least 1, or a pair (height, width) of them"


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"filters": 0}, ValueError, "`filters` must be an integer of at least 1; received filters=0."),
        ({"filters": 1.5}, TypeError, "`filters` must be an integer of at least 1; received filters=1.5."),
        ({"kernel_size": 0}, ValueError, f"`kernel_size` must be {WINDOW}; received kernel_size=0."),
        ({"kernel_size": "3"}, TypeError, f"`kernel_size` must be {WINDOW}; received kernel_size='3'."),
        ({"pool_size": (2,)}, ValueError, f"`pool_size` must be {WINDOW}; received pool_size=(2,)."),
        ({"pool_size": True}, TypeError, f"`pool_size` must be {WINDOW}; received pool_size=True."),
        (
            {"padding": "causal"},
            ValueError,
            "`padding` must be one of 'valid', 'same'; received padding='causal'.",
        ),
        ({"use_bias": 1}, TypeError, "`use_bias` must be True or False; received use_bias=1."),
        ({"strides": 0}, ValueError, f"`strides` must be {WINDOW}; received strides=0."),
        ({"dilation_rate": 2.0}, TypeError, f"`dilation_rate` must be {WINDOW}; received dilation_rate=2.0."),
        (
            {"strides": (1, 2), "dilation_rate": 3},
            ValueError,
            "`dilation_rate` must be 1 if `strides` is not 1; received dilation_rate=3. With strides=(1, 2), Keras does not support dilation.",
        ),
        ({"groups": 3}, ValueError, "`groups` must be a divisor of filters=4; received groups=3."),
        ({"groups": 0}, ValueError, "`groups` must be an integer of at least 1; received groups=0."),
        (
            {"normalization": True},
            TypeError,
            "`normalization` must be one of 'after', 'before', None; received normalization=True. Pass 'before' or 'after' the activation, or None for no normalization.",
        ),
        ({"pooling": "mean"}, ValueError, "`pooling` must be one of 'max', 'avg'; received pooling='mean'. Did you mean 'avg'?"),
        ({"dropout": 1.5}, ValueError, "`dropout` must be a number from 0 to 1; received dropout=1.5."),
        ({"seed": -1}, ValueError, "`seed` must be an integer from 0 to 2147483647; received seed=-1."),
        (
            {"activation": "rectify"},
            ValueError,
            "`activation` must be a value that `keras.activations.get` accepts; received activation='rectify'.",
        ),
        (
            {"bias_initializer": "nothing"},
            ValueError,
            "`bias_initializer` must be a value that `keras.initializers.get` accepts; received bias_initializer='nothing'.",
        ),
        (
            {"kernel_regularizer": 0.1},
            ValueError,
            "`kernel_regularizer` must be a value that `keras.regularizers.get` accepts; received kernel_regularizer=0.1.",
        ),
        (
            {"kernel_constraint": "small"},
            ValueError,
            "`kernel_constraint` must be a value that `keras.constraints.get` accepts; received kernel_constraint='small'.",
        ),
        (
            {"use_batch_norm": False},
            TypeError,
            "`use_batch_norm` is not an argument of ConvBlock. Did you mean `normalization`? It is 'after' or 'before' the activation, or None.",
        ),
        ({"rate": 0.1}, TypeError, "`rate` is not an argument of ConvBlock. Did you mean `dropout`?"),
        (
            {"lora_rank": 4},
            TypeError,
            "`lora_rank` is not an argument of ConvBlock. Call `convolution.enable_lora(rank)` of the block after it is built.",
        ),
        (
            {"epsilon": 1e-5},
            TypeError,
            "`epsilon` is not an argument of ConvBlock. Use `keras.layers.Conv2D`, `BatchNormalization`, `keras.layers.MaxPooling2D` and `keras.layers.Dropout` instead of the block.",
        ),
({"momentum": 1.5}, ValueError, "`momentum` must be a number from 0 to 1; received momentum=1.5."),
                (
            {"data_format": "NHWC"},
            ValueError,
            "`data_format` must be one of 'channels_last', 'channels_first'; received data_format='NHWC'.",
        ),
    ],
)  # fmt: skip
def test_invalid_argument_raises(arguments, kind, message):
    with pytest.raises(kind) as error:
        ConvBlock(**({"filters": 4} | arguments))
    assert str(error.value) == message


def test_pair_argument_accepts_list():
    assert ConvBlock(4, kernel_size=[2, 3]).kernel_size == (2, 3)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="about PyTorch's compiler")
# PyTorch prefers Python 3.13.1, which fixed a slow path of the interpreter.
@pytest.mark.filterwarnings("ignore:Guards may run slower on Python 3.13.0:RuntimeWarning")
def test_torch_compile_captures_full_graph():
    """After a graph break it compiles for sides of any size, and fails."""
    import torch

    model = keras.Sequential([keras.Input((30, 30, 3)), ConvBlock(4), ConvBlock(4)])
    for training in (True, False):
        call = functools.partial(model, training=training)
        compiled = torch.compile(call, backend="eager", fullgraph=True)
        assert tuple(compiled(torch.rand(2, 30, 30, 3)).shape) == (2, 6, 6, 4)
