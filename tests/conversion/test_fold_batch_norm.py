"""Folding: the same function with fewer operations, or a refusal that names what stands against it."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from keras import layers

from catdog_keras import BACKBONES, BatchNormalization, ConvBlock, build_model1, fold_batch_norm
from catdog_keras.models._backbones import build_backbone
from tests.corpora.block_arguments import FILTERS, block_arguments, images_for

TOLERANCE = 1e-4  # of the largest output


def normalizations(model):
    found = []
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            found.append(layer.name)
        elif isinstance(layer, keras.Model):
            found += normalizations(layer)
    return found


def graph(shape, *parts):
    """A Functional model of layers in a row."""
    x = inputs = keras.Input(shape)
    for part in parts:
        x = part(x)
    return keras.Model(inputs, x)


@pytest.fixture(scope="module")
def same(outputs_of):
    """A check that a folded model has the outputs of the model."""

    def check(folded, model, tolerance=TOLERANCE):
        found, expected = outputs_of(folded), outputs_of(model)
        keras.tree.assert_same_structure(found, expected)
        for one, other in zip(*map(keras.tree.flatten, (found, expected)), strict=True):
            assert np.abs(one - other).max() <= tolerance * np.abs(other).max()

    return check


def norm(**options):
    return layers.BatchNormalization(name="norm", **options)


FOLLOWS = {
    "Conv1D": ((9, 3), lambda: layers.Conv1D(4, 3, strides=2)),
    "Conv2D": ((9, 8, 3), lambda: layers.Conv2D(4, 3, padding="same")),
    "Conv2D without bias": ((9, 8, 3), lambda: layers.Conv2D(4, 3, use_bias=False)),
    "Conv2D in groups": ((9, 8, 4), lambda: layers.Conv2D(6, 3, groups=2)),
    "Conv3D": ((5, 5, 5, 2), lambda: layers.Conv3D(3, 2)),
    "Conv1DTranspose": ((9, 3), lambda: layers.Conv1DTranspose(4, 3, strides=2)),
    "Conv2DTranspose": ((5, 4, 3), lambda: layers.Conv2DTranspose(4, 3, strides=2)),
    "Conv3DTranspose": ((3, 3, 3, 2), lambda: layers.Conv3DTranspose(4, 2)),
    "DepthwiseConv1D": ((9, 3), lambda: layers.DepthwiseConv1D(3, depth_multiplier=2)),
    "DepthwiseConv2D": ((9, 8, 3), lambda: layers.DepthwiseConv2D(3, depth_multiplier=2)),
    "SeparableConv1D": ((9, 3), lambda: layers.SeparableConv1D(4, 3)),
    "SeparableConv2D": ((9, 8, 3), lambda: layers.SeparableConv2D(4, 3, use_bias=False)),
    "Dense": ((7,), lambda: layers.Dense(4)),
    "Dense over a sequence": ((5, 7), lambda: layers.Dense(4, use_bias=False)),
}


@pytest.mark.parametrize("kind", FOLLOWS)
def test_batch_norm_folds_into_preceding_layer(kind, disturb, same):
    shape, make = FOLLOWS[kind]
    model = disturb(graph(shape, make(), norm(), layers.Activation("relu")))
    folded = fold_batch_norm(model, strict=True)
    assert normalizations(folded) == []
    assert len(folded.layers) == len(model.layers) - 1
    same(folded, model)


PRECEDES = {
    "Conv1D": ((9, 3), lambda: layers.Conv1D(4, 3)),
    "Conv2D": ((9, 8, 3), lambda: layers.Conv2D(4, 3, use_bias=False)),
    "Conv2D of one pixel": ((9, 8, 3), lambda: layers.Conv2D(4, 1, strides=2, padding="same")),
    "Conv2D in groups": ((9, 8, 4), lambda: layers.Conv2D(6, 3, groups=2)),
    "Conv2D with an activation": ((9, 8, 3), lambda: layers.Conv2D(4, 3, activation="relu")),
    "Conv3D": ((5, 5, 5, 2), lambda: layers.Conv3D(3, 2)),
    "DepthwiseConv1D": ((9, 3), lambda: layers.DepthwiseConv1D(3, use_bias=False)),
    "DepthwiseConv2D": ((9, 8, 3), lambda: layers.DepthwiseConv2D(3, depth_multiplier=2)),
    "Dense": ((7,), lambda: layers.Dense(4)),
}


@pytest.mark.parametrize("kind", PRECEDES)
def test_batch_norm_folds_into_following_unpadded_layer(kind, disturb, same):
    shape, make = PRECEDES[kind]
    model = disturb(graph(shape, layers.Activation("relu"), norm(), make()))
    folded = fold_batch_norm(model, strict=True)
    assert normalizations(folded) == []
    same(folded, model)


@pytest.mark.parametrize("make", [lambda: layers.Conv2D(6, 3, groups=2), lambda: layers.Dense(4)])
def test_batch_norms_on_both_sides_fold_into_one_layer(make, disturb, same):
    sides = layers.BatchNormalization(name="before"), layers.BatchNormalization(name="after")
    model = disturb(graph((9, 8, 4), sides[0], make(), sides[1]))
    folded = fold_batch_norm(model, strict=True)
    assert len(folded.layers) == 2
    same(folded, model)


@pytest.mark.parametrize(
    "options",
    [
        {"scale": False},
        {"center": False},
        {"scale": False, "center": False},
        {"epsilon": 0.3},
        {"renorm": True},
    ],
)
def test_batch_norm_with_any_options_is_folded(options, disturb, same):
    model = disturb(graph((6, 6, 3), layers.Conv2D(4, 3), norm(**options)))
    folded = fold_batch_norm(model, strict=True)
    assert normalizations(folded) == []
    same(folded, model)


def test_batch_norm_with_zero_gamma_is_folded(disturb, same):
    model = disturb(graph((6, 6, 3), layers.Conv2D(4, 3), norm()))
    model.get_layer("norm").gamma.assign([0, 1, -1, 0])
    folded = fold_batch_norm(model, strict=True)
    assert normalizations(folded) == []
    same(folded, model)


def test_fused_batch_norm_layer_is_folded(disturb, same):
    model = disturb(graph((6, 6, 3), layers.Conv2D(4, 3), BatchNormalization()))
    assert normalizations(fold_batch_norm(model, strict=True)) == []
    same(fold_batch_norm(model, strict=True), model)


def paddings(model):
    return [layer for layer in model.layers if isinstance(layer, layers.ZeroPadding2D)]


@pytest.mark.parametrize("kind", [layers.Conv2D, layers.DepthwiseConv2D])
@pytest.mark.parametrize(
    ("sides", "kernel", "stride", "padding"),
    [
        ((8, 10), 3, 2, ((0, 1), (0, 1))),
        ((7, 9), 3, 2, 1),
        ((8, 9), 3, 2, ((0, 1), (1, 1))),
        ((8, 8), 5, 1, 2),
        ((9, 7), 1, 2, 0),
    ],
)
def test_zero_padding_is_removed_when_same_padding_is_equivalent(
    kind, sides, kernel, stride, padding, same
):
    filters = {"filters": 4} if kind is layers.Conv2D else {}
    convolution = kind(kernel_size=kernel, strides=stride, **filters)
    model = graph((*sides, 4), layers.ZeroPadding2D(padding), convolution, norm())
    folded = fold_batch_norm(model, strict=True)
    assert len(paddings(model)) == 1
    assert paddings(folded) == []
    same(folded, model)


def _shared_padding():
    inputs = keras.Input((8, 8, 3))
    padded = layers.ZeroPadding2D(((0, 1), (0, 1)))(inputs)
    return keras.Model(inputs, [layers.Conv2D(4, 3, strides=2)(padded), padded])


OTHER_PADDINGS = {
    "other sides": lambda: graph(
        (8, 8, 3), layers.ZeroPadding2D(1), layers.Conv2D(4, 3, strides=2)
    ),
    "before a pooling": lambda: graph((8, 8, 3), layers.ZeroPadding2D(1), layers.MaxPooling2D(3)),
    "before one that pads": lambda: graph(
        (8, 8, 3), layers.ZeroPadding2D(1), layers.Conv2D(4, 3, padding="same")
    ),
    "dilated": lambda: graph(
        (8, 8, 3), layers.ZeroPadding2D(1), layers.Conv2D(4, 3, dilation_rate=2)
    ),
    "of unknown size": lambda: graph((None, None, 3), layers.ZeroPadding2D(1), layers.Conv2D(4, 3)),
    "used twice": _shared_padding,
}


@pytest.mark.parametrize("kind", OTHER_PADDINGS)
def test_zero_padding_is_kept_when_convolution_cannot_replace_it(kind):
    model = OTHER_PADDINGS[kind]()
    folded = fold_batch_norm(model, strict=True)
    assert len(paddings(folded)) == 1
    images = np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 3)).astype("float32")
    outputs = [keras.tree.flatten(each(images, training=False)) for each in (folded, model)]
    for one, other in zip(*outputs, strict=True):
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other), atol=1e-5
        )


@pytest.mark.parametrize("first", [True, False])
def test_batch_norm_folds_with_channels_first(first, disturb, same):
    options = {"data_format": "channels_first"}
    try:
        layers.Conv2D(1, 1, **options)(np.zeros((1, 1, 1, 1), "float32"))
    except Exception as error:  # TensorFlow needs oneDNN for it, which needs AVX-512
        pytest.skip(f"the backend has no such convolution on this processor: {error}")
    parts = [layers.Conv2D(4, 3, **options), norm(axis=1)]
    model = disturb(graph((3, 9, 8), *(parts if first else [parts[1], parts[0]])))
    assert normalizations(fold_batch_norm(model, strict=True)) == []
    same(fold_batch_norm(model, strict=True), model)


class OwnNormalization(layers.BatchNormalization):
    """A class of the user's."""


