"""Splits files into training, validation and test sets."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from catdog_keras._message import argument
from catdog_keras._printable import counted
from catdog_keras.datasets._index import Listing

TEST_FRACTION = 0.2  # a fifth of the holdout is the test set, as in the tutorial
ROUNDING = 1e-9  # a rounding error must not cost a batch

SplitFunction = Callable[[np.ndarray, int, int, float], tuple[np.ndarray, np.ndarray]]


def take_skip(
    labels: np.ndarray, batch_size: int, seed: int, test_fraction: float = TEST_FRACTION
) -> tuple[np.ndarray, np.ndarray]:
    """Shuffles once; a fraction of the batches, the first, is the test set, the rest validation.

    This is the intention of `dataset.take(batches // 5)` and `dataset.skip(batches // 5)`. On a
    dataset that reshuffles they leak, because each epoch selects another test set. This function
    splits the files instead.

    Args:
        labels: int32, shape `(images,)`.
        batch_size: Images per batch; an incomplete last batch counts as a batch.
        seed: Seed of the shuffle.
        test_fraction: Fraction of the batches, rounded down; 0 for no test set.

    Returns:
        The positions of the validation and of the test images, in shuffled order.
    """
    count = len(labels)
    batches = -(-count // batch_size)
    taken = _whole_batches(batches, test_fraction)
    if test_fraction and not taken:
        needed = math.ceil((1 - ROUNDING) / test_fraction)
        smaller = (count - 1) // (needed - 1)
        size = argument("batch_size")
        remedy = "a " + size + f" of at most {smaller}, or " if smaller else ""
        share = "a fifth" if test_fraction == TEST_FRACTION else f"{test_fraction:g}"
        raise ValueError(
            f"The test split is {share} of the validation batches, so at least {needed} "
            f"batches are required; {counted(count, 'image')} in batches of {batch_size} "
            f"make {batches}. Use " + remedy + f"at least {(needed - 1) * batch_size + 1} images."
        )
    order = np.random.default_rng(seed).permutation(count)
    return order[taken * batch_size :], order[: taken * batch_size]


def _whole_batches(batches: int, fraction: float) -> int:
    return math.floor(batches * fraction + ROUNDING)


def stratified(
    labels: np.ndarray, batch_size: int, seed: int, test_fraction: float = TEST_FRACTION
) -> tuple[np.ndarray, np.ndarray]:
    """Takes a fraction of each class for the test set, the rest for validation, both shuffled.

    Arguments and return values are those of `take_skip`; `batch_size` is ignored. Each class has
    validation images; a class of a single image has no test image.
    """
    del batch_size
    return divide_classes(labels, test_fraction, seed)


SPLIT_FUNCTIONS: dict[str, SplitFunction] = {"take_skip": take_skip, "stratified": stratified}


def hold_out(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Holds out a fraction of each class from training; returns sorted positions of both sides."""
    train, held_out = divide_classes(labels, fraction, seed)
    return np.sort(train), np.sort(held_out)


def divide_classes(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Divides each class in two; the second side gets `fraction`, rounded.

    Each side gets at least one image of each class, the second one only if `fraction` is above 0
    and the class has at least two images.
    """
    generator = np.random.default_rng(seed)
    sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        least = 1 if fraction else 0
        second = min(max(round(len(members) * fraction), least), len(members) - 1)
        sides[0].append(members[second:])
        sides[1].append(members[:second])
    none = np.empty(0, np.int64)
    first, last = (generator.permutation(np.concatenate([none, *side])) for side in sides)
    return first, last


def group_duplicates(
    splits: Mapping[str, Listing], digests: Mapping[str, str]
) -> tuple[dict[str, Listing], list[str]]:
    """Moves byte-identical images to the first split that contains one of them.

    With the order train, validation, test, no training image is in the other two splits, where it
    would bias the evaluation.

    Args:
        splits: Files and labels by split, in order of priority.
        digests: Checksum of each file's content.

    Returns:
        The splits, with moved files at the end, and the list of moved files.
    """
    found = [digests[file] for listing in splits.values() for file in listing.files]
    if len(set(found)) == len(found):
        return dict(splits), []
    first_seen: dict[str, str] = {}
    for split, listing in splits.items():
        for file in listing.files:
            first_seen.setdefault(digests[file], split)
    rows = [
        (first_seen[digests[file]], split, file, label)
        for split, listing in splits.items()
        for file, label in zip(listing.files, listing.labels, strict=True)
    ]
    united = {}
    for split in splits:
        stayed = [row for row in rows if row[0] == row[1] == split]
        joined = [row for row in rows if row[0] == split != row[1]]
        files = tuple(file for _, _, file, _ in stayed + joined)
        labels = np.array([label for *_, label in stayed + joined], dtype=np.int32)
        united[split] = Listing(files, labels)
    return united, [file for home, split, file, _ in rows if home != split]
