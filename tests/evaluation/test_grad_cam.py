"""Heat maps: against arithmetic, against known places of the evidence, through every nesting."""

import keras
import numpy as np
import pytest
from hypothesis import assume, given, reject, strategies as st
from keras import layers

from catdog_keras import (
    ConvBlock,
    Preprocessing,
    RandomAffine,
    build_model1,
    build_model2,
    build_model3,
    grad_cam,
    transfer_model,
)
from catdog_keras.evaluation._receptive_field import Cells, place_cells

SHAPE = (12, 16, 3)


def make_images(count=3, shape=SHAPE):
    return np.random.default_rng(0).uniform(0, 255, (count, *shape)).astype("float32")


def chain(shape, *parts, name=None):
    """A Functional model of layers one after the other."""
    x = inputs = keras.Input(shape)
    for part in parts:
        x = part(x)
    return keras.Model(inputs, x, name=name)


def known(model):
    """Gives a model the same weights on each backend; their random numbers differ."""
    generator = np.random.default_rng(3)
    for variable in model.weights:
        if variable.name == "kernel":
            variable.assign(generator.normal(0, 0.3, variable.shape))
        elif variable.name in ("bias", "beta", "gamma", "moving_mean"):
            variable.assign(generator.normal(0.1, 0.1, variable.shape))
    return model


def body():
    return (
        layers.Rescaling(1 / 255, name="scaled"),
        layers.Conv2D(5, 3, strides=2, activation="relu", name="early"),
        layers.BatchNormalization(name="normal"),
        layers.Conv2D(4, 2, activation="relu", name="maps"),
    )


def pooled_head():
    return (
        layers.GlobalAveragePooling2D(),
        layers.Dropout(0.5),
        layers.Dense(3, name="logits"),
    )


def pooled(name=None):
    return known(chain(SHAPE, *body(), *pooled_head(), name=name))


def resize_maps(maps, height, width):
    """Bilinear interpolation between the cells of `body`.

    Its first convolution sees pixels 0 to 2 and then moves by 2, the other one takes two of these:
    the first cell is around pixel 2, the next one around pixel 4.
    """
    for axis, side in ((1, height), (2, width)):
        old = maps.shape[axis]
        centers = (np.arange(side) - 2) / 2
        maps = np.apply_along_axis(
            lambda line, centers=centers, old=old: np.interp(centers, np.arange(old), line),
            axis,
            maps,
        )
    return maps


def to_unit(maps):
    peaks = maps.max(axis=(1, 2), keepdims=True)
    return maps / np.where(peaks > 0, peaks, 1)


def expected_maps(channel_weights, features, size=SHAPE[:2]):
    maps = np.einsum("bhwc,bc->bhw", features, channel_weights)
    return to_unit(resize_maps(np.maximum(maps, 0), *size))


def features_of(model, layer="maps"):
    inner = keras.Model(model.inputs[0], model.get_layer(layer).output)
    return keras.ops.convert_to_numpy(inner(make_images(), training=False))


def assert_close(found, wanted, tolerance=1e-5):
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance)


def assert_unit_peaks(maps):
    """Without evidence for a class all maps are 0, and any two models would agree."""
    assert_close(maps.max(axis=(1, 2)), np.ones(len(maps)))


# --- against arithmetic


@pytest.mark.parametrize("class_index", [0, [2, 0, 1], np.array([1, 0, 2])])
def test_grad_cam_equals_class_activation_map_for_pooled_head(class_index):
    model = pooled()
    kernel = keras.ops.convert_to_numpy(model.get_layer("logits").kernel)
    weights = kernel.T[np.broadcast_to(class_index, 3)]
    wanted = expected_maps(weights, features_of(model))
    assert wanted.max() == 1
    assert (wanted == 0).any()  # of either sign: what speaks against the class was cut off
    assert_close(grad_cam(model, make_images(), class_index), wanted)


def test_output_in_a_dict_is_explained_like_the_output():
    images = keras.Input((32, 32, 3))
    features = layers.Conv2D(4, 3, activation="relu")(images)
    logits = layers.Dense(2)(layers.GlobalAveragePooling2D()(features))
    batch = np.random.default_rng(0).uniform(0, 1, (2, 32, 32, 3))
    expected = grad_cam(keras.Model(images, logits), batch)
    np.testing.assert_array_equal(grad_cam(keras.Model(images, {"a": logits}), batch), expected)


