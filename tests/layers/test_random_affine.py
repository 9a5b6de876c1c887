"""What augmentation draws, when, and what it promises of its outputs."""

import warnings

import keras
import numpy as np
import pytest

from catdog_keras.layers import RandomAffine, RandomApply
from catdog_keras.layers._affine_matrix import PARAMETERS
from catdog_keras.layers._random_affine import FILL_MODES
from tests.arrays import as_float32, random_images

SHAPE = (3, 13, 18, 3)  # shared where it does not matter: JAX compiles each of them


def test_drawn_parameters_cover_their_ranges_independently():
    layer = RandomAffine("horizontal", 30, (-0.5, 0.1), 0.2, (5, 10), seed=0)
    drawn = {
        name: as_float32(values) for name, values in layer.get_random_transformation(2000).items()
    }
    assert set(drawn) == set(PARAMETERS)
    assert {values.shape for values in drawn.values()} == {(2000,)}
    spans = {
        "zoom": (-0.5, 0.1),
        "shear_degrees": (5, 10),
        "rotation_degrees": (-30, 30),
        "translation_height": (-0.2, 0.2),
        "translation_width": (-0.2, 0.2),
    }
    for name, (low, high) in spans.items():
        values = (drawn[name] - low) / (high - low)
        assert -1e-6 <= values.min() < 0.01
        assert 0.99 < values.max() <= 1 + 1e-6
        assert values.mean() == pytest.approx(0.5, abs=0.03)  # over 4 standard errors
    assert set(drawn["flip_horizontal"]) == {0.0, 1.0}
    assert drawn["flip_horizontal"].mean() == pytest.approx(0.5, abs=0.05)
    assert not drawn["flip_vertical"].any()
    together = np.corrcoef([drawn[name] for name in [*spans, "flip_horizontal"]])
    assert np.abs(together - np.eye(6)).max() < 0.1  # drawn independently


def test_each_image_in_batch_is_transformed_differently():
    images = np.stack([random_images(*SHAPE)[0]] * 3)
    outputs = as_float32(RandomAffine(rotation_degrees=90, seed=0)(images, training=True))
    for first in range(3):
        for second in range(first):
            assert (outputs[first] != outputs[second]).any()


def test_transform_images_of_batch_matches_single_images(several_parameters):
    images, given = random_images(*SHAPE), several_parameters
    layer = RandomAffine()
    together = as_float32(layer.transform_images(images, given))
    for index in range(3):
        alone = {name: values[index : index + 1] for name, values in given.items()}
        expected = as_float32(layer.transform_images(images[index], alone))
        np.testing.assert_array_equal(together[index], expected)


