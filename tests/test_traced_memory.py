"""Memory of models from a trace, on the backend of this process.

These tests also fail if a framework changes one of its private parts that the trace uses.
"""

import keras
import pytest

from catdog_keras import augmentation_preset, build_model1
from catdog_keras._backend.traced_memory import (
    TracedStep,
    UnknownSizeError,
    largest_sum,
    peak_bytes,
)

layers = keras.layers
BACKEND = keras.backend.backend()


def model(*body, size=8):
    """Returns a model of the layers in a row, for square images."""
    x = images = keras.Input((size, size, 3))
    for each in body:
        x = each(x)
    return keras.Model(images, x)


def rows(x):
    """Reshapes images to rows of pixels."""
    return layers.Reshape((-1, 3))(x)


def enlarge_and_sum(row):
    """Sums an array that is a thousand times larger, so that only its peak is large."""
    return keras.ops.sum(keras.ops.repeat(row, 1000, axis=0), axis=0)


class Loop(layers.Layer):
    """Layer that computes for each image in a loop."""

    def call(self, images):
        return keras.ops.map(enlarge_and_sum, images)


class Condition(layers.Layer):
    """Layer that computes one of two branches."""

    def call(self, images):
        first = keras.ops.sum(images, axis=1)
        return keras.ops.cond(
            keras.ops.max(images) > 0, lambda: enlarge_and_sum(first) + first * 0, lambda: first
        )


def test_largest_sum_of_a_chain_is_that_of_two_neighbors():
    chain = [TracedStep((), 5), TracedStep((0,), 40), TracedStep((1,), 30), TracedStep((2,), 10)]
    assert largest_sum(chain) == 70


def test_largest_sum_of_branches_contains_all_of_them():
    branches = [
        step for n in range(0, 20, 2) for step in (TracedStep((), 100), TracedStep((n,), 1))
    ]
    assert largest_sum(branches) >= 1000


def test_largest_sum_contains_a_value_until_its_last_use():
    used_late = [
        TracedStep((), 100),
        TracedStep((), 50),
        TracedStep((1,), 60),
        TracedStep((2,), 5),
        TracedStep((0, 3), 1),
    ]
    assert largest_sum(used_late) == 210


def test_largest_sum_contains_what_a_called_function_needs():
    assert (
        largest_sum([TracedStep((), 10), TracedStep((0,), 20, inside=500), TracedStep((1,), 30)])
        == 510
    )


def test_largest_sum_of_no_steps_is_zero():
    assert largest_sum([]) == 0


def test_peak_of_a_convolution_is_proportional_to_the_batch():
    network = model(layers.Conv2D(16, 1, use_bias=False), size=32)
    one, many = peak_bytes(network, (1, 32, 32, 3)), peak_bytes(network, (50, 32, 32, 3))
    assert 32 * 32 * 16 * 4 <= one <= 3 * 32 * 32 * 16 * 4
    assert 45 * one <= many <= 50 * one


@pytest.mark.parametrize(
    ("body", "least"),
    {
        "pipeline": (
            [layers.Pipeline([layers.UpSampling2D(20), layers.AveragePooling2D(20)])],
            160 * 160 * 3,
        ),
        "attention": ([rows, lambda x: layers.Attention()([x, x])], 64 * 64),
        "additive attention": ([rows, lambda x: layers.AdditiveAttention()([x, x])], 64 * 64 * 3),
        "dot": ([rows, lambda x: layers.Dot(2)([x, x]), layers.GlobalMaxPooling1D()], 64 * 64),
        "wrapper": (
            [
                layers.Reshape((2, 4, 8, 3)),
                layers.TimeDistributed(
                    keras.Sequential([layers.UpSampling2D(50), layers.AveragePooling2D(50)])
                ),
            ],
            400 * 400 * 3,
        ),
        "recurrent layer": (
            [rows, layers.Bidirectional(layers.LSTM(50, return_sequences=True))],
            2 * 64 * 50,
        ),
        "body of a loop": ([Loop()], 1000 * 8 * 8 * 3 / 2),
        "padding": ([layers.Pipeline([layers.CenterCrop(4, 4), layers.UpSampling2D(99)])], 396**2),
    }.values(),
)
def test_peak_contains_values_inside_of_layers(body, least):
    network = model(*body)
    assert 4 * least * 2 <= peak_bytes(network, (2, 8, 8, 3)) <= 4 * least * 2 * 15


@pytest.mark.skipif(BACKEND == "torch", reason="Keras computes this to build the model")
def test_huge_values_are_not_computed():
    network = model(layers.Pipeline([layers.UpSampling2D(20_000), layers.AveragePooling2D(20_000)]))
    assert peak_bytes(network, (32, 8, 8, 3)) > 32 * (8 * 20_000) ** 2 * 3 * 4


def test_values_are_counted_in_bytes():
    # JAX has no float64 by default; TensorFlow's graph has other types in the same operation.
    dtypes = ("float32", "float64") if BACKEND == "tensorflow" else ("float16", "float32")
    narrow, wide = (
        peak_bytes(model(layers.UpSampling2D(50, dtype=dtype)), (4, 8, 8, 3)) for dtype in dtypes
    )
    assert wide > 1.9 * narrow


def test_all_outputs_of_layers_exist_at_one_time_on_torch_only():
    """Keras holds them in a dict, so that PyTorch cannot release them."""
    network = model(*(layers.Conv2D(16, 1, use_bias=False) for _ in range(30)), size=32)
    layer = 4 * 32 * 32 * 16
    bounds = (30 * layer, 33 * layer) if BACKEND == "torch" else (2 * layer, 4 * layer)
    assert bounds[0] <= peak_bytes(network, (1, 32, 32, 3)) <= bounds[1]


def test_weights_are_not_counted():
    assert peak_bytes(model(layers.Flatten(), layers.Dense(1000)), (1, 8, 8, 3)) < 50_000


def test_branch_of_a_condition_is_counted_or_its_size_is_unknown():
    network = model(Condition())
    if BACKEND == "torch":  # which executes the condition in Python
        with pytest.raises(UnknownSizeError, match="depends on the images"):
            peak_bytes(network, (2, 8, 8, 3))
    else:
        assert peak_bytes(network, (2, 8, 8, 3)) > 4 * 2 * 1000 * 8 * 3


@pytest.mark.skipif(BACKEND != "tensorflow", reason="the others compute sizes in Python")
def test_size_that_is_known_only_at_run_time_is_an_error():
    network = model(layers.Resizing(4, 9, pad_to_aspect_ratio=True))
    with pytest.raises(UnknownSizeError, match="resizing"):
        peak_bytes(network, (1, 8, 8, 3))


def test_models_of_this_package_have_known_sizes():
    images = keras.Input((46, 46, 3))
    network = keras.Model(images, build_model1((46, 46, 3))(augmentation_preset("strong")(images)))
    assert 10**5 < peak_bytes(network, (4, 46, 46, 3)) < 10**8


def test_quantized_and_mixed_precision_layers_have_known_sizes():
    network = model(
        layers.Conv2D(4, 3, dtype="mixed_bfloat16"),
        layers.BatchNormalization(dtype="mixed_bfloat16"),
        layers.Flatten(),
        layers.Dense(4),
    )
    network.layers[-1].quantize("int8")
    assert 1000 < peak_bytes(network, (1, 8, 8, 3)) < 100_000
