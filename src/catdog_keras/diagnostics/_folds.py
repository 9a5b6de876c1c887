"""Stratified folds of images, with groups kept together."""

from typing import Any

import numpy as np
import numpy.typing as npt

from catdog_keras._message import argument

IntegerArray = npt.NDArray[np.int64]


def assign_folds(
    labels: IntegerArray, groups: IntegerArray | None, folds: int, seed: int
) -> IntegerArray:
    """Returns the fold of each image, from 0.

    Each fold has nearly the same number of images of each class. Images of a group are in one fold;
    groups are assigned from large to small, each to the fold that then is the most even.

    Raises:
        ValueError: If a class would be missing in the images outside a fold.
    """
    random = np.random.default_rng(seed)
    if groups is None:
        # One after the other through all classes, so that the folds are equally large.
        order = random.permutation(len(labels))
        order = order[np.argsort(labels[order], kind="stable")]
        assigned = np.empty(len(labels), np.int64)
        assigned[order] = np.arange(len(labels)) % folds
        return assigned
    counts = _count_by_group_and_class(labels, groups)
    order = random.permutation(len(counts))
    order = order[np.argsort(-counts[order].sum(axis=1), kind="stable")]
    shares = counts / counts.sum(axis=0)
    totals = np.zeros((folds, counts.shape[1]))
    fold_of_group = np.empty(len(counts), np.int64)
    for group in order:
        after = totals + shares[group]
        uneven = (np.square(after) - np.square(totals)).sum(axis=1)
        uneven[(after > 1 - 1e-9).any(axis=1)] = (
            np.inf
        )  # no image of the class is left for training
        chosen = int(uneven.argmin())
        if np.isinf(uneven[chosen]):
            raise ValueError(
                argument("groups")
                + " must leave images of each class outside every fold; received a class whose "
                "images are in too few groups. Use smaller groups, or leave the class out."
            )
        totals[chosen] = after[chosen]
        fold_of_group[group] = chosen
    return fold_of_group[groups]


def training_order(
    labels: IntegerArray, groups: IntegerArray | None, random: np.random.Generator
) -> IntegerArray:
    """Returns a random order of the images of folds, of which every beginning is nearly stratified.

    Images of a group follow each other; the order is then stratified only on average.
    """
    order = random.permutation(len(labels))
    if groups is not None:
        place = random.permutation(int(groups.max()) + 1)
        return order[np.argsort(place[groups[order]], kind="stable")]
    position = np.empty(len(labels))
    for label in np.unique(labels):
        members = order[labels[order] == label]
        position[members] = (np.arange(len(members)) + random.random()) / len(members)
    return np.argsort(position, kind="stable").astype(np.int64)


def _count_by_group_and_class(labels: IntegerArray, groups: IntegerArray) -> npt.NDArray[Any]:
    """Returns the number of images of each group and class, which are assigned to folds."""
    counts = np.zeros((int(groups.max()) + 1, int(labels.max()) + 1))
    np.add.at(counts, (groups, labels), 1)
    return counts
