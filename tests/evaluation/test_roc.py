"""ROC curves and their areas against scikit-learn, a hand-worked case, and simulated coverage."""

import math

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import roc_auc_score, roc_curve

from catdog_keras._intervals import auc_interval
from catdog_keras.evaluation import Evaluation
from tests.evaluation.strategies import evaluations

NAMES = ["cat", "dog"]


def dog_curve(labels, probabilities):
    rows = [[1 - p, p] for p in probabilities]
    (curve,) = Evaluation(NAMES, labels, rows).roc_curves
    return curve


def test_roc_curve_matches_hand_computed_values():
    """Of the 6 pairs of a dog and a cat, 4 are in order, one is a tie and one is wrong."""
    curve = dog_curve([1, 0, 1, 0, 0], [0.9, 0.7, 0.5, 0.5, 0.1])
    assert (curve.class_name, curve.positives, curve.negatives) == ("dog", 2, 3)
    assert curve.thresholds.tolist() == [np.inf, 0.9, 0.7, 0.5, 0.1]
    assert curve.true_positive_rate.tolist() == [0, 0.5, 0.5, 1, 1]
    assert curve.false_positive_rate.tolist() == pytest.approx([0, 0, 1 / 3, 2 / 3, 1])
    assert curve.auc == pytest.approx(4.5 / 6)


@given(evaluations(least_classes=2))
def test_roc_curves_and_auc_match_scikit_learn(result):
    classes = [1] if len(result.class_names) == 2 else range(len(result.class_names))
    assert len(result.roc_curves) == len(classes)
    for index, curve in zip(classes, result.roc_curves, strict=True):
        assert curve.class_name == result.class_names[index]
        truth, scores = result.labels == index, result.probabilities[:, index]
        assert (curve.positives, curve.negatives) == (truth.sum(), (~truth).sum())
        if truth.all() or not truth.any():
            assert math.isnan(curve.auc)
            assert all(map(math.isnan, curve.auc_interval))
            continue
        alarms, hits, thresholds = roc_curve(truth, scores, drop_intermediate=False)
        assert curve.false_positive_rate == pytest.approx(alarms)
        assert curve.true_positive_rate == pytest.approx(hits)
        assert curve.thresholds == pytest.approx(thresholds)
        assert curve.auc == pytest.approx(roc_auc_score(truth, scores))


def test_auc_is_unchanged_when_two_classes_are_swapped():
    random = np.random.default_rng(0)
    labels, dogs = random.integers(0, 2, 50), random.random(50)
    assert dog_curve(labels, dogs).auc == pytest.approx(dog_curve(1 - labels, 1 - dogs).auc)


def test_auc_is_nan_for_single_class():
    (curve,) = Evaluation(["cat"], [0, 0], [[1.0], [1.0]]).roc_curves
    assert (curve.positives, curve.negatives) == (2, 0)
    assert math.isnan(curve.auc)
    assert curve.true_positive_rate.tolist() == [0, 1]
    assert np.isnan(curve.false_positive_rate).all()


@pytest.mark.parametrize("area", [0, 0.2, 0.5, 0.9, 1])
@pytest.mark.parametrize("counts", [(1, 1), (1, 30), (96, 96), (2000, 8)])
def test_auc_interval_contains_auc_and_narrows_with_more_images(area, counts):
    low, high = auc_interval(area, *counts)
    assert 0 <= low <= area <= high <= 1
    assert (low == 0) == (area == 0)
    assert (high == 1) == (area == 1)
    more_low, more_high = auc_interval(area, 4 * counts[0], 4 * counts[1])
    assert more_high - more_low < high - low
    assert auc_interval(1 - area, *counts) == pytest.approx((1 - high, 1 - low))


def test_auc_interval_bounds_solve_newcombe_equation():
    """Newcombe's equation, with the variance of Hanley and McNeil (1982) for groups of one size."""
    z, size, area = 1.959963984540054, 40, 0.8
    for end in auc_interval(area, size, size):
        first, second = end / (2 - end), 2 * end**2 / (1 + end)
        spread = end * (1 - end) + (size - 1) * (first + second - 2 * end**2)
        assert abs(area - end) == pytest.approx(z * math.sqrt(spread) / size)


@pytest.mark.parametrize("distance", [0.3, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("counts", [(96, 96), (20, 172)])
def test_auc_interval_has_nominal_coverage(distance, counts):
    """Scores of both kinds are normal: the true area is then known. Above 0.9 it is rather wide."""
    truth = 0.5 * (1 + math.erf(distance / 2))
    random = np.random.default_rng(1)
    positives, negatives = counts
    covered = 0
    for _ in range(1500):
        dogs = random.normal(distance, size=positives)
        cats = np.sort(random.normal(size=negatives))
        area = np.searchsorted(cats, dogs).mean() / negatives
        low, high = auc_interval(float(area), positives, negatives)
        covered += low <= truth <= high
    assert 0.935 <= covered / 1500 <= (0.965 if truth < 0.9 else 0.995)


def test_roc_curves_compare_by_identity():
    """Comparing the arrays would raise: their truth value is ambiguous."""
    one, other = (
        Evaluation(["a", "b"], [0, 1], [[0.9, 0.1], [0.4, 0.6]]).roc_curves[0] for _ in "12"
    )
    assert one == one
    assert one != other
    assert len({one, other}) == 2
