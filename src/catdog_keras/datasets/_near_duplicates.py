"""Near-duplicate detection: images that were resized, saved again or recompressed."""

import itertools
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from catdog_keras._progress import progress_bar
from catdog_keras.datasets._decode import decode_pillow
from catdog_keras.datasets._read_image import read_unchanged
from catdog_keras.datasets._scan_report import ImageFile

HASH_SIDE = 32
HASH_FREQUENCIES = 8
HASH_BITS = HASH_FREQUENCIES**2
MOST_DIFFERENT_BITS = 4
BANDS = MOST_DIFFERENT_BITS + 1  # with four changed bits, at least one of five bands is unchanged


def find_near_duplicates(images: Sequence[ImageFile]) -> list[list[str]]:
    """Groups images whose 64-bit perceptual hashes differ in at most four bits.

    The result is a hint, not a proof: all single-color images have similar hashes, and cropped or
    mirrored images are not found.

    Args:
        images: Images that can be decoded.

    Returns:
        Groups of two or more paths, in the order of `images`: the connected components of such
        pairs.

    Raises:
        ValueError: If an image has changed since it was inspected.
    """
    hashes = []
    with progress_bar("Comparing images", len(images), "files") as advance:
        for image in images:
            hashes.append(_perceptual_hash(image))
            advance(1)
    distinct, places = np.unique(np.array(hashes, dtype=np.uint64), return_inverse=True)
    leaders = _connect(distinct)
    groups: dict[int, list[str]] = defaultdict(list)
    for image, place in zip(images, places.tolist(), strict=True):
        groups[leaders[place]].append(image.path)
    return [group for group in groups.values() if len(group) > 1]


def _perceptual_hash(found: ImageFile) -> int:
    """Returns the 64-bit DCT hash of an image.

    The grayscale image is resized to 32 x 32 pixels; each bit states whether one of the 8 x 8
    lowest frequencies of its discrete cosine transform is above their median.

    Source: Zauner (2010), Implementation and benchmarking of perceptual image hash functions,
    section 3.2.
    """
    from PIL import Image  # at first use: importing the package imports only what it needs

    image = Image.fromarray(decode_pillow(read_unchanged(found))).convert("L")
    pixels = np.asarray(image.resize((HASH_SIDE, HASH_SIDE), Image.Resampling.LANCZOS), np.float64)
    frequencies = np.arange(HASH_FREQUENCIES)[:, None]
    positions = np.arange(HASH_SIDE)[None, :]
    basis = np.cos(np.pi * frequencies * (2 * positions + 1) / (2 * HASH_SIDE))  # DCT-II
    lowest = basis @ pixels @ basis.T
    return int.from_bytes(np.packbits(lowest > np.median(lowest)).tobytes())


def _connect(hashes: npt.NDArray[np.uint64]) -> list[int]:
    """Returns, for each hash, the position of the first one in its connected component."""
    leaders = list(range(len(hashes)))

    def leader(position: int) -> int:
        while leaders[position] != position:
            leaders[position] = leaders[leaders[position]]
            position = leaders[position]
        return position

    for members in _share_a_band(hashes):
        for place, position in enumerate(members[:-1]):
            others = members[place + 1 :]
            different = np.bitwise_count(hashes[others] ^ hashes[position])
            for other in others[different <= MOST_DIFFERENT_BITS].tolist():
                first, second = sorted((leader(int(position)), leader(other)))
                leaders[second] = first
    return [leader(position) for position in range(len(hashes))]


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
