"""What every exported layer promises, found by enumeration: a new layer needs a case here."""

import dataclasses
import doctest
import importlib
import inspect
import json
import pkgutil
import re
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, strategies as st

from catdog_keras import layers
from tests.arrays import as_float32, random_images

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
LAYERS = [name for name in layers.__all__ if inspect.isclass(getattr(layers, name))]
EVERY_LAYER = pytest.mark.parametrize("name", LAYERS)


@dataclasses.dataclass(frozen=True)
class Case:
    """How to make a layer: with as little as it takes, and with every argument changed."""

    changed: dict[str, Any]
    minimal: dict[str, Any] = dataclasses.field(default_factory=dict)
    identity_at_inference: bool = False
    smallest: int = 1  # side of the smallest image that it accepts


CASES = {
    "BatchNormalization": Case(
        changed={
            "axis": 1,
            "momentum": 0.5,
            "epsilon": 0.01,
            "center": False,
            "scale": False,
            "beta_initializer": "ones",
            "gamma_initializer": "zeros",
            "moving_mean_initializer": "ones",
            "moving_variance_initializer": keras.initializers.Constant(2.0),
            "beta_regularizer": "l2",
            "gamma_regularizer": "l1",
            "beta_constraint": "non_neg",
            "gamma_constraint": "non_neg",
            "renorm": True,
            "renorm_clipping": {"rmax": 2.0, "rmin": 0.5, "dmax": 1.0},
            "renorm_momentum": 0.9,
            # Keras refuses this argument on the other backends.
            **({"synchronized": True} if ON_TENSORFLOW else {}),
        },
    ),
    "ClassNames": Case(
        minimal={"class_names": ("cat", "dog", "fox")},
        changed={"class_names": tuple("abcdefghi")},
        identity_at_inference=True,
    ),
    "ConvBlock": Case(
        minimal={"filters": 4},
        smallest=4,  # a 3 x 3 convolution without padding, then pooling by 2 x 2
        changed={
            "filters": 6,
            "kernel_size": (2, 3),
            "strides": (1, 2),
            "padding": "same",
            "data_format": "channels_first",
            "dilation_rate": (1, 1),  # Keras allows others with strides=1 only
            "groups": 3,
            "activation": "tanh",
            "use_bias": False,
            "kernel_initializer": "ones",
            "bias_initializer": keras.initializers.Constant(2.0),
            "kernel_regularizer": "l2",
            "bias_regularizer": "l1",
            "kernel_constraint": "non_neg",
            "bias_constraint": "unit_norm",
            "normalization": "before",
            "momentum": 0.5,
            "pool_size": (3, 1),
            "pooling": "avg",
            "dropout": 0.4,
            "seed": 3,
        },
    ),
    "Preprocessing": Case(
        minimal={"scheme": "unit"},
        changed={"scheme": "imagenet_caffe", "data_format": "channels_first"},
    ),
    "RandomAffine": Case(
        changed={
            "flip": "horizontal_and_vertical",
            "rotation_degrees": (-10, 40),
            "zoom": 0.2,
            "translation": (0.0, 0.1),
            "shear_degrees": 5.5,
            "fill_mode": "constant",
            "interpolation": "nearest",
            "fill_value": (7.0, 8.0, 9.0),
            "seed": 3,
            "data_format": "channels_first",
            "bounding_box_format": "rel_xywh",
        },
        identity_at_inference=True,
    ),
    "RandomApply": Case(
        minimal={"layer": keras.layers.RandomInvert((1, 1))},
        changed={"layer": keras.layers.RandomBrightness((0.1, 0.1)), "rate": 0.4, "seed": 3},
        identity_at_inference=True,
    ),
    "RandomChoice": Case(
        minimal={"layers": [keras.layers.RandomInvert((1, 1)), keras.layers.Identity()]},
        changed={
            "layers": [keras.layers.RandomBrightness((n / 10, n / 10)) for n in range(1, 6)],
            "seed": 3,
        },
        identity_at_inference=True,
    ),
    "AugmentationPipeline": Case(
        minimal={
            "layers": [keras.layers.RandomInvert((1, 1), (0, 1)), layers.RandomAffine("horizontal")]
        },
        changed={"layers": [layers.RandomAffine(zoom=0.1, seed=3, data_format="channels_first")]},
        identity_at_inference=True,
    ),
}


def make(name: str, /, **arguments: Any) -> keras.layers.Layer:
    return getattr(layers, name)(**(CASES[name].minimal | arguments))


def make_changed(name: str, /, **arguments: Any) -> keras.layers.Layer:
    return getattr(layers, name)(**CASES[name].changed, **arguments)


def constructor_parameters(name: str) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(getattr(layers, name).__init__).parameters
    return {
        argument: parameter
        for argument, parameter in parameters.items()
        if argument != "self" and parameter.kind is not parameter.VAR_KEYWORD
    }


