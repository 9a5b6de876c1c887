"""Layers around layers: which image gets what, in a model, in a `tf.data` map, on arrays."""

import json

import keras
import numpy as np
import pytest
from hypothesis import given, strategies as st

from catdog_keras.layers import (
    AugmentationPipeline,
    Preprocessing,
    RandomAffine,
    RandomApply,
    RandomChoice,
)
from tests.arrays import as_numpy, random_images

BACKEND = keras.backend.backend()
INVERT = {"factor": (1, 1)}  # always


def random_invert(rate=0.5, **arguments):
    return RandomApply(keras.layers.RandomInvert(**INVERT), rate, **arguments)


def choice_of_offsets(count, **arguments):
    """A choice whose layers add 1, 2, ..., `count`: the result identifies the layer."""
    layers = [keras.layers.Rescaling(1.0, offset=float(n + 1)) for n in range(count)]
    return RandomChoice(layers, **arguments)


def chosen_layer_indices(layer, images, **arguments):
    """The place of the layer that each image had drawn, by what was added."""
    added = as_numpy(layer(images, training=True, **arguments)) - images
    return np.rint(added.reshape(len(images), -1).mean(1)).astype(int) - 1


MAKERS = {
    "apply": lambda: random_invert(seed=1),
    "choice": lambda: RandomChoice(
        [keras.layers.RandomInvert(**INVERT), RandomAffine("vertical", 30, seed=2)], seed=1
    ),
    "sequence": lambda: AugmentationPipeline(
        [random_invert(seed=4), RandomApply(keras.layers.RandomBrightness(0.3, seed=2), seed=5)]
    ),
}
EVERY_KIND = pytest.mark.parametrize("kind", MAKERS)


@EVERY_KIND
@given(
    shape=st.sampled_from([(1, 1, 1), (3, 7, 4)]),  # JAX compiles each of them
    dtype=st.sampled_from(["float32", "uint8"]),
    alone=st.booleans(),
)
def test_outputs_are_float32_and_keep_shape_and_range(kind, shape, dtype, alone):
    images = random_images(*shape, 3).astype(dtype)
    images = images[0] if alone else images
    layer = MAKERS[kind]()
    outputs = as_numpy(layer(images, training=True))
    assert outputs.shape == images.shape
    assert outputs.dtype == "float32"
    assert outputs.min() >= -1e-3
    assert outputs.max() <= 255 + 1e-3
    np.testing.assert_array_equal(as_numpy(layer(images, training=False)), images)


def test_wrapped_layers_are_not_called_at_inference():
    class Refuses(keras.layers.Layer):
        def compute_output_shape(self, input_shape):
            return input_shape

        def call(self, inputs):
            raise AssertionError

    images = random_images(2, 4, 4, 3)
    for layer in (
        RandomApply(Refuses()),
        RandomChoice([Refuses()]),
        AugmentationPipeline([Refuses()]),
    ):
        np.testing.assert_array_equal(as_numpy(layer(images, training=False)), images)
        with pytest.raises(AssertionError):
            layer(images, training=True)


@pytest.mark.parametrize(("rate", "expected"), [(0, 0), (1, 200), (0.3, 60)])
def test_random_apply_changes_images_independently_at_given_rate(rate, expected):
    images = random_images(200, 2, 2, 3)
    layer = random_invert(rate, seed=0)
    outputs = as_numpy(layer(images, training=True))
    changed = (outputs != images).any((1, 2, 3))
    assert abs(changed.sum() - expected) <= (4 * np.sqrt(200 * rate * (1 - rate)))
    np.testing.assert_allclose(outputs[changed], 255 - images[changed], atol=1e-3)
    if 0 < rate < 1:
        # Neighboring images are drawn independently: pairs occur as often as chance predicts.
        pairs = (changed[1:] & changed[:-1]).mean()
        assert abs(pairs - rate**2) < 0.12
        again = (as_numpy(layer(images, training=True)) != images).any((1, 2, 3))
        assert abs((again & changed).mean() - rate**2) < 0.12