def test_class_index_defaults_to_predicted_class():
    model = pooled()
    predicted = model.predict(make_images(), verbose=0).argmax(axis=1)
    assert_close(grad_cam(model, make_images()), grad_cam(model, make_images(), predicted))
    assert (grad_cam(model, make_images()) != grad_cam(model, make_images(), 0)).any()


def test_flatten_head_weights_channels_by_mean_gradient():
    model = known(chain(SHAPE, *body(), layers.Flatten(), layers.Dense(3, name="logits")))
    features = features_of(model)
    kernel = keras.ops.convert_to_numpy(model.get_layer("logits").kernel)
    gradients = kernel.reshape(*features.shape[1:], 3).mean(axis=(0, 1))
    for index in range(3):
        wanted = expected_maps(np.tile(gradients[:, index], (3, 1)), features)
        assert_close(grad_cam(model, make_images(), index), wanted)


def test_max_pooled_head_weights_active_channels_by_kernel():
    """Of a maximum the gradient goes to one place of each channel, and its mean is the weight."""
    head = layers.Dense(3, name="logits")
    model = known(chain(SHAPE, *body(), layers.GlobalMaxPooling2D(), head))
    kernel = keras.ops.convert_to_numpy(head.kernel)
    features = features_of(model)
    alive = features.max(axis=(1, 2)) > 0  # of a tie at 0 backends share the gradient as they like
    wanted = expected_maps(kernel.T[[1, 1, 1]] * alive, features)
    assert_close(grad_cam(model, make_images(), 1), wanted)


@pytest.mark.parametrize(
    "ending",
    [
        lambda: [layers.Dense(3, activation="softmax")],
        lambda: [layers.Dense(3), layers.Softmax()],
        lambda: [layers.Dense(3), layers.Activation("softmax", dtype="float32")],
        lambda: [layers.Dense(3, activation="sigmoid")],
        lambda: [chain((4,), layers.Dense(3, activation="softmax"))],
        lambda: [keras.Sequential([layers.Dense(3), layers.Softmax()])],
    ],
)
def test_final_softmax_or_sigmoid_does_not_change_map(ending):
    """Logits of hundreds: a saturated softmax has no gradient left."""
    trunk = known(chain(SHAPE, *body(), layers.GlobalAveragePooling2D()))
    plain = chain(SHAPE, trunk, layers.Dense(3))
    ended = chain(SHAPE, trunk, *ending())
    weights = [1000 * weight for weight in plain.get_weights()[-2:]]
    for model in (plain, ended):
        model.set_weights(model.get_weights()[:-2] + weights)
    before = ended.predict(make_images(), verbose=0)
    for index in (None, 1):
        maps = grad_cam(plain, make_images(), index)
        assert_close(grad_cam(ended, make_images(), index), maps)
    np.testing.assert_array_equal(ended.predict(make_images(), verbose=0), before)


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_single_output_matches_equivalent_two_class_model(activation):
    trunk = known(chain(SHAPE, *body(), layers.GlobalAveragePooling2D()))
    one = chain(SHAPE, trunk, layers.Dense(1, activation=activation))
    two = chain(SHAPE, trunk, layers.Dense(2))
    kernel, bias = one.get_weights()[-2:]
    two.set_weights(
        [*two.get_weights()[:-2], np.hstack([-kernel, kernel]), np.hstack([-bias, bias])]
    )
    for index in (None, 0, 1):
        assert_close(grad_cam(one, make_images(), index), grad_cam(two, make_images(), index))


# --- against the place of the evidence


def color_network():
    """Class 0 is red, class 1 is green, class 2 is blue, less half of what else there is."""
    against = (np.eye(3) - 0.5 * (1 - np.eye(3))).reshape(1, 1, 3, 3)
    detector = layers.Conv2D(3, 1, use_bias=False, activation="relu")
    head = layers.Dense(3, use_bias=False)
    model = chain(
        (40, 48, 3), detector, layers.AveragePooling2D(4), layers.GlobalAveragePooling2D(), head
    )
    detector.set_weights([against])
    head.set_weights([np.eye(3)])
    return model


def patches(count, side=8, shape=(40, 48, 3), colors=3, seed=0):
    """Grey noise with one colored patch each; their colors, and the masks of their places."""
    generator = np.random.default_rng(seed)
    images = generator.uniform(90, 110, (count, *shape)).astype("float32")
    labels = generator.integers(0, colors, count)
    masks = np.zeros((count, *shape[:2]), bool)
    for image, label, mask in zip(images, labels, masks, strict=True):
        top, left = (generator.integers(0, length - side) for length in shape[:2])
        image[top : top + side, left : left + side, label] = 255
        mask[top : top + side, left : left + side] = True
    return images, labels, masks


