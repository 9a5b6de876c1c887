"""The effect of twins on the test accuracy: numbers, intervals, findings and errors."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from catdog_keras import Evaluation
from catdog_keras.diagnostics import leakage_effect

RIGHT = np.array([True, True, False, True, False, True, True, True])


def make_evaluation():
    rows = np.where(RIGHT[:, None], [0.2, 0.8], [0.9, 0.1])
    files = [f"test/{n}.jpg" for n in range(len(RIGHT))]
    return Evaluation(["cat", "dog"], np.ones(len(RIGHT), int), rows, files)


def test_effect_counts_images_with_and_without_twins():
    effect = leakage_effect(RIGHT, [0, 1])
    assert (effect.num_images, effect.correct, effect.num_twins, effect.correct_twins) == (
        8,
        6,
        2,
        2,
    )
    assert effect.accuracy == 0.75
    assert effect.accuracy_without == pytest.approx(4 / 6)
    assert effect.difference == pytest.approx(0.75 - 4 / 6)


def test_published_example_gives_published_interval():
    """Newcombe (1998), table II, example (a): 56/70 - 48/80, method 10: 0.0524 to 0.3339."""
    right = np.repeat([True, False, True, False], [56, 14, 48, 32])
    effect = leakage_effect(right, np.arange(70))
    low, high = effect.difference_interval
    assert low / (70 / 150) == pytest.approx(0.0524, abs=5e-5)
    assert high / (70 / 150) == pytest.approx(0.3339, abs=5e-5)


def test_evaluation_and_array_give_the_same_numbers_and_files_are_named():
    effect = leakage_effect(make_evaluation(), [3, 1, 3])
    assert effect.correct_twins == leakage_effect(RIGHT, [1, 3]).correct_twins == 2
    (finding,) = effect.findings
    assert (finding.kind, finding.indices) == ("leakage", (1, 3))
    assert finding.files == ("test/1.jpg", "test/3.jpg")
    assert finding.score == effect.difference
    assert "2 of 8 test images have a twin" in finding.text


def test_mask_equals_indices():
    mask = np.zeros(8, bool)
    mask[[2, 5]] = True
    assert leakage_effect(RIGHT, mask) == leakage_effect(RIGHT, [5, 2])


@pytest.mark.parametrize("twins", [[], np.zeros(8, bool), np.empty(0, int)])
def test_no_twins_give_no_difference_and_no_finding(twins):
    effect = leakage_effect(RIGHT, twins)
    assert (effect.difference, effect.difference_interval, effect.findings) == (0.0, (0.0, 0.0), ())
    assert str(effect) == "None of the 8 test images has a twin in the training data."
    assert str(leakage_effect([True], [])) == "The test image has no twin in the training data."


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_difference_is_in_its_interval_and_within_one(pairs):
    right, twin = np.array(pairs).T
    if twin.all():
        twin = np.r_[twin, False]
        right = np.r_[right, True]
    effect = leakage_effect(right, twin)
    low, high = effect.difference_interval
    assert -1 <= low <= effect.difference + 1e-12
    assert effect.difference <= high + 1e-12 <= 1 + 1e-12
    assert effect.accuracy_without == right[~twin].mean()
    swapped = leakage_effect(~right, twin)
    assert swapped.difference_interval == pytest.approx((-high, -low))


@pytest.mark.parametrize(
    ("correct", "twins", "error", "message"),
    [
        ([], [], ValueError, "`correct` must be an Evaluation"),
        ([[True]], [0], ValueError, "shape (1, 1)"),
        ([0, 1, 2], [0], TypeError, "predictions == labels"),
        ("yes", [0], TypeError, "`correct` must be an Evaluation"),
        (RIGHT, np.arange(8), ValueError, "split the data again, by groups"),
        (RIGHT, np.ones(8, bool), ValueError, "received all 8"),
        (RIGHT, [8], ValueError, "`twins` must be indices of test images from 0 to 7"),
        (RIGHT, [-1], ValueError, "received twins=-1"),
        (RIGHT, [True, False], ValueError, "shape (2,)"),
        (RIGHT, [0.5], TypeError, "`twins` must be indices"),
        (RIGHT, [(0, 1)], ValueError, "pass the second column"),
        (RIGHT, [[0], [1, 2]], TypeError, "`twins` must be indices"),
        (RIGHT, None, TypeError, "received twins=None"),
    ],
)
def test_leakage_effect_rejects_invalid_arguments(correct, twins, error, message):
    with pytest.raises(error) as caught:
        leakage_effect(correct, twins)
    assert message in str(caught.value)