def _added():
    inputs = keras.Input((6, 6, 3))
    convolution = layers.Conv2D(3, 3, padding="same")(inputs)
    x = norm()(layers.Add(name="sum")([inputs, convolution]))
    return keras.Model(inputs, layers.ReLU(name="relu")(x))


def _branching():
    inputs = keras.Input((6, 6, 3))
    convolution = layers.Conv2D(3, 3, name="conv")(inputs)
    return keras.Model(inputs, layers.Add(name="sum")([norm()(convolution), convolution]))


def _also_an_output():
    inputs = keras.Input((6, 6, 3))
    convolution = layers.Conv2D(3, 3, name="conv")(inputs)
    return keras.Model(inputs, {"raw": convolution, "normalized": norm()(convolution)})


def _shared_convolution():
    inputs = [keras.Input((6, 6, 3)), keras.Input((6, 6, 3))]
    convolution = layers.Conv2D(3, 3, name="conv")
    first, second = (convolution(each) for each in inputs)
    return keras.Model(inputs, [norm()(first), second])


def _shared_normalization():
    inputs = [keras.Input((6, 6, 3)), keras.Input((6, 6, 3))]
    shared = norm()
    return keras.Model(inputs, [shared(layers.Conv2D(3, 3)(each)) for each in inputs])


