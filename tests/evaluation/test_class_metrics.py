"""Precision, recall and F1 against scikit-learn, a hand-worked case, and simulated coverage."""

import math

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import precision_recall_fscore_support

from catdog_keras.evaluation import ClassMetrics, Evaluation, wilson_interval
from tests.evaluation.strategies import evaluations

NAMES = ["cat", "dog", "fox"]
# Of 4 cats 3 are found, of 3 dogs 2, of 1 fox none: it is misclassified as a cat.
LABELS = [0, 0, 0, 0, 1, 1, 1, 2]
PREDICTED = [0, 0, 0, 1, 1, 1, 0, 0]


def example():
    return Evaluation(NAMES, LABELS, np.eye(3)[PREDICTED])


def test_class_metrics_match_hand_computed_values():
    cat, dog, fox = example().class_metrics
    assert cat == ClassMetrics("cat", num_images=4, predicted=5, correct=3)
    assert (cat.precision, cat.recall, cat.f1) == (3 / 5, 3 / 4, 6 / 9)
    assert (cat.precision_interval, cat.recall_interval) == (
        wilson_interval(3, 5),
        wilson_interval(3, 4),
    )
    assert (dog.precision, dog.recall, dog.f1) == (2 / 3, 2 / 3, 4 / 6)
    assert (fox.recall, fox.f1) == (0, 0)
    assert math.isnan(fox.precision)
    assert all(map(math.isnan, fox.precision_interval))
    macro, weighted = example().macro_average, example().weighted_average
    assert macro.precision == pytest.approx((3 / 5 + 2 / 3) / 2)
    assert macro.recall == pytest.approx((3 / 4 + 2 / 3) / 3)
    assert macro.f1 == pytest.approx((2 / 3 + 2 / 3) / 3)
    assert weighted.precision == pytest.approx((4 * 3 / 5 + 3 * 2 / 3) / 7)
    assert weighted.recall == pytest.approx(5 / 8)
    assert weighted.f1 == pytest.approx((4 * 2 / 3 + 3 * 2 / 3) / 8)


@given(evaluations())
def test_scores_and_averages_match_scikit_learn(result):
    def scikit_learn_scores(average):
        return precision_recall_fscore_support(
            result.labels,
            result.predictions,
            labels=range(len(result.class_names)),
            average=average,
            zero_division=np.nan,
        )

    ours = [(s.precision, s.recall, s.f1, s.num_images) for s in result.class_metrics]
    assert np.array(ours) == pytest.approx(np.array(scikit_learn_scores(None)).T, nan_ok=True)
    for average in ("macro", "weighted"):
        mean = getattr(result, f"{average}_average")
        expected = list(scikit_learn_scores(average)[:3])
        if average == "weighted" and not any(
            s.num_images and s.predicted for s in result.class_metrics
        ):
            expected[0] = math.nan  # all weights of the mean are 0
        assert (mean.precision, mean.recall, mean.f1) == pytest.approx(expected, nan_ok=True)


@given(evaluations())
def test_intervals_contain_their_scores(result):
    for scores in result.class_metrics:
        for kind in ("precision", "recall", "f1"):
            low, high = getattr(scores, f"{kind}_interval")
            value = getattr(scores, kind)
            if math.isnan(value):
                assert math.isnan(low)
                assert math.isnan(high)
            else:
                assert 0 <= low <= high <= 1
                assert low - 1e-12 <= value <= high + 1e-12


@pytest.mark.parametrize(("hit", "alarm"), [(0.9, 0.1), (0.95, 0.3), (0.6, 0.02), (0.99, 0.01)])
def test_precision_and_f1_intervals_have_nominal_coverage(hit, alarm):
    """Of 192 images, a third of the class, of which `hit` are found and `alarm` of the rest."""
    random = np.random.default_rng(0)
    odds = [hit / 3, (1 - hit) / 3, alarm * 2 / 3, (1 - alarm) * 2 / 3]
    cells = random.multinomial(192, odds, size=4000)
    precision = (hit / 3) / (hit / 3 + alarm * 2 / 3)
    f1 = 2 * (hit / 3) / (1 / 3 + hit / 3 + alarm * 2 / 3)
    covered = {"precision": 0, "f1": 0}
    for correct, missed, wrong, _ in cells.tolist():
        scores = ClassMetrics("cat", correct + missed, correct + wrong, correct)
        for kind, truth in (("precision", precision), ("f1", f1)):
            low, high = getattr(scores, f"{kind}_interval")
            covered[kind] += low <= truth <= high
    assert covered["precision"] / 4000 == pytest.approx(0.95, abs=0.02)
    assert covered["f1"] / 4000 == pytest.approx(0.95, abs=0.02)