def test_random_choice_selects_layers_equally_often():
    counts = np.bincount(
        chosen_layer_indices(choice_of_offsets(4, seed=0), np.zeros((800, 1, 1, 3), "float32"))
    )
    assert len(counts) == 4
    assert (abs(counts - 200) < 50).all()  # four deviations


@EVERY_KIND
def test_transform_images_of_batch_matches_single_images(kind):
    layers = {
        "apply": lambda: RandomApply(RandomAffine("horizontal", 40, zoom=0.3, seed=1), seed=2),
        "choice": lambda: RandomChoice(
            [RandomAffine(rotation_degrees=40, seed=1), keras.layers.Identity()], seed=3
        ),
        "sequence": lambda: AugmentationPipeline(
            [RandomAffine(zoom=0.3, seed=1), RandomApply(RandomAffine(shear_degrees=20, seed=4))]
        ),
    }
    layer = layers[kind]()
    images = random_images(6, 7, 8, 3)
    drawn = layer.get_random_transformation(6)
    together = as_numpy(layer.transform_images(images, drawn))
    assert (together != images).any()
    np.testing.assert_array_equal(as_numpy(layer.transform_images(images, drawn)), together)
    for i in range(6):
        of_one = keras.tree.map_structure(lambda x: x if x is None else x[i : i + 1], drawn)  # noqa: B023
        for one in (images[i], images[i : i + 1]):
            alone = as_numpy(layer.transform_images(one, of_one)).reshape(7, 8, 3)
            np.testing.assert_allclose(alone, together[i], atol=1e-3)


def test_unselected_images_are_unchanged_when_layer_writes_in_place():
    """Keras's RandomBrightness does so on PyTorch, where arrays share their memory, too."""
    images = random_images(20, 2, 2, 3)
    kept = images.copy()
    brighter = keras.layers.RandomBrightness((0.5, 0.5))
    layers = [
        RandomApply(brighter, seed=0),
        RandomChoice([brighter, keras.layers.Identity()], seed=0),
        RandomApply(AugmentationPipeline([brighter]), seed=0),
    ]
    for layer in layers:
        tensor = keras.ops.convert_to_tensor(images)
        outputs = as_numpy(layer(tensor, training=True))
        np.testing.assert_array_equal(as_numpy(tensor), kept)
        np.testing.assert_array_equal(images, kept)
        changed = (outputs != images).any((1, 2, 3))
        assert 0 < changed.sum() < 20
        expected = np.minimum(images[changed] + 127.5, 255)
        np.testing.assert_allclose(outputs[changed], expected, atol=1e-3)


def test_transform_images_applies_given_parameters():
    images = random_images(6, 3, 3, 3)
    layer = RandomApply(keras.layers.RandomInvert(**INVERT))
    drawn = layer.get_random_transformation(6)
    assert drawn["layer"] is None
    assert as_numpy(drawn["applied"]).shape == (6,)
    which = np.array([1, 0, 1, 1, 0, 0], bool)
    outputs = as_numpy(layer.transform_images(images, {"applied": which}))
    assert ((outputs != images).any((1, 2, 3)) == which).all()
    choice = np.array([2, 0, 1, 2, 1, 0])
    outputs = as_numpy(choice_of_offsets(3).transform_images(images, {"choice": choice}))
    np.testing.assert_allclose(outputs - images, (choice + 1)[:, None, None, None] + 0 * images, atol=1e-4)  # fmt: skip
    sequence = AugmentationPipeline([choice_of_offsets(2), RandomAffine("horizontal")])
    first, second = sequence.get_random_transformation(3)["layers"]
    assert set(first) == {"choice", "layers"}
    assert "flip_horizontal" in second


class WeightedPixels(keras.Model):
    """Returns a differently weighted sum of each augmented image in training."""

    def __init__(self, layer, weights):
        super().__init__()
        self.layer = layer
        self.pixel_weights = weights
        self.scale = keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)

    def call(self, inputs, training=False):
        outputs = keras.ops.multiply(self.layer(inputs, training=training), self.pixel_weights)
        return self.scale(keras.ops.sum(outputs, axis=(1, 2, 3))[:, None])


