"""Splits files into training, validation and test sets, of which each gets whole components."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from catdog_keras._message import argument
from catdog_keras._printable import counted
from catdog_keras.datasets._image_index import Listing

TEST_FRACTION = 0.2  # a fifth of the holdout is the test set, as in the tutorial
ROUNDING = 1e-9  # a rounding error must not cost a batch

SplitFunction = Callable[
    [np.ndarray, int, int, float, np.ndarray | None], tuple[np.ndarray, np.ndarray]
]


class ComponentTooLargeError(ValueError):
    """A component has more images than each of two splits is to have.

    Attributes:
        positions: The positions of its images.
        sizes: Numbers of images that the two splits are to have.
    """

    def __init__(self, positions: np.ndarray, sizes: tuple[int, int]) -> None:
        """Takes the attributes."""
        super().__init__(f"{len(positions)} images belong together")
        self.positions = positions
        self.sizes = sizes


def take_skip(
    labels: np.ndarray,
    batch_size: int,
    seed: int,
    test_fraction: float = TEST_FRACTION,
    components: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Splits shuffled files by batches: the first fraction is the test set, the rest validation.

    This is the intention of `dataset.take(batches // 5)` and `dataset.skip(batches // 5)`. On a
    dataset that reshuffles they leak, because each epoch selects another test set. This function
    splits the files instead. A component that would exceed the size of the test set is skipped; the
    next ones fill it.

    Args:
        labels: int32, shape `(images,)`.
        batch_size: Images per batch; an incomplete last batch counts as a batch.
        seed: Seed of the shuffle.
        test_fraction: Fraction of the batches, rounded down; 0 for no test set.
        components: int64, shape `(images,)`: images with equal numbers stay together. None: no two
            images do.

    Returns:
        The positions of the validation and of the test images, in shuffled order.

    Raises:
        ComponentTooLargeError: If a component is larger than both, or none fits into the test set.
    """
    count = len(labels)
    batches = -(-count // batch_size)
    taken = _whole_batches_of_fraction(batches, test_fraction)
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
    together = np.zeros(count, np.int64)  # as a single class
    chosen = _choose_second_side(order, together, [taken * batch_size], components)[order]
    return order[~chosen], order[chosen]


def _whole_batches_of_fraction(batches: int, fraction: float) -> int:
    """Returns how many whole batches a split takes as a fraction, in spite of rounding errors."""
    return math.floor(batches * fraction + ROUNDING)


def stratified(
    labels: np.ndarray,
    batch_size: int,
    seed: int,
    test_fraction: float = TEST_FRACTION,
    components: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Splits each class: a fraction is for the test set, the rest for validation, both shuffled.

    Arguments, return values and errors are those of `take_skip`; `batch_size` is ignored. Each
    class has validation images; a class of a single image has no test image.
    """
    del batch_size
    return divide_classes(labels, test_fraction, seed, components)


SPLIT_FUNCTIONS: dict[str, SplitFunction] = {"take_skip": take_skip, "stratified": stratified}


def hold_out(
    labels: np.ndarray,
    fraction: float,
    seed: int,
    components: np.ndarray | None = None,
    largest: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Splits off a fraction of each class from training; returns sorted positions of both sides.

    `largest` is that of `divide_classes`.
    """
    train, held_out = divide_classes(labels, fraction, seed, components, largest)
    return np.sort(train), np.sort(held_out)


def divide_classes(
    labels: np.ndarray,
    fraction: float,
    seed: int,
    components: np.ndarray | None = None,
    largest: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Splits each class in two; the second side gets `fraction`, rounded.

    Each side gets at least one image of each class, the second one only if `fraction` is above 0
    and the class has at least two images. Components are not divided, so that classes can differ
    from `fraction`; a class that is one component is on the first side.

    Args:
        labels: int32, shape `(images,)`.
        fraction: Fraction of each class on the second side.
        seed: Seed of the shuffle.
        components: As in `take_skip`.
        largest: Components with more than this fraction of the images that the second side is to
            have of a class are on the first side, if possible.

    Returns:
        The positions of both sides, shuffled.

    Raises:
        ComponentTooLargeError: If a component is larger than both sides, or none fits the second.
    """
    generator = np.random.default_rng(seed)
    least = 1 if fraction else 0
    targets = [0] * (int(labels.max(initial=-1)) + 1)
    classes = []
    for label in np.unique(labels).tolist():
        members = generator.permutation(np.flatnonzero(labels == label))
        targets[label] = min(max(round(len(members) * fraction), least), len(members) - 1)
        classes.append(members)
    order = np.concatenate([np.empty(0, np.int64), *classes])
    chosen = _choose_second_side(order, labels, targets, components, largest)[order]
    first, last = (generator.permutation(side) for side in (order[~chosen], order[chosen]))
    return first, last


def _choose_second_side(
    order: np.ndarray,
    labels: np.ndarray,
    targets: Sequence[int],
    components: np.ndarray | None,
    largest: float = 1.0,
) -> np.ndarray:
    """Returns the positions of a split's second side, which gets about `targets[label]` of a class.

    Components are taken in the given order, those that fit. Then larger ones are taken, the
    smallest first, if the numbers of images get closer to the targets, or if a class would be
    missing and they stay as close.
    """
    count = len(labels)
    components = np.arange(count) if components is None else components
    _, found, sizes = np.unique(components, return_inverse=True, return_counts=True)
    sides = sum(targets), count - sum(targets)
    if count and sizes.max() > max(sides):
        raise ComponentTooLargeError(np.flatnonzero(found == sizes.argmax()), sides)
    contents: dict[int, Counter[int]] = {}
    for place in np.flatnonzero(sizes[found] > 1).tolist():
        contents.setdefault(int(found[place]), Counter())[int(labels[place])] += 1
    taken = [0] * len(targets)
    taken_numbers: list[int] = []
    visited: set[int] = set()
    for number, label in zip(found[order].tolist(), labels[order].tolist(), strict=True):
        if number not in contents:
            if taken[label] < targets[label]:
                taken[label] += 1
                taken_numbers.append(number)
        elif number not in visited:
            visited.add(number)
            content = contents[number]
            if all(
                taken[each] + more <= targets[each] and more <= largest * targets[each]
                for each, more in content.items()
            ):
                for each, more in content.items():
                    taken[each] += more
                taken_numbers.append(number)
    chosen = np.zeros(len(sizes), np.bool_)
    chosen[taken_numbers] = True
    totals = Counter(labels.tolist())
    rest = [number for number in contents if not chosen[number]]
    for number in sorted(rest, key=lambda number: sizes[number]):
        content = contents[number]
        before = _deviation_from_targets(taken, targets, content)
        change = _deviation_from_targets(taken, targets, content, added=content) - before
        missing = any(not taken[label] for label in content)
        if all(taken[label] + more < totals[label] for label, more in content.items()) and (
            change < -ROUNDING or (missing and change < ROUNDING)
        ):
            for label, more in content.items():
                taken[label] += more
            chosen[number] = True
    if sides[0] and not chosen.any():
        raise ComponentTooLargeError(np.flatnonzero(found == sizes.argmin()), sides)
    return chosen[found]


def _deviation_from_targets(
    taken: Sequence[int],
    targets: Sequence[int],
    classes: Iterable[int],
    added: Mapping[int, int] = MappingProxyType({}),
) -> float:
    """Returns how far a split is from the target numbers of images of some classes."""
    return sum(
        ((taken[label] + added.get(label, 0) - targets[label]) / max(targets[label], 1)) ** 2
        for label in classes
    )


def unite_components(
    splits: Mapping[str, Listing], components: Mapping[str, int]
) -> tuple[dict[str, Listing], list[str]]:
    """Moves the images of each component to the first split that contains one of them.

    With the order train, validation, test, no training image is in the other two splits, where it
    would bias the evaluation.

    Args:
        splits: Files and labels by split, in order of priority.
        components: Component of each file.

    Returns:
        The splits, with moved files at the end, and the list of moved files.
    """
    if len(splits) == 1:
        return dict(splits), []
    home: dict[int, str] = {}
    for split, listing in splits.items():
        for file in listing.files:
            home.setdefault(components[file], split)
    rows = [
        (home[components[file]], split, file, label)
        for split, listing in splits.items()
        for file, label in zip(listing.files, listing.labels.tolist(), strict=True)
    ]
    moved = [file for first, split, file, _ in rows if first != split]
    if not moved:
        return dict(splits), []
    united = {}
    for split in splits:
        stayed = [row for row in rows if row[0] == row[1] == split]
        joined = [row for row in rows if row[0] == split != row[1]]
        files = tuple(file for _, _, file, _ in stayed + joined)
        labels = np.array([label for *_, label in stayed + joined], dtype=np.int32)
        united[split] = Listing(files, labels)
    return united, moved
