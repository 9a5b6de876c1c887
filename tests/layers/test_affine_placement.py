"""Augmentation in a model, in a `tf.data` map and on arrays: the same layer, the same images."""

import keras
import numpy as np
import pytest

from catdog_keras._backend.resampling import CHUNK_SIZE
from catdog_keras.layers import RandomAffine
from catdog_keras.layers._random_affine import FILL_MODES
from tests.arrays import as_float32, random_images

BACKEND = keras.backend.backend()
ON_TENSORFLOW = pytest.mark.skipif(BACKEND != "tensorflow", reason="a matter of TensorFlow's XLA")
SHAPE = (3, 13, 18, 3)
EVERYTHING = ("horizontal_and_vertical", 40, 0.3, 0.2, 15)


def mapped(images, transform, batch_size=None, **options):
    """What a map makes of images, one by one or in batches, joined."""
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices(images)
    dataset = dataset if batch_size is None else dataset.batch(batch_size)
    join = np.stack if batch_size is None else np.concatenate
    return join(list(dataset.map(transform, **options).as_numpy_iterator()))


# Each fill mode and each interpolation in both data formats; `test_affine_geometry` has all triples.
@pytest.mark.parametrize(
    ("fill_mode", "interpolation", "data_format"),
    [
        (fill_mode, interpolation, ["channels_last", "channels_first"][(first + second) % 2])
        for first, fill_mode in enumerate(FILL_MODES)
        for second, interpolation in enumerate(["bilinear", "nearest"])
    ],
)
def test_tf_data_map_and_predict_match_transform_images_on_arrays(
    fill_mode, interpolation, data_format, several_parameters
):
    import tensorflow as tf

    images = (
        random_images(3, 3, 13, 18) if data_format == "channels_first" else random_images(*SHAPE)
    )
    layer = RandomAffine(
        fill_mode=fill_mode, interpolation=interpolation, fill_value=9.0, data_format=data_format
    )
    expected = as_float32(layer.transform_images(images, several_parameters))

    class Fixed(keras.layers.Layer):
        def call(self, inputs):
            return layer.transform_images(inputs, several_parameters)

    model = keras.Sequential([keras.Input(batch_shape=images.shape), Fixed()])
    found = {
        "model": model.predict(images, verbose=0),
        "batch": mapped(images, lambda x: layer.transform_images(x, several_parameters), 3),
    }
    dataset = tf.data.Dataset.from_tensor_slices((images, several_parameters))
    singly = dataset.map(lambda image, given: layer.transform_images(image, tf.nest.map_structure(lambda x: x[None], given)))  # fmt: skip
    found["singly"] = np.stack(list(singly.as_numpy_iterator()))
    for place, outputs in found.items():
        # Compilers round coordinates otherwise; the nearest pixel is another one at a tie.
        share = np.isclose(outputs, expected, atol=0.01).mean()
        assert share > (0.98 if interpolation == "nearest" else 0.9999), place


@pytest.mark.parametrize("count", [1, CHUNK_SIZE, 2 * CHUNK_SIZE + 3])
def test_chunked_resampling_matches_single_image_resampling(count):
    layer = RandomAffine(*EVERYTHING, seed=0)
    images = random_images(count, 9, 8, 3)
    drawn = layer.get_random_transformation(count)
    together = as_float32(layer.transform_images(images, drawn))
    assert together.shape == images.shape
    assert (together != images).any((1, 2, 3)).all()
    for place in range(count):
        own = {name: values[place : place + 1] for name, values in drawn.items()}
        singly = as_float32(layer.transform_images(images[place : place + 1], own))[0]
        np.testing.assert_allclose(together[place], singly, atol=0.01)


def test_resampling_empty_batch_returns_empty_batch():
    layer = RandomAffine(*EVERYTHING)
    outputs = layer.transform_images(random_images(0, 9, 8, 3), layer.get_random_transformation(0))
    assert tuple(outputs.shape) == (0, 9, 8, 3)
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"


@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_tf_data_map_draws_per_image_and_epoch_and_follows_seed(batch_size, dtype):
    import tensorflow as tf

    images = np.stack([random_images(9, 8, 3)] * 10).astype(dtype)  # batches of 4, 4 and 2
    dataset = tf.data.Dataset.from_tensor_slices(images)
    dataset = dataset if batch_size is None else dataset.batch(batch_size)

    def augment_for_two_epochs(seed):
        layer = RandomAffine(*EVERYTHING, seed=seed)
        augmented = dataset.map(lambda x: layer(x, training=True))
        join = np.stack if batch_size is None else np.concatenate
        return np.stack([join(list(augmented.as_numpy_iterator())) for _ in range(2)])

    found = augment_for_two_epochs(3)
    assert found.shape == (2, *images.shape)
    assert found.dtype == "float32"
    assert len({image.tobytes() for each in found for image in each}) == 20
    np.testing.assert_array_equal(augment_for_two_epochs(3), found)
    if batch_size is None and dtype == "float32":  # compiling each map takes long
        assert (augment_for_two_epochs(4) != found).any()
        assert (augment_for_two_epochs(None) != augment_for_two_epochs(None)).any()