def call(layer: keras.layers.Layer, inputs: Any, *, training: bool) -> Any:
    takes_training = "training" in inspect.signature(layer.call).parameters
    return layer(inputs, training=training) if takes_training else layer(inputs)


def real_shape(layer: keras.layers.Layer, images: np.ndarray, *, training: bool) -> tuple[int, ...]:
    """Shape that the computation itself gives."""
    if keras.backend.backend() != "jax":
        return tuple(call(layer, images, training=training).shape)
    import jax

    # JAX compiles each operation again for each shape; tracing takes a hundredth of the time.
    def traced(images):
        with keras.StatelessScope():
            return call(layer, images, training=training)

    return tuple(jax.eval_shape(traced, images).shape)


def scramble_weights(layer: keras.layers.Layer) -> None:
    """Gives all weights values that no initializer gives, the moving variance positive ones."""
    generator = np.random.default_rng(1)
    for weight in layer.weights:
        weight.assign(generator.uniform(0.5, 1.5, weight.shape))


def test_every_layer_has_a_case_and_is_exported():
    modules = [
        importlib.import_module(f"catdog_keras.layers.{module.name}")
        for module in pkgutil.iter_modules(layers.__path__)
    ]
    defined = {
        value.__name__
        for module in modules
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, keras.layers.Layer)
        and value.__module__ == module.__name__
        and not value.__name__.startswith("_")
    }
    assert set(LAYERS) == defined - {"BaseAugmentation", "SeededLayer", "WrapperLayer"}
    assert set(CASES) == set(LAYERS)


@EVERY_LAYER
def test_config_round_trip_restores_every_argument(name):
    arguments = set(constructor_parameters(name))
    if name == "BatchNormalization" and not ON_TENSORFLOW:
        arguments -= {"synchronized"}
    assert set(CASES[name].changed) == arguments
    minimal = make(name).get_config()
    layer = make_changed(name, name="given", dtype="mixed_bfloat16", trainable=False)
    config = layer.get_config()
    for argument in arguments:
        assert hasattr(layer, argument)
        assert config[argument] != minimal[argument], f"{argument} does not reach the config"
    serialized = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    assert serialized["registered_name"] == f"catdog_keras>{name}"
    for again in (
        type(layer).from_config(config),
        keras.saving.deserialize_keras_object(serialized),
    ):
        assert type(again) is type(layer)
        assert again.get_config() == config
        for argument in arguments:
            given, kept = CASES[name].changed[argument], getattr(again, argument)
            # Initializers, layers and the like are kept as objects.
            if not callable(kept) and not (isinstance(kept, list) and callable(kept[0])):
                assert kept == given


@EVERY_LAYER
@pytest.mark.parametrize("maker", [make, make_changed])
def test_saved_model_returns_same_outputs(name, maker, tmp_path):
    layer = maker(name)
    images = random_images(2, 3, 9, 9) if maker is make_changed else random_images(2, 9, 9, 3)
    model = keras.Sequential([keras.Input(images.shape[1:]), layer])
    scramble_weights(layer)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.layers[0]) is type(layer)
    configs = [keras.saving.serialize_keras_object(each) for each in (layer, loaded.layers[0])]
    assert json.dumps(configs[0]) == json.dumps(configs[1])  # a tuple is loaded as a list
    # Augmentation is the identity at inference; `make` passes no seed.
    for training in (False, True) if maker is make_changed else (False,):
        expected = as_float32(call(model, images, training=training))
        found = as_float32(call(loaded, images, training=training))
        np.testing.assert_array_equal(found, expected)


@EVERY_LAYER
@given(
    batch=st.integers(1, 3),
    height=st.integers(1, 17),
    width=st.integers(1, 17),
    data_format=st.sampled_from(["channels_last", "channels_first"]),
    dtype=st.sampled_from(["float32", "mixed_bfloat16"]),
)
def test_compute_output_shape_matches_symbolic_and_actual_shapes(
    name, batch, height, width, data_format, dtype
):
    takes_format = "data_format" in constructor_parameters(name)
    first = takes_format and data_format == "channels_first"
    options = {"data_format": data_format} if takes_format else {}

    def shape_of(batch, height, width):
        return (batch, 3, height, width) if first else (batch, height, width, 3)

    images = random_images(*shape_of(batch, height, width))
    layer = make(name, dtype=dtype, **options)
    if min(height, width) < CASES[name].smallest:
        with pytest.raises(ValueError, match="`input_shape` must be") as refusal:
            layer.compute_output_shape(images.shape)
        for inputs in (images, keras.KerasTensor(images.shape)):
            with pytest.raises(ValueError, match=re.escape(str(refusal.value))):
                make(name, dtype=dtype, **options)(inputs)
        return
    declared = layer.compute_output_shape(images.shape)
    assert tuple(layer(keras.KerasTensor(images.shape)).shape) == declared
    assert declared[0] == batch
    unknown = layer.compute_output_shape(shape_of(None, None, None))
    assert tuple(layer(keras.KerasTensor(shape_of(None, None, None))).shape) == unknown
    assert all(size in (None, known) for size, known in zip(unknown, declared, strict=True))
    for training in (False, True):
        assert real_shape(layer, images, training=training) == declared


