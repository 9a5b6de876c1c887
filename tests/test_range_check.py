"""Images in another range than the model expects are warned of, once, in every function."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers

from catdog_keras import (
    FineTuneConfig,
    evaluate_classifier,
    find_learning_rate,
    fine_tune,
    fit_head,
    grad_cam,
    predict_probabilities,
    predict_tta,
)
from catdog_keras._range_check import InputRangeWarning, RangeCheck
from catdog_keras.evaluation import calibrate
from tests.training.fine_tuning_cases import model as frozen_model

SHAPE = (8, 8, 3)
LABELS = np.arange(12) % 2
WHOLE = {"options": FineTuneConfig(num_views=None), "unfreeze": 1.0}


def images_in(low, high, count=12):
    """Returns random images whose extremes are `low` and `high`."""
    generator = np.random.default_rng(0)
    images = generator.uniform(low, high, (count, *SHAPE)).astype("float32")
    images[0, 0, 0] = low, high, low
    return images


def scaled(scale=1 / 127.5, offset=-1.0, name="net"):
    """Returns a model that scales its images first."""
    parts = [layers.Rescaling(scale, offset), layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input(SHAPE), *parts], name=name)


def of_bytes():
    """A model of images in [0, 255]."""
    return scaled()


def of_unit():
    """A model of images in [0, 1]."""
    return scaled(2.0, -1.0)


def of_signed():
    """A model of images in [-1, 1], by the name of its backbone."""
    return scaled(1.0, 0.0, "xception")


def of_torch():
    """A model of images scaled as in PyTorch, by the name of its backbone."""
    return scaled(1.0, 0.0, "densenet121")


def of_unknown():
    """A model whose input range cannot be inferred."""
    return scaled(1.0, 0.0)


def warnings_for(make, *batches):
    """The number of warnings after each batch, and at the end of the data."""
    check, counts = RangeCheck(make()), []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for batch in batches:
            check.see("train", batch)
            check.warn()
            counts.append(len(caught))
        check.warn(is_complete=True)
        counts.append(len(caught))
    assert all(each.category is InputRangeWarning for each in caught)
    return counts


@pytest.mark.parametrize(
    ("make", "batches", "expected"),
    [
        # Decisive at once, also after a dark batch.
        (of_signed, [images_in(0, 255)], [1, 1]),
        (of_signed, [np.zeros((2, *SHAPE)), images_in(0, 255), images_in(0, 255)], [0, 1, 1, 1]),
        (of_bytes, [images_in(0, 5), images_in(0, 65535)], [0, 1, 1]),
        (of_bytes, [images_in(-123, 151)], [1, 1]),
        (of_unit, [images_in(-1, 1)], [1, 1]),
        # After all images, or many of them.
        (of_bytes, [images_in(0, 1)], [0, 1]),
        (of_bytes, [images_in(0, 0.4)], [0, 1]),
        (of_bytes, [images_in(-1, 1)], [0, 1]),
        (of_bytes, [images_in(-2.1, 2.6)], [0, 1]),
        (of_bytes, [images_in(0, 1, 600), images_in(0, 1)], [1, 1, 1]),
        (of_signed, [images_in(0, 1)], [0, 1]),
        (of_torch, [images_in(0, 1)], [0, 1]),
        (of_torch, [images_in(-1, 1)], [0, 1]),
        (of_unit, [images_in(0, 1 / 255)], [0, 1]),
        (of_signed, [images_in(0, 1 / 127.5) - 1], [0, 1]),
        # Images that can be in the range.
        (of_bytes, [images_in(0, 1), images_in(0, 255)], [0, 0, 0]),
        (of_bytes, [images_in(0, 5)], [0, 0]),
        (of_bytes, [images_in(-9, 262)], [0, 0]),
        (of_bytes, [np.zeros((2, *SHAPE)), np.ones((2, *SHAPE))], [0, 0, 0]),
        (of_bytes, [images_in(0, 255).astype("uint8")], [0, 0]),
        (of_bytes, [images_in(0, 1.9).astype("uint8")], [0, 0]),
        (of_signed, [images_in(-1, 1)], [0, 0]),
        (of_signed, [images_in(-0.3, 0.5)], [0, 0]),
        (of_signed, [images_in(0.2, 1)], [0, 0]),
        (of_torch, [images_in(-2.1, 2.6)], [0, 0]),
        (of_unit, [images_in(0, 1)], [0, 0]),
        (of_unknown, [images_in(0, 255), images_in(0, 1)], [0, 0, 0]),
        # Of any model.
        (of_unknown, [np.full((2, *SHAPE), np.nan)], [0, 1]),
        (of_unknown, [np.where(images_in(0, 1) > 0.9, np.inf, 0.5)], [0, 1]),
    ],
)
def test_range_check_warns_once_and_only_if_the_images_decide(make, batches, expected):
    assert warnings_for(make, *batches) == expected


CALLS = {
    "predict_probabilities": lambda images: predict_probabilities(of_bytes(), images),
    "predict_tta": lambda images: predict_tta(of_bytes(), images, batch_size=4),
    "evaluate_classifier": lambda images: evaluate_classifier(
        of_bytes(), batches(images), class_names=["a", "b"]
    ),
    "calibrate": lambda images: calibrate(of_bytes(), batches(images)),
    "grad_cam": lambda images: grad_cam(of_bytes(), images),
    "find_learning_rate": lambda images: find_learning_rate(
        of_bytes(), batches(images), max_lr=1e-5, steps=10
    ),
    "fit_head": lambda images: fit_head(frozen_model(), batches(images), epochs=1, verbose=0),
    "fine_tune": lambda images: fine_tune(frozen_model(), batches(images), epochs=1, verbose=0),
    "fine_tune without a cache": lambda images: fine_tune(
        frozen_model(), batches(images), epochs=1, verbose=0, **WHOLE
    ),
    "validation_data": lambda images: fit_head(
        frozen_model(), (255 * images, LABELS), validation_data=batches(images), epochs=1, verbose=0
    ),
}


def batches(images):
    """Returns the images in three batches, with labels."""
    return [(images[n : n + 4], LABELS[n : n + 4]) for n in (0, 4, 8)]


@pytest.mark.eager
@pytest.mark.parametrize("name", CALLS)
def test_every_function_warns_once_of_images_in_another_range(name):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        CALLS[name](images_in(0, 1))
    found = [str(each.message) for each in caught if each.category is InputRangeWarning]
    assert len(found) == 1
    assert "expects pixel values in [0, 255], but the images in " in found[0]


@pytest.mark.eager
def test_fit_head_rejects_images_and_features_that_are_not_finite():
    images = images_in(0, 255)
    images[5, 2, 2, 0] = np.nan
    with pytest.raises(ValueError, match="`train` must hold finite pixels; received NaN"):
        fit_head(frozen_model(), batches(images), epochs=1, verbose=0)
    model = frozen_model()
    model.get_layer("small").get_layer("conv0").bias.assign([3e38] * 4)
    with pytest.raises(ValueError, match=r"finite features; the frozen layers return NaN .* 255"):
        fit_head(model, batches(images_in(0, 255)), epochs=1, verbose=0)


def test_pixels_that_are_not_finite_are_found_after_a_warning():
    ranges = RangeCheck(frozen_model())
    ranges.see("train", images_in(0, 1))
    with pytest.warns(InputRangeWarning, match="expects pixel values in"):
        ranges.warn(is_complete=True)
    assert ranges.is_finite
    ranges.see("train", np.full_like(images_in(0, 1), np.nan))
    assert not ranges.is_finite


def test_sample_weights_that_are_not_finite_are_rejected():
    data = [(images_in(0, 255), LABELS, np.where(LABELS, np.nan, 1.0))]
    with pytest.raises(ValueError, match="`train` must hold finite sample weights"):
        find_learning_rate(of_bytes(), data, steps=10)


@pytest.mark.parametrize(
    ("train", "validation", "expected"),
    [
        (images_in(0, 1), images_in(0, 255), 1),
        (images_in(0, 255), images_in(-1, 1), 1),
        (images_in(0, 1), images_in(-1, 1), 0),
        (images_in(0, 255), images_in(0, 9), 0),
        (images_in(0, 255), np.zeros((2, *SHAPE)), 0),
    ],
)
def test_datasets_of_different_scale_are_warned_of_for_any_model(train, validation, expected):
    check = RangeCheck(of_unknown())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for name, images in (("train", train), ("validation_data", validation)):
            check.see(name, images)
            check.warn(is_complete=True)
    assert len(caught) == expected
    assert all("`train` are in" in str(each.message) for each in caught)