@EVERY_KIND
# TensorFlow's XLA has no kernel for the resampling; PyTorch compiles by another way.
@pytest.mark.parametrize("compiled", [False, True] if BACKEND == "jax" else [False])
def test_train_on_batch_output_matches_direct_layer_call(kind, compiled):
    images = random_images(8, 6, 6, 3)
    weights = np.random.default_rng(1).uniform(0, 1, images.shape).astype("float32")
    outputs = as_numpy(MAKERS[kind]()(images, training=True))
    assert (outputs != images).any()
    model = WeightedPixels(MAKERS[kind](), weights)
    model.compile("sgd", lambda y, outputs: keras.ops.mean(outputs), jit_compile=compiled)
    model(images)
    loss = float(model.train_on_batch(images, np.zeros(8)))
    assert loss == pytest.approx((outputs * weights).sum((1, 2, 3)).mean(), rel=1e-5)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="XLA by Keras's own switch is TensorFlow's")
def test_random_apply_compiles_with_xla():
    import tensorflow as tf

    layer, images = random_invert(seed=0), random_images(16, 4, 4, 3)
    compiled = tf.function(lambda x: layer.transform_images(x, {"applied": x[:, 0, 0, 0] > 99}), jit_compile=True)  # fmt: skip
    changed = (compiled(images).numpy() != images).any((1, 2, 3))
    assert (changed == (images[:, 0, 0, 0] > 99)).all()


def map_dataset_for_two_epochs(batch_size, layer, images):
    """What the layer makes of images in two passes over a `tf.data` map."""
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices(images)
    if batch_size is not None:
        dataset = dataset.batch(batch_size)  # the last one is smaller
    mapped = dataset.map(lambda x: layer(x, training=True))
    join = np.stack if batch_size is None else np.concatenate
    return [join([batch.numpy() for batch in mapped]) for _ in range(2)]


@pytest.mark.parametrize("batch_size", [None, 48])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_tf_data_map_draws_per_image_and_follows_seed(batch_size, dtype):
    images = random_images(100, 4, 4, 3).astype(dtype)
    first, second = map_dataset_for_two_epochs(batch_size, random_invert(seed=1), images)
    again, _ = map_dataset_for_two_epochs(batch_size, random_invert(seed=1), images)
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()
    changed = (first != images).any((1, 2, 3))
    assert 30 < changed.sum() < 70
    np.testing.assert_allclose(first[changed], 255.0 - images[changed], atol=1e-3)
    if batch_size is None and dtype == "float32":  # tracing each map takes long
        one, other, third = (
            map_dataset_for_two_epochs(None, random_invert(seed=seed), images)[0]
            for seed in (None, None, 2)
        )
        assert (one != other).any()
        assert (third != first).any()


@pytest.mark.parametrize("batch_size", [None, 48])
def test_tf_data_map_applies_random_choice_in_pipeline(batch_size):
    kinds = [keras.layers.RandomInvert(**INVERT), keras.layers.RandomBrightness((0.5, 0.5))]
    images = random_images(100, 4, 4, 3)
    layer = AugmentationPipeline([RandomChoice(kinds, seed=1)])
    outputs, _ = map_dataset_for_two_epochs(batch_size, layer, images)
    inverts = np.isclose(outputs, 255 - images, atol=1e-3).all((1, 2, 3))
    brightens = np.isclose(outputs, np.minimum(images + 127.5, 255), atol=1e-3).all((1, 2, 3))
    assert (inverts ^ brightens).all()
    assert 30 < inverts.sum() < 70


@pytest.mark.skipif(BACKEND != "tensorflow", reason="its graphs draw from the state of Keras")
@EVERY_KIND
def test_tf_data_map_of_batches_matches_call_on_arrays(kind):
    images = random_images(8, 6, 6, 3)
    found, _ = map_dataset_for_two_epochs(8, MAKERS[kind](), images)
    np.testing.assert_allclose(found, as_numpy(MAKERS[kind]()(images, training=True)), atol=1e-3)


