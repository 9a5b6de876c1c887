"""Unknown names of the package, of arguments and of backbones: the message has the right one."""

import copy
import dataclasses
import inspect
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest

import catdog_keras
from catdog_keras._public_names import _OF_EVALUATION, GUESSES
from catdog_keras._suggestions import suggests_attributes
from catdog_keras.datasets._argument_names import LOADER_NAMES
from catdog_keras.datasets._attribute_names import (
    IMAGES_ATTRIBUTES,
    SCAN_ATTRIBUTES,
    SPLITS_ATTRIBUTES,
)
from catdog_keras.evaluation._argument_names import (
    EVALUATE_NAMES,
    EVALUATION_NAMES,
    GRAD_CAM_NAMES,
)
from catdog_keras.evaluation._attribute_names import (
    CLASS_ATTRIBUTES,
    COMPARISON_ATTRIBUTES,
    EVALUATION_ATTRIBUTES,
    PRECISION_RECALL_ATTRIBUTES,
    ROC_ATTRIBUTES,
)
from catdog_keras.layers._argument_names import (
    APPLY_NAMES,
    CHOICE_NAMES,
    CLASS_NAMES,
    SCHEME_NAMES,
)
from catdog_keras.layers._conv_arguments import CONV_NAMES
from catdog_keras.models._argument_names import ARGUMENT_NAMES
from catdog_keras.report._argument_names import REPORT_NAMES
from catdog_keras.training._argument_names import FINE_TUNE_NAMES, FIT_NAMES

EVALUATION = catdog_keras.Evaluation(
    ["cat", "dog"], [0, 1, 1, 1], [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
)
UNKNOWN = "module 'catdog_keras' has no attribute "


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("compare", "Use `catdog_keras.evaluation.compare`."),
        ("read_metadata", "Use `catdog_keras.conversion.read_metadata`."),
        ("load_folder", "Did you mean `catdog_keras.load_image_folder`?"),
        ("fit", "Did you mean `catdog_keras.fit_head` or `catdog_keras.fine_tune`?"),
        ("evaluate", "Did you mean `catdog_keras.evaluate_classifier`?"),
        ("evaluate_model", "Did you mean `catdog_keras.evaluate_classifier`?"),
        ("image_dataset_from_directory", "Did you mean `catdog_keras.load_image_folder` or `catdog_keras.load_cats_dogs`?"),
        ("confusion_matrix", "Use `evaluate_classifier(model, dataset).confusion_matrix`."),
        ("GradCAM", "Did you mean `catdog_keras.grad_cam` or `catdog_keras.plot_grad_cam`?"),
        ("temperature_scaling", "Did you mean `catdog_keras.evaluation.calibrate`?"),
        ("MixUp", "Use `keras.layers.MixUp` or `CutMix`."),
        ("zzzqq", "`dir(catdog_keras)` lists its names."),
        ("*", "`dir(catdog_keras)` lists its names."),
    ],
)  # fmt: skip
def test_unknown_name_of_the_package_suggests_public_names(name, remedy):
    with pytest.raises(AttributeError) as caught:
        getattr(catdog_keras, name)
    assert str(caught.value) == f"{UNKNOWN}{name!r}. {remedy}"


def test_every_guess_leads_to_a_public_name():
    places = [catdog_keras, *(getattr(catdog_keras, name) for name in catdog_keras.__all__)]
    for guess, (meant, hint) in GUESSES.items():
        assert meant or hint
        assert guess not in dir(catdog_keras) or guess in ("grad_cam", "evaluation")
        for name in meant:
            assert any(name in getattr(place, "__all__", ()) for place in places)
    for attribute in _OF_EVALUATION.values():
        assert hasattr(catdog_keras.Evaluation, attribute.removesuffix("()"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "import catdog_keras; catdog_keras.RocCurv",
        "from catdog_keras._suggestions import suggests_attributes as s; s({})(type('A', (), {'right': 1}))().righd",
    ],
)  # fmt: skip
def test_python_adds_no_suggestion_of_its_own(line):
    found = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True)
    assert found.stderr.count("Did you mean") == 1


