"""Preprocessed values equal those of Keras's functions, at any position in a model."""

import keras
import numpy as np
import pytest

from catdog_keras.layers import Preprocessing
from catdog_keras.layers._preprocessing import SCHEMES
from tests.arrays import as_numpy

KERAS_FUNCTIONS = {
    "unit": keras.layers.Rescaling(1 / 255),
    "signed": keras.applications.mobilenet_v2.preprocess_input,
    "imagenet_torch": keras.applications.densenet.preprocess_input,
    "imagenet_caffe": keras.applications.resnet.preprocess_input,
}
KERAS_MODES = {"signed": "tf", "imagenet_torch": "torch", "imagenet_caffe": "caffe"}
# What one rounding of the first division becomes in the result. JAX always, and TensorFlow in a
# graph, divide by a constant by multiplying with its reciprocal.
ONE_ROUNDING = {"unit": 6e-8, "signed": 1.2e-7, "imagenet_torch": 1e-6, "imagenet_caffe": 0.0}
ON_JAX = keras.backend.backend() == "jax"
EVERY_SCHEME = pytest.mark.parametrize("scheme", SCHEMES)


def every_value():
    """Each of the 256 values in each channel, in another order per channel."""
    generator = np.random.default_rng(0)
    channels = [generator.permutation(256).reshape(1, 16, 16) for _ in range(3)]
    return np.stack(channels, axis=-1).astype("float32")


def assert_equal_to_numpy(scheme, outputs, expected):
    tolerance = ONE_ROUNDING[scheme] if ON_JAX else 0.0
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=tolerance)


def test_every_scheme_has_a_keras_reference():
    assert set(KERAS_FUNCTIONS) == set(SCHEMES)
    assert set(KERAS_MODES) | {"unit"} == set(SCHEMES)


@pytest.mark.parametrize("scheme", KERAS_MODES)
@pytest.mark.parametrize("kind", ["every value", "any value"])
def test_values_match_keras_preprocess_input_exactly(scheme, kind):
    images = every_value()
    if kind == "any value":
        images = np.random.default_rng(0).uniform(0, 255, (3, 31, 17, 3)).astype("float32")
    outputs = as_numpy(Preprocessing(scheme)(images))
    of_tensor = KERAS_FUNCTIONS[scheme](keras.ops.convert_to_tensor(images.copy()))
    np.testing.assert_array_equal(outputs, as_numpy(of_tensor))
    assert_equal_to_numpy(scheme, outputs, KERAS_FUNCTIONS[scheme](images.copy()))


def test_unit_matches_division_by_255_and_rescaling_within_one_ulp():
    images = every_value()
    outputs = as_numpy(Preprocessing("unit")(images))
    assert_equal_to_numpy("unit", outputs, images / np.float32(255))
    np.testing.assert_array_max_ulp(outputs, as_numpy(KERAS_FUNCTIONS["unit"](images)), maxulp=1)


@EVERY_SCHEME
def test_predict_matches_eager_values_within_one_rounding(scheme):
    images = every_value()
    model = keras.Sequential([keras.Input((None, None, 3)), Preprocessing(scheme)])
    eager = as_numpy(Preprocessing(scheme)(images))
    outputs = model.predict(images, verbose=0)
    np.testing.assert_allclose(outputs, eager, rtol=0, atol=ONE_ROUNDING[scheme])


@EVERY_SCHEME
def test_channels_first_matches_transposed_channels_last(scheme):
    images = every_value()
    expected = as_numpy(Preprocessing(scheme)(images)).transpose(0, 3, 1, 2)
    layer = Preprocessing(scheme, data_format="channels_first")
    inputs = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    outputs = as_numpy(layer(inputs))
    np.testing.assert_array_equal(outputs, expected)
    np.testing.assert_array_equal(as_numpy(layer(inputs[0])), expected[0])
    np.testing.assert_allclose(as_numpy(layer.denormalize(outputs)), inputs, atol=1e-4)
    if scheme in KERAS_MODES:
        keras_outputs = keras.applications.imagenet_utils.preprocess_input(
            inputs.copy(), data_format="channels_first", mode=KERAS_MODES[scheme]
        )
        assert_equal_to_numpy(scheme, outputs, keras_outputs)


@EVERY_SCHEME
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", "float64"])
def test_other_input_dtypes_match_float32_inputs(scheme, dtype):
    images = every_value()
    layer = Preprocessing(scheme)
    outputs = layer(images.astype(dtype))
    assert keras.backend.standardize_dtype(outputs.dtype) == "float32"
    np.testing.assert_array_equal(as_numpy(outputs), as_numpy(layer(images)))


@pytest.mark.parametrize("scheme", ["unit", "imagenet_torch"])
def test_float16_outputs_match_rounded_float32_outputs(scheme):
    images = np.random.default_rng(0).uniform(0, 255, (2, 9, 9, 3)).astype("float32")
    exact = as_numpy(Preprocessing(scheme)(images))
    rounded = as_numpy(Preprocessing(scheme, dtype="mixed_float16")(images))
    np.testing.assert_array_equal(rounded, exact.astype("float16"))


@EVERY_SCHEME
def test_denormalize_restores_images(scheme):
    images = every_value()
    layer = Preprocessing(scheme)
    np.testing.assert_allclose(as_numpy(layer.denormalize(layer(images))), images, atol=1e-4)
    np.testing.assert_allclose(as_numpy(layer.denormalize(layer(images[0]))), images[0], atol=1e-4)