@EVERY_KIND
def test_loaded_and_deserialized_layers_return_same_outputs(kind, tmp_path):
    layer = MAKERS[kind]()
    model = keras.Sequential([keras.Input((6, 6, 3)), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    again = keras.saving.deserialize_keras_object(config)
    images = random_images(8, 6, 6, 3)
    expected = as_numpy(layer(images, training=True))
    for each in (loaded.layers[0], again):
        np.testing.assert_allclose(as_numpy(each(images, training=True)), expected, atol=1e-3)


def test_wrapped_layer_is_trained_like_unwrapped_layer():
    images, targets = random_images(4, 4, 4, 3) / 255, random_images(4, 4, 4, 3, seed=1) / 255
    trained = []
    for wrap in (lambda inner: inner, lambda inner: RandomApply(inner, rate=1.0)):
        keras.utils.set_random_seed(0)
        inner = keras.layers.Dense(3)
        model = keras.Sequential([keras.Input((4, 4, 3)), wrap(inner)])
        model.compile(keras.optimizers.SGD(0.1), "mse")
        before = inner.get_weights()
        model.fit(images, targets, batch_size=2, shuffle=False, verbose=0)
        assert len(model.layers[0].trainable_weights) == 2
        for old, new in zip(before, inner.get_weights(), strict=True):
            assert (old != new).any()
        trained.append(inner.get_weights())
    for plain, wrapped in zip(*trained, strict=True):
        np.testing.assert_allclose(wrapped, plain, rtol=1e-5, atol=1e-6)


MIX_UP, CUT_MIX = keras.layers.MixUp(name="mix"), keras.layers.CutMix(name="cut")


# Keras's MixUp asks for int64, which JAX has not by default.
MIXES = pytest.mark.filterwarnings("ignore:Explicitly requested dtype")


def mixing_layers():
    first, second = keras.layers.MixUp(alpha=1.0, seed=1), keras.layers.MixUp(alpha=0.5, seed=2)
    return {
        "choice": RandomChoice([first, second], seed=0),
        "apply": RandomApply(first, 0.5, seed=3),
        "pipeline": AugmentationPipeline([keras.layers.Identity(), RandomApply(first, 1.0)]),
        "sequential": AugmentationPipeline([keras.Sequential([keras.layers.Rescaling(1), first])]),
    }


@MIXES
@pytest.mark.parametrize("kind", mixing_layers())
def test_mixing_layers_mix_labels_as_their_images(kind):
    """Each image has the value of its class, so its mean shows the share of each class."""
    layer = mixing_layers()[kind]
    rows = np.eye(2, dtype="int32")[np.arange(16) % 2]
    images = np.tile(255 * rows[:, 1].reshape(-1, 1, 1, 1), (8, 8, 3)).astype("float32")
    outputs = layer({"images": images, "labels": rows}, training=True)
    labels = as_numpy(outputs["labels"])
    assert labels.dtype == np.float32
    shares = as_numpy(outputs["images"]).mean(axis=(1, 2, 3)) / 255
    np.testing.assert_allclose(shares, labels[:, 1], atol=1e-3)
    np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-5)
    is_mixed = (labels > 0.01).all(axis=1)
    assert 1 < is_mixed.sum() < (12 if kind == "apply" else 17)
    unchanged = layer({"images": images, "labels": rows}, training=False)
    np.testing.assert_array_equal(as_numpy(unchanged["images"]), images)
    np.testing.assert_array_equal(as_numpy(unchanged["labels"]), rows)


@MIXES
def test_layers_beside_a_mixing_layer_leave_labels_unchanged():
    rows = np.eye(2, dtype="float32")[np.arange(4) % 2]
    layer = RandomChoice([random_invert(), RandomApply(MIX_UP, rate=0.0)])
    outputs = layer({"images": random_images(4, 8, 8, 3), "labels": rows, "name": "cat"})
    np.testing.assert_array_equal(as_numpy(outputs["labels"]), rows)
    assert outputs["name"] == "cat"


def test_mixing_layers_work_in_a_tf_data_map():
    import tensorflow as tf

    layer = RandomChoice([keras.layers.MixUp(), keras.layers.CutMix()], seed=0)
    data = {"images": random_images(8, 8, 8, 3), "labels": np.eye(2, dtype="float32")[[0, 1] * 4]}
    (outputs,) = tf.data.Dataset.from_tensor_slices(data).batch(8).map(layer)
    assert (outputs["labels"].numpy() % 1 > 0).any()


@MIXES
def test_mix_up_keeps_labels_in_float32_under_mixed_precision():
    """Keras's CutMix supports only float32 on TensorFlow and PyTorch."""
    mix_up = keras.layers.MixUp(dtype="mixed_bfloat16")
    layer = RandomApply(mix_up, 1.0, dtype="mixed_bfloat16")
    rows = np.eye(2, dtype="float32")[[0, 1] * 8]
    outputs = layer({"images": random_images(16, 8, 8, 3), "labels": rows}, training=True)
    assert keras.backend.standardize_dtype(outputs["images"].dtype) == "bfloat16"
    labels = as_numpy(outputs["labels"])
    assert labels.dtype == np.float32
    np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (np.zeros((2, 8, 8, 3)), TypeError, "`inputs` must be a dictionary with 'images' and 'labels' for a layer that mixes images; received a ndarray. Apply it to batches of the dataset:"),
        ({"images": np.zeros((2, 8, 8, 3))}, ValueError, "`inputs` must be 'images' and 'labels' alone for a layer that mixes images; received inputs=['images']."),
        ({"images": np.zeros((2, 8, 8, 3)), "segmentation_masks": np.zeros((2, 8, 8, 1)), "labels": np.eye(2)}, ValueError, "`inputs` must be 'images' and 'labels' alone for a layer that mixes images;"),
        ({"images": np.zeros((2, 8, 8, 3)), "labels": [0, 1]}, ValueError, "`labels` must be one-hot rows (batch, classes) of a batch of images, which are mixed; received shape (2,). keras.ops.one_hot(labels, num_classes) converts class indices."),
        ({"images": np.zeros((8, 8, 3)), "labels": [0, 1]}, ValueError, "`labels` must be one-hot rows (batch, classes) of a batch of images, which are mixed;"),
    ],
)  # fmt: skip
def test_mixing_layers_require_a_batch_with_rows_of_labels(inputs, error, message):
    with pytest.raises(error) as caught:
        RandomApply(RandomChoice([MIX_UP, CUT_MIX]))(inputs)
    assert str(caught.value).startswith(message)


