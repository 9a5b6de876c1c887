"""Learning curves: measured accuracies, the fitted power law, its intervals, and errors."""

import itertools
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from catdog_keras.diagnostics import LearningCurve, learning_curve
from catdog_keras.diagnostics._learning_curve import _describe_gain
from catdog_keras.diagnostics._linear_head import HeadInputs, choose_penalty
from catdog_keras.diagnostics._power_law import PowerLaw


def make_features(images=300, dimensions=12, distance=1.6, seed=0):
    random = np.random.default_rng(seed)
    labels = np.arange(images) % 2
    features = random.normal(size=(images, dimensions))
    features[:, 0] += distance * labels
    return features, labels


@settings(max_examples=15)
@given(
    st.floats(0, 0.3),
    st.floats(0.01, 0.3),
    st.sampled_from([0.05, 0.2, 0.5, 1.0, 1.5]),
    st.integers(3, 6),
)
def test_exact_power_law_is_recovered(floor, scale, exponent, count):
    sizes = 50.0 * 2 ** np.arange(count)
    errors = floor + scale * (sizes / sizes[-1]) ** -exponent
    law = PowerLaw.fit(sizes, errors[None], np.ones(count))
    expected = floor + scale * 2**-exponent
    assert law.error(2 * sizes[-1])[0] == pytest.approx(min(expected, 1), abs=1e-6)


@given(st.lists(st.floats(0, 1), min_size=3, max_size=6))
def test_power_law_never_rises_and_stays_in_the_unit_interval(errors):
    sizes = 10.0 * 2 ** np.arange(len(errors))
    law = PowerLaw.fit(sizes, np.array([errors]), np.ones(len(errors)))
    values = [law.error(size)[0] for size in (*sizes, 2 * sizes[-1], 1e9)]
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(values))
    assert 0 <= min(values) <= max(values) <= 1


def test_sizes_halve_and_numbers_are_consistent():
    curve = learning_curve(*make_features())
    assert curve.sizes == (30, 60, 120, 240)
    assert curve.doubled_size == 480
    for accuracy, (low, high) in zip(curve.accuracies, curve.intervals, strict=True):
        assert 0 <= low <= accuracy <= high <= 1
    low, high = curve.doubled_interval
    assert low <= curve.doubled_accuracy <= high
    assert curve.gain == pytest.approx(curve.doubled_accuracy - curve.predict(240))
    assert curve.gain_interval[0] <= curve.gain_interval[1]
    (finding,) = curve.findings
    assert (finding.kind, finding.indices, finding.score) == ("learning_curve", (), curve.gain)
    assert "With 240 training images the accuracy is" in finding.text
    assert "With 480 it would be about" in finding.text
    assert str(curve).count("\n") == 4


def test_more_images_help_and_measured_accuracy_is_that_of_unseen_images():
    features, labels = make_features(1000, 40)
    curve = learning_curve(features, labels, sizes=[20, 100, 800])
    assert curve.accuracies[0] + 0.05 < curve.accuracies[-1]
    assert curve.accuracies[-1] < NormalDist().cdf(0.8) + 0.03  # the best possible one is 0.788


def test_random_labels_give_the_accuracy_of_guessing():
    features = np.random.default_rng(0).normal(size=(400, 10))
    curve = learning_curve(features, np.arange(400) % 2)
    assert all(abs(accuracy - 0.5) < 0.08 for accuracy in curve.accuracies)


def test_interval_without_errors_is_that_of_a_measurement():
    curve = learning_curve(*make_features(200, 4, distance=40.0))
    assert curve.accuracies[-1] == 1.0
    assert curve.doubled_interval[0] == pytest.approx(0.981, abs=1e-3)  # Wilson, 200 of 200
    assert curve.doubled_interval[1] == 1.0


def test_groups_widen_the_intervals_and_are_kept_apart():
    """Copies of an image with a random label are learned, unless they are in one group."""
    random = np.random.default_rng(0)
    features = np.repeat(random.normal(size=(50, 60)), 6, axis=0)
    labels = np.repeat(random.integers(0, 2, 50), 6)
    groups = np.repeat(np.arange(50), 6)
    apart = learning_curve(features, labels, sizes=[60, 120, 200])
    together = learning_curve(features, labels, sizes=[60, 120, 200], groups=groups)
    assert apart.accuracies[-1] > 0.95
    assert together.accuracies[-1] < 0.75
    widths = [high - low for low, high in (apart.intervals[-1], together.intervals[-1])]
    assert widths[1] > 2 * widths[0]


