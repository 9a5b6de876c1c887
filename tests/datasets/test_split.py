"""Splits of positions: complete, disjoint, repeatable, and of the promised sizes."""

import re

import numpy as np
import pytest
from hypothesis import given, strategies as st

from catdog_keras.datasets._index import Listing
from catdog_keras.datasets._split import (
    SPLIT_FUNCTIONS,
    group_duplicates,
    hold_out,
    stratified,
    take_skip,
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
def test_group_duplicates_moves_identical_files_to_first_split(contents):
    splits = {
        split: Listing(
            tuple(f"{split}{number}" for number in range(len(codes))),
            np.array([code % 3 for code in codes], np.int32),
        )
        for split, codes in contents.items()
    }
    digests = {
        file: str(code)
        for split, codes in contents.items()
        for file, code in zip(splits[split].files, codes, strict=True)
    }
    united, moved = group_duplicates(splits, digests)
    seen: set[str] = set()
    for split, listing in united.items():
        here = {digests[file] for file in listing.files}
        assert here == {str(code) for code in contents[split]} - seen
        assert seen.isdisjoint(here)
        seen |= here
        stayed = [file for file in listing.files if file.startswith(split)]
        assert list(listing.files[: len(stayed)]) == stayed
        assert stayed == [file for file in splits[split].files if file not in moved]
        assert listing.labels.tolist() == [int(digests[file]) % 3 for file in listing.files]
    everything = [file for listing in united.values() for file in listing.files]
    assert sorted(everything) == sorted(digests)