@pytest.mark.parametrize("fill_mode", FILL_MODES)
def test_outputs_stay_in_input_range(fill_mode):
    layer = RandomAffine(
        "horizontal", 180, 0.5, 0.5, 20, fill_mode=fill_mode, fill_value=128, seed=0
    )
    images = random_images(*SHAPE)
    outputs = as_float32(layer(images, training=True))
    assert outputs.min() >= images.min() - 1e-3
    assert outputs.max() <= images.max() + 1e-3
    constant = np.full(SHAPE, 128, "float32")
    np.testing.assert_allclose(as_float32(layer(constant, training=True)), constant, rtol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_rounds_values_but_not_coordinates(policy, several_parameters):
    images, given = random_images(*SHAPE), several_parameters
    exact = as_float32(RandomAffine().transform_images(images, given))
    rounded = as_float32(RandomAffine(dtype=policy).transform_images(images, given))
    step = {"mixed_float16": 2**-11, "mixed_bfloat16": 2**-8}[policy]
    np.testing.assert_allclose(rounded, exact, rtol=step)


def test_uint8_images_match_float32_images(several_parameters):
    images, given = random_images(*SHAPE).astype("uint8"), several_parameters
    outputs = as_float32(RandomAffine().transform_images(images, given))
    expected = as_float32(RandomAffine().transform_images(images.astype("float32"), given))
    np.testing.assert_array_equal(outputs, expected)
    assert keras.backend.standardize_dtype(RandomAffine()(images).dtype) == "float32"


@pytest.mark.parametrize("convert", [np.array, keras.ops.convert_to_tensor])
def test_transform_images_does_not_modify_its_arguments(convert, several_parameters):
    """Tensors of TensorFlow and JAX are immutable; arrays and PyTorch tensors are not."""
    images = convert(random_images(*SHAPE))
    given = {name: convert(values) for name, values in several_parameters.items()}
    passed = dict(given)
    RandomAffine().transform_images(images, given)
    np.testing.assert_array_equal(as_float32(images), random_images(*SHAPE))
    assert list(given) == list(passed)
    for name, values in several_parameters.items():
        assert given[name] is passed[name]
        np.testing.assert_array_equal(as_float32(given[name]), values)


def test_single_image_is_augmented_only_in_training():
    image = random_images(8, 12, 3)
    layer = RandomAffine("horizontal", 40, seed=0)
    outputs = as_float32(layer(image, training=True))
    assert outputs.shape == image.shape
    assert (outputs != image).any()
    np.testing.assert_array_equal(as_float32(layer(image, training=False)), image)


def test_compiled_model_draws_new_parameters_each_epoch():
    images = random_images(5, 8, 8, 3) / 255  # batches of 2, 2 and 1
    inputs = keras.Input((None, None, 3))
    outputs = keras.layers.Dense(3)(RandomAffine("horizontal", 40, 0.2, 0.1, 10, seed=0)(inputs))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.0), "mse")  # weights stay: only draws change the loss
    losses = model.fit(images, images, batch_size=2, epochs=3, shuffle=False, verbose=0).history
    assert len(set(losses["loss"])) == 3
    assert model.evaluate(images, images, verbose=0) == pytest.approx(
        model.evaluate(images, images, verbose=0)
    )


@pytest.mark.parametrize("rotation", [0.25, (-0.1, 0.9)])
def test_rotation_below_one_degree_warns(rotation):
    with pytest.warns(UserWarning, match="turn") as caught:
        RandomAffine(rotation_degrees=rotation)
    assert [str(warning.message) for warning in caught] == [
        f"`rotation_degrees` is in degrees; received rotation_degrees={rotation}, less than one degree. The factor of keras.layers.RandomRotation is a fraction of a full turn: for the same rotation multiply it by 360."
    ]
    assert caught[0].filename == __file__


@pytest.mark.parametrize("rotation", [0, 1, 360, (-360, 0.5)])
def test_rotation_in_degrees_does_not_warn(rotation):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        RandomAffine(rotation_degrees=rotation)
    assert caught == []


def span(largest, low, high):
    return f"a number from 0 to {largest}, or a pair (low, high) of numbers from {low} to {high} with low <= high"


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (
            {"flip": "left"},
            ValueError,
            "`flip` must be one of None, 'horizontal', 'vertical', 'horizontal_and_vertical'; received flip='left'.",
        ),
        (
            {"rotation_degrees": 361},
            ValueError,
            f"`rotation_degrees` must be {span(360, -360, 360)}; received rotation_degrees=361.",
        ),
        (
            {"rotation_degrees": "30"},
            TypeError,
            f"`rotation_degrees` must be {span(360, -360, 360)}; received rotation_degrees='30'.",
        ),
        ({"zoom": -0.1}, ValueError, f"`zoom` must be {span(0.9, -0.9, 9)}; received zoom=-0.1."),
        (
            {"zoom": (0.5, 0.2)},
            ValueError,
            f"`zoom` must be {span(0.9, -0.9, 9)}; received zoom=(0.5, 0.2).",
        ),
        (
            {"translation": (0.1, 0.2, 0.3)},
            ValueError,
            f"`translation` must be {span(1, -1, 1)}; received translation=(0.1, 0.2, 0.3).",
        ),
        (
            {"translation": float("nan")},
            ValueError,
            f"`translation` must be {span(1, -1, 1)}; received translation=nan.",
        ),
        (
            {"shear_degrees": (True, 2)},
            TypeError,
            f"`shear_degrees` must be {span(80, -80, 80)}; received shear_degrees=(True, 2).",
        ),
        (
            {"fill_mode": "mirror"},
            ValueError,
            "`fill_mode` must be one of 'constant', 'nearest', 'wrap', 'reflect'; received fill_mode='mirror'.",
        ),
        (
            {"interpolation": "cubic"},
            ValueError,
            "`interpolation` must be one of 'nearest', 'bilinear', 'bicubic'; received interpolation='cubic'.",
        ),
        (
            {"fill_value": float("inf")},
            ValueError,
            "`fill_value` must be a finite number; received fill_value=inf.",
        ),
        (
            {"fill_value": "0"},
            TypeError,
            "`fill_value` must be a finite number; received fill_value='0'.",
        ),
        (
            {"seed": -1},
            ValueError,
            "`seed` must be an integer from 0 to 2147483647; received seed=-1.",
        ),
        (
            {"seed": 2**31},
            ValueError,
            "`seed` must be an integer from 0 to 2147483647; received seed=2147483648.",
        ),
    ],
)
def test_invalid_argument_raises(arguments, kind, message):
    with pytest.raises(kind) as error:
        RandomAffine(**arguments)
    assert str(error.value) == message