def _two_users():
    x = inputs = keras.Input((6, 6, 3))
    x = norm()(layers.ReLU(name="relu")(x))
    return keras.Model(inputs, [layers.Conv2D(3, 3)(x), layers.Conv2D(3, 3)(x)])


def _by_batch():
    inputs = keras.Input((6, 6, 3))
    return keras.Model(inputs, norm()(layers.Conv2D(3, 3)(inputs), training=True))


def variances(model):
    """Number of batch normalizations in a model, including those inside other layers."""
    return [weight.name for weight in model.weights].count("moving_variance")


NONE = "which is not a convolution or dense layer of Keras"
BLOCK = "the one inside 'block' (ConvBlock), which follows the activation of the block"
LAST_BLOCK = f"{BLOCK}, not before a single layer"
KEPT = {
    "an addition": (_added, f"'norm' after 'sum', {NONE}, and before 'relu', {NONE}"),
    "an output used twice": (
        _branching,
        f"'norm' after 'conv', whose output is also used elsewhere, and before 'sum', {NONE}",
    ),
    "an output that is the model's, too": (
        _also_an_output,
        "'norm' after 'conv', whose output is also used elsewhere, and not before a single layer",
    ),
    "a shared convolution": (
        _shared_convolution,
        "'norm' after 'conv', which is called more than once, and not before a single layer",
    ),
    "a shared normalization": (_shared_normalization, "'norm', which is called 2 times"),
    "two layers after it": (
        _two_users,
        f"'norm' after 'relu', {NONE}, and not before a single layer",
    ),
    "a batch's own statistics": (_by_batch, "'norm', which is called with training=True"),
    "an activation between": (
        lambda: graph((6, 6, 3), layers.Conv2D(3, 3, activation="relu", name="conv"), norm()),
        "'norm' after 'conv', which has an activation, and not before a single layer",
    ),
    "padding after it": (
        lambda: graph(
            (6, 6, 3),
            layers.ReLU(name="relu"),
            norm(),
            layers.Conv2D(3, 3, padding="same", name="conv"),
        ),
        f"'norm' after 'relu', {NONE}, and before 'conv', which pads",
    ),
    "another axis": (
        lambda: graph((6, 6, 3), layers.Conv2D(3, 3, name="conv"), norm(axis=1)),
        "'norm' after 'conv', which has its channels on another axis, and not before a single layer",
    ),
    "a custom class": (
        lambda: graph((6, 6, 3), layers.Conv2D(3, 3), OwnNormalization(name="norm")),
        "'norm', which is of a custom class, OwnNormalization",
    ),
    "a block": (lambda: graph((6, 6, 3), ConvBlock(3, name="block")), LAST_BLOCK),
    "a block in a model in the model": (
        lambda: graph((6, 6, 3), graph((6, 6, 3), ConvBlock(3, name="block"))),
        LAST_BLOCK,
    ),
    "a padded layer after a block": (
        lambda: graph(
            (9, 9, 3),
            ConvBlock(3, name="block"),
            layers.Conv2D(2, 3, padding="same", name="conv"),
        ),
        f"{BLOCK}, before 'conv', which pads",
    ),
    "negative scales before the maximum": (
        lambda: graph(
            (9, 9, 3),
            ConvBlock(3, name="block"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(2, name="dense"),
        ),
        f"{BLOCK}, before 'dense', with max pooling in between and negative scales",
    ),
    "padded averages": (
        lambda: graph(
            (6, 6, 3),
            layers.ReLU(name="relu"),
            norm(),
            layers.AveragePooling2D(2, padding="same"),
            layers.Conv2D(2, 1, name="conv"),
        ),
        f"'norm' after 'relu', {NONE}, and before 'conv', with padded average pooling in between",
    ),
    "a dense layer of another axis": (
        lambda: graph(
            (6, 6, 3), layers.ReLU(name="relu"), norm(axis=1), layers.Dense(2, name="dense")
        ),
        f"'norm' after 'relu', {NONE}, and before 'dense', which has its channels on another axis",
    ),
}


FOLDED_BLOCKS = [
    {"normalization": "before"},
    {"normalization": "before", "use_bias": False, "strides": 2, "padding": "same", "dropout": 0.5},
    {"normalization": "after", "activation": None, "pooling": "avg"},
]


@pytest.mark.parametrize("arguments", FOLDED_BLOCKS)
def test_batch_norm_before_activation_of_block_is_folded(arguments, disturb, same):
    block = ConvBlock(4, name="block", **arguments)
    model = disturb(graph((15, 16, 4), block, graph((None, None, 4), ConvBlock(4, **arguments))))
    folded = fold_batch_norm(model, strict=True)
    assert variances(folded) == 0
    copied = folded.get_layer("block")
    assert type(copied) is ConvBlock
    changed = {"normalization": None, "use_bias": True, "trainable": False}
    assert copied.get_config() == block.get_config() | changed
    same(folded, model)


@settings(max_examples=settings.default.max_examples // 3)
@given(arguments=block_arguments())
def test_folded_block_with_any_arguments_predicts_the_same(arguments, disturb, same):
    shape = images_for(arguments).shape[1:]
    model = disturb(graph(shape, ConvBlock(FILTERS, name="block", **arguments)))
    folded = fold_batch_norm(model)
    follows = arguments["normalization"] == "after" and arguments["activation"] is not None
    assert variances(folded) == (1 if follows else 0)
    same(folded, model)


def test_block_is_folded_in_another_dtype(disturb, same):
    model = disturb(graph((15, 16, 4), ConvBlock(4, normalization="before", name="block")))
    folded = fold_batch_norm(model, dtype="mixed_bfloat16", strict=True)
    assert folded.get_layer("block").compute_dtype == "bfloat16"
    same(folded, model, 2e-2)


def _block_in_training():
    inputs = keras.Input((6, 6, 3))
    block = ConvBlock(3, normalization="before", name="block")
    return keras.Model(inputs, block(inputs, training=True))


class OwnBlock(ConvBlock):
    pass


def test_lora_weights_of_block_are_folded(disturb, same):
    block = ConvBlock(3, normalization="before")
    model = graph((6, 6, 3), block)
    block.convolution.enable_lora(2)
    disturb(model)
    block.convolution.lora_kernel_b.assign(np.ones(block.convolution.lora_kernel_b.shape))
    folded = fold_batch_norm(model, strict=True)
    assert variances(folded) == 0
    same(folded, model)


def test_block_called_in_training_or_of_a_subclass_is_kept():
    own = graph((6, 6, 3), OwnBlock(3, normalization="before", name="block"))
    for kept, reason in (
        (_block_in_training(), "which is called with training=True"),
        (own, r"\(OwnBlock\), which is part of another layer"),
    ):
        with pytest.raises(ValueError, match=f"the one inside 'block' .*{reason}"):
            fold_batch_norm(kept, strict=True)


@pytest.mark.parametrize("kind", KEPT)
def test_unfoldable_batch_norm_raises_and_partial_keeps_it(kind, disturb, same):
    make, reason = KEPT[kind]
    model = disturb(make())
    with pytest.raises(ValueError, match="cannot be folded") as caught:
        fold_batch_norm(model, strict=True)
    assert str(caught.value) == (
        f"1 normalization of {model.name!r} cannot be folded: {reason}. "
        "With strict=False they are kept, and the others are folded."
    )
    folded = fold_batch_norm(model)
    assert len(folded.layers) == len(model.layers)
    assert variances(folded) == variances(model) == 1
    same(folded, model)


def test_partial_folds_some_batch_norms_and_keeps_others(disturb, same):
    inputs = keras.Input((6, 6, 3))
    x = layers.BatchNormalization(name="goes")(layers.Conv2D(3, 3, padding="same")(inputs))
    x = norm()(layers.Add()([inputs, x]))
    model = disturb(keras.Model(inputs, layers.ReLU()(x)))
    folded = fold_batch_norm(model)
    assert normalizations(folded) == ["norm"]
    same(folded, model)


PARTS = {
    "norm": lambda: layers.BatchNormalization(),
    "relu": lambda: layers.ReLU(),
    "zeros": lambda: layers.ZeroPadding2D(1),
    "valid": lambda: layers.Conv2D(2, 2),
    "padded": lambda: layers.Conv2D(2, 3, padding="same", use_bias=False),
    "pixel": lambda: layers.Conv2D(2, 1, padding="same"),
    "activated": lambda: layers.Conv2D(2, 1, activation="relu"),
    "depthwise": lambda: layers.DepthwiseConv2D(2),
}
TAKES_NORM_BEFORE_IT = ("valid", "pixel", "activated", "depthwise")
TAKES_NORM_AFTER_IT = ("valid", "padded", "pixel", "depthwise")


def foldable(kinds, taps, place):
    """Whether a neighboring layer can fold a normalization; `taps` are also outputs."""
    before = kinds[place - 1] if place else None
    after = kinds[place + 1] if place + 1 < len(kinds) else None
    if before in TAKES_NORM_AFTER_IT and place - 1 not in taps:
        return True
    return after in TAKES_NORM_BEFORE_IT and place not in taps


@given(
    kinds=st.lists(st.sampled_from(["norm", "norm", *PARTS]), min_size=4, max_size=9),
    taps=st.sets(st.integers(0, 8), max_size=2),
    nested=st.booleans(),
)
def test_any_chain_keeps_outputs_and_folds_every_foldable_batch_norm(
    kinds, taps, nested, disturb, same
):
    taps = sorted(tap for tap in taps if tap < len(kinds) - 1)
    x = inputs = keras.Input((12, 12, 2))
    outputs = []
    for place, kind in enumerate(kinds):
        x = PARTS[kind]()(x)
        outputs += [x] if place in taps else []
    model = keras.Model(inputs, [*outputs, x])
    if nested:
        images = keras.Input((12, 12, 2))
        model = keras.Model(images, model(images))
    disturb(model)
    folded = fold_batch_norm(model)
    norms = [place for place, kind in enumerate(kinds) if kind == "norm"]
    kept = [place for place in norms if not foldable(kinds, taps, place)]
    assert len(normalizations(folded)) == len(kept)
    same(folded, model)


def test_nested_models_are_folded(disturb, same):
    inner = keras.Sequential([keras.Input((6, 6, 3)), layers.Conv2D(3, 3), norm()], name="inner")
    middle = graph((6, 6, 3), inner, layers.ReLU(), layers.Conv2D(2, 1), norm())
    images = keras.Input((6, 6, 3), name="images")
    others = keras.Input((6, 6, 3), name="others")
    x = layers.Add()([middle(images), middle(others)]) * 2.0 + 1.0
    x = keras.ops.relu(layers.BatchNormalization()(layers.Conv2D(2, 2)(x)))
    model = disturb(keras.Model({"images": images, "others": others}, {"features": x}))
    folded = fold_batch_norm(model, strict=True)
    assert normalizations(folded) == []
    same(folded, model)


def test_batch_norm_of_sequential_model_is_folded(disturb, same):
    model = disturb(keras.Sequential([keras.Input((6, 6, 3)), layers.Conv2D(3, 3), norm()]))
    folded = fold_batch_norm(model, strict=True)
    assert normalizations(folded) == []
    same(folded, model)


def test_fold_batch_norm_leaves_original_model_unchanged(disturb):
    model = disturb(graph((6, 6, 3), layers.Conv2D(3, 3, use_bias=False), norm()))
    config = model.get_config()
    before = [weight.copy() for weight in model.get_weights()]
    folded = fold_batch_norm(model, strict=True)
    folded.set_weights([0 * weight for weight in folded.get_weights()])
    assert model.get_config() == config
    assert len(model.trainable_variables) == 3
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_folded_model_is_frozen_and_uncompiled_and_can_be_saved(disturb, same, tmp_path):
    model = disturb(graph((6, 6, 3), layers.Conv2D(3, 3), norm()))
    model.compile("sgd", "mse")
    folded = fold_batch_norm(model, strict=True)
    assert folded.trainable_variables == []
    assert not folded.compiled
    folded.save(tmp_path / "folded.keras")
    same(keras.saving.load_model(tmp_path / "folded.keras"), model)


@pytest.mark.parametrize("dtype", ["bfloat16", "mixed_bfloat16"])
def test_dtype_argument_sets_dtype_of_folded_model(dtype, disturb, same):
    inner = graph((6, 6, 3), layers.Conv2D(3, 3), norm())
    model = disturb(graph((6, 6, 3), inner, layers.ReLU()))
    folded = fold_batch_norm(model, dtype=dtype, strict=True)
    assert folded.layers[-1].compute_dtype == "bfloat16"
    assert folded.weights[0].dtype == ("bfloat16" if dtype == "bfloat16" else "float32")
    same(folded, model, tolerance=0.03)


# One of each family, and how many of its normalizations no neighboring layer can fold.
KEPT_IN_BACKBONES = {
    "synthetic_small": 0,
    "convnext_tiny": 0,
    "densenet121": 62,
    "efficientnet_b0": 0,
    "efficientnet_v2_b0": 0,
    "inception_v3": 0,
    "mobilenet": 0,
    "mobilenet_v2": 0,
    "mobilenet_v3_small": 0,
    "nasnet_mobile": 4,
    "resnet50": 0,
    "resnet50_v2": 17,
    "vgg16": 0,
    "xception": 0,
}


FAST = ("synthetic_small", "mobilenet")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n in FAST else pytest.mark.slow) for n in KEPT_IN_BACKBONES],
)
def test_folded_backbone_of_each_family_keeps_outputs(name, disturb, same):
    if keras.backend.backend() != "tensorflow" and name not in ("synthetic_small", "mobilenet_v2"):
        pytest.skip("takes minutes here, and NumPy folds the weights under each backend")
    side = max(BACKBONES[name].minimum_size, 32)
    model = disturb(build_backbone(name, (side, side, 3), None))
    kept = KEPT_IN_BACKBONES[name]
    if kept:
        with pytest.raises(ValueError, match=f"{kept} normalizations of .* cannot be folded"):
            fold_batch_norm(model, strict=True)
    folded = fold_batch_norm(model, strict=kept == 0)
    assert len(normalizations(folded)) == kept
    same(folded, model)


