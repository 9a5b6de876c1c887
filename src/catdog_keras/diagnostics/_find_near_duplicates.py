"""Finds images that show the same photograph."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from catdog_keras._progress import progress_bar
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.datasets._components import connected_components
from catdog_keras.datasets._match_hashes import match_signatures
from catdog_keras.diagnostics._align_images import (
    Alignment,
    SearchIndex,
    align_thumbnails,
    index_image,
)
from catdog_keras.diagnostics._argument_names import DATA_NAMES
from catdog_keras.diagnostics._data_finding import DataFinding
from catdog_keras.diagnostics._feature_inputs import Floats, check_features, check_file_list
from catdog_keras.diagnostics._image_inputs import check_image_list
from catdog_keras.diagnostics._measure_images import ImageMeasurements, measure_images
from catdog_keras.diagnostics._nearest_neighbors import center_and_normalize, nearest_neighbors

NEIGHBORS = 3  # copies are nearly always the nearest one; more allow for other copies
LEAST_COSINE = 0.4  # after the mean is subtracted; only limits the time
LEAST_ALIGNED = 0.88  # different photographs with such features rarely reach 0.85
ROUNDING = 1e-9  # of a product
LEAST_DETAIL = 0.77  # of the gradients; different drawings reach 0.70, nearly all copies 0.84
KEPT_INDICES = 1024  # of about 250 kB each


@dataclass(frozen=True)
class NearDuplicatePair:
    """Two images that show the same photograph.

    Attributes:
        first: Position of one image in the input.
        second: Position of the other image, higher than `first`.
        score: Correlation of their gray levels after the alignment, from 0 to 1.
        found_by: `"hash"` or `"features"`.
        mirrored: Whether one is a mirror image of the other.
        scale: Side of the content of the smaller one, as a fraction of the other, from 0 to 1.
        degrees: Rotation between both, without sign; of images that are not square it is
            approximate.

    Example:
        >>> import catdog_keras
        >>> pair = catdog_keras.diagnostics.NearDuplicatePair(2, 5, 0.97, "features", scale=0.8)
        >>> pair.second, pair.mirrored
        (5, False)
    """

    first: int
    second: int
    score: float
    found_by: Literal["hash", "features"]
    mirrored: bool = False
    scale: float = 1.0
    degrees: float = 0.0


@dataclass(frozen=True)
class NearDuplicates:
    """Result of `find_near_duplicates`.

    Attributes:
        findings: One `DataFinding` per group, that with the highest score first. The score of a
            group is the lowest score of its pairs.
        pairs: Pairs that were found, in the order of their positions. Of images with equal pixels,
            each is paired with the first one only. Of a group of more than 20 images, such as the
            frames of a static camera, the pairs that connect it, and not all others.
        groups: Positions of the images of each group: the connected components of the pairs.
        num_images: Number of images that were compared.

    Example:
        >>> import catdog_keras
        >>> catdog_keras.diagnostics.NearDuplicates((), (), ((0, 4),), 9).groups
        ((0, 4),)
    """

    findings: tuple[DataFinding, ...]
    pairs: tuple[NearDuplicatePair, ...]
    groups: tuple[tuple[int, ...], ...]
    num_images: int


@suggests_arguments(DATA_NAMES)
def find_near_duplicates(
    images: Sequence[Any], *, features: Any = None, files: Sequence[Any] | None = None
) -> NearDuplicates:
    """Finds groups of images that show the same photograph, by hash and by features.

    Copies that were resized, recompressed or brightened have nearly equal 64-bit perceptual hashes.
    With the features of a backbone, copies that were cropped to about 80% of the side, mirrored,
    or rotated by about 5 degrees are found as well: the nearest neighbors of each image are aligned
    with it by an affine transformation. In both cases the pixels decide, by the correlation of
    their gray levels: at least 0.95 for a pair found by hash, at least 0.88 for a pair found by
    features, whose gradients must correlate by at least 0.77 too.

    Limits: other photographs of the same scene are not near-duplicates here, nor are crops below
    70% of the side, collages, or copies with large texts or frames. Images without structure are
    near-duplicates if they have the same gray. Only up to 64 x 64 gray pixels are compared: images
    that differ in small parts, such as a counter in a corner, or in color are near-duplicates.

    Source: Zauner (2010), Implementation and benchmarking of perceptual image hash functions, for
    the hash; Douze et al. (2009), Evaluation of GIST descriptors for web-scale image search, for
    candidates by global features; Evangelidis and Psarakis (2008), Parametric image alignment using
    enhanced correlation coefficient maximization, for the alignment.

    Args:
        images: Paths of image files, or uint8 arrays of shape `(height, width, 3)` or
            `(height, width)` of any size.
        features: Array of shape `(images, d)`: pooled features of the images by a frozen backbone.
            None compares by hash only.
        files: Paths for the findings, if `images` are arrays.

    Returns:
        `NearDuplicates`: findings, pairs with scores, and groups.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If there are no images, a file cannot be read as an image, or `features` or
            `files` have another length or are not finite.

    Example:
        >>> import catdog_keras
        >>> import numpy as np
        >>> images = list(np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3), np.uint8))
        >>> images.append(images[1] // 2)  # darker
        >>> found = catdog_keras.diagnostics.find_near_duplicates(images)
        >>> found.groups, found.pairs[0].found_by
        (((1, 3),), 'hash')
    """
    images = check_image_list("images", images)
    if files is None:
        names = images if isinstance(images[0], str) else ()
    else:
        names = check_file_list("files", files, len(images))
    rows = None if features is None else check_features(features, len(images))
    return near_duplicates_of(measure_images("images", images), rows, names)


def near_duplicates_of(
    measured: Sequence[ImageMeasurements], features: Floats | None, files: Sequence[str]
) -> NearDuplicates:
    """Finds near-duplicates among images that are measured already; see `find_near_duplicates`."""
    links = match_signatures([each.signature for each in measured])
    pairs = {
        (first, second): NearDuplicatePair(first, second, score, "hash")
        for first, second, score in links
    }
    if features is not None and len(measured) > 1:
        for pair in _match_features(measured, features):
            pairs.setdefault((pair.first, pair.second), pair)
    ordered = tuple(pairs[key] for key in sorted(pairs))
    scores = [(pair.first, pair.second, pair.score) for pair in ordered]
    groups = tuple(map(tuple, connected_components(len(measured), scores)))
    of_group = {place: number for number, group in enumerate(groups) for place in group}
    members: list[list[NearDuplicatePair]] = [[] for _ in groups]
    for pair in ordered:
        members[of_group[pair.first]].append(pair)
    findings = [_describe_group(*each, files) for each in zip(groups, members, strict=True)]
    findings.sort(key=lambda finding: (-finding.score, finding.indices))
    return NearDuplicates(tuple(findings), ordered, groups, len(measured))


def _match_features(
    measured: Sequence[ImageMeasurements], features: Floats
) -> Iterator[NearDuplicatePair]:
    """Yields pairs of neighbors in feature space that can be aligned: near-duplicates."""
    rows = center_and_normalize(features)
    places, cosines = nearest_neighbors(rows, min(NEIGHBORS, len(rows) - 1))
    first, rank = np.nonzero(cosines >= LEAST_COSINE)
    candidates = {
        (min(pair), max(pair))
        for pair in zip(first.tolist(), places[first, rank].tolist(), strict=True)
    }

    @lru_cache(maxsize=KEPT_INDICES)
    def index(place: int) -> SearchIndex:
        return index_image(measured[place].thumbnail)

    with progress_bar("Comparing similar images", len(candidates), "pairs") as advance:
        for one, other in sorted(candidates):
            thumbnails = measured[one].thumbnail, measured[other].thumbnail
            found = align_thumbnails(*thumbnails, index(one), index(other))
            if found.correlation >= LEAST_ALIGNED and found.detail >= LEAST_DETAIL:
                yield _pair_from_alignment(one, other, found)
            advance(1)


def _pair_from_alignment(first: int, second: int, found: Alignment) -> NearDuplicatePair:
    """Returns the near-duplicate pair of two images that `align_thumbnails` aligned."""
    scale = min(found.scale, 1 / found.scale)
    return NearDuplicatePair(
        first, second, found.correlation, "features", found.mirrored, scale, abs(found.degrees)
    )


def _describe_group(
    group: tuple[int, ...], pairs: Sequence[NearDuplicatePair], files: Sequence[str]
) -> DataFinding:
    """Returns the finding about a group of near-duplicates, from the pairs in it."""
    score = min(pair.score for pair in pairs)
    how = sorted({text for pair in pairs for text in _describe_changes(pair)})
    changes = f" ({', '.join(how)})" if how else ""
    text = (
        f"{len(group)} images show the same photograph{changes}, correlation at least "
        f"{_rounded_down(score)}. Keep one of them, or put all in one split."
    )
    return DataFinding(
        "near_duplicate",
        group,
        score,
        text,
        files=tuple(files[place] for place in group) if files else (),
    )


def _rounded_down(score: float) -> str:
    """Returns two digits that a near-duplicate's score reaches: 1.00 would mean equal images."""
    return f"{math.floor(score * 100 + ROUNDING) / 100:.2f}"


def _describe_changes(pair: NearDuplicatePair) -> Iterator[str]:
    """Yields how the images of a near-duplicate pair differ: mirrored, cropped or rotated."""
    if pair.mirrored:
        yield "mirrored"
    if pair.scale < 0.95:
        yield "cropped"
    if pair.degrees >= 2:
        yield "rotated"
