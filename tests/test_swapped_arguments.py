"""Arguments in another order, or a value of a neighboring kind: the message states what to pass."""

import pathlib

import keras
import numpy as np
import pytest

import catdog_keras
from catdog_keras import conversion, diagnostics, evaluation, plotting

IMAGES = np.random.default_rng(0).random((4, 8, 8, 3)).astype("float32")
LABELS = np.array([0, 1, 0, 1])
ROWS = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.3, 0.7]])
NAMES = ["cat", "dog"]
FEATURES = np.random.default_rng(0).random((8, 3))
EVALUATION = catdog_keras.Evaluation(NAMES, LABELS, ROWS)


class Dataset:
    """A dataset of one batch, in place of a `tf.data.Dataset`."""

    def __iter__(self):
        return iter([(IMAGES, LABELS)])

    def __repr__(self):
        return "<dataset>"


class Splits(Dataset):
    """Several datasets, as `ImageSplits`."""

    train = validation = test = Dataset()
    counts = {"train": {"cat": 1}}  # noqa: RUF012 - as a property

    def __repr__(self):
        return "<splits>"


@pytest.fixture(scope="module")
def model():
    """A model of images of 8 x 8 pixels, not compiled."""
    return keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])


@pytest.mark.parametrize(
    "function",
    [
        catdog_keras.predict_probabilities,
        catdog_keras.predict_tta,
        catdog_keras.grad_cam,
        catdog_keras.evaluate_classifier,
        catdog_keras.find_learning_rate,
        evaluation.calibrate,
    ],
)
@pytest.mark.parametrize(
    ("data", "received"),
    [(Dataset(), "model=<dataset>"), (IMAGES, "an array of shape (4, 8, 8, 3)")],
)
def test_data_before_model_is_reported(function, data, received, model):
    with pytest.raises(TypeError) as caught:
        function(data, model)
    assert str(caught.value) == (
        f"`model` must be a keras.Model; received {received}. The model is the first argument."
    )


def test_model_of_another_type_is_not_reported_as_swapped():
    for wrong in ([1], None):
        with pytest.raises(TypeError) as caught:
            catdog_keras.predict_probabilities(wrong, IMAGES)
        assert str(caught.value) == f"`model` must be a keras.Model; received model={wrong!r}."


@pytest.mark.parametrize("path", ["model.keras", pathlib.Path("model.keras")])
@pytest.mark.parametrize(
    "call",
    [
        lambda path: catdog_keras.check_pipeline(Dataset(), path),
        lambda path: catdog_keras.evaluate_classifier(path, Dataset()),
        lambda path: catdog_keras.find_learning_rate(path, Dataset()),
        lambda path: catdog_keras.fine_tune(path, IMAGES, LABELS),
        lambda path: catdog_keras.fit_head(path, IMAGES, LABELS),
        lambda path: catdog_keras.get_class_names(path),
        lambda path: catdog_keras.grad_cam(path, IMAGES),
        lambda path: catdog_keras.plot_grad_cam(path, IMAGES),
        lambda path: catdog_keras.predict_probabilities(path, IMAGES),
        lambda path: catdog_keras.predict_tta(path, IMAGES),
        lambda path: conversion.export_model(path, "model.onnx"),
        lambda path: conversion.fold_batch_norm(path),
        lambda path: conversion.strip_augmentation(path),
        lambda path: conversion.use_fused_batch_norm(path),
        lambda path: diagnostics.infer_input_range(path),
        lambda path: evaluation.calibrate(path, IMAGES, LABELS),
    ],
)
def test_path_in_place_of_a_model_is_answered_with_how_to_load_it(call, path):
    with pytest.raises(TypeError) as caught:
        call(path)
    assert str(caught.value) == (
        f"`model` must be a keras.Model; received model={path!r}. "
        "Load it: `keras.models.load_model('model.keras')`."
    )


def test_path_in_place_of_a_backbone_is_answered_with_how_to_load_it():
    for call in (
        lambda: catdog_keras.transfer_model("model.keras"),
        lambda: diagnostics.extract_features(IMAGES, "model.keras"),
    ):
        with pytest.raises(
            ValueError, match=r"Load it: `keras.models.load_model\('model.keras'\)`"
        ):
            call()


@pytest.mark.parametrize(
    "call",
    [
        lambda model: catdog_keras.evaluate_classifier(model, Splits(), class_names=NAMES),
        lambda model: catdog_keras.predict_probabilities(model, Splits()),
        lambda model: catdog_keras.check_pipeline(Splits(), model),
        lambda model: evaluation.calibrate(model, Splits()),
        lambda _: catdog_keras.count_labels(Splits(), class_names=NAMES),
        lambda _: plotting.plot_top_losses(EVALUATION, Splits()),
    ],
)  # fmt: skip
def test_splits_in_place_of_a_dataset_are_reported(call, model):
    with pytest.raises(TypeError, match=r"received \w+=<splits>\. Pass one of them: `splits\.t"):
        call(model)


