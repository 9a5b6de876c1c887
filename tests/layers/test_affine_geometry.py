"""What augmentation does to images by given parameters: directions, fill modes, one resampling.

Compared with a resampling written out in NumPy, and with Keras's separate layers.
"""

import keras
import numpy as np
import pytest
from hypothesis import given, strategies as st

from catdog_keras.layers import RandomAffine
from catdog_keras.layers._affine_matrix import PARAMETERS, affine_matrix
from catdog_keras.layers._random_affine import FILL_MODES
from tests.arrays import as_float32, random_images

SPANS = {
    "flip_horizontal": st.sampled_from([0.0, 1.0]),
    "flip_vertical": st.sampled_from([0.0, 1.0]),
    "zoom": st.floats(-0.9, 9),
    "shear_degrees": st.floats(-80, 80),
    "rotation_degrees": st.floats(-360, 360),
    "translation_height": st.floats(-1, 1),
    "translation_width": st.floats(-1, 1),
}


SHAPE = (3, 13, 18, 3)  # shared where it does not matter: JAX compiles each of them


def parameters(batch_size=1, **given):
    return {name: np.full(batch_size, given.get(name, 0.0), "float32") for name in PARAMETERS}


def apply(image, layer=None, **given):
    """One image, transformed by the given parameters, the rest being neutral."""
    layer = layer or RandomAffine(fill_mode="constant")
    return as_float32(layer.transform_images(image[None], parameters(**given)))[0]


def reference_matrix(given, height, width):
    """From a point of the result to one of the image: the inverse of the steps in order."""
    center = np.array([[1, 0, (width - 1) / 2], [0, 1, (height - 1) / 2], [0, 0, 1]])
    mirror = np.diag([1 - 2 * given["flip_horizontal"], 1 - 2 * given["flip_vertical"], 1])
    zoom = np.diag([1 / (1 + given["zoom"]), 1 / (1 + given["zoom"]), 1])
    shear, rotation, shift = np.eye(3), np.eye(3), np.eye(3)
    shear[0, 1] = -np.tan(np.radians(given["shear_degrees"]))  # y points down
    angle = np.radians(given["rotation_degrees"])
    rotation[:2, :2] = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    shift[:2, 2] = given["translation_width"] * width, given["translation_height"] * height
    forward = shift @ center @ rotation @ shear @ zoom @ mirror @ np.linalg.inv(center)
    return np.linalg.inv(forward)


def neighbor(indices, size, fill_mode):
    """The pixel that stands for one outside of the image, and whether it does."""
    inside = (indices >= 0) & (indices < size)
    if fill_mode == "wrap":
        return indices % size, np.ones_like(inside)
    if fill_mode == "reflect":
        folded = indices % (2 * size)
        return np.minimum(folded, 2 * size - 1 - folded), np.ones_like(inside)
    return indices.clip(0, size - 1), inside | (fill_mode == "nearest")


def reference(image, matrix, fill_mode, interpolation, fill_value):
    """The image resampled in float64."""
    height, width, _ = image.shape
    rows, columns = np.mgrid[:height, :width]
    points = np.stack([columns, rows, np.ones_like(rows)], axis=-1) @ matrix.T
    x, y = points[..., 0], points[..., 1]
    if interpolation == "nearest":
        x, y = np.round(x), np.round(y)
    total = np.zeros(image.shape)
    for right in (0, 1):
        for below in (0, 1):
            column, row = np.floor(x).astype(int) + right, np.floor(y).astype(int) + below
            weight = np.abs(1 - right - x % 1) * np.abs(1 - below - y % 1)
            column, inside_x = neighbor(column, width, fill_mode)
            row, inside_y = neighbor(row, height, fill_mode)
            values = np.where((inside_x & inside_y)[..., None], image[row, column], fill_value)
            total += weight[..., None] * values
    return total


