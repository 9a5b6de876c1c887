"""Wilson's interval against published numbers, its equation, and the coverage that it states."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from catdog_keras.evaluation import wilson_interval

Z95 = 1.959963984540054


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_matches_published_values(correct, total, low, high):
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10**9), st.data())
def test_wilson_interval_is_ordered_and_contains_proportion(total, data):
    correct = data.draw(st.integers(0, total))
    confidence = data.draw(st.floats(1e-6, 1 - 1e-12))
    low, high = wilson_interval(correct, total, confidence)
    assert 0 <= low <= correct / total <= high <= 1
    assert low == 0 if correct == 0 else low > 0
    assert high == 1 if correct == total else high < 1


def test_wilson_interval_bounds_are_exactly_0_and_1_at_extremes():
    for total in range(1, 2000):
        assert wilson_interval(0, total)[0] == 0.0
        assert wilson_interval(total, total)[1] == 1.0


@given(st.integers(1, 100_000), st.data())
def test_wilson_interval_bounds_solve_score_equation(total, data):
    """Wilson's ends are the shares p at which (share - p)^2 = z^2 p (1 - p) / n."""
    correct = data.draw(st.integers(0, total))
    for end in wilson_interval(correct, total):
        left = (correct / total - end) ** 2
        assert left == pytest.approx(Z95**2 * end * (1 - end) / total, rel=1e-6, abs=1e-12)


@given(st.integers(1, 1000), st.data())
def test_wilson_interval_mirrors_when_correct_and_wrong_are_swapped(total, data):
    correct = data.draw(st.integers(0, total))
    low, high = wilson_interval(correct, total)
    other_low, other_high = wilson_interval(total - correct, total)
    assert (low, high) == pytest.approx((1 - other_high, 1 - other_low), abs=1e-12)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_wilson_interval_has_nominal_coverage(confidence):
    """The exact share of outcomes of 192 images whose interval holds the true accuracy.

    Over the true accuracies a tutorial model may have, it is the stated one on average and never
    far below.
    """
    total = 192
    ends = np.array([wilson_interval(k, total, confidence) for k in range(total + 1)])
    ways = np.array([math.comb(total, k) for k in range(total + 1)], dtype=float)
    accuracies = np.linspace(0.5, 0.98, 97)
    coverage = []
    for accuracy in accuracies:
        right = np.arange(total + 1)
        odds = ways * accuracy**right * (1 - accuracy) ** (total - right)
        covered = (ends[:, 0] <= accuracy) & (accuracy <= ends[:, 1])
        coverage.append(odds[covered].sum())
    assert np.mean(coverage) == pytest.approx(confidence, abs=0.01)
    assert min(coverage) > confidence - 0.05


def test_wilson_interval_widens_with_confidence_and_fewer_images():
    def width(*arguments):
        low, high = wilson_interval(*arguments)
        return high - low

    assert width(90, 100, 0.8) < width(90, 100, 0.95) < width(90, 100, 1 - 1e-16)
    assert width(900, 1000) < width(90, 100) < width(9, 10)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((1, 0), ValueError, "`total` must be an integer of at least 1; received total=0."),
        ((1, 2.0), TypeError, "`total` must be an integer of at least 1; received total=2.0."),
        ((-1, 2), ValueError, "`correct` must be an integer of at least 0; received correct=-1."),
        ((0.5, 2), TypeError, "`correct` must be an integer of at least 0; received correct=0.5."),
        ((3, 2), ValueError, "`correct` must be at most `total`, here 2; received correct=3."),
        ((1, 2, 0), ValueError, "`confidence` must be a number above 0 and below 1; received confidence=0."),
        ((1, 2, 1.0), ValueError, "`confidence` must be a number above 0 and below 1; received confidence=1.0."),
        ((1, 2, 95), ValueError, "`confidence` must be a number above 0 and below 1; received confidence=95. Use a fraction, not a percentage: 0.95, not 95."),
        ((1, 2, math.nan), ValueError, "`confidence` must be a number above 0 and below 1; received confidence=nan."),
        ((1, 2, "95"), TypeError, "`confidence` must be a number above 0 and below 1; received confidence='95'."),
    ],
)  # fmt: skip
def test_wilson_interval_raises_for_invalid_arguments(arguments, error, message):
    with pytest.raises(error) as caught:
        wilson_interval(*arguments)
    assert str(caught.value) == message
