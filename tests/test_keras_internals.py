"""Guards of `_backend.keras_internals`: each fails if Keras changes what the package relies on."""

import warnings

import keras
import numpy as np
import pytest

from catdog_keras._backend.keras_internals import (
    OUT_OF_DATA_WARNING,
    calling_layer,
    every_layer,
    is_download_error,
    limited_variables,
    marked_uncompiled,
    replaced_attributes,
    source_layer,
    variable_index,
)


def dense():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="one")])


def test_variable_index_returns_position_in_build():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3), keras.layers.Dense(1)])
    optimizer = keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)
    indices = [variable_index(optimizer, each) for each in model.trainable_variables]
    assert indices == [0, 1, 2, 3]


def test_calling_layer_is_the_outermost_one_with_its_training():
    found = []

    class Inner(keras.layers.Layer):
        def __call__(self, inputs, **options):
            found.append(calling_layer(self))
            return super().__call__(inputs, **options)

        def call(self, inputs):
            return inputs

    inputs = np.ones((1, 2), "float32")
    Inner()(inputs)
    model = keras.Sequential([keras.Input((2,)), Inner()])
    found = found[:1]
    for options in ({}, {"training": False}, {"training": True}):
        model(inputs, **options)
    Inner()(inputs)
    outer = [model, model, model]
    assert found[1:4] == list(zip(outer, (None, False, True), strict=True))
    assert [found[0], found[4]] == [(None, None)] * 2


def test_replaced_call_is_used_by_model_and_restored():
    model = dense()
    inputs = np.ones((1, 2), "float32")
    before = keras.ops.convert_to_numpy(model(inputs))
    with replaced_attributes(
        model.get_layer("one"), call=lambda x, *_, **__: keras.ops.ones((1, 3)) * 7
    ):
        assert keras.ops.convert_to_numpy(model(inputs)).tolist() == [[7, 7, 7]]
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(inputs)), before)
    assert "call" not in vars(model.get_layer("one"))


def test_replaced_restores_instance_attribute():
    layer = dense().get_layer("one")
    activation = layer.activation
    with replaced_attributes(layer, activation=abs):
        assert layer.activation is abs
    assert layer.activation is activation


def test_marked_uncompiled_clone_is_not_compiled():
    model = dense()
    model.compile("sgd", "mse")
    assert keras.models.clone_model(model).compiled  # otherwise the guard is not needed
    with marked_uncompiled([model]):
        assert not keras.models.clone_model(model).compiled
    assert model.compiled
    model.fit(np.ones((2, 2)), np.ones((2, 3)), verbose=0)


def test_source_layer_returns_inbound_layer_name_from_config():
    images = keras.Input((2,), name="images")
    first = keras.layers.Dense(2, name="first")(images)
    model = keras.Model(images, keras.layers.Add(name="sum")([images, first]))
    (node,) = model.get_config()["layers"][-1]["inbound_nodes"]
    assert [source_layer(each) for each in node["args"][0]] == ["images", "first"]
    assert source_layer({"class_name": "Dense", "config": {}}) is None


def test_is_download_error_recognizes_failed_download(tmp_path):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - Keras raises a bare Exception
        keras.utils.get_file("weights.h5", "https://127.0.0.1:9/weights.h5", cache_dir=tmp_path)
    assert is_download_error(caught.value)
    assert is_download_error(TimeoutError())
    assert not is_download_error(ValueError("weights do not match"))


def test_out_of_data_warning_is_issued_when_generator_ends():
    def batches():
        for _ in range(3):
            yield (np.ones((1, 2), "float32"),)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outputs = dense().predict(batches(), verbose=0)
    assert outputs.shape == (3, 3)
    assert any(OUT_OF_DATA_WARNING in str(each.message) for each in caught)


def test_limited_variables_raises_before_a_large_variable_is_allocated():
    with limited_variables(1000):
        keras.layers.Dense(30).build((None, 30))
        with pytest.raises(ValueError, match="more than 1,000 values"):
            keras.layers.Dense(10**9).build((None, 10**9))
    keras.layers.Dense(100).build((None, 100))
    assert tuple(keras.Variable("ones", shape=(2000,)).shape) == (2000,)


def test_every_layer_includes_layers_of_models_and_wrappers():
    inner = keras.Sequential([keras.Input((4, 2)), keras.layers.TimeDistributed(dense().layers[0])])
    names = [each.name for each in every_layer(keras.Sequential([inner]))]
    assert "one" in names
    assert inner.name in names