@pytest.mark.parametrize(
    ("value", "name", "remedy"),
    [
        (EVALUATION, "acc", "Did you mean `accuracy`?"),
        (EVALUATION, "acuracy", "Did you mean `accuracy`?"),
        (EVALUATION, "f1_score", "Did you mean `f1`? `class_metrics` has the metrics of each class, with intervals."),
        (EVALUATION, "auc", "Did you mean `roc_curves`? It has a curve for each class; of two classes, only that of the second: `roc_curves[0].auc`."),
        (EVALUATION, "report", "`print(evaluation)` shows the main metrics, and `write_report` writes a page with all."),
        (EVALUATION, "y_true", "Did you mean `labels`?"),
        (EVALUATION, "to_df", "Did you mean `to_frame`?"),
        (EVALUATION, "to_csv", "Did you mean `to_frame`? A data frame has `to_csv` and others."),
        (EVALUATION, "plot_roc", "Use `catdog_keras.plot_roc(evaluation)`."),
        (EVALUATION, "plot_history", "Use `catdog_keras.plot_history(history)`."),
        (EVALUATION, "zzzqq", ""),
        (EVALUATION.class_metrics[0], "support", "Did you mean `num_images`?"),
        (EVALUATION.macro_average, "f1_score", "Did you mean `f1`?"),
        (EVALUATION.macro_average, "support", ""),
        (EVALUATION.roc_curves[0], "tpr", "Did you mean `true_positive_rate`?"),
        (EVALUATION.precision_recall_curves[0], "ap", "Did you mean `average_precision`?"),
        (EVALUATION.baseline_comparison, "pvalue", "Did you mean `p_value`?"),
    ],
)  # fmt: skip
def test_unknown_attribute_of_an_evaluation_is_answered_with_the_right_one(value, name, remedy):
    assert not hasattr(value, name)
    with pytest.raises(AttributeError) as caught:
        getattr(value, name)
    kind = type(value).__name__
    message = f"'{kind}' object has no attribute {name!r}. {remedy}".rstrip()
    assert str(caught.value) == message


def test_unknown_attribute_of_a_data_set_is_answered_with_the_right_one(drawn_synthetic):
    splits = catdog_keras.load_cats_dogs(drawn_synthetic)
    images = catdog_keras.load_images(splits.files["test"][:2])
    for value, name, remedy in (
        (splits, "val", "Did you mean `validation`?"),
        (splits, "valid", "Did you mean `validation`?"),
        (splits, "classes", "Did you mean `class_names`?"),
        (splits, "file_paths", 'Did you mean `files`? It has them by split: `files["test"]`.'),
        (images, "file_paths", "Did you mean `files`?"),
        (splits.scan, "summary", "Did you mean `to_text`?"),
        (splits.scan, "corrupt", "Did you mean `bad`?"),
    ):
        with pytest.raises(AttributeError, match=re.escape(f"no attribute {name!r}. {remedy}")):
            getattr(value, name)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (catdog_keras.Evaluation, EVALUATION_ATTRIBUTES),
        (catdog_keras.ClassMetrics, CLASS_ATTRIBUTES),
        (catdog_keras.RocCurve, ROC_ATTRIBUTES),
        (catdog_keras.PrecisionRecallCurve, PRECISION_RECALL_ATTRIBUTES),
        (catdog_keras.Comparison, COMPARISON_ATTRIBUTES),
        (catdog_keras.ImageSplits, SPLITS_ATTRIBUTES),
        (catdog_keras.LabeledImages, IMAGES_ATTRIBUTES),
        (catdog_keras.ScanReport, SCAN_ATTRIBUTES),
    ],
)
def test_every_synonym_leads_to_an_attribute(kind, names):
    own = {*dir(kind), *(field.name for field in dataclasses.fields(kind))}
    for name, (meant, hint) in names.items():
        assert name not in own
        assert set(meant) <= own
        assert meant or hint