def test_parallel_tf_data_map_never_repeats_draws():
    import tensorflow as tf

    images = np.stack([random_images(9, 8, 3)] * 400)
    layer = RandomAffine(*EVERYTHING, seed=0)
    calls = {"num_parallel_calls": 8, "deterministic": False}
    found = mapped(images, lambda x: layer(x, training=True), **calls)
    assert len({image.tobytes() for image in found}) == 400
    again = RandomAffine(*EVERYTHING, seed=0)
    sequential = mapped(images, lambda x: again(x, training=True))
    assert {p.tobytes() for p in found} == {p.tobytes() for p in sequential}
    with tf.device("CPU:0"):  # a function inside of the map is in the map, too
        inner = tf.function(lambda x: layer(x, training=True))
        found = mapped(images, inner, **calls)
    assert len({image.tobytes() for image in found}) == 400


@pytest.mark.parametrize("batch_size", [None, 3])
def test_tf_data_map_keeps_images_unchanged_when_not_training(batch_size):
    images, layer = random_images(*SHAPE), RandomAffine(*EVERYTHING)
    found = mapped(images, lambda x: layer(x, training=False), batch_size)
    np.testing.assert_array_equal(found, images)


def test_tf_data_map_returns_compute_dtype():
    layer = RandomAffine(*EVERYTHING, dtype="mixed_float16")
    found = mapped(random_images(*SHAPE), lambda x: layer(x, training=True), 3)
    assert found.dtype == "float16"


def test_tf_data_map_accepts_varying_image_sizes():
    import tensorflow as tf

    layer = RandomAffine("vertical", rotation_degrees=(180, 180), fill_mode="wrap", seed=0)
    sizes = [(5, 7), (8, 3), (1, 1)]
    dataset = tf.data.Dataset.from_generator(
        lambda: (random_images(*size, 3) for size in sizes),
        output_signature=tf.TensorSpec((None, None, 3)),
    )
    outputs = dataset.map(lambda x: layer(x, training=True)).as_numpy_iterator()
    assert [output.shape[:2] for output in outputs] == sizes


def test_tf_data_map_applies_same_transform_to_image_and_mask():
    import tensorflow as tf

    layer = RandomAffine(*EVERYTHING, fill_mode="constant", interpolation="nearest", seed=0)
    images = random_images(6, 9, 8, 3)

    def transform(x):
        drawn = layer.get_random_transformation(tf.shape(x)[0])
        return tf.concat(
            [layer.transform_images(x, drawn), layer.transform_images(x[..., :1], drawn)], -1
        )

    found = mapped(images, transform, 3)
    np.testing.assert_array_equal(found[..., :1], found[..., 3:])
    assert (found[..., :3] != images).any()


@ON_TENSORFLOW
@pytest.mark.parametrize("fill_mode", FILL_MODES)
def test_xla_compiled_transform_images_matches_eager(fill_mode, several_parameters):
    import tensorflow as tf

    layer, images = RandomAffine(fill_mode=fill_mode, fill_value=9.0), random_images(*SHAPE)
    compiled = tf.function(
        lambda x: layer.transform_images(x, several_parameters), jit_compile=True
    )
    expected = as_float32(layer.transform_images(images, several_parameters))
    np.testing.assert_allclose(compiled(images).numpy(), expected, atol=0.01)


@ON_TENSORFLOW
def test_jit_compiled_model_trains_without_warning():
    images = random_images(5, 8, 8, 3) / 255  # batches of 2, 2 and 1
    layers = [keras.Input((8, 8, 3)), RandomAffine(*EVERYTHING), keras.layers.Dense(3)]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD(0.0), "mse", jit_compile=True)
    losses = model.fit(images, images, batch_size=2, epochs=3, shuffle=False, verbose=0).history
    assert model.jit_compile
    assert len(set(losses["loss"])) == 3


@ON_TENSORFLOW
def test_tf_data_map_matches_arrays_when_xla_is_unavailable(monkeypatch, several_parameters):
    import tensorflow as tf

    from catdog_keras._backend.xla import can_compile_by_xla

    images, layer = random_images(*SHAPE), RandomAffine()
    expected = as_float32(layer.transform_images(images, several_parameters))

    def refuse(*arguments, **options):
        if options.get("jit_compile"):
            raise tf.errors.UnimplementedError(None, None, "no compiler")
        return function(*arguments, **options)

    function = tf.function
    monkeypatch.setattr(tf, "function", refuse)
    can_compile_by_xla.cache_clear()
    try:
        outputs = mapped(images, lambda x: layer.transform_images(x, several_parameters), 3)
        assert not can_compile_by_xla()
    finally:
        can_compile_by_xla.cache_clear()
    np.testing.assert_array_equal(outputs, expected)
