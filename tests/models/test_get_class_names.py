"""Class names live in the model: in its file, in its copies, and in parts of it."""

import keras
import numpy as np
import pytest

from catdog_keras import (
    ClassNames,
    evaluate_classifier,
    fold_batch_norm,
    get_class_names,
    predict_probabilities,
    strip_augmentation,
    transfer_model,
)

NAMES = ("cat", "dog", "fox")
SHAPE = (8, 8, 3)


def model_with_class_names(**arguments):
    layers = [keras.Input(SHAPE), keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization()]
    return transfer_model(
        keras.Sequential(layers, name="small"), SHAPE, class_names=NAMES, **arguments
    )


def test_class_names_are_stored_in_model_and_set_number_of_logits():
    model = model_with_class_names()
    assert get_class_names(model) == NAMES
    assert model.output_shape == (None, 3)
    assert [layer.name for layer in model.layers[-2:]] == ["logits", "class_names"]


def test_get_class_names_returns_saved_names_after_loading(tmp_path):
    path = tmp_path / "model.keras"
    model_with_class_names().save(path)
    assert get_class_names(keras.saving.load_model(path)) == NAMES


@pytest.mark.parametrize(
    "change",
    [
        keras.models.clone_model,
        lambda model: fold_batch_norm(model),
        strip_augmentation,
        lambda model: keras.Sequential([keras.Input(SHAPE), model, keras.layers.Softmax()]),
        lambda model: keras.Model(model.get_layer("pooling").output, model.output),
    ],
)
def test_class_names_survive_model_transformations(change):
    assert (
        get_class_names(change(model_with_class_names(augmentation=keras.layers.RandomFlip())))
        == NAMES
    )


def ensemble(*orders):
    images = keras.Input(SHAPE)
    members = []
    for index, order in enumerate(orders):
        backbone = keras.Sequential([keras.Input(SHAPE), keras.layers.Conv2D(4, 3)])
        backbone.name = f"backbone{index}"
        members.append(transfer_model(backbone, SHAPE, class_names=order))
    return keras.Model(images, keras.layers.Average()([member(images) for member in members]))


def test_ensemble_with_class_names_in_different_orders_has_no_class_names():
    assert get_class_names(ensemble(NAMES, NAMES)) == NAMES
    model = ensemble(NAMES, NAMES[::-1])
    with pytest.raises(ValueError, match=r"'cat', 'dog', 'fox'.*'fox', 'dog', 'cat'"):
        get_class_names(model)
    named = keras.Sequential([keras.Input(SHAPE), model, ClassNames(["x", "y", "z"])])
    assert get_class_names(named) == ("x", "y", "z")


def test_logits_are_float32_under_mixed_bfloat16_policy():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = model_with_class_names()
    finally:
        keras.config.set_dtype_policy(before)
    logits = model(np.zeros((1, *SHAPE)))
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"


def test_summary_reports_trainable_and_frozen_parameter_counts():
    lines = []
    model = model_with_class_names()
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert "Trainable params: 15 " in text  # 4 x 3 and 3
    assert "Non-trainable params: 128 " in text  # 3 x 3 x 3 x 4 + 4 and 4 x 4


def test_get_class_names_rejects_model_without_names_and_non_model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="class names") as caught:
        get_class_names(model)
    assert str(caught.value) == (
        f"`model` must be a model that contains its class names; received model={model!r}. Build it with `transfer_model(..., class_names=...)`, or append a `ClassNames` layer."
    )
    with pytest.raises(TypeError) as caught:
        get_class_names("model.keras")
    assert str(caught.value) == (
        "`model` must be a keras.Model; received model='model.keras'. Load it: "
        "`keras.models.load_model('model.keras')`."
    )


def test_class_names_layer_rejects_wrong_input_size_and_string():
    with pytest.raises(ValueError, match="one for each name") as caught:
        ClassNames(NAMES)(np.zeros((1, 2)))
    assert str(caught.value).endswith(
        "`input_shape` must be of 3 classes, one for each name; received input_shape=(1, 2). "
        "The names are 'cat', 'dog', 'fox'. Apply the layer to the outputs of the classifier."
    )
    with pytest.raises(TypeError) as caught:
        ClassNames("cat")
    assert str(caught.value) == (
        "`class_names` must be a list of distinct class names; received class_names='cat'."
    )


def test_two_names_are_those_of_a_single_output():
    layers = [
        keras.Input((2,)),
        keras.layers.Dense(1, activation="sigmoid", kernel_initializer="ones"),
    ]
    model = keras.Sequential([*layers, ClassNames(["cat", "dog"])])
    assert get_class_names(model) == ("cat", "dog")
    rows = np.array([[3.0, 0.0], [-3.0, 0.0], [1.0, 1.0]])
    expected = 1 / (1 + np.exp(-rows.sum(axis=1)))
    np.testing.assert_allclose(predict_probabilities(model, rows)[:, 1], expected, rtol=1e-6)
    found = evaluate_classifier(model, rows, [1, 0, 0])
    assert found.class_names == ("cat", "dog")
    assert found.is_correct.tolist() == [True, True, False]
    for names in (["dog"], ["cat", "dog", "fox"]):
        with pytest.raises(ValueError, match="two names for a single output: those of the labels"):
            keras.Sequential([*layers, ClassNames(names)])
