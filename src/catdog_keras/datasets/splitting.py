"""Which pictures are for training, validation and test: by file, once, for good."""

from collections.abc import Callable, Mapping

import numpy as np

from catdog_keras.datasets.index import Listing

TEST_SHARE = 5  # one in five of what is held out from training, as in the tutorial

SplitFunction = Callable[[np.ndarray, int, int], tuple[np.ndarray, np.ndarray]]


def take_skip(labels: np.ndarray, batch_size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Shuffles once; the test takes the first fifth of the batches, validation the rest.

    What `dataset.take(batches // 5)` and `dataset.skip(batches // 5)` are meant to do. Done on a
    dataset that reshuffles, they leak: each pass draws another test set. Here the files are split.

    Args:
        labels: int32, shape `(pictures,)`.
        batch_size: Pictures per batch, the last batch counted even if it is not full.
        seed: Seed of the one shuffle.

    Returns:
        The positions of the validation and of the test pictures, in their shuffled order.
    """
    count = len(labels)
    batches = -(-count // batch_size)
    if batches < TEST_SHARE:
        smaller = (count - 1) // (TEST_SHARE - 1)
        remedy = f"a `batch_size` of at most {smaller}, or " if smaller else ""
        raise ValueError(
            f"The test takes a fifth of the validation batches, of which {TEST_SHARE} or more are "
            f"needed; {count} pictures in batches of {batch_size} make {batches}. Give {remedy}at "
            f"least {(TEST_SHARE - 1) * batch_size + 1} pictures."
        )
    order = np.random.default_rng(seed).permutation(count)
    taken = batches // TEST_SHARE * batch_size
    return order[taken:], order[:taken]


def stratified(labels: np.ndarray, batch_size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A fifth of each class for the test, the rest for validation, each shuffled.

    Args and returns as for `take_skip`; `batch_size` plays no part.
    """
    del batch_size
    return divide_classes(labels, 1 / TEST_SHARE, seed)


SPLIT_FUNCTIONS: dict[str, SplitFunction] = {"take_skip": take_skip, "stratified": stratified}


def hold_out(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Holds a fraction of each class out from training; the positions of both come back sorted."""
    train, held_out = divide_classes(labels, fraction, seed)
    return np.sort(train), np.sort(held_out)


def divide_classes(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Divides each class in two, the second side getting `fraction`, never none and never all.

    Each class must have two pictures.
    """
    generator = np.random.default_rng(seed)
    sides: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        second = min(max(round(len(members) * fraction), 1), len(members) - 1)
        sides[0].append(members[second:])
        sides[1].append(members[:second])
    first, last = (generator.permutation(np.concatenate(side)) for side in sides)
    return first, last


def unite_duplicates(
    splits: Mapping[str, Listing], digests: Mapping[str, str]
) -> tuple[dict[str, Listing], list[str]]:
    """Brings byte-identical pictures to one side: that of the first split that holds one of them.

    With train before validation before test, a picture that was trained on is in neither of the
    others: it could only flatter them.

    Args:
        splits: Files and labels by split, in the order of their claim.
        digests: A hash of the content of each file.

    Returns:
        The splits, whose files that were moved stand at the end, and the moved files.
    """
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