class Subclassed(keras.Model):
    """No graph that one could see."""

    def __init__(self):
        super().__init__(name="own")
        self.dense = layers.Dense(2)

    def call(self, inputs):
        return self.dense(inputs)


@keras.saving.register_keras_serializable("tests")
class Doubled(keras.Model):
    """A graph of layers whose `call` does something else, too."""

    def call(self, inputs, training=None):
        return super().call(inputs, training=training) * 2


def test_model_with_its_own_call_is_rejected():
    inner = graph((6, 6, 3), layers.Conv2D(3, 3), norm())
    with pytest.raises(ValueError, match="`model` must be a model that does not override `call`"):
        fold_batch_norm(Doubled(inner.input, inner.output), strict=True)


def test_nested_model_with_its_own_call_is_kept(disturb, same):
    inner = graph((6, 6, 3), layers.Conv2D(3, 3), layers.BatchNormalization(name="inside"))
    own = Doubled(inner.input, inner.output, name="own")
    model = disturb(graph((6, 6, 3), own, layers.Conv2D(2, 3), norm()))
    with pytest.raises(ValueError, match=r"1 normalization .* the one inside 'own' \(Doubled\)"):
        fold_batch_norm(model, strict=True)
    same(fold_batch_norm(model), model)


def test_invalid_arguments_raise():
    model = graph((6, 6, 3), layers.Conv2D(3, 3), norm())
    with pytest.raises(TypeError, match=r"`model` must be a keras\.Model; received model='cats'"):
        fold_batch_norm("cats")
    for unfit in (Subclassed(), keras.Sequential([layers.Dense(2)])):
        with pytest.raises(ValueError, match="`model` must be a built Functional or Sequential m"):
            fold_batch_norm(unfit)
    with pytest.raises(TypeError, match="`strict` must be True or False; received strict=1"):
        fold_batch_norm(model, strict=1)
    with pytest.raises(ValueError, match=r"`dtype` must be a dtype or a policy.*'float17'"):
        fold_batch_norm(model, dtype="float17", strict=True)