@EVERY_LAYER
@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("training", [False, True])
def test_outputs_use_compute_dtype_and_weights_use_float32(name, policy, training):
    layer = make(name, dtype=policy)
    symbolic = layer(keras.KerasTensor((None, 8, 8, 3)))
    outputs = call(layer, random_images(2, 8, 8, 3), training=training)
    computed = keras.dtype_policies.get(policy).compute_dtype
    assert keras.backend.standardize_dtype(outputs.dtype) == computed
    assert keras.backend.standardize_dtype(symbolic.dtype) == computed
    assert {weight.dtype for weight in layer.weights} <= {"float32"}
    assert np.isfinite(as_float32(outputs)).all()


@EVERY_LAYER
def test_fit_is_finite_and_updates_every_trainable_weight(name):
    images = random_images(6, 8, 8, 3) / 255
    layer = make(name)
    head = [keras.layers.Flatten(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((8, 8, 3)), layer, *head])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in model.trainable_weights]
    history = model.fit(images, np.arange(6) % 2, batch_size=4, verbose=0)  # 4, then 2 images
    assert np.isfinite(history.history["loss"]).all()
    for weight, old in zip(model.trainable_weights, before, strict=True):
        new = keras.ops.convert_to_numpy(weight)
        assert np.isfinite(new).all()
        assert (new != old).any(), weight.path


@EVERY_LAYER
def test_only_identity_layers_return_inputs_unchanged_at_inference(name):
    images = keras.ops.convert_to_tensor(random_images(3, 7, 5, 3))
    outputs = call(make(name), images, training=False)
    untouched = outputs.shape == images.shape and (as_float32(outputs) == as_float32(images)).all()
    assert untouched == CASES[name].identity_at_inference
    if untouched:
        assert outputs is images


RANDOM_LAYERS = [name for name in LAYERS if "seed" in constructor_parameters(name)]


def test_list_of_random_layers_is_not_empty():
    assert RANDOM_LAYERS


@pytest.mark.parametrize("name", RANDOM_LAYERS)
def test_same_seed_reproduces_outputs_and_other_seed_changes_them(name):
    images = random_images(3, 3, 9, 9)
    draws = []
    for seed in (5, 5, 6):
        layer = getattr(layers, name)(**(CASES[name].changed | {"seed": seed}))
        draws.append([as_float32(layer(images, training=True)) for _ in range(3)])
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0][0] != draws[2][0]).any()
    assert (draws[0][0] != draws[0][1]).any(), "the second call must draw new numbers"


@pytest.mark.parametrize("name", [n for n, case in CASES.items() if not case.identity_at_inference])
def test_batch_outputs_match_single_image_outputs(name):
    images = random_images(3, 9, 8, 3)
    layer = make(name)
    layer.build(images.shape)
    scramble_weights(layer)
    together = as_float32(call(layer, images, training=False))
    alone = [as_float32(call(layer, images[i : i + 1], training=False))[0] for i in range(3)]
    # A convolution may add up in another order for another batch size.
    np.testing.assert_allclose(together, np.stack(alone), rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(
    "name", [n for n in LAYERS if hasattr(getattr(layers, n), "get_random_transformation")]
)
def test_transform_images_of_batch_matches_single_images(name):
    images = random_images(8, 3, 9, 8)
    layer = make_changed(name)
    drawn = layer.get_random_transformation(8)
    together = as_float32(layer.transform_images(images, drawn))
    assert (together != images).any()

    def drawn_for(i):
        return keras.tree.map_structure(lambda x: x if x is None else x[i : i + 1], drawn)

    for i in range(3):
        alone = as_float32(layer.transform_images(images[i : i + 1], drawn_for(i)))[0]
        np.testing.assert_allclose(alone, together[i], rtol=1e-5, atol=1e-3)


@EVERY_LAYER
def test_docstring_has_every_section_and_a_runnable_example(name):
    layer_class = getattr(layers, name)
    text = inspect.getdoc(layer_class)  # Python 3.13 removes the indentation of `__doc__`
    for section in ("Source:", "Args:", "Input shape:", "Output shape:", "Raises:", "Example:"):
        assert f"\n{section}" in text
    assert text.splitlines()[0].endswith(".")
    assert "training" in text
    for argument in constructor_parameters(name):
        assert f"\n    {argument}: " in text
    (example,) = doctest.DocTestFinder(recurse=False).find(layer_class, name)
    assert 0 < len(example.examples) < 10
    report: list[str] = []
    outcome = doctest.DocTestRunner(verbose=False).run(example, out=report.append)
    assert outcome.failed == 0, "".join(report)
