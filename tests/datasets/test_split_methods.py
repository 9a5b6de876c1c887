"""Splits of positions: complete, disjoint, repeatable, and of the promised sizes."""

import re

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from catdog_keras.datasets._image_index import Listing
from catdog_keras.datasets._split_methods import (
    SPLIT_FUNCTIONS,
    ComponentTooLargeError,
    hold_out,
    stratified,
    take_skip,
    unite_components,
)

TUTORIAL_LABELS = np.repeat([0, 1], 500)


def test_take_skip_returns_split_sizes_of_tutorial():
    validation, test = take_skip(TUTORIAL_LABELS, 32, 0)
    assert (len(validation), len(test)) == (808, 192)


def test_stratified_keeps_class_balance():
    validation, test = stratified(TUTORIAL_LABELS, 32, 0)
    assert np.bincount(TUTORIAL_LABELS[test]).tolist() == [100, 100]
    assert np.bincount(TUTORIAL_LABELS[validation]).tolist() == [400, 400]


def test_take_skip_order_for_seed_is_stable_across_versions():
    # Golden: a change here silently gives every user another test set. Taken from NumPy's
    # PCG64, whose stream NumPy promises to keep for `default_rng(seed).permutation`.
    _, test = take_skip(np.zeros(10, np.int32), 2, 0)
    assert test.tolist() == np.random.default_rng(0).permutation(10)[:2].tolist() == [4, 6]


@pytest.mark.parametrize("split", SPLIT_FUNCTIONS.values())
@given(
    labels=st.lists(st.integers(0, 2), min_size=12, max_size=80).map(
        lambda drawn: np.array([0, 0, 1, 1, 2, 2, *drawn])
    ),
    batch_size=st.integers(1, 4),
    seed=st.integers(0, 2**32),
)
def test_split_is_complete_disjoint_and_repeatable(split, labels, batch_size, seed):
    validation, test = split(labels, batch_size, seed)
    assert sorted([*validation, *test]) == list(range(len(labels)))
    assert len(test) > 0
    again = split(labels, batch_size, seed)
    assert all(np.array_equal(a, b) for a, b in zip((validation, test), again, strict=True))


def test_take_skip_returns_different_split_for_each_seed():
    tests = {tuple(take_skip(TUTORIAL_LABELS, 32, seed)[1]) for seed in range(20)}
    assert len(tests) == 20


def test_hold_out_takes_fraction_of_each_class():
    labels = np.repeat([0, 1], [30, 90])
    train, held_out = hold_out(labels, 1 / 3, 0)
    assert np.bincount(labels[held_out]).tolist() == [10, 30]
    assert sorted([*train, *held_out]) == list(range(120))