def with_positive_scales(model):
    for weight in model.weights:
        if weight.name == "gamma":
            weight.assign(keras.ops.abs(weight))
    return model


AHEAD = {
    "convolution": [layers.Conv2D(4, 3)],
    "depthwise convolution": [layers.DepthwiseConv2D(2)],
    "block": [ConvBlock(4, name="next", normalization="before")],
    "block without bias": [ConvBlock(4, use_bias=False, normalization=None)],
    "pooling and dropout": [
        layers.MaxPooling2D(2, padding="same"),
        layers.Dropout(0.5),
        layers.AveragePooling2D(2),
        layers.Conv2D(4, 1, padding="same"),
    ],
    "flattened maps": [layers.Flatten(), layers.Dense(4)],
    "global average": [layers.GlobalAveragePooling2D(), layers.Dense(4)],
    "global maximum": [layers.GlobalMaxPooling2D(keepdims=True), layers.Conv2D(4, 1)],
    "dense layer of maps": [layers.SpatialDropout2D(0.5), layers.Dense(4)],
}


@pytest.mark.parametrize("kind", AHEAD)
@pytest.mark.parametrize("pooling", ["max", "avg"])
def test_batch_norm_after_activation_of_block_folds_into_next_layer(kind, pooling, disturb, same):
    block = ConvBlock(3, pooling=pooling, dropout=0.5, name="block")
    copies = [type(each).from_config(each.get_config()) for each in AHEAD[kind]]
    model = with_positive_scales(disturb(graph((16, 14, 3), block, *copies)))
    folded = fold_batch_norm(model, strict=True)
    assert variances(folded) == 0
    same(folded, model)