@EVERY_KIND
def test_integer_images_are_augmented_by_layers_that_compute_with_floats(kind):
    """Keras's RandomContrast, for example, raises an error for integers."""
    inner = MAKERS[kind]()
    layer = AugmentationPipeline([inner, keras.layers.RandomContrast((0.5, 0.5), seed=0)])
    images = random_images(4, 8, 8, 3).astype("uint8")
    found = as_numpy(layer(images, training=True))
    assert found.dtype == np.float32
    again = AugmentationPipeline([MAKERS[kind](), keras.layers.RandomContrast((0.5, 0.5), seed=0)])
    expected = as_numpy(again(images.astype("float32"), training=True))
    np.testing.assert_allclose(found, expected, atol=1e-3)


class OfTheBackend(keras.layers.Layer):
    """Computes by the backend alone, as most layers do."""

    def call(self, inputs):
        return keras.ops.multiply(inputs, 2)


def test_tf_data_map_accepts_identity_and_rejects_non_tensorflow_layers():
    import tensorflow as tf

    images = random_images(6, 8, 8, 3)
    dataset = tf.data.Dataset.from_tensor_slices(images).batch(3)
    choice = RandomChoice([random_invert(), keras.layers.Identity()], seed=0)
    found = np.concatenate(list(dataset.map(lambda x: choice(x, training=True))))
    kept = np.abs(found - images).max(axis=(1, 2, 3)) == 0
    assert 0 < kept.sum() < 6
    own = RandomApply(OfTheBackend(name="doubled"), 1.0)
    if keras.backend.backend() == "tensorflow":
        doubled = np.concatenate(list(dataset.map(lambda x: own(x, training=True))))
        np.testing.assert_allclose(doubled, 2 * images)
    else:
        with pytest.raises(TypeError, match="'doubled' works only inside a model"):
            dataset.map(lambda x: own(x, training=True))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RandomApply(3), TypeError, "`layer` must be a keras.Layer or a list of them, or one of 'light', 'medium', 'strong'; received layer=3."),
        (lambda: RandomApply([]), ValueError, "`layer` must be a list of at least one layer; received layer=[]."),
        (lambda: RandomApply(["light", 3]), TypeError, "`layer[1]` must be a keras.Layer, or one of 'light', 'medium', 'strong'; received layer[1]=3."),
        (lambda: RandomApply(random_invert(), 1.5), ValueError, "`rate` must be a number from 0 to 1; received rate=1.5."),
        (lambda: RandomApply(random_invert(), True), TypeError, "`rate` must be a number from 0 to 1; received rate=True."),
        (lambda: random_invert(seed=-1), ValueError, "`seed` must be an integer from 0 to 2147483647; received seed=-1."),
        (lambda: RandomChoice([]), ValueError, "`layers` must be a list of at least one layer; received layers=[]."),
        (lambda: RandomChoice("flip"), TypeError, "`layers` must be a list of layers; received layers='flip'."),
        (lambda: AugmentationPipeline([None]), TypeError, "`layers[0]` must be a keras.Layer, or one of 'light', 'medium', 'strong'; received layers[0]=None."),
        (lambda: random_invert()([random_images(2, 4, 4, 3)]), TypeError, "`inputs` must be one tensor of images, or a dictionary with it as 'images'; received a list. For images with labels, pass {'images': images, 'labels': labels}."),
        (lambda: random_invert()(random_images(2, 4)), ValueError, "`input_shape` must be of three axes (one image) or four (a batch); received input_shape=(2, 4)."),
        (lambda: RandomApply(keras.layers.RandomCrop(2, 2, name="crop"))(random_images(2, 4, 4, 3)), ValueError, "`input_shape` must be one that the wrapped layers keep; received input_shape=(2, 4, 4, 3). 'crop' returns (2, 2, 2, 3) for (2, 4, 4, 3)."),
    ],
)  # fmt: skip
def test_invalid_arguments_raise(make, error, message):
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.layers.Rescaling(1 / 255),
        lambda: keras.layers.Rescaling(255.0, -1),
        lambda: keras.layers.Normalization(mean=120, variance=60**2),
        lambda: Preprocessing("signed"),
        lambda: AugmentationPipeline([keras.layers.RandomFlip(), keras.layers.Rescaling(1 / 255)]),
    ],
)
def test_preprocessing_of_a_part_of_the_images_is_rejected(make):
    for create in (RandomApply, lambda layer: RandomChoice([keras.layers.Identity(), layer])):
        with pytest.raises(ValueError, match=r"keeps the range of the images.* to all images"):
            create(make())


