"""Matching of near-duplicates: images that were resized, brightened or recompressed."""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from catdog_keras.datasets._components import Components, Positions
from catdog_keras.datasets._perceptual_hash import FLAT, HASH_BITS, HASH_SIDE, Signature

MOST_DIFFERENT_BITS = 8
BANDS = MOST_DIFFERENT_BITS + 1  # with eight changed bits, at least one of nine bands is unchanged
# Different photographs with similar hashes reach less, and copies of one photograph more.
LEAST_CORRELATION = 0.95
MOST_PAIRED = 20  # images of a connected group of which all pairs are found
MOST_COMPARED = 1000  # images whose pixels are compared at once, which limits the memory
MOST_HASHES = 1_000_000  # pairs of hashes that are compared at once


class Link(NamedTuple):
    """A match: positions of two similar images, the first one lower, and their correlation."""

    first: int
    second: int
    score: float


def match_signatures(signatures: Sequence[Signature]) -> list[Link]:
    """Finds pairs whose hashes differ in at most eight bits and whose pixels correlate.

    The hash selects candidates; the correlation of their 32 x 32 pixels, at least 0.95, decides. Of
    images with equal signatures, each is linked to the first one only. All pairs of a connected
    group of at most 20 images are found. Of a larger group, such as the frames of a static camera,
    the pairs that connect it are found, and not all others: these would take quadratic time.
    """
    firsts: dict[tuple[int, bytes], int] = {}
    links = []
    for place, signature in enumerate(signatures):
        first = firsts.setdefault((signature.hash, signature.pixels.tobytes()), place)
        if first != place:
            links.append(Link(first, place, 1.0))
    places = list(firsts.values())
    hashes = np.array([signatures[place].hash for place in places], dtype=np.uint64)
    pixels = np.empty((len(places), HASH_SIDE**2), dtype=np.uint8)
    for row, place in enumerate(places):
        pixels[row] = signatures[place].pixels.ravel()
    for (first, second), score in _score_pairs(hashes, pixels).items():
        links.append(Link(places[first], places[second], score))
    return sorted(links)


def has_similar(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Returns which hashes match another one: they differ from it in at most eight bits."""
    found = np.zeros(len(hashes), np.bool_)
    for members, _ in _share_a_band(hashes):
        rest = members[~found[members]]  # two that were found already need no comparison
        while len(rest):
            block, rest = np.split(rest, [max(1, MOST_HASHES // len(members))])
            near = np.bitwise_count(hashes[block][:, None] ^ hashes[members])
            near = near <= MOST_DIFFERENT_BITS
            found[block[near.sum(1) > 1]] = True  # each one is similar to itself
            found[members[near[near.sum(1) > 1].any(0)]] = True
            rest = rest[~found[rest]]
    return found


def _score_pairs(
    hashes: npt.NDArray[np.uint64], pixels: npt.NDArray[np.uint8]
) -> dict[tuple[int, int], float]:
    """Returns the scores of pairs of distinct signatures; see `match_signatures`."""
    components = Components(len(hashes))
    scores: dict[tuple[int, int], float] = {}
    means, deviations = np.empty(len(pixels), np.float32), np.empty(len(pixels))
    for start in range(0, len(pixels), MOST_COMPARED):
        rows = slice(start, start + MOST_COMPARED)
        means[rows], deviations[rows] = pixels[rows].mean(1), pixels[rows].std(1)
    for members, masks in _share_a_band(hashes):
        for one, others in _similar_hashes(hashes, members, masks, components):
            for start in range(0, len(others), MOST_COMPARED):
                part = others[start : start + MOST_COMPARED]
                part = part[~_is_in_same_component(components, one, part)]
                found = _correlations(pixels, means, deviations, one, part)
                for place in np.flatnonzero(found).tolist():
                    other = int(part[place])
                    scores[min(one, other), max(one, other)] = float(found[place])
                    components.join(one, other)
    return scores


def _correlations(
    pixels: npt.NDArray[np.uint8],
    means: npt.NDArray[np.float32],
    deviations: npt.NDArray[np.float64],
    one: int,
    others: Positions,
) -> npt.NDArray[np.float64]:
    """Returns how well an image matches others, as correlations; 0 where it is too low.

    An image without structure has no correlation: it is similar to those of the same gray.

    Args:
        pixels: Shape `(images, pixels)`.
        means: Means of the pixels of each image.
        deviations: Standard deviations of the pixels of each image.
        one: Position of the image.
        others: Positions of the others.
    """
    rest = pixels[others].astype(np.float32)
    rest -= means[others][:, None]
    products = rest @ (pixels[one] - means[one]) / pixels.shape[1]
    scales = deviations[others] * deviations[one]
    correlation = np.minimum(products / np.where(scales, scales, 1), 1.0)
    flat = np.flatnonzero(np.minimum(deviations[others], deviations[one]) < FLAT)
    if len(flat):
        differences = np.abs(pixels[others[flat]].astype(np.int16) - pixels[one])
        correlation[flat] = differences.mean(1) < FLAT
    return np.where(correlation >= LEAST_CORRELATION, correlation, 0.0)


def _similar_hashes(
    hashes: npt.NDArray[np.uint64],
    members: Positions,
    masks: Sequence[np.uint64],
    components: Components,
) -> Iterator[tuple[int, Positions]]:
    """Yields a position and others of the same members whose hashes match but for a few bits.

    Pairs whose connection is known are left out. The members of large components come last, so that
    it ends as soon as the rest is one of them.

    Args:
        hashes: The hashes.
        members: Positions of hashes with an equal band.
        masks: The bits of other bands; pairs that are equal in one of these are left out.
        components: What is connected already.
    """
    rest = members
    while len(rest) > 1:
        leaders = components.leaders[rest]
        rest = rest[np.argsort(components.sizes[leaders], kind="stable")]
        if _is_in_same_component(components, int(rest[0]), rest).all():
            return
        block = rest[: max(1, MOST_HASHES // len(rest))]
        different = hashes[block][:, None] ^ hashes[rest]
        near = np.bitwise_count(different) <= MOST_DIFFERENT_BITS
        near = np.triu(near, 1)  # each pair once
        for row in np.flatnonzero(near.any(1)).tolist():
            others = np.flatnonzero(near[row])
            for mask in masks:
                others = others[(different[row, others] & mask) != 0]
            yield int(block[row]), rest[others]
        rest = rest[len(block) :]


def _is_in_same_component(
    components: Components, one: int, others: Positions
) -> npt.NDArray[np.bool_]:
    """Returns which images need no match, as they are in the same large component as one."""
    leader = components.leaders[one]
    if components.sizes[leader] <= MOST_PAIRED:
        return np.zeros(len(others), np.bool_)
    return components.leaders[others] == leader


def _share_a_band(
    hashes: npt.NDArray[np.uint64],
) -> Iterator[tuple[Positions, list[np.uint64]]]:
    """Groups the positions of signatures with an equal band of the hash; only these can match.

    With each group, the bits of the earlier bands are returned.
    """
    edges = np.linspace(0, HASH_BITS, BANDS + 1).astype(int).tolist()
    masks: list[np.uint64] = []
    for low, high in itertools.pairwise(edges):
        mask = np.uint64((1 << high) - (1 << low))
        band = hashes & mask
        order = np.argsort(band, kind="stable")
        borders = np.flatnonzero(np.diff(band[order])) + 1
        for group in np.split(order, borders):
            if len(group) > 1:
                yield group, masks
        masks = [*masks, mask]
