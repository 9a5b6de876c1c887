"""An augmentation that changes the range of the images is rejected when the model is built."""

import json

import keras
import pytest
from keras import layers

from catdog_keras import (
    AugmentationPipeline,
    RandomApply,
    RandomChoice,
    augmentation_preset,
    build_model2,
    transfer_model,
)
from catdog_keras.layers import Preprocessing
from catdog_keras.models._check_augmentation import check_augmentation

SHAPE = (48, 48, 3)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: layers.Rescaling(1 / 255), r"maps \[0, 255\] to \[0, 1\]"),
        (lambda: layers.Rescaling(1 / 127.5, -1), r"to \[-1, 1\]"),
        (lambda: Preprocessing("imagenet_caffe"), r"maps \[0, 255\]"),
        (lambda: keras.Sequential([layers.RandomFlip(), layers.Rescaling(1 / 255)]), "maps"),
        (lambda: AugmentationPipeline([layers.RandomFlip(), layers.Rescaling(1 / 255)]), "maps"),
        (lambda: RandomApply(layers.Rescaling(0.5)), r"maps \[0, 255\] to \[0, 127.5\]"),
        (lambda: RandomChoice([layers.Identity(), layers.Rescaling(2.0)]), "maps"),
        (lambda: layers.RandomBrightness(0.1, value_range=(0, 1)), r"value_range=\(0, 1\)"),
        (lambda: augmentation_preset("strong", value_range=(-1, 1)), "value_range"),
    ],
)
def test_augmentation_that_changes_the_range_is_rejected(make, problem):
    with pytest.raises(ValueError, match=f"`augmentation` must be .*{problem}"):
        check_augmentation(make(), SHAPE)


@pytest.mark.parametrize(
    "make",
    [
        lambda: augmentation_preset("strong"),
        lambda: layers.AutoContrast(),
        lambda: layers.GaussianNoise(0.5),
        lambda: RandomApply(layers.Rescaling(-1.0, 255.0)),
        lambda: RandomChoice([layers.RandomInvert(), layers.RandomGrayscale()]),
        lambda: layers.Pipeline([layers.RandomRotation(0.1), layers.RandomContrast(0.1)]),
        lambda: keras.Sequential(
            [
                layers.Rescaling(1 / 255),
                layers.RandomBrightness(0.1, value_range=(0, 1)),
                layers.Rescaling(255.0),
            ]
        ),
    ],
)
def test_augmentation_that_keeps_the_range_is_accepted(make):
    layer = make()
    assert check_augmentation(layer, SHAPE) is layer


def test_models_reject_a_scaling_layer_as_augmentation():
    backbone = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(2, 3)])
    for build in (
        lambda layer: transfer_model(backbone, SHAPE, augmentation=layer),
        lambda layer: build_model2(SHAPE, augmentation=layer),
    ):
        with pytest.raises(ValueError, match="`augmentation` must be"):
            build(layers.Rescaling(1 / 255))


def named_backbone(name, *front):
    return keras.Sequential([keras.Input(SHAPE), *front, layers.Conv2D(2, 3)], name=name)


@pytest.mark.parametrize(
    ("backbone", "preprocessing", "remedy"),
    [
        (lambda: named_backbone("mobilenetv2_x"), None, "'signed'"),
        (lambda: named_backbone("mobilenetv2_x"), "unit", "'signed'"),
        (lambda: named_backbone("vgg16"), "signed", "'imagenet_caffe'"),
        (lambda: named_backbone("own", layers.Rescaling(1 / 255)), "unit", "None"),
        (lambda: named_backbone("own", layers.Rescaling(2.0, -1.0)), None, "'unit'"),
    ],
)
def test_transfer_model_warns_of_preprocessing_for_another_range(backbone, preprocessing, remedy):
    with pytest.warns(UserWarning, match=f"expects pixel values.*Pass preprocessing={remedy}"):
        transfer_model(backbone(), SHAPE, preprocessing=preprocessing)


def test_transfer_model_does_not_warn_of_matching_or_unknown_preprocessing():
    transfer_model(named_backbone("mobilenetv2_x"), SHAPE, preprocessing="signed")
    transfer_model(named_backbone("own"), SHAPE)
    transfer_model(named_backbone("own"), SHAPE, preprocessing="unit")
    scaling = layers.Rescaling(1 / 127.5, -1)
    transfer_model(named_backbone("xception"), SHAPE, preprocessing=scaling)


def test_list_of_presets_and_layers_is_a_pipeline(tmp_path):
    model = build_model2(SHAPE, augmentation=["strong", layers.RandomGrayscale()])
    assert isinstance(model.layers[1], AugmentationPipeline)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    found, expected = (each.layers[1].get_config() for each in (loaded, model))
    assert json.dumps(found) == json.dumps(expected)
    with pytest.raises(ValueError, match=r"`augmentation` must be .*to \[0, 1\]"):
        build_model2(SHAPE, augmentation=["light", layers.Rescaling(1 / 255)])
    with pytest.raises(TypeError, match=r"`augmentation\[0\]` must be a keras.Layer, or one of"):
        transfer_model("synthetic_small", SHAPE, weights=None, augmentation=[3])