def test_changes_of_brightness_and_contrast_are_accepted():
    for scale, offset in ((-1.0, 255.0), (0.5, 60.0), (2.0, 0.0), (0.0, 127.0)):
        RandomApply(keras.layers.Rescaling(scale, offset))
    back = [keras.layers.Rescaling(1 / 255), keras.layers.RandomFlip(), keras.layers.Rescaling(255)]
    RandomApply(keras.Sequential(back))


@pytest.mark.parametrize("kind", [list, tuple])
def test_list_of_layers_is_applied_in_order_to_the_selected_images(kind, tmp_path):
    layers = kind([keras.layers.RandomInvert(**INVERT), keras.layers.Rescaling(1.0, offset=3.0)])
    layer = RandomApply(layers, 0.5, seed=3)
    images = random_images(16, 4, 4, 3)
    outputs = as_numpy(layer(images, training=True))
    changed = (outputs != images).any((1, 2, 3))
    assert 0 < changed.sum() < 16
    np.testing.assert_allclose(outputs[changed], 258.0 - images[changed], atol=1e-3)
    model = keras.Sequential([keras.Input((4, 4, 3)), RandomApply(kind(["light", *layers]))])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").layers[0]
    assert isinstance(loaded.layer, AugmentationPipeline)
    assert [type(each) for each in loaded.layer.layers] == [
        *(RandomAffine, keras.layers.RandomInvert, keras.layers.Rescaling)
    ]
    assert json.dumps(loaded.get_config()) == json.dumps(model.layers[0].get_config())
