"""Every public function that takes images, labels or batches, on every kind of bad input.

The outcome is the result that was asked for, or an error in plain English from this package. A new
public name fails `test_every_public_name_has_an_entry` until it is in `TAKES` or `TAKES_NONE`.
"""

import contextlib
import re
import traceback
import warnings
from pathlib import Path

import keras
import ml_dtypes
import numpy as np
import pytest

import catdog_keras
from catdog_keras import conversion, diagnostics, doctor, evaluation, models, plotting, report

PACKAGES = (conversion, diagnostics, doctor, evaluation, models, plotting, report)
SOURCE = str(Path(catdog_keras.__file__).parent)
NAMES = ["cat", "dog"]
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype("float32")
BYTES = list(IMAGES.astype("uint8"))
LABELS = np.array([0, 1, 1, 0])
# Of one layer with weights, without pooling: it accepts images of one size only.
MODEL = keras.Sequential(
    [keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 8, name="map"), keras.layers.Flatten()]
)
WITH_MAP = keras.Sequential(
    [keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3), keras.layers.GlobalAveragePooling2D()]
)
COMPILED = keras.models.clone_model(MODEL)
COMPILED.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
ROWS = np.eye(2)[LABELS] * 0.8 + 0.1
EVALUATION = catdog_keras.Evaluation(NAMES, LABELS, ROWS)


class RaisesAnError:
    """A container whose conversion to an array raises a custom error."""

    shape = (4, 8, 8, 3)

    def __array__(self, *_, **__):
        raise RuntimeError("the file is closed")

    def __getitem__(self, _):
        return self

    def __len__(self):
        return 4


def numbers(array):
    """The same numbers in other forms, which are as good."""
    return {
        "list": array.tolist(),
        "float16": array.astype("float16"),
        "bfloat16": array.astype(ml_dtypes.bfloat16),
        "longdouble": array.astype("longdouble"),
        "big endian": array.astype(array.dtype.newbyteorder(">")),
        "uint16": array.astype("uint16"),
        "uint64": array.astype("uint64"),
        "read-only": np.broadcast_to(array[:1], array.shape),
        "tensor": keras.ops.convert_to_tensor(array),
    }


def not_numbers(array):
    """Values that are never images, labels or probabilities."""
    return {
        "None": None,
        "number": 3,
        "scalar": np.float32(1),
        "string": "a.jpg",
        "bytes": b"ab",
        "strings": np.full(len(array), "cat"),
        "list of strings": ["cat"] * len(array),
        "dict": {"images": array, "labels": LABELS},
        "object": array.astype(object),
        "ragged": [[1.0], [1.0, 0.0]],
        "complex": array.astype("complex64"),
        "dates": np.zeros(array.shape, "datetime64[s]"),
        "records": np.zeros(len(array), [("a", "f4")]),
        "type": dict,
        "exhausted generator": iter(()),
        "symbolic": keras.KerasTensor((None, *array.shape[1:])),
        "closed file": RaisesAnError(),
    }


def image_kinds():
    return {
        **numbers(IMAGES),
        **not_numbers(IMAGES),
        "empty": IMAGES[:0],
        "one image": IMAGES[0],
        "two axes": IMAGES[0, ..., 0],
        "five axes": IMAGES[None],
        "grayscale": IMAGES[..., 0],
        "one channel": IMAGES[..., :1],
        "channels first": IMAGES.transpose(0, 3, 1, 2),
        "another size": IMAGES[:, :4],
        "no pixels": IMAGES[:, :, :0],
        "different sizes": [IMAGES[0], IMAGES[0, :5]],
        "different sizes as objects": np.array([IMAGES[0], IMAGES[0, :5], None], object)[:2],
        "NaN": np.full_like(IMAGES, np.nan),
        "infinite": np.where(IMAGES > 200, np.inf, IMAGES),
        "with labels": (IMAGES, LABELS),
    }


def label_kinds():
    return {
        **numbers(LABELS),
        **not_numbers(LABELS),
        "empty": LABELS[:0],
        "column": LABELS[:, None],
        "one-hot": np.eye(2)[LABELS],
        "one-hot of 5": np.eye(5)[LABELS],
        "smoothed": ROWS,
        "fractions": LABELS / 2,
        "negative": -LABELS,
        "too large": LABELS + 2**40,
        "NaN": np.array([0, np.nan, 1, 0]),
        "infinite": np.array([0, np.inf, 1, 0]),
        "too few": LABELS[:3],
        "too many": np.tile(LABELS, 2),
        "three axes": np.zeros((4, 2, 2)),
    }


