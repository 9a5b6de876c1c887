"""Whether augmentation layers augment when they are called without `training`, as Keras's do."""

import keras
import numpy as np
import pytest

from catdog_keras.layers import AugmentationPipeline, RandomAffine, RandomApply, RandomChoice

IMAGES = np.random.default_rng(0).uniform(0, 255, (2, 6, 8, 3)).astype("float32")


def affine(**options):
    return RandomAffine(rotation_degrees=(30, 40), seed=1, **options)


MAKERS = {
    "affine": affine,
    "apply": lambda: RandomApply(affine(), 1.0),
    "choice": lambda: RandomChoice([affine()]),
    "pipeline": lambda: AugmentationPipeline([affine()]),
}
EVERY_KIND = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def changes(layer, **options):
    outputs = keras.ops.convert_to_numpy(layer(IMAGES, **options))
    return not np.array_equal(outputs, IMAGES)


@EVERY_KIND
def test_layer_augments_unless_training_is_false(make):
    layer = make()
    assert changes(layer)
    assert changes(layer, training=None)
    assert changes(layer, training=True)
    assert not changes(layer, training=False)


@EVERY_KIND
def test_layer_in_tf_data_map_augments_without_training_argument(make):
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensors(IMAGES)
    layer = make()
    for function, expected in (
        (layer, True),
        (lambda x: layer(x, training=None), True),
        (lambda x: layer(x, training=False), False),
    ):
        (outputs,) = dataset.map(function).as_numpy_iterator()
        assert np.array_equal(outputs, IMAGES) is not expected


@EVERY_KIND
def test_default_in_a_chain_without_weights_is_that_of_keras_layers(make):
    for layer in (
        keras.Sequential([make()]),
        keras.Sequential([keras.Input(IMAGES.shape[1:]), make()]),
        keras.layers.Pipeline([make()]),
    ):
        assert changes(layer)
        assert changes(layer, training=True)
        assert not changes(layer, training=False)
        assert changes(layer)  # `training` of the last call is not kept


class WithDense(keras.Model):
    """A subclassed model, which has no weights before its first call."""

    def __init__(self, layer, *, passes_training):
        super().__init__()
        self.layer, self.dense = layer, keras.layers.Dense(1)
        self.passes_training = passes_training

    def call(self, inputs, training=None):
        options = {"training": training} if self.passes_training else {}
        outputs = self.layer(inputs, **options)
        return outputs + 0 * self.dense(outputs)


def functional(make):
    inputs = keras.Input(IMAGES.shape[1:])
    chain = keras.Sequential([make()])
    outputs = chain(inputs)
    zero = keras.layers.Dense(1, kernel_initializer="zeros", trainable=False)(outputs)
    return keras.Model(inputs, keras.layers.Add()([outputs, zero]))


@EVERY_KIND
@pytest.mark.parametrize(
    "build",
    [
        functional,
        lambda make: WithDense(make(), passes_training=True),
        lambda make: WithDense(make(), passes_training=False),
    ],
    ids=["functional", "passes training", "inherits training"],
)
def test_layer_in_a_model_with_weights_follows_the_model(make, build):
    model = build(make)
    assert not changes(model)
    assert not changes(model, training=False)
    assert changes(model, training=True)
    assert not changes(model)
    # On JAX, Keras predicts with a subclassed model without passing `training` to its layers.
    if build is functional or build(make).passes_training or keras.backend.backend() != "jax":
        np.testing.assert_array_equal(model.predict(IMAGES, verbose=0), IMAGES)


def test_fit_augments_and_evaluate_does_not():
    model = keras.Sequential([keras.Input(IMAGES.shape[1:]), affine(), keras.layers.Dense(3)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    still, moved = (
        model.evaluate(IMAGES, IMAGES, verbose=0),
        model.fit(IMAGES, IMAGES, verbose=0).history["loss"][0],
    )
    expected = float(np.square(model.predict(IMAGES, verbose=0) - IMAGES).mean())
    assert still == pytest.approx(expected, rel=1e-4)
    assert moved != pytest.approx(expected, rel=1e-4)


def test_call_leaves_no_state_for_the_next_layer():
    affine()(IMAGES, training=False)
    assert changes(affine())
    dropout = keras.layers.Dropout(0.9)
    affine()(IMAGES)
    assert not changes(dropout)
