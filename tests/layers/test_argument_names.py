"""Unknown argument names, ambiguous values and seeds of the augmentation layers."""

import inspect
import json
import warnings

import keras
import numpy as np
import pytest

from catdog_keras.layers import (
    AugmentationPipeline,
    RandomAffine,
    RandomApply,
    RandomChoice,
    augmentation_preset,
)
from catdog_keras.layers._argument_names import AFFINE_NAMES
from tests.arrays import as_numpy

IMAGES = np.random.default_rng(0).uniform(0, 255, (4, 6, 8, 3)).astype("float32")


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("factor", "Did you mean `rotation_degrees`? It is in degrees"),
        ("degrees", "Did you mean `rotation_degrees`?"),
        ("height_factor", "Did you mean `translation` or `zoom`?"),
        ("scale", "Did you mean `zoom`? For torchvision's scale (s, t), pass zoom=(1 / t - 1,"),
        ("horizontal_flip", 'Did you mean `flip`? Pass flip="horizontal".'),
        ("rotaton_degrees", "Did you mean `rotation_degrees`?"),
        ("Translate", "Did you mean `translation`?"),
        ("dtypes", "Did you mean `dtype`?"),
        ("p", "The probability of a layer is the `rate` of `RandomApply`."),
        ("something", "Its arguments are flip, rotation_degrees, zoom,"),
    ],
)
def test_unknown_argument_of_random_affine_suggests_the_one_that_was_meant(name, suggestion):
    with pytest.raises(TypeError) as raised:
        RandomAffine(**{name: 0.2})
    assert str(raised.value).startswith(f"`{name}` is not an argument of RandomAffine. ")
    assert suggestion in str(raised.value)


def test_every_suggestion_is_an_argument():
    own = inspect.signature(RandomAffine).parameters
    for name, (meant, _) in AFFINE_NAMES.items():
        assert name not in own
        assert set(meant) <= set(own)


# Not suggested: arguments of `keras.Layer`, and ours with the same name.
@pytest.mark.parametrize("kind", ["RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom", "RandomShear"])  # fmt: skip
def test_every_argument_of_keras_layers_is_known(kind):
    for name in inspect.signature(getattr(keras.layers, kind)).parameters:
        if name != "kwargs":
            assert name in AFFINE_NAMES or name in inspect.signature(RandomAffine).parameters


def test_wrappers_suggest_arguments():
    layer = RandomAffine()
    for make, message in (
        (lambda: RandomApply(layer, p=0.5), "`p` is not an argument of RandomApply. Did you mean `rate`?"),
        (lambda: RandomChoice([layer], p=[1.0]), "All layers have the same probability"),
        (lambda: AugmentationPipeline([layer], layer=layer), "Did you mean `layers`?"),
    ):  # fmt: skip
        with pytest.raises(TypeError) as raised:
            make()
        assert message in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"zoom": (0.8, 1.2)},
            "zoom=(0.8, 1.2) shrinks every image to 45% to 56% of its size: the result shows 1 + `zoom` ",
        ),
        ({"zoom": (0.9, 1.0)}, "scaled by 0.9 to 1, pass zoom=(0, 0.11)."),
        ({"zoom": (0.3, 1.5)}, "pass zoom=(-0.33, 2.3)."),
        ({"shear_degrees": 0.2}, "for the same shear use 11.3 instead of 0.2."),
        ({"shear_degrees": 1.0472}, "in radians, 1.047 is 60 degrees."),
        ({"rotation_degrees": np.pi / 2}, "in radians, 1.571 is 90 degrees."),
        ({"rotation_degrees": (-3.1416, 3.1416)}, "in radians, 3.142 is 180 degrees."),
    ],
)
def test_values_in_another_unit_warn(arguments, message):
    with pytest.warns(UserWarning, match="shrinks|is in degrees") as caught:
        RandomAffine(**arguments)
    assert len(caught) == 1
    assert message in str(caught[0].message)
    assert caught[0].filename == __file__


def test_usual_values_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for zoom in (0.5, 0.9, (0.1, 0.4), (-0.2, 1.0), (0, 1), (-0.9, 9)):
            RandomAffine(zoom=zoom)
        RandomAffine(rotation_degrees=3, shear_degrees=(0, 1.5))


def test_values_out_of_range_explain_the_unit():
    with pytest.raises(ValueError, match="not a number of pixels"):
        RandomAffine(translation=16)
    with pytest.raises(ValueError, match="To zoom out only, pass a pair"):
        RandomAffine(zoom=1.2)


MAKERS = {
    "affine": lambda seed: RandomAffine("horizontal", 40, seed=seed),
    "apply": lambda seed: RandomApply(keras.layers.RandomInvert((1, 1)), seed=seed),
    "choice": lambda seed: RandomChoice(
        [keras.layers.RandomInvert((1, 1)), keras.layers.Identity()], seed=seed
    ),
    "preset": lambda seed: augmentation_preset("strong", seed=seed),
}
EVERY_KIND = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@EVERY_KIND
def test_seed_generator_draws_reproducibly_and_survives_the_config(make):
    first, again = (make(keras.random.SeedGenerator(3)) for _ in range(2))
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(first)))
    loaded = keras.saving.deserialize_keras_object(config)
    images = IMAGES.repeat(8, axis=0)
    expected = as_numpy(first(images))
    np.testing.assert_array_equal(as_numpy(again(images)), expected)
    np.testing.assert_array_equal(as_numpy(loaded(images)), expected)
    assert (as_numpy(make(keras.random.SeedGenerator(4))(images)) != expected).any()


def test_seed_generator_is_kept_and_gives_the_numbers_of_its_seed():
    generator = keras.random.SeedGenerator(3)
    layer = RandomAffine("horizontal", 40, seed=generator)
    assert layer.seed is generator
    expected = as_numpy(RandomAffine("horizontal", 40, seed=3)(IMAGES))
    np.testing.assert_array_equal(as_numpy(layer(IMAGES)), expected)


def test_layers_with_one_seed_generator_draw_different_numbers():
    import tensorflow as tf

    for seed in (3, None):
        generator = keras.random.SeedGenerator(seed)
        layers = [RandomAffine(rotation_degrees=40, seed=generator) for _ in range(2)]
        one, other = (as_numpy(layer(IMAGES)) for layer in layers)
        assert (one != other).any()
        dataset = tf.data.Dataset.from_tensors(IMAGES)
        one, other = (next(dataset.map(layer).as_numpy_iterator()) for layer in layers)
        assert (one != other).any()


def test_model_with_a_shared_seed_generator_trains_and_loads(tmp_path):
    generator = keras.random.SeedGenerator(3)
    layers = [RandomAffine(rotation_degrees=40, seed=generator) for _ in range(2)]
    model = keras.Sequential([keras.Input(IMAGES.shape[1:]), *layers, keras.layers.Dense(3)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    losses = model.fit(IMAGES, IMAGES, epochs=3, batch_size=2, verbose=0).history["loss"]
    assert len(set(losses)) == 3
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.layers[0].seed, keras.random.SeedGenerator)


def test_wrappers_take_names_of_presets():
    for layer in (
        RandomApply("medium", 1.0),
        RandomChoice(["medium", RandomAffine(rotation_degrees=90)]),
        AugmentationPipeline(["medium", "light"]),
    ):
        assert (as_numpy(layer(IMAGES)) != IMAGES).any()
        assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()
    assert RandomApply("light").layer.get_config() == augmentation_preset("light").get_config()
    with pytest.raises(ValueError, match=r"`layers\[1\]` must be .* 'strong'; received"):
        RandomChoice(["light", "weak"])
