"""Reliability bins against scikit-learn and a hand-worked case."""

import numpy as np
import pytest
from hypothesis import given
from sklearn.calibration import calibration_curve

from catdog_keras.evaluation import Evaluation, ReliabilityBin, wilson_interval
from tests.evaluation.strategies import evaluations

NAMES = ["cat", "dog"]


def test_reliability_bins_match_hand_computed_values():
    rows = [[0.52, 0.48], [0.56, 0.44], [0.05, 0.95], [0.0, 1.0]]
    first, last = Evaluation(NAMES, [0, 1, 1, 1], rows).reliability_bins
    assert first == ReliabilityBin(
        0.5, pytest.approx(0.6), 2, correct=1, confidence=pytest.approx(0.54)
    )
    assert first.accuracy == 0.5
    assert first.accuracy_interval == wilson_interval(1, 2)
    assert last == ReliabilityBin(
        0.9, 1.0, num_images=2, correct=2, confidence=pytest.approx(0.975)
    )


@given(evaluations())
def test_reliability_bins_are_ordered_and_match_evaluation_totals(result):
    bins = result.reliability_bins
    assert sum(each.num_images for each in bins) == len(result)
    assert sum(each.correct for each in bins) == result.correct
    for each in bins:
        assert each.low < each.confidence <= each.high + 1e-12
    edges = [each.low for each in bins]
    assert edges == sorted(edges)
    gaps = [each.num_images * abs(each.accuracy - each.confidence) for each in bins]
    assert result.calibration_error == pytest.approx(sum(gaps) / len(result))


def test_reliability_bins_match_scikit_learn():
    """scikit-learn supports only one class, here the predicted one. No probability is on a bin edge."""
    random = np.random.default_rng(0)
    dogs = random.random(500)
    labels = (random.random(500) < dogs).astype(int)
    result = Evaluation(NAMES, labels, np.stack([1 - dogs, dogs], axis=1))
    shares, means = calibration_curve(
        result.is_correct, result.probabilities.max(axis=1), n_bins=10
    )
    assert [each.accuracy for each in result.reliability_bins] == pytest.approx(shares)
    assert [each.confidence for each in result.reliability_bins] == pytest.approx(means)