def test_evaluation_with_suggestions_is_copied_and_pickled():
    for copied in (
        copy.copy(EVALUATION),
        copy.deepcopy(EVALUATION),
        pickle.loads(pickle.dumps(EVALUATION)),
    ):
        assert copied.to_dict() == EVALUATION.to_dict()
    assert "acc" not in dir(EVALUATION)
    assert "accuracy" in dir(EVALUATION)
    assert not hasattr(EVALUATION, "__array__")
    assert getattr(EVALUATION, "acc", None) is None


def test_attribute_error_inside_a_property_is_kept():
    @suggests_attributes({})
    class Broken:
        @property
        def value(self):
            return [].missing

    with pytest.raises(AttributeError, match="'list' object has no attribute 'missing'"):
        print(Broken().value)


def test_misspelled_class_is_suggested_first():
    for name, right in (("ImageSplit", "ImageSplits"), ("randomaffine", "RandomAffine")):
        with pytest.raises(AttributeError, match=rf"Did you mean `catdog_keras\.{right}`"):
            getattr(catdog_keras, name)


@pytest.mark.slow
def test_suggestion_imports_no_framework():
    program = (
        "import sys, catdog_keras\n"
        "assert not hasattr(catdog_keras, 'compare') and not hasattr(catdog_keras, '_private')\n"
        "assert not {'keras', 'tensorflow', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": 3}, "`classes` is not an argument of transfer_model. Did you mean `num_classes`?"),
        ({"image_size": 96}, "Did you mean `input_shape`? It is (height, width, channels)."),
        ({"num_clases": 3}, "Did you mean `num_classes`?"),
        ({"include_top": False}, "The models have a new last layer for `num_classes` classes."),
        ({"unknown": 1}, "Its arguments are backbone, input_shape, num_classes, weights,"),
    ],
)  # fmt: skip
def test_unknown_argument_of_transfer_model_suggests_the_one_that_was_meant(arguments, message):
    with pytest.raises(TypeError) as caught:
        catdog_keras.transfer_model(**arguments)
    assert message in str(caught.value)


def test_synonyms_of_arguments_that_a_function_does_not_have_are_not_suggested():
    with pytest.raises(TypeError, match="Its arguments are input_shape, num_classes, dropout"):
        catdog_keras.build_model1(augment="light")
    with pytest.raises(TypeError, match="Did you mean `augmentation`"):
        catdog_keras.build_model2(augment="light")
    with pytest.raises(TypeError, match="not compiled: pass an optimizer to"):
        catdog_keras.build_model1(lr=0.1)


@pytest.mark.parametrize(
    ("call", "remedy"),
    [
        (lambda: catdog_keras.ConvBlock(n_filters=8), "Did you mean `filters`?"),
        (lambda: catdog_keras.ConvBlock(8, kernel=3), "Did you mean `kernel_size`?"),
        (lambda: catdog_keras.ConvBlock(8, activation_fn="relu"), "Did you mean `activation`?"),
        (lambda: catdog_keras.ConvBlock(8, batch_norm=True), "Did you mean `normalization`? It is"),
        (lambda: catdog_keras.ConvBlock(8, use_bn=False), "Did you mean `normalization`? It is"),
        (lambda: catdog_keras.ConvBlock(8, kernel_init="zeros"), "mean `kernel_initializer`?"),
        (lambda: catdog_keras.ConvBlock(8, weight_decay=0.1), "`kernel_regularizer`? For example"),
        (lambda: catdog_keras.ConvBlock(8, residual=True), "`keras.layers.add([x, block(x)])`"),
        (lambda: catdog_keras.ConvBlock(8, in_channels=3), "that of the inputs"),
        (lambda: catdog_keras.ClassNames(names=["a", "b"]), "Did you mean `class_names`?"),
        (lambda: catdog_keras.Preprocessing(mode="signed"), "Did you mean `scheme`?"),
        (lambda: catdog_keras.Preprocessing("unit", std=2), "For other values use `keras.layers.Rescaling`"),
        (lambda: catdog_keras.RandomAffine(hflip=True), 'mean `flip`? Pass flip="horizontal".'),
        (lambda: catdog_keras.RandomApply(prob=0.5), "Did you mean `rate`?"),
        (lambda: catdog_keras.transfer_model(freeze=True), "`fine_tune` trains its last layers"),
        (lambda: catdog_keras.transfer_model(architecture="xception"), "Did you mean `backbone`?"),
    ],
)  # fmt: skip
def test_unknown_argument_is_explained_before_a_missing_one(call, remedy):
    with pytest.raises(TypeError, match="is not an argument of") as caught:
        call()
    assert remedy in str(caught.value)


