"""Near-duplicate detection: images that were resized, brightened, saved again or recompressed."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from catdog_keras._progress import progress_bar
from catdog_keras.datasets._decode import decode_pillow
from catdog_keras.datasets._read_image import read_unchanged
from catdog_keras.datasets._scan_report import ImageFile

if TYPE_CHECKING:
    from PIL import Image

HASH_SIDE = 32
HASH_FREQUENCIES = 8
HASH_BITS = HASH_FREQUENCIES**2
MOST_DIFFERENT_BITS = 8
BANDS = MOST_DIFFERENT_BITS + 1  # with eight changed bits, at least one of nine bands is unchanged
# Different photographs with similar hashes reach less, and copies of one photograph more.
LEAST_CORRELATION = 0.95
FLAT = 2.0  # standard deviation in levels below which an image has no structure to correlate


@dataclass(frozen=True)
class Signature:
    """A 64-bit perceptual hash, and the 32 x 32 grayscale pixels from which it was computed."""

    hash: int
    pixels: npt.NDArray[np.uint8]


class Link(NamedTuple):
    """The positions of two similar images, the first one lower, and their correlation."""

    first: int
    second: int
    score: float


def find_near_duplicates(images: Sequence[ImageFile]) -> list[list[str]]:
    """Groups images that show the same pixels in another size, compression or brightness.

    Cropped, rotated and mirrored images are not found.

    Args:
        images: Images that can be decoded.

    Returns:
        Groups of two or more paths, in the order of `images`: the connected components of the pairs
        that `match_signatures` finds.

    Raises:
        ValueError: If an image has changed since it was inspected.
    """
    from PIL import Image  # at first use: importing the package imports only what it needs

    signatures = []
    with progress_bar("Comparing images", len(images), "files") as advance:
        for image in images:
            pixels = Image.fromarray(decode_pillow(read_unchanged(image)))
            signatures.append(signature_of(pixels.convert("L")))
            advance(1)
    groups = connected_components(len(images), match_signatures(signatures))
    return [[images[place].path for place in group] for group in groups]


def signature_of(gray: "Image.Image") -> Signature:
    """Returns the 64-bit DCT hash of a grayscale image, with the pixels that it was computed from.

    The image is resized to 32 x 32 pixels; each bit states whether one of the 8 x 8 lowest
    frequencies of its discrete cosine transform is above their median.

    Source: Zauner (2010), Implementation and benchmarking of perceptual image hash functions,
    section 3.2.
    """
    from PIL import Image

    pixels = np.asarray(gray.resize((HASH_SIDE, HASH_SIDE), Image.Resampling.LANCZOS))
    frequencies = np.arange(HASH_FREQUENCIES)[:, None]
    positions = np.arange(HASH_SIDE)[None, :]
    basis = np.cos(np.pi * frequencies * (2 * positions + 1) / (2 * HASH_SIDE))  # DCT-II
    lowest = basis @ pixels @ basis.T
    return Signature(int.from_bytes(np.packbits(lowest > np.median(lowest)).tobytes()), pixels)


def match_signatures(signatures: Sequence[Signature]) -> list[Link]:
    """Finds pairs whose hashes differ in at most eight bits and whose pixels correlate.

    The hash selects candidates; the correlation of their 32 x 32 pixels, at least 0.95, decides. Of
    images with equal signatures, each is linked to the first one only.
    """
    firsts: dict[tuple[int, bytes], int] = {}
    links = []
    for place, signature in enumerate(signatures):
        first = firsts.setdefault((signature.hash, signature.pixels.tobytes()), place)
        if first != place:
            links.append(Link(first, place, 1.0))
    places = np.array(list(firsts.values()), dtype=np.int64)
    hashes = np.array([signatures[place].hash for place in places], dtype=np.uint64)
    for one, others in _similar_hashes(hashes):
        first = int(places[one])
        scores = _similarity(
            signatures[first].pixels,
            np.stack([signatures[place].pixels for place in places[others]]),
        )
        similar = zip(places[others].tolist(), scores.tolist(), strict=True)
        links += [Link(first, other, score) for other, score in similar if score]
    return sorted(set(links))


def connected_components(size: int, links: Iterable[tuple[int, int, float]]) -> list[list[int]]:
    """Returns the groups of two or more positions that links connect, each in ascending order."""
    leaders = list(range(size))

    def leader(position: int) -> int:
        while leaders[position] != position:
            leaders[position] = leaders[leaders[position]]
            position = leaders[position]
        return position

    for one, other, _ in links:
        first, second = sorted((leader(one), leader(other)))
        leaders[second] = first
    groups: dict[int, list[int]] = defaultdict(list)
    for position in range(size):
        groups[leader(position)].append(position)
    return [group for group in groups.values() if len(group) > 1]


def _similarity(
    pixels: npt.NDArray[np.uint8], others: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float64]:
    """Returns the correlation of an image with others, or 0 where it is too low.

    An image without structure has no correlation: it is similar to those of the same gray.
    """
    one = pixels.astype(np.float64).ravel()
    rest = others.reshape(len(others), -1).astype(np.float64)
    flat = (rest.std(1) < FLAT) | (one.std() < FLAT)
    equal = np.abs(rest - one).mean(1) < FLAT
    one, rest = one - one.mean(), rest - rest.mean(1, keepdims=True)
    norms = np.linalg.norm(one) * np.linalg.norm(rest, axis=1)
    correlation = np.minimum(rest @ one / np.where(norms, norms, 1), 1.0)
    correlation = np.where(flat, equal, correlation)
    return np.where(correlation >= LEAST_CORRELATION, correlation, 0.0)


def _similar_hashes(
    hashes: npt.NDArray[np.uint64],
) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Yields a position and higher ones whose hashes differ in few bits; some pairs repeatedly."""
    for members in _share_a_band(hashes):
        for place, position in enumerate(members[:-1].tolist()):
            others = members[place + 1 :]
            others = others[
                np.bitwise_count(hashes[others] ^ hashes[position]) <= MOST_DIFFERENT_BITS
            ]
            if len(others):
                yield position, others


def _share_a_band(hashes: npt.NDArray[np.uint64]) -> list[npt.NDArray[np.int64]]:
    """Groups the positions of hashes with an equal band; only these can be near-duplicates."""
    groups = []
    edges = np.linspace(0, HASH_BITS, BANDS + 1).astype(int)
    for low, high in itertools.pairwise(edges):
        band = (hashes >> np.uint64(low)) & np.uint64((1 << int(high - low)) - 1)
        order = np.argsort(band, kind="stable")
        borders = np.flatnonzero(np.diff(band[order])) + 1
        groups += [group for group in np.split(order, borders) if len(group) > 1]
    return groups