def test_same_seed_repeats_the_curve():
    features, labels = make_features(120)
    first, again, other = (learning_curve(features, labels, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def true_accuracy(train, seed, test=2000):
    """The accuracy of one head on many independent images."""
    features, labels = make_features(train + test, 30, seed=seed)
    numbers = np.arange(train + test)
    rows = HeadInputs(features).predict(labels, numbers[:train], numbers[train:], 2)
    best = choose_penalty(rows[:, np.arange(test), labels[train:]])
    return np.mean(rows[best].argmax(axis=1) == labels[train:])


@pytest.mark.slow
def test_prediction_from_half_of_the_data_contains_the_true_accuracy():
    """On simulated images, of which the accuracy with twice as many is measured independently."""
    hits, trials = 0, 24
    for seed in range(trials):
        features, labels = make_features(400, 30, seed=seed)
        curve = learning_curve(features, labels, sizes=[80, 160, 320], seed=seed)
        low, high = curve.doubled_interval
        hits += low <= true_accuracy(curve.doubled_size, seed=10_000 + seed) <= high
    assert hits >= 0.85 * trials


FEATURES, LABELS = make_features(100)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"labels": LABELS[:99]}, ValueError, "one label for each of the 100 images; received an"),
        ({"labels": np.zeros(9, int)}, ValueError, "one label for each of the 100 images"),
        ({"features": FEATURES * 1e30}, ValueError, "numbers from -1e+15 to 1e+15, whose squares"),
        ({"labels": np.zeros(100, int)}, ValueError, "at least two classes"),
        ({"labels": np.r_[np.zeros(96, int), np.ones(4, int)]}, ValueError, "received 4 of '1'"),
        ({"features": FEATURES * np.inf}, ValueError, "`features` must be finite"),
        ({"features": FEATURES[:20], "labels": LABELS[:20]}, ValueError, "Pass `sizes` to use"),
        ({"groups": [0] * 100}, ValueError, "at least 5 groups"),
        ({"groups": range(9)}, ValueError, "here 100; received 9"),
        ({"sizes": [20, 40]}, ValueError, "`sizes` must be a list of at least 3"),
        ({"sizes": [20, 40, 40]}, ValueError, "`sizes` must be a list of at least 3 different"),
        ({"sizes": [20, 40, 81]}, ValueError, "from 2 to 80"),
        ({"sizes": [1, 20, 40]}, ValueError, "from 2 to 80"),
        ({"sizes": [0, 20, 40]}, ValueError, "`sizes[0]` must be an integer of at least 1"),
        ({"sizes": [0.5, 20, 40]}, TypeError, "`sizes[0]` must be an integer"),
        ({"sizes": 20}, TypeError, "`sizes` must be a list"),
        ({"seed": "a"}, TypeError, "`seed` must be an integer"),
    ],
)
def test_learning_curve_rejects_invalid_arguments(arguments, error, message):
    with pytest.raises(error) as caught:
        learning_curve(**{"features": FEATURES, "labels": LABELS, **arguments})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("gain_interval", "advice"),
    [
        ((0.0, 0.009), "bring less than a point"),
        ((0.011, 0.05), "are worth collecting"),
        ((0.0, 0.05), "do not decide"),
    ],
)
def test_interval_of_the_gain_decides_the_advice(gain_interval, advice):
    curve = LearningCurve(
        sizes=(100, 200, 400),
        accuracies=(0.8, 0.85, 0.875),
        intervals=((0.75, 0.84), (0.81, 0.88), (0.84, 0.9)),
        floor=0.1,
        scale=0.025,
        exponent=1.0,
        doubled_interval=(0.86, 0.91),
        gain_interval=gain_interval,
        findings=(),
    )
    assert advice in _describe_gain(curve)
    assert "a gain of 1.2 points" in _describe_gain(curve)