@pytest.mark.parametrize("shape", [(8, 12), (1, 2, 8, 12, 3)])
def test_inputs_of_invalid_rank_raise(shape):
    with pytest.raises(ValueError, match="axes") as error:
        RandomAffine()(np.zeros(shape, "float32"))
    message = "`input_shape` must be of three axes (one image) or four (a batch); received input_shape={}."
    assert message.format(shape) in str(error.value)  # Keras adds the arguments of the call


def test_pair_argument_accepts_list():
    assert RandomAffine(zoom=[0.1, 0.2]).zoom == (0.1, 0.2)


MISSING = {n: v for n, v in RandomAffine().get_random_transformation(2).items() if n != "zoom"}


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RandomAffine()([np.zeros((2, 4, 4, 3))]), TypeError, "`inputs` must be one tensor of images, or a dictionary with it as 'images'; received a list."),
        (lambda: RandomAffine().transform_images(np.zeros((4, 4)), MISSING), ValueError, "`input_shape` must be of three axes (one image) or four (a batch); received input_shape=(4, 4)."),
        (lambda: RandomAffine().transform_images(np.zeros((2, 4, 4, 3)), MISSING), ValueError, "`transformation` must be a result of `get_random_transformation`; received transformation=["),
        (lambda: RandomAffine().transform_images(np.zeros((2, 4, 4, 3)), RandomAffine().get_random_transformation(3)), ValueError, "`transformation` must be drawn for the same number of images, here 2; received those of 3."),
        (lambda: RandomAffine().transform_images(np.zeros((2, 4, 4)), RandomAffine().get_random_transformation(2)), ValueError, "`transformation` must be drawn for the same number of images, here 1; received those of 2. Add a channel axis to masks: masks[..., None]."),
    ],
)  # fmt: skip
def test_invalid_inputs_or_transformation_raise(make, error, message):
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value).startswith(message)


def test_transform_images_accepts_lists_of_numbers(several_parameters):
    layer, images = RandomAffine(), random_images(*SHAPE)
    given = {name: values.tolist() for name, values in several_parameters.items()}
    expected = as_float32(layer.transform_images(images, several_parameters))
    assert (expected != images).any((1, 2, 3)).all()
    np.testing.assert_array_equal(as_float32(layer.transform_images(images, given)), expected)


@pytest.mark.parametrize(
    ("data_format", "shape"),
    [
        ("channels_last", (2, 3, 32, 32)),
        ("channels_last", (1, 28, 28)),
        ("channels_first", (2, 32, 32, 3)),
    ],
)
def test_images_with_channels_on_the_other_side_are_rejected(data_format, shape):
    layer = RandomAffine("horizontal", data_format=data_format)
    other = {"channels_last": "channels_first", "channels_first": "channels_last"}[data_format]
    for training in (True, False):
        with pytest.raises(ValueError, match=f"pass data_format='{other}'"):
            layer(np.zeros(shape, "float32"), training=training)
    wrapped = RandomApply(RandomAffine("horizontal", data_format=data_format))
    with pytest.raises(ValueError, match=f"pass data_format='{other}'"):
        wrapped(np.zeros(shape, "float32"), training=True)
