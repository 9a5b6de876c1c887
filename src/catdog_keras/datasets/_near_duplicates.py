"""Near-duplicate detection: images that were resized, saved again or recompressed."""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catdog_keras._progress import progress_bar
from catdog_keras.datasets._decode import decode_pillow

HASH_BITS = 64
MOST_DIFFERENT_BITS = 4
BANDS = MOST_DIFFERENT_BITS + 1  # with four changed bits, at least one of five bands is unchanged


def find_near_duplicates(paths: Sequence[str]) -> list[list[str]]:
    """Groups images whose 64-bit perceptual hashes differ in at most four bits.

    The result is a hint, not a proof: all single-color images have similar hashes, and cropped or
    mirrored images are not found.

    Args:
        paths: Images that can be decoded.

    Returns:
        Groups of two or more paths, in the order of `paths`: the connected components of such
        pairs.
    """
    hashes = []
    with progress_bar("Comparing images", len(paths), "files") as advance:
        for path in paths:
            hashes.append(_perceptual_hash(path))
            advance(1)
    distinct, places = np.unique(np.array(hashes, dtype=np.uint64), return_inverse=True)
    leaders = _connect(distinct)
    groups: dict[int, list[str]] = defaultdict(list)
    for path, place in zip(paths, places.tolist(), strict=True):
        groups[leaders[place]].append(path)
    return [group for group in groups.values() if len(group) > 1]


def _perceptual_hash(path: str) -> int:
    # Lazy, so that importing the package does not import them.
    import imagehash
    from PIL import Image

    bits = imagehash.phash(Image.fromarray(decode_pillow(Path(path).read_bytes()))).hash
    return int.from_bytes(np.packbits(bits).tobytes())


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