@EVERY_SCHEME
def test_input_range_is_that_of_bytes(scheme):
    assert Preprocessing(scheme).input_range == (0, 255)


@EVERY_SCHEME
def test_output_range_matches_minimum_and_maximum_outputs(scheme):
    layer = Preprocessing(scheme)
    outputs = as_numpy(layer(every_value()))
    np.testing.assert_allclose(layer.output_range, (outputs.min(), outputs.max()), rtol=1e-6)


# What each module of keras.applications prepares as; None where its networks do it themselves.
SCHEME_OF_MODULE = {
    "convnext": None,
    "densenet": "imagenet_torch",
    "efficientnet": None,
    "efficientnet_v2": None,
    "imagenet_utils": "imagenet_caffe",
    "inception_resnet_v2": "signed",
    "inception_v3": "signed",
    "mobilenet": "signed",
    "mobilenet_v2": "signed",
    "mobilenet_v3": None,
    "nasnet": "signed",
    "resnet": "imagenet_caffe",
    "resnet50": "imagenet_caffe",
    "resnet_v2": "signed",
    "vgg16": "imagenet_caffe",
    "vgg19": "imagenet_caffe",
    "xception": "signed",
}


def test_every_keras_applications_module_is_listed():
    modules = vars(keras.applications).items()
    found = {name for name, module in modules if hasattr(module, "preprocess_input")}
    assert found == set(SCHEME_OF_MODULE)


@pytest.mark.parametrize("module", SCHEME_OF_MODULE)
def test_scheme_matches_applications_module_and_denormalize_inverts_it(module):
    images = every_value()
    tensor = keras.ops.convert_to_tensor(images)
    expected = as_numpy(getattr(keras.applications, module).preprocess_input(tensor))
    scheme = SCHEME_OF_MODULE[module]
    if scheme is None:
        np.testing.assert_array_equal(expected, images)
        return
    layer = Preprocessing(scheme)
    np.testing.assert_array_equal(as_numpy(layer(images)), expected)
    np.testing.assert_allclose(as_numpy(layer.denormalize(expected)), images, atol=1e-4)


@EVERY_SCHEME
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("batch_size", [None, 2])
def test_tf_data_map_matches_call_on_arrays(scheme, data_format, batch_size):
    """Whatever Keras's backend is; graphs may multiply by the reciprocal where arrays divide."""
    import tensorflow as tf

    images = np.concatenate([every_value(), 255 - every_value(), every_value()[:, ::-1]])
    if data_format == "channels_first":
        images = images.transpose(0, 3, 1, 2)
    layer = Preprocessing(scheme, data_format=data_format)
    expected = as_numpy(layer(images))
    for values in (images, images.astype("uint8")):
        dataset = tf.data.Dataset.from_tensor_slices(values)
        if batch_size is not None:
            dataset = dataset.batch(batch_size)  # two images, then one
        mapped = dataset.map(layer)
        outputs = [batch.numpy() for batch in mapped]
        assert mapped.element_spec.dtype == "float32"
        join = np.stack if batch_size is None else np.concatenate
        np.testing.assert_allclose(join(outputs), expected, rtol=0, atol=ONE_ROUNDING[scheme])
        undone = [batch.numpy() for batch in mapped.map(layer.denormalize)]
        np.testing.assert_allclose(join(undone), images, atol=1e-4)


@pytest.mark.parametrize("scheme", KERAS_MODES)
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="preprocess_input maps on TensorFlow only"
)
def test_tf_data_map_matches_keras_preprocess_input_exactly(scheme):
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensors(every_value())
    (found,), (expected,) = (
        [batch.numpy() for batch in dataset.map(function)]
        for function in (Preprocessing(scheme), KERAS_FUNCTIONS[scheme])
    )
    np.testing.assert_array_equal(found, expected)


def test_tf_data_map_rejects_wrong_channels_and_keeps_float16():
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensors(np.zeros((2, 3, 5, 1), "uint8"))
    with pytest.raises(ValueError, match="`input_shape` must be of 3 channels"):
        dataset.map(Preprocessing("imagenet_torch"))
    assert dataset.map(Preprocessing("unit", dtype="float16")).element_spec.dtype == "float16"


def test_unit_and_signed_schemes_accept_one_channel():
    for scheme in ("unit", "signed"):
        assert tuple(Preprocessing(scheme)(np.zeros((2, 5, 5, 1), "uint8")).shape) == (2, 5, 5, 1)


@pytest.mark.parametrize(
    ("data_format", "shape"),
    [("channels_last", (2, 3, 5, 1)), ("channels_first", (2, 5, 3, 3))],
)
def test_wrong_number_of_channels_raises(data_format, shape):
    layer = Preprocessing("imagenet_caffe", data_format=data_format)
    message = (
        f"`input_shape` must be of 3 channels ({data_format}) for scheme='imagenet_caffe'; "
        f"received input_shape={shape}."
    )
    for refusing in (layer, layer.denormalize):
        with pytest.raises(ValueError, match="channels") as error:
            refusing(np.zeros(shape, "float32"))
        assert str(error.value) == message


def test_unknown_scheme_raises():
    with pytest.raises(ValueError, match="scheme") as error:
        Preprocessing("torch")
    assert str(error.value) == (
        "`scheme` must be one of 'unit', 'signed', 'imagenet_torch', 'imagenet_caffe'; "
        "received scheme='torch'. Did you mean 'imagenet_torch'?"
    )