def test_take_skip_raises_with_usable_batch_size_when_batches_are_too_few():
    message = (
        "The test split is a fifth of the validation batches, so at least 5 batches are required; 40 "
        "images in batches of 32 make 2. Use a `batch_size` of at most 9, or at least 129 "
        "images."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        take_skip(np.zeros(40, np.int32), 32, 0)
    assert len(take_skip(np.zeros(40, np.int32), 9, 0)[1]) == 9
    assert len(take_skip(np.zeros(129, np.int32), 32, 0)[1]) == 32


@given(count=st.integers(5, 400))
def test_proposed_batch_size_is_largest_that_works(count):
    with pytest.raises(ValueError, match="at most") as caught:
        take_skip(np.zeros(count, np.int32), count, 0)
    proposed = int(re.search(r"at most (\d+)", str(caught.value))[1])
    assert len(take_skip(np.zeros(count, np.int32), proposed, 0)[1]) > 0
    with pytest.raises(ValueError, match="at most"):
        take_skip(np.zeros(count, np.int32), proposed + 1, 0)


CONTENTS = st.lists(st.integers(0, 12), max_size=12)


@given(st.fixed_dictionaries(dict.fromkeys(("train", "validation", "test"), CONTENTS)))
def test_unite_components_moves_images_to_first_split_of_their_component(contents):
    splits = {
        split: Listing(
            tuple(f"{split}{number}" for number in range(len(codes))),
            np.array([code % 3 for code in codes], np.int32),
        )
        for split, codes in contents.items()
    }
    components = {
        file: code
        for split, codes in contents.items()
        for file, code in zip(splits[split].files, codes, strict=True)
    }
    united, moved = unite_components(splits, components)
    seen: set[int] = set()
    for split, listing in united.items():
        here = {components[file] for file in listing.files}
        assert here == set(contents[split]) - seen
        assert seen.isdisjoint(here)
        seen |= here
        stayed = [file for file in listing.files if file.startswith(split)]
        assert list(listing.files[: len(stayed)]) == stayed
        assert stayed == [file for file in splits[split].files if file not in moved]
        assert listing.labels.tolist() == [components[file] % 3 for file in listing.files]
    everything = [file for listing in united.values() for file in listing.files]
    assert sorted(everything) == sorted(components)


@st.composite
def labels_and_components(draw):
    """Up to three classes of which some images belong together, also across classes."""
    labels = draw(st.lists(st.integers(0, 2), min_size=1, max_size=60))
    numbers = st.integers(0, draw(st.integers(1, 80)))
    components = draw(st.lists(numbers, min_size=len(labels), max_size=len(labels)))
    return np.array(labels), np.array(components)


@pytest.mark.parametrize("split", SPLIT_FUNCTIONS.values())
@given(labels_and_components(), st.integers(0, 99), st.sampled_from([0.0, 0.2, 0.5]))
def test_components_are_on_one_side_or_too_large(split, drawn, seed, fraction):
    labels, components = drawn
    sizes = np.bincount(components)
    try:
        first, second = split(labels, 1, seed, fraction, components)
    except ValueError as error:
        found = error
        if not isinstance(found, ComponentTooLargeError):  # by `take_skip`, of few images
            assume("batches are required" not in str(found))
            raise
    else:
        found = None
    if found:
        assert len(set(components[found.positions])) == 1
        assert len(found.positions) == sizes[components[found.positions[0]]]
        assert sum(found.sizes) == len(labels)
        fits = len(found.positions) <= max(found.sizes)
        assert len(found.positions) == (sizes[sizes > 0].min() if fits else sizes.max())
        return
    assert sorted([*first, *second]) == list(range(len(labels)))
    assert not set(components[first]) & set(components[second])
    if not fraction:
        assert len(second) == 0


@pytest.mark.parametrize("split", SPLIT_FUNCTIONS.values())
@given(st.integers(0, 2**32))
def test_distinct_components_do_not_change_the_split(split, seed):
    labels = np.repeat([0, 1], [30, 50])
    numbers = np.random.default_rng(seed).permutation(1000)[:80]
    for found, expected in zip(
        split(labels, 4, seed, 0.2, numbers), split(labels, 4, seed), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("seed", range(20))
def test_single_images_fill_up_to_the_exact_sizes(seed):
    """In each class of 500: 60 pairs, 10 groups of 12, and 260 single images."""
    one = np.repeat(np.arange(330), [2] * 60 + [12] * 10 + [1] * 260)
    components = np.concatenate([one, one + 330])
    _, test = take_skip(TUTORIAL_LABELS, 32, seed, 0.2, components)
    assert len(test) == 192
    _, test = stratified(TUTORIAL_LABELS, 32, seed, 0.2, components)
    assert np.bincount(TUTORIAL_LABELS[test]).tolist() == [100, 100]
    sizes = np.bincount(components)
    groups = {number for number in components[test] if sizes[number] == 12}
    assert 0 < len(groups) < 20


def test_groups_without_single_images_come_as_close_to_the_fraction_as_they_can():
    labels = np.repeat([0, 1], [40, 30])
    components = np.arange(70) // 10  # four groups and three
    train, held_out = hold_out(labels, 1 / 3, 0, components)
    assert np.bincount(labels[held_out]).tolist() == [10, 10]  # of 13 and 10
    assert len(train) == 50
    _, held_out = hold_out(labels, 0.4, 0, components)
    assert np.bincount(labels[held_out]).tolist() == [20, 10]  # of 16 and 12


def test_component_that_exceeds_part_of_the_holdout_is_for_training():
    labels, components = np.zeros(100, int), np.arange(100)
    components[:30] = 0
    for seed in range(20):
        train, _ = hold_out(labels, 1 / 3, seed, components, largest=0.8)
        assert set(range(30)) <= set(train.tolist())
    held = [0 in hold_out(labels, 1 / 3, seed, components)[1] for seed in range(20)]
    assert 0 < sum(held) < 20


def test_class_that_is_one_component_is_for_training():
    labels, components = np.repeat([0, 1], [2, 30]), np.arange(32)
    components[1] = 0
    _, held_out = hold_out(labels, 1 / 3, 0, components)
    assert np.bincount(labels[held_out]).tolist() == [0, 10]


def test_too_large_component_raises_with_its_positions_and_both_sizes():
    components = np.array([0] * 7 + [1, 2, 3])
    with pytest.raises(ComponentTooLargeError) as raised:
        hold_out(np.zeros(10, int), 0.4, 0, components)
    assert raised.value.positions.tolist() == list(range(7))
    assert raised.value.sizes == (4, 6)
    with pytest.raises(ComponentTooLargeError) as raised:
        hold_out(np.zeros(12, int), 0.1, 0, np.repeat([0, 1], 6))
    assert raised.value.positions.tolist() == list(range(6))
    assert raised.value.sizes == (1, 11)