def dataset_kinds():
    batch = (IMAGES, LABELS)
    return {
        **{f"images: {kind}": [(each, LABELS)] for kind, each in image_kinds().items()},
        **{f"labels: {kind}": [(IMAGES, each)] for kind, each in label_kinds().items()},
        **{f"pair of labels: {kind}": (IMAGES, each) for kind, each in label_kinds().items()},
        **{f"pair of images: {kind}": (each, LABELS) for kind, each in image_kinds().items()},
        **{f"data: {kind}": each for kind, each in not_numbers(IMAGES).items()},
        "no batches": [],
        "empty batch": [(IMAGES[:0], LABELS[:0])],
        "empty batch among others": [batch, (IMAGES[:0], LABELS[:0]), batch],
        "later batch of another size": [batch, (IMAGES[:, :4], LABELS)],
        "later batch of strings": [batch, (IMAGES, ["cat"] * 4)],
        "images": IMAGES,
        "images, batched": [IMAGES],
        "labels": [LABELS],
        "reversed": (LABELS, IMAGES),
        "reversed, batched": [(LABELS, IMAGES)],
        "dicts": [{"images": IMAGES, "labels": LABELS}],
        "examples": list(zip(IMAGES, LABELS, strict=True)),
        "batches of four": [(IMAGES, LABELS, LABELS, LABELS)],
        "batches of one": [(IMAGES,)],
        "batches of none": [()],
        "None among batches": [None],
        "no sample weights": (IMAGES, LABELS, None),
        "set": {1, 2},
    }


def batches_of_images():
    return {
        **image_kinds(),
        **{f"batched: {kind}": [each] for kind, each in image_kinds().items()},
        **dataset_kinds(),
    }


def lists_of_images():
    return {**image_kinds(), **{f"listed: {kind}": [each] for kind, each in image_kinds().items()}}


def any_kinds():
    return {**image_kinds(), **label_kinds()}


