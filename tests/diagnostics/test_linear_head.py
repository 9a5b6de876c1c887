"""The logistic regression on features: against scikit-learn, and its invariances."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from catdog_keras.diagnostics import _linear_head
from catdog_keras.diagnostics._linear_head import HeadInputs, choose_penalty, predict_out_of_fold


def make_features(images=120, dimensions=10, classes=2, seed=0):
    random = np.random.default_rng(seed)
    labels = np.arange(images) % classes
    features = random.normal(size=(images, dimensions)) * random.gamma(2, size=dimensions)
    return (features + 1.5 * np.eye(classes, dimensions)[labels]).astype(np.float32), labels


@pytest.mark.parametrize(
    ("dimensions", "classes"), [(10, 2), (10, 4), pytest.param(200, 3, id="more dimensions")]
)
@pytest.mark.parametrize("penalty", [1e-3, 1e-1])
def test_probabilities_equal_those_of_scikit_learn(dimensions, classes, penalty):
    linear_model = pytest.importorskip("sklearn.linear_model")
    features, labels = make_features(120, dimensions, classes)
    train, test = np.arange(80), np.arange(80, 120)
    (rows,) = HeadInputs(features).predict(labels, train, test, classes, [penalty])
    scaled = (features - features.mean(0)) / features.std(0) / np.sqrt(dimensions)
    other = linear_model.LogisticRegression(C=1 / (80 * penalty), tol=1e-10, max_iter=10_000)
    other.fit(scaled[train].astype(float), labels[train])
    expected = other.predict_proba(scaled[test].astype(float))
    # Of two classes scikit-learn penalizes one vector, the difference, in place of two.
    if classes == 2:
        other = linear_model.LogisticRegression(C=2 / (80 * penalty), tol=1e-10, max_iter=10_000)
        expected = other.fit(scaled[train].astype(float), labels[train]).predict_proba(scaled[test])
    np.testing.assert_allclose(rows, expected, atol=5e-3)


@settings(max_examples=15)
@given(st.integers(0, 999), st.floats(0.01, 100), st.floats(-50, 50))
def test_scale_and_offset_of_a_feature_change_nothing(seed, scale, offset):
    features, labels = make_features(60, 5, seed=seed)
    changed = features.copy()
    changed[:, 2] = scale * changed[:, 2] + offset
    train, test = np.arange(40), np.arange(40, 60)
    first, second = (HeadInputs(x).predict(labels, train, test, 2) for x in (features, changed))
    np.testing.assert_allclose(first, second, atol=5e-3)
    np.testing.assert_allclose(first.sum(axis=2), 1)


def test_constant_features_predict_the_frequencies():
    labels = np.repeat([0, 1], [30, 10])
    rows = HeadInputs(np.ones((40, 3), np.float32)).predict(
        labels, np.arange(40), np.arange(40), 2, [1e-3]
    )
    np.testing.assert_allclose(rows[0], [[0.75, 0.25]] * 40, atol=1e-3)


def test_penalties_computed_in_parts_are_the_same(monkeypatch):
    features, labels = make_features()
    train, test = np.arange(80), np.arange(80, 120)
    together = HeadInputs(features).predict(labels, train, test, 2)
    monkeypatch.setattr(_linear_head, "_MAX_BYTES", 1)
    np.testing.assert_allclose(
        HeadInputs(features).predict(labels, train, test, 2), together, atol=5e-3
    )


def test_penalty_with_lowest_log_loss_is_chosen():
    given_label = np.array([[0.5, 0.5], [0.9, 0.7], [0.99, 0.01]])
    assert choose_penalty(given_label) == 1


def test_images_of_a_fold_and_untrusted_ones_are_not_used_for_training():
    features, labels = make_features()
    folds = np.arange(120) // 2 % 5
    trusted = np.arange(120) != 3
    inputs = HeadInputs(features)
    rows = predict_out_of_fold(inputs, labels, folds, 2, trusted)
    changed = labels.copy()
    changed[3] = 1 - changed[3]
    np.testing.assert_array_equal(rows, predict_out_of_fold(inputs, changed, folds, 2, trusted))
    in_fold = np.flatnonzero(folds == 0)
    changed = labels.copy()
    changed[in_fold] = 1 - changed[in_fold]
    first, second = (
        inputs.predict(each, np.flatnonzero(folds), in_fold, 2) for each in (labels, changed)
    )
    np.testing.assert_array_equal(first, second)