@given(given=st.fixed_dictionaries(SPANS), height=st.integers(1, 400), width=st.integers(1, 400))
def test_affine_matrix_matches_inverse_of_composed_steps(given, height, width):
    arrays = {name: np.array([value]) for name, value in given.items()}
    (matrix,) = affine_matrix(arrays, float(height), float(width), ops=np)
    expected = reference_matrix(given, height, width)
    np.testing.assert_allclose(matrix, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("fill_mode", FILL_MODES)
def test_transform_images_matches_numpy_reference(
    fill_mode, interpolation, data_format, several_parameters
):
    images = random_images(*SHAPE)
    given = several_parameters
    layer = RandomAffine(
        fill_mode=fill_mode,
        interpolation=interpolation,
        fill_value=99.0,
        data_format=data_format,
    )
    if data_format == "channels_first":
        outputs = as_float32(layer.transform_images(images.transpose(0, 3, 1, 2), given)).transpose(
            0, 2, 3, 1
        )
    else:
        outputs = as_float32(layer.transform_images(images, given))
    for index, (image, output) in enumerate(zip(images, outputs, strict=True)):
        one = {name: float(values[index]) for name, values in given.items()}
        matrix = reference_matrix(one, 13, 18)
        expected = reference(image, matrix, fill_mode, interpolation, 99.0)
        if interpolation == "nearest":  # float32 may round a coordinate near one half otherwise
            assert (output == expected).all(axis=-1).mean() > 0.98
            continue
        # Coordinates up to 20 are exact to 2e-6 in float32; neighbors differ by up to 255.
        np.testing.assert_allclose(output, expected, rtol=0, atol=5e-3)


def test_neutral_parameters_keep_image_unchanged():
    image = random_images(8, 12, 3)
    np.testing.assert_array_equal(apply(image), image)


def test_flips_are_exact():
    image = random_images(8, 12, 3)
    np.testing.assert_array_equal(apply(image, flip_horizontal=1), image[:, ::-1])
    np.testing.assert_array_equal(apply(image, flip_vertical=1), image[::-1])
    both = apply(image, flip_horizontal=1, flip_vertical=1)
    np.testing.assert_array_equal(both, image[::-1, ::-1])


def test_positive_rotation_is_counterclockwise():
    image = random_images(9, 9, 3)
    for quarters in range(-4, 5):
        turned = apply(image, rotation_degrees=90 * quarters)
        np.testing.assert_allclose(turned, np.rot90(image, quarters), atol=5e-3)


def test_channels_first_matches_transposed_channels_last(several_parameters):
    images = random_images(*SHAPE)
    expected = as_float32(RandomAffine().transform_images(images, several_parameters))
    first = RandomAffine(data_format="channels_first")
    outputs = as_float32(first.transform_images(images.transpose(0, 3, 1, 2), several_parameters))
    np.testing.assert_array_equal(outputs.transpose(0, 2, 3, 1), expected)


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("fill_mode", FILL_MODES)
def test_transform_images_matches_keras_affine_transform(
    fill_mode, interpolation, several_parameters
):
    images = random_images(*SHAPE)
    layer = RandomAffine(fill_mode=fill_mode, interpolation=interpolation, fill_value=99.0)
    outputs = as_float32(layer.transform_images(images, several_parameters))
    matrix = as_float32(affine_matrix(several_parameters, 13.0, 18.0, np)).reshape(-1, 9)[:, :8]
    expected = as_float32(
        keras.ops.image.affine_transform(
            images, matrix, interpolation, fill_mode, 99.0, data_format="channels_last"
        )
    )
    agrees = np.isclose(outputs, expected, atol=5e-3).all(-1).mean()
    # Ties of "nearest" are rounded otherwise; TensorFlow does not blend over the seam of "wrap".
    seam = keras.backend.backend() == "tensorflow" and fill_mode == "wrap"
    assert agrees > (0.8 if seam else 0.98 if interpolation == "nearest" else 0.9999)


def test_positive_translation_moves_image_down_and_right_by_fraction():
    image = random_images(8, 12, 3)
    expected = np.zeros_like(image)
    expected[2:, 6:] = image[:-2, :-6]
    outputs = apply(image, translation_height=0.25, translation_width=0.5)
    np.testing.assert_allclose(outputs, expected, atol=5e-3)


def test_positive_zoom_zooms_out():
    ones = np.ones((21, 21, 1), "float32")
    assert apply(ones, zoom=1).sum() == pytest.approx(11**2)
    assert apply(ones, zoom=-0.5).sum() == pytest.approx(21**2)


def test_positive_shear_moves_top_of_image_to_the_right():
    line = np.zeros((21, 21, 1), "float32")
    line[:, 10] = 1
    peaks = apply(line, shear_degrees=45)[..., 0].argmax(axis=1)
    np.testing.assert_array_equal(peaks[[0, 5, 10, 15, 20]], [20, 15, 10, 5, 0])


def fixed_keras_layers(turn, zoom, shift):
    common = {"fill_mode": "constant"}
    return [
        keras.layers.RandomRotation((turn, turn), **common),
        keras.layers.RandomZoom((zoom, zoom), **common),
        keras.layers.RandomTranslation((shift, shift), (shift, shift), **common),
    ]


@pytest.mark.parametrize("sign", [1, -1])
def test_rotation_zoom_and_translation_match_keras_layers(sign):
    images = random_images(1, 8, 12, 3)
    theirs = fixed_keras_layers(sign * 0.05, sign * 0.3, sign * 0.15)
    ours = [{"rotation_degrees": (18, 18)}, {"zoom": (0.3, 0.3)}, {"translation": (0.15, 0.15)}]
    for arguments, keras_layer in zip(ours, theirs, strict=True):
        spans = {name: (sign * low, sign * high) for name, (low, high) in arguments.items()}
        layer = RandomAffine(fill_mode="constant", **spans)
        expected = as_float32(keras_layer(images, training=True))
        assert np.abs(expected - images).max() > 10
        np.testing.assert_allclose(as_float32(layer(images, training=True)), expected, atol=5e-3)


@pytest.mark.parametrize("direction", ["horizontal", "vertical"])
def test_flip_matches_keras_random_flip(direction):
    images = random_images(8, 8, 12, 3)
    expected = as_float32(keras.layers.RandomFlip(direction, seed=0)(images, training=True))
    ways = [
        as_float32(
            RandomAffine().transform_images(images, parameters(8, **{f"flip_{direction}": way}))
        )
        for way in (0, 1)
    ]
    same = [[np.array_equal(*each) for each in zip(way, expected, strict=True)] for way in ways]
    assert np.logical_xor(*same).all()
    assert np.any(same, axis=1).all()  # each way occurs


def test_shear_matches_centered_keras_random_shear():
    images = random_images(8, 8, 12, 3)
    slope = 0.4
    theirs = keras.layers.RandomShear((slope, slope), fill_mode="constant", seed=0)
    expected = as_float32(theirs(images, training=True))
    layer, ways = RandomAffine(fill_mode="constant"), []
    for sign in (1, -1):  # Keras draws it, and shears about the first pixel
        given = parameters(
            8,
            shear_degrees=sign * np.degrees(np.arctan(slope)),
            translation_width=-sign * slope * 3.5 / 12,
        )
        ways.append(as_float32(layer.transform_images(images, given)))
    same = [
        [np.allclose(*each, atol=5e-3) for each in zip(way, expected, strict=True)] for way in ways
    ]
    assert np.logical_xor(*same).all()
    assert np.any(same, axis=1).all()


def test_single_resampling_matches_chain_of_keras_layers():
    # Interpolation gives a slope exactly, however often it is done, away from the borders.
    rows, columns = np.mgrid[:24, :31]
    slope = np.stack([rows, columns, np.ones_like(rows)], axis=-1)[None].astype("float32")
    expected = slope
    for layer in fixed_keras_layers(0.06, -0.2, 0.1):
        expected = layer(expected, training=True)
    expected = as_float32(expected)
    layer = RandomAffine(
        rotation_degrees=(21.6, 21.6),
        zoom=(-0.2, -0.2),
        translation=(0.1, 0.1),
        fill_mode="constant",
    )
    outputs = as_float32(layer(slope, training=True))
    inside = np.abs(expected[..., 2] - 1) < 1e-5  # no border came in on the way
    assert 0.5 < inside.mean() < 0.95
    np.testing.assert_allclose(outputs[inside], expected[inside], atol=1e-4)