def peaks_are_inside(maps, masks):
    places = maps.reshape(len(maps), -1).argmax(axis=1)
    return np.take_along_axis(masks.reshape(len(masks), -1), places[:, None], axis=1)[:, 0]


@pytest.mark.parametrize("class_index", ["predicted", "given"])
def test_peak_is_inside_patch_of_class_color(class_index):
    images, labels, masks = patches(40)
    maps = grad_cam(color_network(), images, labels if class_index == "given" else None)
    assert peaks_are_inside(maps, masks).all()
    assert maps[masks].mean() > 4 * maps[~masks].mean()


def test_peak_follows_class_index_in_images_with_two_patches():
    images, _, red = patches(10, colors=1)
    image_green = np.zeros_like(red)
    for image, mask, green in zip(images, red, image_green, strict=True):
        green[:8, :8] = not mask[:14, :14].any()
        image[green, 1] = 255
    two = image_green.any(axis=(1, 2))
    assert two.sum() > 5
    model = color_network()
    assert peaks_are_inside(grad_cam(model, images[two], 0), red[two]).all()
    assert peaks_are_inside(grad_cam(model, images[two], 1), image_green[two]).all()


def test_peak_is_inside_patch_for_trained_model():
    images, labels, _ = patches(96, shape=(24, 24, 3), colors=2)
    model = chain(
        (24, 24, 3),
        Preprocessing("signed"),
        layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2D(8, 3, padding="same", activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(2),
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss, metrics=["accuracy"])
    model.fit(images, labels, epochs=25, batch_size=48, verbose=0)
    images, labels, masks = patches(48, shape=(24, 24, 3), colors=2, seed=1)
    assert model.evaluate(images, labels, verbose=0)[1] == 1
    assert peaks_are_inside(grad_cam(model, images), masks).mean() >= 0.95


def unpadded_color_network():
    """Four times a convolution that passes on its middle, and a pooling, as in `build_model1`."""
    model = chain(
        (160, 128, 3),
        layers.Conv2D(3, 1, use_bias=False, activation="relu", name="detector"),
        *(
            part
            for number in range(4)
            for part in (
                layers.DepthwiseConv2D(3, use_bias=False, name=f"middle{number}"),
                layers.AveragePooling2D(2, name=f"pool{number}"),
            )
        ),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, use_bias=False, name="head"),
    )
    middle = np.zeros((3, 3, 3, 1))
    middle[1, 1] = 1
    model.get_layer("detector").set_weights([(np.eye(3) * 1.5 - 0.5).reshape(1, 1, 3, 3)])
    for number in range(4):
        model.get_layer(f"middle{number}").set_weights([middle])
    model.get_layer("head").set_weights([np.eye(3)])
    return model


def centers_of_mass(weights):
    """The mean row and column of each map, by its weights."""
    down, across = (np.arange(side) for side in weights.shape[1:])
    total = weights.sum(axis=(1, 2))
    return np.stack(
        [(weights.sum(axis=2) @ down) / total, (weights.sum(axis=1) @ across) / total], axis=1
    )


def test_map_is_centered_on_patch_for_unpadded_model():
    images, labels, masks = patches(60, side=24, shape=(160, 128, 3))
    within = (
        np.abs(centers_of_mass(masks) - [79.5, 63.5]).max(axis=1) < 28
    )  # where whole cells see it
    maps = grad_cam(unpadded_color_network(), images, labels)
    off = centers_of_mass(np.maximum(maps - 0.3, 0)) - centers_of_mass(
        masks
    )  # without the noise around it
    assert within.sum() > 5
    assert np.abs(off[within]).mean() < 2
    outward = off * np.sign(centers_of_mass(masks) - [79.5, 63.5])
    assert abs(outward[within].mean()) < 1


