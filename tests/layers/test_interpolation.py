"""Bicubic interpolation and fill values per channel, compared with Pillow and TensorFlow."""

import keras
import numpy as np
import pytest
from PIL import Image

from catdog_keras.layers import RandomAffine
from catdog_keras.layers._affine_matrix import PARAMETERS, affine_matrix
from catdog_keras.layers._random_affine import FILL_MODES, INTERPOLATIONS
from tests.arrays import as_float32, random_images

SHAPE = (3, 13, 18, 3)


def zoomed_by_pillow(image, factor):
    """The middle `factor` of the height and width, resized to those of the image."""
    height, width, channels = image.shape
    margin_x, margin_y = (1 - factor) / 2 * width, (1 - factor) / 2 * height
    box = (margin_x, margin_y, width - margin_x, height - margin_y)
    planes = [Image.fromarray(image[..., channel]) for channel in range(channels)]
    resized = [each.resize((width, height), Image.Resampling.BICUBIC, box) for each in planes]
    return np.stack([np.asarray(each) for each in resized], axis=-1)


def test_bicubic_zoom_matches_pillow():
    image = random_images(24, 31, 3)
    for zoom in (-0.3, -0.5, -0.8):
        layer = RandomAffine(zoom=(zoom, zoom), interpolation="bicubic")
        expected = zoomed_by_pillow(image, 1 + zoom)
        assert expected.max() > image.max()  # it exceeds the range, as documented
        np.testing.assert_allclose(as_float32(layer(image)), expected, atol=0.02)


def test_bicubic_zoom_matches_tensorflow_resize():
    import tensorflow as tf

    image = random_images(20, 24, 3)
    layer = RandomAffine(zoom=(-0.5, -0.5), interpolation="bicubic")
    resized = tf.image.resize(image, (40, 48), "bicubic").numpy()
    np.testing.assert_allclose(as_float32(layer(image)), resized[10:30, 12:36], atol=0.02)


def keys(distance):
    """The kernel of Keys (1981) with a = -0.5, as a function of the distance."""
    x, a = np.abs(distance), -0.5
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def fold(index, size, fill_mode):
    if fill_mode == "wrap":
        return index % size
    if fill_mode == "reflect":
        return np.minimum(index % (2 * size), 2 * size - 1 - index % (2 * size))
    return index.clip(0, size - 1)


def reference(image, matrix, fill_mode, fill_value):
    height, width, _ = image.shape
    rows, columns = np.mgrid[:height, :width]
    points = np.stack([columns, rows, np.ones_like(rows)], axis=-1) @ matrix.T
    x, y = points[..., 0], points[..., 1]
    total = np.zeros(image.shape)
    for right in range(-1, 3):
        for below in range(-1, 3):
            column, row = np.floor(x).astype(int) + right, np.floor(y).astype(int) + below
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            values = image[fold(row, height, fill_mode), fold(column, width, fill_mode)]
            if fill_mode == "constant":
                values = np.where(inside[..., None], values, fill_value)
            total += (keys(x - column) * keys(y - row))[..., None] * values
    return total


@pytest.mark.parametrize("fill_mode", FILL_MODES)
def test_bicubic_matches_keys_kernel_in_every_fill_mode(fill_mode, several_parameters):
    images, fill_value = random_images(*SHAPE), (10.0, 99.0, 200.0)
    layer = RandomAffine(fill_mode=fill_mode, interpolation="bicubic", fill_value=fill_value)
    outputs = as_float32(layer.transform_images(images, several_parameters))
    matrices = affine_matrix(several_parameters, 13.0, 18.0, np)
    for image, output, matrix in zip(images, outputs, matrices, strict=True):
        expected = reference(image, matrix.astype("float64"), fill_mode, fill_value)
        np.testing.assert_allclose(output, expected, atol=0.01)


def test_bicubic_keeps_unmoved_and_flipped_images_exactly():
    images = random_images(*SHAPE)
    given = {name: np.zeros(3, "float32") for name in PARAMETERS}
    layer = RandomAffine(interpolation="bicubic")
    np.testing.assert_allclose(as_float32(layer.transform_images(images, given)), images, rtol=1e-6)
    given["flip_horizontal"] += 1
    flipped = as_float32(layer.transform_images(images, given))
    np.testing.assert_allclose(flipped, images[:, :, ::-1], rtol=1e-6)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_fill_value_of_each_channel_matches_one_channel_at_a_time(
    interpolation, data_format, several_parameters
):
    images, fill_value = random_images(*SHAPE), [10, 99, 200]
    channel = 3 if data_format == "channels_last" else 1
    images = np.moveaxis(images, 3, channel)
    options = {
        "fill_mode": "constant",
        "interpolation": interpolation,
        "data_format": data_format,
    }
    layer = RandomAffine(fill_value=fill_value, **options)
    outputs = as_float32(layer.transform_images(images, several_parameters))
    for index, value in enumerate(fill_value):
        alone = RandomAffine(fill_value=value, **options)
        expected = as_float32(alone.transform_images(images, several_parameters))
        np.testing.assert_allclose(
            outputs.take(index, channel), expected.take(index, channel), atol=1e-3
        )


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_map_and_model_match_arrays(interpolation, several_parameters):
    import tensorflow as tf

    images = random_images(*SHAPE)
    layer = RandomAffine(
        fill_mode="constant", interpolation=interpolation, fill_value=(10, 99, 200)
    )

    def transform(inputs):
        return layer.transform_images(inputs, several_parameters)

    class Fixed(keras.layers.Layer):
        def call(self, inputs):
            return transform(inputs)

    expected = as_float32(transform(images))
    (mapped,) = tf.data.Dataset.from_tensors(images).map(transform).as_numpy_iterator()
    np.testing.assert_allclose(mapped, expected, atol=0.02)
    model = keras.Sequential([keras.Input(batch_shape=images.shape), Fixed()])
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=0.02)


@pytest.mark.parametrize(
    ("fill_value", "error", "message"),
    [
        ((), ValueError, "`fill_value` must be a finite number, or one for each channel"),
        ((1, "2"), TypeError, r"`fill_value\[1\]` must be a finite number"),
        ((1, float("nan")), ValueError, r"`fill_value\[1\]` must be a finite number"),
    ],
)
def test_invalid_fill_value_raises(fill_value, error, message):
    with pytest.raises(error, match=message):
        RandomAffine(fill_value=fill_value)


def test_fill_values_for_another_number_of_channels_raise():
    layer = RandomAffine(fill_value=(1, 2))
    with pytest.raises(ValueError, match="one number, or one for each of the 3 channels"):
        layer(random_images(*SHAPE))
