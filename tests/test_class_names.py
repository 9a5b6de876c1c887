"""Class names in another order than those saved in a model are rejected by each function."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from catdog_keras import (
    ClassNames,
    check_pipeline,
    count_labels,
    evaluate_classifier,
    find_learning_rate,
    fine_tune,
    fit_head,
)
from catdog_keras._class_names import has_other_order, names_of_dataset
from catdog_keras.evaluation import calibrate
from tests.training.fine_tuning_cases import SHAPE, model as frozen_model

NAMES, OTHER = ("cat", "dog"), ("dog", "cat")
IMAGES = np.random.default_rng(0).uniform(0, 255, (8, *SHAPE)).astype("float32")
LABELS = np.arange(8) % 2


class Named(list):
    """A dataset that carries class names, like those of Keras."""

    class_names = OTHER


DATASET = Named([(IMAGES, LABELS)])


def ending_in(*parts):
    """Returns a model that ends in these layers."""
    return keras.Sequential([keras.Input((2,)), *parts])


def nested():
    """Returns a model whose class names are in a model inside of it."""
    inputs = keras.Input((2,))
    return keras.Model(inputs, layers.Softmax()(ending_in(ClassNames(NAMES))(inputs)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: ending_in(layers.Dense(2), ClassNames(NAMES)),
        lambda: ending_in(ClassNames(NAMES), layers.Softmax()),
        lambda: ending_in(ClassNames(NAMES), layers.Rescaling(0.5, name="temperature")),
        nested,
    ],
)
def test_other_order_is_found_where_layers_keep_the_classes(make):
    assert has_other_order(make(), OTHER) == NAMES
    assert has_other_order(make(), NAMES) is None
    assert has_other_order(make(), ("chat", "chien")) is None


def test_names_of_features_are_not_those_of_the_outputs():
    model = ending_in(ClassNames(NAMES), layers.Dense(2))
    assert has_other_order(model, OTHER) is None


@pytest.mark.parametrize(
    "dataset",
    [
        DATASET,
        SimpleNamespace(class_indices={"cat": 1, "dog": 0}),
        SimpleNamespace(dataset=SimpleNamespace(classes=list(OTHER))),
    ],
)
def test_names_of_dataset_are_those_of_common_loaders(dataset):
    assert names_of_dataset(dataset) == OTHER
    assert names_of_dataset([(IMAGES, LABELS)]) is None
    assert names_of_dataset(SimpleNamespace(classes=np.array([0, 1]))) is None


@pytest.mark.parametrize(
    "call",
    [
        lambda model: fit_head(model, DATASET, epochs=1),
        lambda model: fit_head(model, (IMAGES, LABELS), validation_data=DATASET, epochs=1),
        lambda model: fine_tune(model, DATASET, epochs=1),
        lambda model: find_learning_rate(model, DATASET),
        lambda model: calibrate(model, DATASET),
        lambda model: evaluate_classifier(model, [(IMAGES, LABELS)], class_names=OTHER),
    ],
)
def test_every_function_rejects_another_order(call):
    with pytest.raises(ValueError, match=r"order of the model's outputs.*\['dog', 'cat'\]"):
        call(frozen_model(class_names=NAMES))


def test_check_pipeline_reports_another_order():
    model = frozen_model(class_names=NAMES)
    batches = [(IMAGES, LABELS)]
    assert check_pipeline(batches, model, class_names=OTHER).names == ("class_order",)
    assert check_pipeline(DATASET, model).names == ("class_order",)
    assert not check_pipeline(batches, model, class_names=NAMES)
    assert not check_pipeline(batches, model)


def test_evaluate_classifier_takes_class_names_of_model_then_of_dataset():
    network = [keras.Input(SHAPE), layers.Flatten(), layers.Dense(2)]
    plain, named = keras.Sequential(network), keras.Sequential([*network, ClassNames(NAMES)])
    batches = [(IMAGES, LABELS)]
    assert evaluate_classifier(named, batches).class_names == NAMES
    assert evaluate_classifier(plain, DATASET).class_names == OTHER
    assert evaluate_classifier(named, batches, class_names=["Katze", "Hund"]).class_names == (
        "Katze",
        "Hund",
    )


def test_evaluate_classifier_names_classes_by_their_indices_if_nothing_else_is_known():
    for outputs, names in ((1, ("0", "1")), (2, ("0", "1")), (4, ("0", "1", "2", "3"))):
        network = [keras.Input(SHAPE), layers.Flatten(), layers.Dense(outputs)]
        assert evaluate_classifier(keras.Sequential(network), IMAGES, LABELS).class_names == names
    unbuilt = keras.Sequential([layers.Flatten(), layers.Dense(2)])
    with pytest.raises(ValueError, match="`class_names` must be given if the number of outputs"):
        evaluate_classifier(unbuilt, IMAGES, LABELS)


@pytest.mark.parametrize(
    "call",
    [
        lambda: evaluate_classifier(ending_in(layers.Dense(2)), DATASET, class_names=NAMES),
        lambda: count_labels(DATASET, class_names=NAMES),
    ],
)
def test_class_names_in_another_order_than_those_of_the_dataset_are_rejected(call):
    with pytest.raises(ValueError, match="in the order of the labels in `dataset`"):
        call()


def test_names_in_the_members_of_an_ensemble_are_found_for_its_evaluation():
    images, labels = 10 * np.eye(2, 4, dtype="float32"), np.array([0, 1])
    inputs = keras.Input((4,))
    members = [
        keras.Sequential([keras.Input((4,)), keras.layers.Dense(2), ClassNames(["cat", "dog"])])
        for _ in range(2)
    ]
    model = keras.Model(inputs, keras.layers.Average()([member(inputs) for member in members]))
    assert evaluate_classifier(model, images, labels).class_names == ("cat", "dog")


def test_names_of_a_dataset_precede_those_of_an_earlier_task():
    backbone = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3), ClassNames(["a", "b", "c"])]
    )
    model = keras.Sequential([backbone, keras.layers.Dense(2)])

    class Named(list):
        class_names = ("cat", "dog")

    batches = Named([(np.zeros((2, 4), "float32"), np.array([0, 1]))])
    assert evaluate_classifier(model, batches).class_names == ("cat", "dog")