CALLS = {
    "check_pipeline": (
        lambda m: catdog_keras.check_pipeline(m, Dataset()),
        "The dataset is the first argument, the model the second.",
    ),
    "count_labels": (
        lambda _: catdog_keras.count_labels(NAMES, Dataset()),
        "received dataset=['cat', 'dog']. The dataset is the first argument.",
    ),
    "evaluate_classifier": (
        lambda m: catdog_keras.evaluate_classifier(m, Dataset(), NAMES),
        "Class names are passed by their name: `class_names=...`.",
    ),
    "Evaluation of labels first": (
        lambda _: catdog_keras.Evaluation(LABELS, ROWS, NAMES),
        "The class names are the first argument.",
    ),
    "Evaluation of probabilities before labels": (
        lambda _: catdog_keras.Evaluation(NAMES, ROWS, LABELS),
        "received labels=[0.9, 0.1]. Probabilities, smoothed and multiple labels have no single true class.",
    ),
    "compare a list": (
        lambda _: evaluation.compare([EVALUATION, EVALUATION], NAMES),
        "Pass them one by one: `compare(*evaluations)`.",
    ),
    "baseline_accuracy of splits": (
        lambda _: catdog_keras.baseline_accuracy(Splits()),
        "received counts=<splits>. Pass its `counts`.",
    ),
    "baseline_accuracy of their counts": (
        lambda _: catdog_keras.baseline_accuracy(Splits.counts),
        'Pass those of one split, as `splits.counts["test"]`.',
    ),
    "transfer_model": (
        lambda _: catdog_keras.transfer_model((8, 8, 3), "mobilenet_v2"),
        "received input_shape='mobilenet_v2'. The backbone is the first argument.",
    ),
    "build_model1": (
        lambda _: catdog_keras.build_model1(2, (8, 8, 3)),
        "For example (160, 160, 3). The number of classes is another argument: num_classes.",
    ),
    "extract_features": (
        lambda _: diagnostics.extract_features("mobilenet_v2", IMAGES),
        "received an array of shape (4, 8, 8, 3). The images are the first argument.",
    ),
    "find_label_issues": (
        lambda _: diagnostics.find_label_issues(LABELS, FEATURES),
        "The features are the first argument.",
    ),
    "learning_curve": (
        lambda _: diagnostics.learning_curve(LABELS, FEATURES),
        "The features are the first argument.",
    ),
    "find_shortcuts": (
        lambda _: diagnostics.find_shortcuts(LABELS, ["a.jpg"] * 4),
        "The files are the first argument, the labels the second.",
    ),
    "plot_augmentation of a layer first": (
        lambda _: plotting.plot_augmentation(catdog_keras.RandomAffine("horizontal"), IMAGES),
        "The images are the first argument.",
    ),
    "plot_augmentation of a dataset": (
        lambda _: plotting.plot_augmentation(Dataset(), [IMAGES]),
        "received images=<dataset>. Pass those of a batch: `images, labels = next(iter(dataset))`.",
    ),
    "plot_confusion_matrix of labels": (
        lambda _: plotting.plot_confusion_matrix(LABELS, LABELS),
        "Pass labels and predictions as `Evaluation(class_names, labels, probabilities)`.",
    ),
    "plot_confusion_matrix": (
        lambda _: plotting.plot_confusion_matrix(NAMES, np.eye(2)),
        "The matrix is the first argument.",
    ),
    "plot_grad_cam": (
        lambda _: plotting.plot_grad_cam(np.ones((4, 8, 8)), IMAGES),
        "The images are the first argument.",
    ),
    "plot_grad_cam of a model": (
        lambda m: plotting.plot_grad_cam(IMAGES, m),
        "With a model, it is the first argument: `plot_grad_cam(model, images)`.",
    ),
    "plot_images": (
        lambda _: plotting.plot_images(NAMES, class_names=Dataset()),
        "received class_names=<dataset>. The data is the first argument.",
    ),
    "plot_top_losses": (
        lambda _: plotting.plot_top_losses(Dataset(), EVALUATION),
        "received losses=<dataset>. The evaluation is the first argument, its data the second.",
    ),
    "plot_comparison": (
        lambda _: plotting.plot_comparison(0.5, [EVALUATION]),
        "The results are the first argument.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_message_ends_with_the_order_of_the_arguments(name, model):
    call, end = CALLS[name]
    with pytest.raises((TypeError, ValueError)) as caught:
        call(model)
    assert str(caught.value).endswith(end)


def test_evaluation_before_path_of_report_is_reported(tmp_path):
    with pytest.raises(TypeError) as caught:
        catdog_keras.write_report(EVALUATION, tmp_path / "report.html")
    order = "The path is the first argument, the evaluation the second."
    assert str(caught.value) == f"`path` must be a path; received path={EVALUATION!r}. {order}"


@pytest.mark.parametrize(
    "plot",
    [
        plotting.plot_confusion_matrix,
        plotting.plot_precision_recall,
        plotting.plot_reliability,
        plotting.plot_roc,
        plotting.plot_top_losses,
    ],
)
def test_model_in_place_of_an_evaluation_is_answered_with_how_to_evaluate_it(plot, model):
    with pytest.raises(TypeError, match=r"Pass `evaluate_classifier\(model, dataset\)`\."):
        plot(model)
    with pytest.raises(TypeError, match=r"Pass `evaluate_classifier\(model, dataset\)`\."):
        plotting.plot_top_losses(model, Dataset())


def test_list_of_evaluations_for_a_report_is_answered_with_a_dict(tmp_path):
    with pytest.raises(TypeError, match=r"`models` must be .* Pass a dict of them by name: \{"):
        catdog_keras.write_report(tmp_path / "r.html", [EVALUATION, EVALUATION])
