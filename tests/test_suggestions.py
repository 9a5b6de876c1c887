"""Unknown names of the package, of arguments and of backbones: the message has the right one."""

import inspect
import subprocess
import sys

import pytest

import catdog_keras
from catdog_keras.datasets._argument_names import LOADER_NAMES
from catdog_keras.layers._argument_names import (
    APPLY_NAMES,
    CHOICE_NAMES,
    CLASS_NAMES,
    SCHEME_NAMES,
)
from catdog_keras.layers._conv_arguments import CONV_NAMES
from catdog_keras.models._argument_names import ARGUMENT_NAMES
from catdog_keras.training._argument_names import FIT_NAMES

UNKNOWN = "module 'catdog_keras' has no attribute "


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("compare", "Use `catdog_keras.evaluation.compare`."),
        ("export_model", "Use `catdog_keras.conversion.export_model`."),
        ("load_folder", "Did you mean `catdog_keras.load_image_folder`?"),
        ("fit", "Did you mean `catdog_keras.fit_head`?"),
        ("evaluate", "Did you mean `catdog_keras.evaluation` or `catdog_keras.evaluate_classifier`?"),
        ("zzzqq", "`dir(catdog_keras)` lists its names."),
        ("*", "`dir(catdog_keras)` lists its names."),
    ],
)  # fmt: skip
def test_unknown_name_of_the_package_suggests_public_names(name, remedy):
    with pytest.raises(AttributeError) as caught:
        getattr(catdog_keras, name)
    assert str(caught.value) == f"{UNKNOWN}{name!r}. {remedy}"


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
        ("load_image_folder", {"img_size": 96}, "Did you mean `image_size`?"),
        ("load_image_folder", {"validation_split": 0.2}, "Did you mean `holdout_fraction`?"),
    ],
)
def test_unknown_argument_of_keras_is_answered_with_the_one_here(function, arguments, message):
    with pytest.raises(TypeError) as caught:
        getattr(catdog_keras, function)(**arguments)
    assert f"is not an argument of {function}. {message}" in str(caught.value)


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
        ("fine_tune", FIT_NAMES),
        ("load_image_folder", LOADER_NAMES),
    ],
)
def test_every_synonym_leads_to_an_argument(function, names):
    own = inspect.signature(getattr(catdog_keras, function)).parameters
    for name, (meant, hint) in names.items():
        assert name not in own
        assert set(meant) <= set(own)
        assert meant or hint


def test_preset_of_keras_hub_as_backbone_gets_its_prefix():
    with pytest.raises(ValueError, match="dinov2_small") as caught:
        catdog_keras.transfer_model("dinov2_small")
    assert str(caught.value) == (
        "`backbone` must be a name from BACKBONES; received backbone='dinov2_small'. If it is a "
        "preset of KerasHub, pass 'keras_hub:dinov2_small'. `catdog-keras backbones` lists the "
        "names."
    )


def test_splits_have_items_and_a_number_of_classes():
    splits = catdog_keras.load_cats_dogs("synthetic")
    assert splits.num_classes == 2
    for name, dataset in zip(("train", "validation", "test"), splits, strict=True):
        assert splits[name] is dataset
    with pytest.raises(KeyError, match="The splits are 'train', 'validation', 'test'; received"):
        splits["val"]