def test_unknown_argument_of_a_tutorial_network_is_suggested():
    for build in (
        catdog_keras.build_model1,
        catdog_keras.build_model2,
        catdog_keras.build_model3,
    ):
        with pytest.raises(TypeError, match=rf"of {build.__name__}\. Did you mean `num_classes`"):
            build(classes=3)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        ("fit_head", {"validation_split": 0.2}, "Did you mean `validation_data`? Keras's split"),
        ("fit_head", {"lr": 1}, "`fit_head` uses the optimizer that the model is compiled with"),
        ("fit_head", {"x": 1}, "Did you mean `train`?"),
        ("fine_tune", {"sample_weight": 1}, "Pass a tuple (images, labels, sample weights)"),
        ("fine_tune", {"epoch": 1}, "Did you mean `epochs`?"),
        ("fine_tune", {"fine_tune_at": 10}, "Did you mean `unfreeze`? It is the name of a backbone layer, or the fraction"),
        ("evaluate_classifier", {"average": "macro"}, "The evaluation has a `macro_average` and a `weighted_average`."),
        ("evaluate_classifier", {"labels": [0]}, "Did you mean `y`?"),
        ("evaluate_classifier", {"logits": True}, "Did you mean `from_logits`?"),
        ("evaluate_classifier", {"unknown": 1}, "Its arguments are model, dataset, y, class_names, files, batch_size, from_logits."),
        ("Evaluation", {"y_true": [0]}, "Did you mean `labels`?"),
        ("Evaluation", {"unknown": 1}, "Its arguments are class_names, labels, probabilities, files."),
        ("grad_cam", {"pred_index": 1}, "Did you mean `class_index`?"),
        ("grad_cam", {"last_conv_layer_name": "conv"}, "Did you mean `layer`?"),
        ("write_report", {"history": {}}, "Pass it in a `ModelReport`: `ModelReport(name, evaluation, history)`."),
        ("write_report", {"filename": "a"}, "Did you mean `path`?"),
        ("load_image_folder", {"img_size": 96}, "Did you mean `image_size`?"),
        ("load_image_folder", {"validation_split": 0.2}, "Did you mean `holdout_fraction`?"),
        ("load_cats_dogs", {"path": "a"}, "Did you mean `source`?"),
        ("load_cats_dogs", {"test_fraction": 0.1}, "The split of the tutorial is fixed;"),
        ("load_image_table", {"csv": "a"}, "Did you mean `table`?"),
        ("load_image_table", {"x_col": "a"}, "Did you mean `image_column`?"),
        ("load_image_table", {"test_size": 0.1}, "Did you mean `test_fraction`?"),
        ("load_images", {"directory": "a"}, "Did you mean `paths`?"),
        *(
            (loader, {name: 96}, "Did you mean `image_size`?")
            for loader in ("load_cats_dogs", "load_image_folder", "load_image_table", "load_images", "load_manifest")
            for name in ("img_size", "size", "target_size")
        ),
        ("load_manifest", {"root": "a"}, "Did you mean `directory`?"),
        ("scan_images", {"folder": "a"}, "Did you mean `directory`?"),
        ("find_learning_rate", {"num_iter": 9}, "Did you mean `steps`?"),
        ("augmentation_preset", {"level": "light"}, "Did you mean `strength`?"),
        ("predict_probabilities", {"x": 1}, "Did you mean `images`?"),
        ("predict_probabilities", {"verbose": 0}, "No progress is printed."),
        ("predict_tta", {"num_views": 3}, "Did you mean `views`?"),
        ("count_labels", {"labels": [0]}, "Did you mean `y`?"),
        ("check_pipeline", {"num_batches": 1}, "Did you mean `batches`?"),
        ("calibrate", {"validation_data": 1}, "Did you mean `validation`?"),
        ("wilson_interval", {"alpha": 0.05}, "Did you mean `confidence`? It is 1 - alpha, 0.95 by"),
        ("calibrate", {"dataset": 1}, "Did you mean `validation`?"),
        ("export_model", {"filepath": "a"}, "Did you mean `path`?"),
        ("export_model", {"quantization": "int8"}, "Did you mean `quantize`?"),
        ("extract_features", {"model": 1}, "Did you mean `backbone`?"),
        ("find_label_issues", {"pred_probs": 1}, "Did you mean `probabilities`?"),
        ("find_label_issues", {"X": 1}, "Did you mean `features`? `extract_features` returns"),
        ("run_tutorial", {"data_dir": "a"}, "Did you mean `source`?"),
        ("ModelReport", {"top_losses": 1}, "Did you mean `top_losses_figure`?"),
        ("FineTuneConfig", {"lr": 1}, "Did you mean `learning_rate`?"),
        ("FineTuneConfig", {"epochs": 1}, "It is an argument of `fine_tune`."),
    ],
)  # fmt: skip
def test_unknown_argument_of_keras_is_answered_with_the_one_here(function, arguments, message):
    with pytest.raises(TypeError) as caught:
        public_functions()[function](**arguments)
    assert f"is not an argument of {function}. {message}" in str(caught.value)