def write_report(**options):
    """Checks the options: the page itself would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("catdog_keras.report._write_report._page_sections", lambda *_: [])
        report.write_report("report.html", report.ModelReport("model", EVALUATION), **options)


def export_model(path, **options):
    """None stands for random images, which would be exported."""
    if options.get("check_data", 0) is None:
        return None
    return conversion.export_model(MODEL, path, class_names=NAMES, **options)


# For each public function: an argument, its kinds of inputs, and the call.
TAKES = {
    "check_data": [(any_kinds, doctor.check_data)],
    "check_pipeline": [(dataset_kinds, lambda x: diagnostics.check_pipeline(x, COMPILED))],
    "evaluate_classifier": [
        (dataset_kinds, lambda x: evaluation.evaluate_classifier(MODEL, x, class_names=NAMES)),
        (
            any_kinds,
            lambda x: evaluation.evaluate_classifier(MODEL, [(IMAGES, LABELS)], class_names=x),
        ),
    ],
    "calibrate": [(dataset_kinds, lambda x: evaluation.calibrate(MODEL, x))],
    "count_labels": [(dataset_kinds, lambda x: evaluation.count_labels(x, class_names=NAMES))],
    "baseline_accuracy": [(any_kinds, evaluation.baseline_accuracy)],
    "grad_cam": [
        (image_kinds, lambda x: evaluation.grad_cam(WITH_MAP, x)),
        (label_kinds, lambda x: evaluation.grad_cam(WITH_MAP, IMAGES, x)),
    ],
    "Evaluation": [
        (label_kinds, lambda x: evaluation.Evaluation(NAMES, x, ROWS)),
        (any_kinds, lambda x: evaluation.Evaluation(NAMES, LABELS, x)),
        (any_kinds, lambda x: evaluation.Evaluation(NAMES, LABELS, ROWS, x)),
    ],
    "compare": [(any_kinds, lambda x: evaluation.compare(EVALUATION, x))],
    "predict_probabilities": [
        (batches_of_images, lambda x: models.predict_probabilities(MODEL, x))
    ],
    "predict_tta": [
        (batches_of_images, lambda x: models.predict_tta(MODEL, x)),
        (image_kinds, lambda x: models.predict_tta(MODEL, IMAGES, [lambda _: x])),
    ],
    "plot_images": [(dataset_kinds, lambda x: plotting.plot_images(x, class_names=NAMES))],
    "plot_top_losses": [
        (dataset_kinds, lambda x: plotting.plot_top_losses(EVALUATION.top_losses(2), x))
    ],
    "plot_augmentation": [
        (image_kinds, lambda x: plotting.plot_augmentation(x, [IMAGES])),
        (lists_of_images, lambda x: plotting.plot_augmentation(IMAGES, x)),
    ],
    "plot_grad_cam": [
        (image_kinds, lambda x: plotting.plot_grad_cam(x, np.ones((4, 8, 8)))),
        (image_kinds, lambda x: plotting.plot_grad_cam(IMAGES, x)),
    ],
    "plot_confusion_matrix": [(any_kinds, lambda x: plotting.plot_confusion_matrix(x, NAMES))],
    "plot_label_counts": [(any_kinds, plotting.plot_label_counts)],
    "plot_history": [
        (any_kinds, plotting.plot_history),
        (any_kinds, lambda x: plotting.plot_history({"loss": x})),
    ],
    "plot_comparison": [(any_kinds, plotting.plot_comparison)],
    "plot_learning_rate": [(any_kinds, plotting.plot_learning_rate)],
    "plot_precision_recall": [(any_kinds, plotting.plot_precision_recall)],
    "plot_reliability": [(any_kinds, plotting.plot_reliability)],
    "plot_roc": [(any_kinds, plotting.plot_roc)],
    "write_report": [
        (any_kinds, lambda x: report.write_report("report.html", x)),
        *(
            (any_kinds, lambda x, name=name: write_report(**{name: x}))
            for name in ("title", "counts", "metadata", "highlight", "note")
        ),
        (any_kinds, lambda x: write_report(counts={"train": x})),
        (any_kinds, lambda x: write_report(counts={"train": {"cat": x}})),
        (any_kinds, lambda x: write_report(metadata={"run": x})),
    ],
    "ModelReport": [
        (any_kinds, lambda x: report.ModelReport("model", x)),
        (any_kinds, lambda x: report.ModelReport(x, EVALUATION)),
        (any_kinds, lambda x: report.ModelReport("model", EVALUATION, None, x)),
    ],
    "export_model": [
        (image_kinds, lambda x: export_model("model", check_data=x)),
        (image_kinds, lambda x: export_model("m.onnx", quantize="int8", calibration_data=x)),
    ],
    "infer_input_range": [(any_kinds, diagnostics.infer_input_range)],
    "extract_features": [(batches_of_images, lambda x: diagnostics.extract_features(x, WITH_MAP))],
    "find_label_issues": [
        (any_kinds, lambda x: diagnostics.find_label_issues(x, LABELS, folds=2)),
        (any_kinds, lambda x: diagnostics.find_label_issues(ROWS, x, folds=2)),
        (any_kinds, lambda x: diagnostics.find_label_issues(ROWS, LABELS, groups=x, folds=2)),
        (any_kinds, lambda x: diagnostics.find_label_issues(None, LABELS, probabilities=x)),
    ],
    "find_near_duplicates": [
        (image_kinds, diagnostics.find_near_duplicates),
        (any_kinds, lambda x: diagnostics.find_near_duplicates(BYTES, features=x)),
    ],
    "find_outliers": [
        (any_kinds, lambda x: diagnostics.find_outliers(x, LABELS)),
        (any_kinds, lambda x: diagnostics.find_outliers(ROWS, x)),
        (image_kinds, lambda x: diagnostics.find_outliers(ROWS, LABELS, images=x)),
    ],
    "find_shortcuts": [
        (any_kinds, lambda x: diagnostics.find_shortcuts(x, LABELS)),
        (any_kinds, lambda x: diagnostics.find_shortcuts(["a.png"] * 4, x)),
    ],
    "leakage_effect": [
        (any_kinds, lambda x: diagnostics.leakage_effect(x, [0])),
        (any_kinds, lambda x: diagnostics.leakage_effect(LABELS == 1, x)),
    ],
    "learning_curve": [
        (any_kinds, lambda x: diagnostics.learning_curve(x, LABELS)),
        (any_kinds, lambda x: diagnostics.learning_curve(ROWS, x)),
    ],
    "plot_learning_curve": [(any_kinds, plotting.plot_learning_curve)],
    "get_class_names": [(any_kinds, models.get_class_names)],
    "wilson_interval": [(any_kinds, lambda x: evaluation.wilson_interval(x, 4))],
}
# Records that functions return, a table, an error, and builders, which take no arrays.
TAKES_NONE = {
    *("ExportMetadata", "ExportMismatchError", "ExportReport", "read_metadata"),
    *("fold_batch_norm", "strip_augmentation", "use_fused_batch_norm"),
    *("AveragedMetrics", "ClassMetrics", "Comparison", "Comparisons", "ExampleLoss"),
    *("PrecisionRecallCurve", "ReliabilityBin", "RocCurve"),
    *("PipelineFinding", "PipelineReport", "BACKBONES", "WeightsNotFoundError"),
    *(
        "DataFinding",
        "DataReport",
        "LabelIssues",
        "LeakageEffect",
        "LearningCurve",
        "NearDuplicatePair",
    ),
    *("NearDuplicates", "Outlier", "Outliers", "PropertyScore", "Shortcuts"),
    *("build_model1", "build_model2", "build_model3", "transfer_model"),
}


def public_names():
    return {name for package in PACKAGES for name in package.__all__}


def test_every_public_name_has_an_entry():
    assert public_names() == {*TAKES, *TAKES_NONE}


def is_plain(error):
    """Whether an error was raised by this package, with argument, requirement and what was given.

    Errors of frameworks and of NumPy end in their own files.
    """
    raised_here = traceback.extract_tb(error.__traceback__)[-1].filename.startswith(SOURCE)
    words = re.match(r"`[^`]+` must .*; ?\s*received ", str(error), re.DOTALL)
    return type(error) in (TypeError, ValueError) and raised_here and words is not None


@pytest.fixture(scope="module", autouse=True)
def undrawn():
    """Leaves out the layout of figures, which takes most of the time: bad input is found before."""
    from catdog_keras.plotting import _axes_and_text

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_axes_and_text, "measure_axes", lambda ax: (300.0, 200.0))
        yield


@pytest.mark.parametrize(
    ("kinds", "call"),
    [
        pytest.param(*case, id=f"{name}-{number}")
        for name, cases in TAKES.items()
        for number, case in enumerate(cases)
    ],
)
def test_bad_input_gives_a_result_or_a_plain_error(kinds, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    errors = {}
    for kind, value in kinds().items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                call(value)
            except Exception as error:
                if not is_plain(error):
                    errors[kind] = f"{type(error).__name__}: {error}"
    assert errors == {}


PREDICTING = {
    "evaluate_classifier": lambda x: (
        evaluation.evaluate_classifier(MODEL, [(x, LABELS)], class_names=NAMES).probabilities
    ),
    "predict_probabilities": lambda x: models.predict_probabilities(MODEL, [(x, LABELS)]),
    "predict_tta": lambda x: models.predict_tta(MODEL, [(x, LABELS)]),
    "grad_cam": lambda x: evaluation.grad_cam(WITH_MAP, x),
}


@pytest.mark.parametrize("call", PREDICTING.values(), ids=PREDICTING)
def test_same_numbers_in_another_form_give_the_same_result(call):
    for kind, value in numbers(IMAGES).items():
        same = IMAGES if kind != "read-only" else np.array(value)
        exact = keras.ops.convert_to_numpy(keras.ops.cast(keras.ops.array(same), "float32"))
        np.testing.assert_allclose(call(value), call(exact), rtol=1e-5, err_msg=kind)


@pytest.mark.parametrize("call", PREDICTING.values(), ids=PREDICTING)
def test_images_that_a_model_cannot_take_are_never_predicted(call):
    accepted = set()
    for kind, value in image_kinds().items():
        with contextlib.suppress(TypeError, ValueError):
            call(value)
            accepted.add(kind)
    assert accepted == set(numbers(IMAGES))


class Subclassed(keras.Model):
    """A model whose input shape is not known."""

    def __init__(self):
        super().__init__()
        self.inner = unbuilt()

    def call(self, images):
        return self.inner(images)


def unbuilt():
    return keras.Sequential([keras.layers.Conv2D(2, 3), keras.layers.GlobalAveragePooling2D()])


@pytest.mark.parametrize("make", [Subclassed, unbuilt])
def test_bad_images_for_a_model_of_unknown_input_shape_give_a_result_or_a_plain_error(make):
    errors = {}
    model = make()
    for kind, value in image_kinds().items():
        try:
            evaluation.evaluate_classifier(model, [(value, LABELS)], class_names=NAMES)
        except Exception as error:
            if not is_plain(error):
                errors[kind] = f"{type(error).__name__}: {error}"
        if model.built:
            model = make()
    assert errors == {}