@pytest.mark.parametrize("pooling", ["max", "avg"])
def test_negative_scales_fold_through_averages_only(pooling, disturb, same):
    model = disturb(graph((9, 9, 3), ConvBlock(3, pooling=pooling), layers.Conv2D(4, 3)))
    folded = fold_batch_norm(model)
    assert variances(folded) == (1 if pooling == "max" else 0)
    same(folded, model)


def test_kept_batch_norm_of_a_block_that_absorbs_another_one(disturb, same):
    """The names of both are equal, and that of a layer of the model, which stays."""
    model = disturb(
        graph(
            (16, 14, 3),
            ConvBlock(3, pooling="avg", use_bias=False),
            ConvBlock(4, use_bias=False, pool_size=None),
            layers.ReLU(),
            layers.BatchNormalization(name="normalization"),
            layers.ReLU(),
        )
    )
    folded = fold_batch_norm(model)
    assert variances(folded) == 2
    same(folded, model)


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_batch_norm_folds_through_pooling_of_the_same_format_only(data_format, disturb):
    pooling = layers.GlobalAveragePooling2D(data_format=data_format)
    model = disturb(graph((6, 6, 6), layers.ReLU(), norm(), pooling, layers.Dense(2)))
    kept = normalizations(fold_batch_norm(model))
    assert kept == (["norm"] if data_format == "channels_first" else [])


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_model1_is_folded_completely(data_format, disturb, same):
    keras.config.set_image_data_format(data_format)
    try:
        shape = (3, 48, 50) if data_format == "channels_first" else (48, 50, 3)
        model = with_positive_scales(disturb(build_model1(shape)))
        folded = fold_batch_norm(model, strict=True)
        assert variances(folded) == 0
        same(folded, model)
    finally:
        keras.config.set_image_data_format("channels_last")