def public_functions():
    """Returns the functions and classes of the package and its public packages, by name."""
    packages = [getattr(catdog_keras, name) for name in catdog_keras.__all__]
    packages = [catdog_keras, *(each for each in packages if inspect.ismodule(each))]
    return {
        name: getattr(package, name)
        for package in packages
        for name in package.__all__
        if callable(getattr(package, name))
    }


def test_every_public_function_lists_its_arguments_where_an_unknown_one_is_passed():
    functions = {
        name: each for name, each in public_functions().items() if inspect.isfunction(each)
    }
    assert len(functions) > 40
    for name, function in functions.items():
        with pytest.raises(TypeError, match=f"`zzz` is not an argument of {name}. Its arguments"):
            function(zzz=1)


@pytest.mark.parametrize(
    ("function", "names"),
    [
        ("ConvBlock", CONV_NAMES),
        ("Preprocessing", SCHEME_NAMES),
        ("ClassNames", CLASS_NAMES),
        ("RandomApply", APPLY_NAMES),
        ("RandomChoice", CHOICE_NAMES),
        ("transfer_model", ARGUMENT_NAMES),
        ("fit_head", FIT_NAMES),
        ("fine_tune", FINE_TUNE_NAMES),
        ("load_image_folder", LOADER_NAMES),
        ("evaluate_classifier", EVALUATE_NAMES),
        ("Evaluation", EVALUATION_NAMES),
        ("grad_cam", GRAD_CAM_NAMES),
        ("write_report", REPORT_NAMES),
    ],
)
def test_every_synonym_leads_to_an_argument(function, names):
    own = inspect.signature(getattr(catdog_keras, function)).parameters
    for name, (meant, hint) in names.items():
        assert name not in own
        assert set(meant) <= set(own)
        assert meant or hint