LAYERS = {
    "convolution": lambda n: layers.Conv2D(1, n, kernel_initializer="ones"),
    "strided": lambda n: layers.Conv2D(1, n + 1, strides=n, kernel_initializer="ones"),
    "padded": lambda n: layers.Conv2D(1, n + 1, strides=n, padding="same", kernel_initializer="ones"),
    "dilated": lambda n: layers.Conv2D(1, 3, dilation_rate=n, kernel_initializer="ones"),
    "depthwise": lambda n: layers.DepthwiseConv2D(n, depthwise_initializer="ones"),
    "pooling": lambda n: layers.AveragePooling2D(n),
    "overlapping": lambda n: layers.AveragePooling2D(n + 1, strides=n),
    "zeros": lambda n: layers.ZeroPadding2D(((n, 2), (1, n))),
    "cropping": lambda n: layers.Cropping2D(((n, 0), (1, n))),
    "nothing": lambda n: layers.Activation("linear"),
    "inside": lambda n: keras.Sequential([layers.Conv2D(1, 3, strides=n, kernel_initializer="ones")]),
}  # fmt: skip


def compare_cells(kinds, size):
    """Holds cells against the answers to bright lines; returns how many no edge touches, by axis."""
    parts = [LAYERS[kind](number) for kind, number in kinds]
    try:
        model = chain((*size, 1), *parts, layers.Activation("linear", name="last"))
    except ValueError:
        reject()  # nothing is left of the image
    grid = place_cells(model, model.get_layer("last"), size, channels_first=False)
    assert tuple(cells.count for cells in grid) == model.output_shape[1:3]
    told = []
    for axis, cells in enumerate(grid):
        bright = np.zeros((size[axis], *size, 1), "float32")
        lines = np.moveaxis(bright, axis + 1, 1)
        lines[np.arange(size[axis]), np.arange(size[axis])] = 1
        answers = np.asarray(model.predict_on_batch(bright))[..., 0]
        seen = answers.take(answers.shape[2 - axis] // 2, axis=2 - axis)
        # What a cell answers to white all around it: less where an edge takes a part of its view.
        white = chain((None, None, 1), *parts)(np.ones((1, 400, 400, 1), "float32"))
        wide = keras.ops.convert_to_numpy(white)
        inside = np.isclose(seen.sum(axis=0), wide[0, wide.shape[1] // 2, wide.shape[2] // 2, 0])
        found = np.arange(size[axis]) @ seen / np.maximum(seen.sum(axis=0), 1e-9)
        places = cells.first + cells.step * np.arange(cells.count)
        np.testing.assert_allclose(places[inside], found[inside], atol=1e-3)
        told.append(int(inside.sum()))
    return told


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("kind", LAYERS)
def test_place_cells_returns_receptive_field_centers_of_single_layer(kind, number):
    for size in ((40, 41), (43, 42)):
        assert min(compare_cells([(kind, number)], size)) > 5


@given(
    kinds=st.lists(st.tuples(st.sampled_from(sorted(LAYERS)), st.integers(1, 3)), max_size=4),
    size=st.tuples(st.integers(40, 52), st.integers(40, 52)),
)
def test_place_cells_returns_receptive_field_centers_of_layer_chain(kinds, size):
    assume(min(compare_cells(kinds, size)) > 0)


@pytest.mark.parametrize("enlarge", [layers.UpSampling2D(2), layers.Conv2DTranspose(2, 2, 2)])
def test_place_cells_subdivides_cells_when_map_is_upsampled(enlarge):
    small, last = layers.Conv2D(2, 3, strides=2), layers.Activation("relu")
    model = chain((21, 21, 1), small, enlarge, last)
    before, _ = place_cells(model, small, (21, 21), channels_first=False)
    after, _ = place_cells(model, last, (21, 21), channels_first=False)
    assert before == Cells(10, 1.0, 2.0)
    assert after == Cells(20, 0.5, 1.0)


def test_place_cells_follows_branches_and_returns_none_without_config():
    def network(last):
        x = inputs = keras.Input((40, 40, 3))
        left = layers.Conv2D(4, 3, strides=2, padding="same")(x)
        right = layers.MaxPooling2D(2)(layers.Conv2D(4, 1)(x))
        x = last(layers.Add()([left, right]))
        return keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))

    plain = layers.Conv2D(4, 3, name="maps")
    grid = place_cells(network(plain), plain, (40, 40), channels_first=False)
    assert grid[0] == Cells(18, 3.0, 2.0)  # 1 + 2 n after the branches, and one more cell

    class Unsaved(layers.Layer):
        def __init__(self, rate, **kwargs):
            super().__init__(**kwargs)
            self.rate = object()

        def call(self, x):
            return x * 1.0

    unsaved = Unsaved(object())
    assert place_cells(network(unsaved), unsaved, (40, 40), channels_first=False) is None
    assert grad_cam(network(unsaved), make_images(1, (40, 40, 3))).shape == (1, 40, 40)


# --- through every kind of model


def sequential(shape, *parts):
    return keras.Sequential([keras.Input(shape), *parts])


NESTINGS = {
    "sequential": lambda: sequential(SHAPE, *body(), *pooled_head()),
    "functional in functional": lambda: chain(SHAPE, chain(SHAPE, *body()), *pooled_head()),
    "sequential in functional": lambda: chain(SHAPE, sequential(SHAPE, *body()), *pooled_head()),
    "functional in sequential": lambda: sequential(SHAPE, chain(SHAPE, *body()), *pooled_head()),
    "pooling inside": lambda: chain(
        SHAPE, chain(SHAPE, *body(), layers.GlobalAveragePooling2D()), *pooled_head()[1:]
    ),
    "head inside": lambda: chain(SHAPE, *body(), chain((4, 6, 4), *pooled_head())),
    "three levels": lambda: sequential(
        SHAPE, chain(SHAPE, sequential(SHAPE, chain(SHAPE, *body()))), chain((4, 6, 4), *pooled_head())
    ),
    "all inside": lambda: chain(SHAPE, sequential(SHAPE, chain(SHAPE, *body(), *pooled_head()))),
    "augmentation in front": lambda: chain(
        SHAPE, RandomAffine("horizontal", rotation_degrees=90), *body(), *pooled_head()
    ),
    "operations": lambda: chain(
        SHAPE, *body(), lambda x: keras.ops.mean(x, axis=(1, 2)) * 1.0, *pooled_head()[1:]
    ),
    "any size": lambda: chain((None, None, 3), *body(), *pooled_head()),
}  # fmt: skip


@pytest.mark.parametrize("kind", NESTINGS)
def test_nested_model_map_matches_flat_model(kind):
    plain, nested = pooled(), NESTINGS[kind]()
    seeds = [w for w in nested.weights if "seed" in w.name]
    for variable, value in zip(
        [w for w in nested.weights if w not in seeds], plain.weights, strict=False
    ):
        variable.assign(value)
    assert_close(grad_cam(nested, make_images(), 1), grad_cam(plain, make_images(), 1))


@pytest.mark.parametrize(
    "build",
    [
        lambda shape: build_model1(shape, 6),
        lambda shape: transfer_model("synthetic_small", shape, 6, weights=None),
        lambda shape: transfer_model(chain(shape, *body()), shape, 6, pooling="max"),
    ],
    ids=["model1", "synthetic_small", "max"],
)
def test_package_model_maps_have_image_shape_and_unit_peak(build):
    shape = (64, 50, 3)
    model = known(build(shape))
    maps = np.stack([grad_cam(model, make_images(2, shape), index) for index in range(6)])
    assert maps.shape == (6, 2, 64, 50)
    assert maps.dtype == np.float32
    assert maps.min() >= 0
    assert set(maps.max(axis=(2, 3)).flat) - {0.0} == {1.0}
    assert len(np.unique(maps)) > 100


def test_model2_and_model3_maps_match_model1_on_preprocessed_images():
    shape, classes = (64, 50, 3), 6
    first, images = known(build_model1(shape, classes)), make_images(2, shape)
    for build, scaled in ((build_model2, images), (build_model3, images / 127.5 - 1)):
        model = build(shape, classes)
        model.set_weights(first.get_weights())
        wanted = np.stack([grad_cam(first, scaled, index) for index in (0, 3, classes - 1)])
        found = np.stack([grad_cam(model, images, index) for index in (0, 3, classes - 1)])
        assert wanted.any()
        assert_close(found, wanted, 1e-4)


def test_transfer_model_map_equals_class_activation_map():
    backbone = chain(SHAPE, *body(), name="backbone")
    model = known(transfer_model(backbone, SHAPE, 3, augmentation=RandomAffine("horizontal")))
    kernel = keras.ops.convert_to_numpy(model.get_layer("logits").kernel)
    wanted = expected_maps(kernel.T[[1, 1, 1]], features_of(backbone))
    assert wanted.any()
    assert_close(grad_cam(model, make_images(), 1), wanted)


class Hidden(keras.Model):
    """No graph that one could see, and so none that could be followed: cells share the image."""

    def __init__(self):
        super().__init__()
        first, second = (layers.Conv2D(4, 3, padding="same", name=name) for name in ("a", "maps"))
        self.parts = [first, second, *pooled_head()]

    def call(self, inputs, training=None):
        for part in self.parts:
            inputs = part(inputs)
        return inputs


def test_layer_argument_finds_layer_inside_subclassed_model():
    hidden = Hidden()
    model = known(chain(SHAPE, hidden))
    wanted = grad_cam(chain(SHAPE, *hidden.parts), make_images(), 1)
    assert_unit_peaks(wanted)
    for layer in ("maps", hidden.parts[-4]):
        assert_close(grad_cam(model, make_images(), 1, layer=layer), wanted)


def test_layer_argument_accepts_name_and_layer():
    model = chain(SHAPE, chain(SHAPE, *body()), *pooled_head())
    inner = model.layers[1].get_layer("early")
    by_name = grad_cam(model, make_images(), 1, layer="early")
    assert_close(grad_cam(model, make_images(), 1, layer=inner), by_name)
    assert np.abs(by_name - grad_cam(model, make_images(), 1)).max() > 0.1
    assert_close(grad_cam(model, make_images(), 1, layer="maps"), grad_cam(model, make_images(), 1))


def test_default_layer_skips_1x1_feature_maps():
    """Pooling that keeps its axes, and what comes after it, has no places left."""
    ends = [
        layers.GlobalAveragePooling2D(keepdims=True),
        layers.Conv2D(3, 1, name="logits"),
        layers.Flatten(),
    ]
    model, plain = chain(SHAPE, *body(), *ends), pooled()
    for layer in plain.layers:
        if layer.weights:
            other = model.layers[min(plain.layers.index(layer), 6)]
            other.set_weights(
                [
                    w.reshape(v.shape)
                    for w, v in zip(layer.get_weights(), other.get_weights(), strict=True)
                ]
            )
    assert_close(grad_cam(model, make_images(), 1), grad_cam(plain, make_images(), 1))


def test_channels_first_map_matches_channels_last():
    def network(data_format):
        first = data_format == "channels_first"
        return chain(
            (3, 20, 26) if first else (20, 26, 3),
            ConvBlock(4, data_format=data_format, name="block"),
            layers.Activation("relu"),
            layers.GlobalAveragePooling2D(data_format=data_format),
            layers.Dense(2),
        )

    last, first = known(network("channels_last")), network("channels_first")
    first.set_weights(last.get_weights())
    images = make_images(3, (20, 26, 3))
    maps = grad_cam(first, images.transpose(0, 3, 1, 2), 1)
    assert maps.shape == (3, 20, 26)
    assert_unit_peaks(maps)
    assert_close(maps, grad_cam(last, images, 1), 1e-4)


def test_permute_to_channels_last_does_not_change_map():
    """The map is read as what comes next reads it, the images as what comes first does."""
    block, head = ConvBlock(4, data_format="channels_first"), layers.Dense(2)
    inner = chain(
        (3, 20, 26),
        block,
        layers.Permute((2, 3, 1)),
        layers.GlobalAveragePooling2D(data_format="channels_last"),
        head,
    )
    plain = chain(
        (3, 20, 26), block, layers.GlobalAveragePooling2D(data_format="channels_first"), head
    )
    known(plain)  # shares its weights with `inner`
    images = make_images(2, (3, 20, 26))
    maps = grad_cam(inner, images, 1)
    assert_unit_peaks(maps)
    assert_close(maps, grad_cam(plain, images, 1))


def test_channels_first_images_work_with_channels_last_network():
    convolution = layers.Conv2D(4, 3, data_format="channels_last")
    inner = known(chain((20, 26, 3), convolution, *channels_last_head()))
    model = chain((3, 20, 26), layers.Permute((2, 3, 1)), inner)
    images = make_images(2, (20, 26, 3))
    maps = grad_cam(model, images.transpose(0, 3, 1, 2), 1)
    assert maps.shape == (2, 20, 26)
    assert_unit_peaks(maps)
    assert_close(maps, grad_cam(inner, images, 1))


def channels_last_head():
    return layers.GlobalAveragePooling2D(data_format="channels_last"), layers.Dense(2)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_map_is_close_to_float32_map(policy):
    plain = pooled()
    keras.config.set_dtype_policy(policy)
    try:
        mixed = pooled()
    finally:
        keras.config.set_dtype_policy("float32")
    mixed.set_weights(plain.get_weights())
    maps = grad_cam(mixed, make_images(), 1)
    assert maps.dtype == np.float32
    assert_close(maps, grad_cam(plain, make_images(), 1), 0.05)


# --- what stays as it is


def test_batch_maps_match_single_image_maps():
    """More images than are computed at once, and normalization by the moving averages."""
    model = pooled()
    images = make_images(70)
    some = [0, 31, 32, 63, 64, 69]  # the first and the last image of each batch
    single = np.concatenate([grad_cam(model, images[n : n + 1]) for n in some])
    assert_close(grad_cam(model, images)[some], single)
    indices = np.arange(70) % 3
    of_class = [grad_cam(model, images[n : n + 1], int(indices[n])) for n in some]
    assert_close(grad_cam(model, images, indices)[some], np.concatenate(of_class))


def layers_of(model):
    for layer in model.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from layers_of(layer)


def state(model):
    found = list(layers_of(model))
    return (
        [(id(layer), sorted(vars(layer)), layer.trainable) for layer in found],
        model.to_json(),
        [weight.tobytes() for weight in model.get_weights()],
        id(model.optimizer),
        [id(layer.output) for layer in found],
    )


@pytest.mark.parametrize("fails", [False, True])
def test_grad_cam_leaves_model_unchanged(fails):
    model = transfer_model(chain(SHAPE, *body(), layers.BatchNormalization()), SHAPE)
    model.layers[1].layers[2].trainable = True
    model = chain(SHAPE, model, layers.Softmax())
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(make_images(), np.array([0, 1, 0]), verbose=0)
    before, predicted = state(model), model.predict(make_images(), verbose=0)
    if fails:
        with pytest.raises(ValueError, match="finite"):
            grad_cam(model, np.nan * make_images())
    else:
        grad_cam(model, make_images())
    assert state(model) == before
    np.testing.assert_array_equal(model.predict(make_images(), verbose=0), predicted)
    model.fit(make_images(), np.array([0, 1, 0]), verbose=0)


def test_images_argument_accepts_uint8_arrays_tensors_and_lists():
    model = pooled()
    bytes_ = make_images().astype("uint8")
    assert_close(grad_cam(model, bytes_), grad_cam(model, bytes_.astype("float32")), 1e-4)
    tensor = keras.ops.convert_to_tensor(make_images())
    assert_close(grad_cam(model, tensor), grad_cam(model, make_images().tolist()))


def test_grad_cam_is_zero_when_no_position_supports_class():
    images = np.zeros((2, 40, 48, 3), "float32")
    images[1, :8, :8, 0] = 255
    maps = grad_cam(color_network(), images, 0)
    assert maps[0].max() == 0
    assert maps[1].max() == 1
    assert grad_cam(color_network(), images, 1).max() == 0


def test_grad_cam_is_uniform_when_all_positions_contribute_equally():
    images = np.full((1, 40, 48, 3), [200, 0, 0], "float32")
    assert_close(grad_cam(color_network(), images, 0), np.ones((1, 40, 48)))


def test_map_is_independent_of_output_scale():
    images, labels, _ = patches(3)
    wanted = grad_cam(color_network(), images, labels)
    for scale in (1e-20, 1e30):
        model = color_network()
        model.layers[-1].set_weights([scale * np.eye(3)])
        assert_close(grad_cam(model, images, labels), wanted)


# --- misuse


def two_inputs():
    left, right = keras.Input(SHAPE), keras.Input(SHAPE)
    return keras.Model([left, right], layers.Flatten()(layers.Add()([left, right])))


def shared_layer_model():
    inputs = keras.Input(SHAPE)
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    return keras.Model(inputs, layers.Flatten()(shared(shared(inputs))))


def twins():
    one, other = (layers.Conv2D(3, 3, padding="same", name="twin") for _ in range(2))
    return chain(SHAPE, chain(SHAPE, one, name="inner"), other, layers.Flatten(), name="twins")


INFINITE = np.where(np.arange(40).reshape(-1, 1, 1, 1) == 35, np.inf, make_images(40))


@pytest.mark.parametrize(
    ("model", "images", "keywords", "error", "message"),
    [
        (lambda: "model.keras", make_images(), {}, TypeError, "`model` must be a keras.Model; received model='model.keras'. Load it: `keras.models.load_model('model.keras')`."),
        (lambda: keras.Sequential([layers.Dense(2)], name="own"), make_images(), {}, ValueError, "`model` must be a built Functional or Sequential model; received model='own'. Wrap it as `keras.Model(inputs, model(inputs))`, and pass `layer`."),
        (two_inputs, make_images(), {}, ValueError, "`model` must have one input, images of four axes, and one output of shape (batch, classes); received inputs [(None, 12, 16, 3), (None, 12, 16, 3)] and outputs [(None, 576)]."),
        (lambda: chain((6,), layers.Dense(2)), make_images(), {}, ValueError, "`model` must have one input, images of four axes, and one output of shape (batch, classes); received inputs [(None, 6)] and outputs [(None, 2)]."),
        (lambda: chain(SHAPE, layers.Conv2D(2, 3)), make_images(), {}, ValueError, "`model` must have one input, images of four axes, and one output of shape (batch, classes); received inputs [(None, 12, 16, 3)] and outputs [(None, 10, 14, 2)]."),
        (lambda: chain(SHAPE, layers.Flatten(), layers.Dense(2), name="chain"), make_images(), {}, ValueError, "`model` must have a layer whose output is a feature map larger than 1 x 1; received a model without one, 'chain'."),
        (pooled, make_images()[0], {}, ValueError, "`images` must be at least one image, of shape (batch, 12, 16, 3); received shape (12, 16, 3). Make a batch of a single image: images[None]."),
        (pooled, make_images(2, (12, 12, 3)), {}, ValueError, "`images` must be at least one image, of shape (batch, 12, 16, 3); received shape (2, 12, 12, 3). Load the images with image_size=(12, 16), or build the model for these images."),
        (pooled, make_images()[:0], {}, ValueError, "`images` must be at least one image, of shape (batch, 12, 16, 3); received shape (0, 12, 16, 3)."),
        (lambda: chain((None, None, 3), *body(), *pooled_head()), "cat.jpg", {}, TypeError, "`images` must hold images as numbers; received strings such as 'cat.jpg'. Read image files by `load_images` or `load_image_folder`."),
        (pooled, make_images(), {"class_index": "cat"}, TypeError, "`class_index` must hold indices as numbers; received strings such as 'cat'."),
        (pooled, make_images(), {"class_index": True}, TypeError, "`class_index` must be an integer from 0 to 2, or one for each of 3 images, or None; received class_index=True."),
        (pooled, make_images(), {"class_index": 3}, ValueError, "`class_index` must be an integer from 0 to 2, or one for each of 3 images; received class_index=3."),
        (pooled, make_images(), {"class_index": [0, 1]}, ValueError, "`class_index` must be an integer from 0 to 2, or one for each of 3 images; received class_index=[0, 1]."),
        (pooled, make_images(), {"class_index": [0, 1, -1]}, ValueError, "`class_index` must be an integer from 0 to 2, or one for each of 3 images; received class_index=[0, 1, -1]."),
        (pooled, make_images(), {"layer": 3}, TypeError, "`layer` must be the name of a layer, a keras.Layer or None; received layer=3."),
        (lambda: pooled("chain"), make_images(), {"layer": "map"}, ValueError, "`layer` must be a layer of 'chain' or the name of one; received layer='map'. If several layers have this name, pass the layer itself. Maps: scaled, early, normal, maps."),
        (twins, make_images(), {"layer": "twin"}, ValueError, "`layer` must be a layer of 'twins' or the name of one; received layer='twin'. If several layers have this name, pass the layer itself. Maps: twin, inner, twin."),
        (pooled, make_images(), {"layer": "logits"}, ValueError, "`layer` must be a layer that is called once and whose output is a feature map with four axes; received layer='logits'."),
        (shared_layer_model, make_images(), {}, ValueError, "`layer` must be a layer that is called once and whose output is a feature map with four axes; received layer='shared'."),
        (pooled, INFINITE, {}, ValueError, "`model` must compute finite numbers; received NaN or infinity for the image at index 35. Check its weights and this image."),
    ],
)  # fmt: skip
def test_invalid_arguments_raise(model, images, keywords, error, message):
    with pytest.raises(error) as caught:
        grad_cam(model(), images, **keywords)
    assert str(caught.value) == message


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX has no float64 by default")
@pytest.mark.parametrize("class_index", [None, 1])
def test_grad_cam_under_float64_equals_float32(class_index):
    expected = grad_cam(known(chain(SHAPE, *parts())), make_images(), class_index)
    keras.config.set_floatx("float64")
    try:
        found = grad_cam(known(chain(SHAPE, *parts())), make_images(), class_index)
    finally:
        keras.config.set_floatx("float32")
    np.testing.assert_allclose(found, expected, atol=1e-4)


def parts():
    return [layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(2)]
