"""What every model-building function promises, found by enumeration."""

import inspect
from functools import partial

import keras
import numpy as np
import pytest

import catdog_keras
from catdog_keras import models

SHAPE = (48, 50, 3)
BUILDERS = {
    "build_model1": partial(models.build_model1, SHAPE),
    "build_model2": partial(models.build_model2, SHAPE),
    "build_model3": partial(models.build_model3, SHAPE),
    "transfer_model": lambda num_classes=2: models.transfer_model(
        keras.Sequential([keras.Input(SHAPE), keras.layers.Conv2D(4, 3)]),
        SHAPE,
        num_classes,
        preprocessing="signed",
        augmentation=catdog_keras.RandomAffine("horizontal"),
    ),
}
# These take a model, and have separate tests.
FROM_MODELS = {"get_class_names", "predict_probabilities", "predict_tta"}
EVERY_MODEL = pytest.mark.parametrize("name", BUILDERS)


def make_images(count=4):
    return np.random.default_rng(0).uniform(0, 255, (count, *SHAPE)).astype("float32")


def test_every_builder_has_a_case():
    functions = {name for name in models.__all__ if inspect.isfunction(getattr(models, name))}
    assert functions == set(BUILDERS) | FROM_MODELS


@EVERY_MODEL
def test_builder_returns_uncompiled_model_with_one_logit_per_class(name):
    model = BUILDERS[name](num_classes=3)
    assert isinstance(model, keras.Model)
    assert not model.compiled
    logits = keras.ops.convert_to_numpy(model(make_images()))
    assert logits.shape == (4, 3)
    assert model.output_shape == (None, 3)
    assert (np.abs(logits.sum(axis=1) - 1) > 1e-3).any()  # no softmax


@EVERY_MODEL
def test_saved_model_returns_same_logits_without_custom_objects(name, tmp_path):
    model = BUILDERS[name]()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    expected, found = (keras.ops.convert_to_numpy(m(make_images())) for m in (model, loaded))
    np.testing.assert_array_equal(found, expected)


# In bfloat16 a step takes seconds; model 3 has all layers of models 1 and 2.
@pytest.mark.parametrize(
    ("name", "policy"),
    [
        pytest.param(
            name,
            policy,
            marks=[pytest.mark.slow]
            if policy == "mixed_bfloat16" and name in ("build_model1", "build_model2")
            else [],
        )
        for name in BUILDERS
        for policy in ("float32", "mixed_bfloat16")
    ],
)
def test_training_step_is_finite_and_updates_weights(name, policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = BUILDERS[name]()
    finally:
        keras.config.set_dtype_policy(before)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    start = [keras.ops.convert_to_numpy(w) for w in model.trainable_variables]
    loss = model.train_on_batch(make_images(), np.array([0, 1, 0, 1]))
    assert np.isfinite(loss)
    end = [keras.ops.convert_to_numpy(w) for w in model.trainable_variables]
    assert all(np.isfinite(weights).all() for weights in end)
    assert any((was != now).any() for was, now in zip(start, end, strict=True))
    assert keras.backend.standardize_dtype(model(make_images()).dtype) == "float32"


@EVERY_MODEL
def test_same_seed_builds_same_weights(name):
    def weights():
        keras.utils.set_random_seed(3)
        return [keras.ops.convert_to_numpy(w) for w in BUILDERS[name]().trainable_variables]

    for one, other in zip(weights(), weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@EVERY_MODEL
def test_batched_predict_matches_single_image_predict(name):
    model = BUILDERS[name]()
    batched = model.predict(make_images(), verbose=0)
    singly = np.concatenate([model.predict(make_images()[i : i + 1], verbose=0) for i in range(4)])
    scale = np.abs(batched).max()
    np.testing.assert_allclose(singly, batched, rtol=1e-4, atol=1e-5 * scale)