def test_unknown_argument_of_compare_is_answered_with_the_right_one():
    for name, remedy in (
        ("labels", "Did you mean `names`?"),
        ("evaluations", "Pass the evaluations one by one"),
        ("others", "Its arguments are a, b, names."),
    ):
        with pytest.raises(TypeError, match=f"is not an argument of compare. {remedy}"):
            catdog_keras.evaluation.compare(EVALUATION, EVALUATION, **{name: 1})


def test_decorated_constructor_and_function_keep_their_signatures():
    for function, first in (
        (catdog_keras.Evaluation, "class_names"),
        (catdog_keras.evaluate_classifier, "model"),
        (catdog_keras.grad_cam, "model"),
        (catdog_keras.write_report, "path"),
        (catdog_keras.evaluation.compare, "a"),
    ):
        parameters = inspect.signature(function).parameters
        assert next(iter(parameters)) == first
        assert not {"args", "kwargs"} & set(parameters)


def test_preset_of_keras_hub_as_backbone_gets_its_prefix():
    with pytest.raises(ValueError, match="dinov2_small") as caught:
        catdog_keras.transfer_model("dinov2_small")
    assert str(caught.value) == (
        "`backbone` must be a name from BACKBONES; received backbone='dinov2_small'. If it is a "
        "preset of KerasHub, pass 'keras_hub:dinov2_small'. `catdog-keras backbones` lists the "
        "names."
    )


def test_splits_have_items_and_a_number_of_classes(drawn_synthetic):
    splits = catdog_keras.load_cats_dogs(drawn_synthetic)
    assert splits.num_classes == 2
    for name, dataset in zip(("train", "validation", "test"), splits, strict=True):
        assert splits[name] is dataset
    with pytest.raises(KeyError, match="The splits are 'train', 'validation', 'test'; received"):
        splits["val"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: catdog_keras.plot_roc([0, 1], [0.1, 0.9]),
            "plot_roc takes 1 argument by position, curves; received 2. Pass others by name: ax.",
        ),
        (
            lambda: catdog_keras.load_image_folder("a", (64, 64)),
            "load_image_folder takes 1 argument by position, directory; received 2. Pass others by name:",
        ),
        (
            lambda: catdog_keras.ModelReport(1, 2, 3, 4, 5),
            "ModelReport takes 4 arguments by position, name, evaluation, history, top_losses_figure; received 5.",
        ),
        (
            lambda: catdog_keras.baseline_accuracy({}, 2),
            "baseline_accuracy takes 1 argument by position, counts; received 2.",
        ),
        (
            lambda: catdog_keras.ConvBlock(16, 3, 1, "same"),
            "ConvBlock takes 3 arguments by position, filters, kernel_size, strides; received 4. Pass others by name: padding, data_format,",
        ),
        (
            lambda: catdog_keras.AugmentationPipeline("light", "light"),
            "AugmentationPipeline takes 1 argument by position, layers; received 2. Pass a list: `AugmentationPipeline([first, second])`.",
        ),
        (
            lambda: catdog_keras.RandomChoice("light", "light"),
            "RandomChoice takes 1 argument by position, layers; received 2. Pass a list: `RandomChoice([first, second])`.",
        ),
        (
            lambda: catdog_keras.ClassNames("cats", "dogs"),
            'ClassNames takes 1 argument by position, class_names; received 2. Pass a list: `ClassNames(["cats", "dogs"])`.',
        ),
        (
            lambda: catdog_keras.Preprocessing("unit", "channels_last"),
            "Preprocessing takes 1 argument by position, scheme; received 2. Pass others by name: data_format.",
        ),
    ],
)  # fmt: skip
def test_too_many_arguments_by_position_are_answered_with_the_names(call, message):
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value).startswith(message)


