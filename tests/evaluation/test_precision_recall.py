"""Precision-recall curves against scikit-learn, a hand-worked case, and simulated coverage."""

import math

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import average_precision_score, precision_recall_curve

from catdog_keras.evaluation import Evaluation
from catdog_keras.evaluation._precision_recall import compute_precision_recall
from tests.evaluation.strategies import evaluations


def test_precision_recall_curve_matches_hand_computed_values():
    rows = [[1 - p, p] for p in (0.9, 0.7, 0.5, 0.5, 0.1)]
    cat, dog = Evaluation(["cat", "dog"], [1, 0, 1, 0, 0], rows).precision_recall_curves
    assert (dog.class_name, dog.positives, dog.negatives) == ("dog", 2, 3)
    assert dog.thresholds.tolist() == [0.9, 0.7, 0.5, 0.1]
    assert dog.precision.tolist() == pytest.approx([1, 1 / 2, 2 / 4, 2 / 5])
    assert dog.recall.tolist() == [0.5, 0.5, 1, 1]
    assert dog.average_precision == pytest.approx(0.5 * 1 + 0.5 * 2 / 4)
    assert (cat.class_name, cat.positives) == ("cat", 3)


@given(evaluations())
def test_precision_recall_curves_match_scikit_learn(result):
    curves = result.precision_recall_curves
    assert [curve.class_name for curve in curves] == list(result.class_names)
    for index, curve in enumerate(curves):
        truth, scores = result.labels == index, result.probabilities[:, index]
        assert (curve.positives, curve.negatives) == (truth.sum(), (~truth).sum())
        if not truth.any():
            assert math.isnan(curve.average_precision)
            assert all(map(math.isnan, curve.average_precision_interval))
            continue
        precision, recall, thresholds = precision_recall_curve(truth, scores)
        # scikit-learn lists thresholds in ascending order and adds the end (recall 0, precision 1).
        assert curve.thresholds == pytest.approx(thresholds[::-1])
        assert curve.precision == pytest.approx(precision[-2::-1])
        assert curve.recall == pytest.approx(recall[-2::-1])
        assert curve.average_precision == pytest.approx(average_precision_score(truth, scores))
        low, high = curve.average_precision_interval
        assert 0 <= low <= curve.average_precision <= high <= 1
    known = [curve.average_precision for curve in curves if curve.positives]
    assert result.mean_average_precision == pytest.approx(np.mean(known))


def test_average_precision_interval_covers_true_value_in_at_least_95_percent():
    random = np.random.default_rng(0)

    def average_precision(images):
        labels = np.arange(images) % 2
        scores = 1 / (1 + np.exp(-random.normal(size=images) - 2 * labels))
        rows = np.stack([1 - scores, scores], axis=1)
        return Evaluation(["cat", "dog"], labels, rows).precision_recall_curves[1]

    truth = average_precision(400_000).average_precision
    covered = 0
    for _ in range(400):
        low, high = average_precision(100).average_precision_interval
        covered += low <= truth <= high
    assert covered / 400 >= 0.95


def test_average_precision_of_separable_scores_is_1():
    """The increases of the recall are fractions, whose sum can be rounded up."""
    for positives in range(370, 400):
        labels = np.arange(2325) < positives
        scores = np.where(labels, 0.5 + np.arange(2325) / 5000, 0.1)
        curve = compute_precision_recall("cat", labels, scores)
        assert curve.average_precision <= 1.0 <= curve.average_precision + 1e-12
