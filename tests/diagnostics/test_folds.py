"""Folds: every image in one, groups whole, classes even; beginnings of the training order."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from catdog_keras.diagnostics._folds import assign_folds, training_order


@given(st.lists(st.integers(0, 3), min_size=10, max_size=80), st.integers(2, 6), st.integers(0, 9))
def test_folds_without_groups_are_even_in_size_and_class(labels, folds, seed):
    labels = np.array(labels)
    assigned = assign_folds(labels, None, folds, seed)
    assert np.ptp(np.bincount(assigned, minlength=folds)) <= 1
    for label in np.unique(labels):
        assert np.ptp(np.bincount(assigned[labels == label], minlength=folds)) <= 1


@given(st.integers(0, 99), st.integers(2, 5))
def test_groups_are_in_one_fold_and_each_class_remains_for_training(seed, folds):
    random = np.random.default_rng(seed)
    groups = np.r_[np.arange(20), random.integers(0, 20, 60)]
    labels = np.r_[np.arange(20) % 2, random.integers(0, 2, 60)]
    assigned = assign_folds(labels, groups, folds, seed)
    assert all(len(set(assigned[groups == group])) == 1 for group in range(20))
    assert set(assigned) == set(range(folds))
    for fold in range(folds):
        assert set(labels[assigned != fold]) == {0, 1}


def test_folds_of_equal_groups_are_even():
    groups = np.repeat(np.arange(20), 3)
    assigned = assign_folds(groups % 2, groups, 5, seed=0)
    assert np.bincount(assigned).tolist() == [12] * 5
    assert np.bincount(assigned[groups % 2 == 0]).tolist() == [6] * 5


def test_seed_changes_the_folds_and_repeats_them():
    labels = np.arange(40) % 2
    first, again, other = (assign_folds(labels, None, 5, seed) for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_class_of_a_single_group_is_rejected():
    groups = np.r_[np.zeros(6, int), 1 + np.arange(30)]
    labels = np.r_[np.ones(6, int), np.zeros(30, int)]
    with pytest.raises(ValueError, match="a class whose images are in too few groups"):
        assign_folds(labels, groups, 5, seed=0)


@given(st.integers(0, 99), st.integers(1, 100))
def test_beginnings_of_the_training_order_are_stratified(seed, size):
    labels = np.repeat([0, 1, 1, 1], 25)
    order = training_order(labels, None, np.random.default_rng(seed))
    assert sorted(order) == list(range(100))
    assert abs((labels[order[:size]] == 0).sum() - size / 4) < 2


def test_training_order_keeps_groups_together():
    groups = np.random.default_rng(0).integers(0, 6, 50)
    order = training_order(groups % 2, groups, np.random.default_rng(1))
    changes = np.count_nonzero(np.diff(groups[order]))
    assert changes == len(set(groups)) - 1