def test_function_of_keras_as_backbone_is_answered_with_its_name():
    import keras

    with pytest.raises(TypeError, match=r"received backbone=<.*>\. Pass its name, 'mobilenet_v2'"):
        catdog_keras.transfer_model(keras.applications.MobileNetV2, weights=None)


@pytest.mark.parametrize(
    ("call", "error", "remedy"),
    [
        *(
            (lambda mode=mode: catdog_keras.Preprocessing(mode), ValueError, f"Did you mean {scheme}?")
            for mode, scheme in (
                ("tf", "'signed'"),
                ("caffe", "'imagenet_caffe'"),
                ("torch", "'imagenet_torch'"),
                ("imagenet", "'imagenet_torch' or 'imagenet_caffe'"),
            )
        ),
        (lambda: catdog_keras.Preprocessing("mobilenet_v2"), ValueError, "`transfer_model` preprocesses for its backbone. The scheme of 'mobilenet_v2' is 'signed'."),
        (lambda: catdog_keras.Preprocessing("ResNet50"), ValueError, "The scheme of 'resnet50' is 'imagenet_caffe'."),
        (lambda: catdog_keras.Preprocessing("efficientnet_b0"), ValueError, "'efficientnet_b0' contains its preprocessing."),
        (lambda: catdog_keras.load_images("a", label_mode="sparse"), ValueError, "Did you mean 'int'?"),
        (lambda: catdog_keras.load_images("a", color_mode="gray"), ValueError, "Did you mean 'grayscale'?"),
        (lambda: catdog_keras.load_image_folder("a", split="random"), ValueError, "'stratified' draws from each class separately."),
        (lambda: catdog_keras.augmentation_preset("heavy"), ValueError, "Did you mean 'strong'?"),
        (lambda: catdog_keras.RandomApply("Heavy"), ValueError, "Did you mean 'strong'?"),
        *(
            (lambda place=place: catdog_keras.ConvBlock(8, normalization=place), error, "Pass 'before' or 'after' the activation, or None for no normalization.")
            for place, error in (("batch", ValueError), (True, TypeError), (False, TypeError))
        ),
        (lambda: catdog_keras.ConvBlock(8, pooling=None), TypeError, "pool_size=None disables pooling."),
        (lambda: catdog_keras.ConvBlock(8, pooling="average"), ValueError, "Did you mean 'avg'?"),
        (lambda: catdog_keras.transfer_model(pooling="mean"), ValueError, "Did you mean 'avg'?"),
        (lambda: catdog_keras.RandomAffine(flip=True), TypeError, "Did you mean 'horizontal'?"),
        (lambda: catdog_keras.RandomAffine(flip=False), TypeError, "Pass None for no flip."),
    ],
)  # fmt: skip
def test_value_of_another_library_is_answered_with_the_one_here(call, error, remedy):
    with pytest.raises(error) as caught:
        call()
    assert (
        str(caught.value).endswith(f". {remedy}") or remedy in str(caught.value).split(". ", 1)[1]
    )


def test_unknown_value_has_no_remedy():
    with pytest.raises(ValueError, match=r"received strength='zzz'\.$"):
        catdog_keras.augmentation_preset("zzz")
    with pytest.raises(TypeError, match=r"received flip=1\.$"):
        catdog_keras.RandomAffine(flip=1)


def test_every_plot_of_the_package_is_suggested_for_an_evaluation():
    import matplotlib.pyplot as plt

    for name in (each for each in catdog_keras.__all__ if each.startswith("plot_")):
        with pytest.raises(AttributeError, match=rf"Use `catdog_keras\.{name}\(") as caught:
            getattr(EVALUATION, name)
        if "(evaluation)" in str(caught.value):
            getattr(catdog_keras, name)(
                EVALUATION, **({"data": PAIR} if name == "plot_top_losses" else {})
            )
    plt.close("all")


PAIR = np.zeros((4, 8, 8, 3)), EVALUATION.labels