def test_model1_of_negative_scales_raises_and_names_conv_block(disturb):
    reason = r"4 normalizations of 'model1' .* 'block1' \(ConvBlock\).*max pooling.*negative scales"
    with pytest.raises(ValueError, match=reason):
        fold_batch_norm(disturb(build_model1()), strict=True)


class Unsaved(layers.Layer):
    """Has no config, for what it was made of cannot be written down."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, inputs):
        return self.inner(inputs)


def test_layer_without_config_raises():
    model = graph((6, 6, 3), Unsaved(layers.ReLU()), norm())
    with pytest.raises(ValueError, match=r"whose layers all have a config; .* Object Unsaved was"):
        fold_batch_norm(model, strict=True)


def with_lora(model):
    for name in ("first", "second"):
        model.get_layer(name).enable_lora(2)
    return model


def quantized(model):
    for name in ("first", "second"):
        model.get_layer(name).quantize("int8")
    return model


@pytest.mark.parametrize(
    ("change", "reason"), [(with_lora, "has LoRA weights"), (quantized, "is quantized to int8")]
)
def test_layers_without_a_single_float_kernel_are_kept_with_the_reason(
    change, reason, disturb, same
):
    dense = [layers.Dense(4, name="first"), layers.BatchNormalization()]
    dense += [layers.Dense(3, name="second"), layers.BatchNormalization()]
    model = change(disturb(keras.Sequential([keras.Input((5,)), *dense])))
    with pytest.raises(ValueError, match=f"2 normalizations.*{reason}"):
        fold_batch_norm(model, strict=True)
    folded = fold_batch_norm(model)
    same(folded, model)
    assert len(normalizations(folded)) == 2
    half = fold_batch_norm(model, dtype="bfloat16")
    assert half.get_layer("first").quantization_mode == model.get_layer("first").quantization_mode


@pytest.mark.parametrize("nested", [False, True])
def test_adapted_normalization_is_kept(nested, same):
    first = layers.Normalization()
    first.adapt(np.random.default_rng(1).uniform(-3, 9, (4, 8, 8, 3)))
    model = graph((8, 8, 3), graph((8, 8, 3), first) if nested else first, layers.Conv2D(2, 3))
    same(fold_batch_norm(model, strict=True), model)
