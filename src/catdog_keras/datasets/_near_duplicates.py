"""Near-duplicates among image files: the same pixels in another size, compression or brightness.

The pairs of a set of files are saved with the results of their checks, under a checksum of their
contents: a later call for the same files neither decodes nor compares them. If a file is new or has
changed, all hashes are compared, and only the files with similar hashes are decoded again.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np

from catdog_keras._progress import progress_bar
from catdog_keras._scratch import scratch_folder
from catdog_keras.datasets._check_cache import (
    check_cache_folder,
    decode_table,
    encode_table,
    limit_check_cache,
)
from catdog_keras.datasets._inspect_files import inspect_file
from catdog_keras.datasets._match_hashes import has_similar, match_signatures
from catdog_keras.datasets._perceptual_hash import Gray, Signature
from catdog_keras.datasets._read_unchanged import describe_change
from catdog_keras.datasets._scan_report import ImageFile

Pairs = list[tuple[str, str]]


def near_duplicate_pairs(images: Sequence[ImageFile], thumbnails: Mapping[str, Gray]) -> Pairs:
    """Finds pairs of images whose contents are near-duplicates; see `match_signatures`.

    Images of a single color are left out: they have nothing in common but a color. Cropped, rotated
    and mirrored images are not found.

    Args:
        images: Results of a check.
        thumbnails: Those that the check kept, by checksum; others are decoded again, if needed.

    Returns:
        Pairs of paths. Of byte-identical files only the first one is compared. Pairs do not depend
        on the order of the images.

    Raises:
        ValueError: If an image has changed since it was checked.
    """
    distinct: dict[str, ImageFile] = {}
    for image in images:
        if image.perceptual_hash is not None:
            distinct.setdefault(image.sha256, image)
    folder = check_cache_folder()
    file = None if folder is None else folder / _pairs_file_name(distinct)
    files = list(distinct.values())
    places = None if file is None else _read_saved_pairs(file, len(files))
    if places is None:
        order = sorted(range(len(files)), key=lambda place: files[place].sha256)
        pairs = _find_pairs([files[place] for place in order], thumbnails)
        places = [(order[first], order[second]) for first, second in pairs]
        if file is not None:
            _save_pairs(file, places)
    return [(files[first].path, files[second].path) for first, second in places]


def _find_pairs(
    images: Sequence[ImageFile], thumbnails: Mapping[str, Gray]
) -> list[tuple[int, int]]:
    """Returns the positions of each pair of near-duplicate images."""
    hashes = np.array([image.perceptual_hash for image in images], dtype=np.uint64)
    candidates = np.flatnonzero(has_similar(hashes)).tolist()
    pixels = _find_thumbnails([images[place] for place in candidates], thumbnails)
    signatures = [
        Signature(int(hashes[place]), pixels[images[place].sha256]) for place in candidates
    ]
    return [
        (candidates[first], candidates[second]) for first, second, _ in match_signatures(signatures)
    ]


def _find_thumbnails(
    images: Sequence[ImageFile], thumbnails: Mapping[str, Gray]
) -> Mapping[str, Gray]:
    """Returns the thumbnails to find near-duplicates by, by checksum; decodes missing ones."""
    missing = [image for image in images if image.sha256 not in thumbnails]
    if not missing:
        return thumbnails
    with (
        progress_bar("Comparing images", len(missing), "files") as advance,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        try:
            decoded = []
            for thumbnail in pool.map(_decode_thumbnail_again, missing):
                decoded.append(thumbnail)
                advance(1)
        except BaseException:  # after Ctrl-C, the remaining files are skipped
            pool.shutdown(cancel_futures=True)
            raise
    found = {image.sha256: thumbnail for image, thumbnail in zip(missing, decoded, strict=True)}
    return {**thumbnails, **found}


def _decode_thumbnail_again(image: ImageFile) -> Gray:
    """Returns the thumbnail of an image, checked before, whose near-duplicates are searched for.

    Raises:
        ValueError: If it has changed.
    """
    found: dict[str, Gray] = {}
    checked = inspect_file(image.path, found)
    if image.sha256 not in found:
        reason = checked.reason if checked.status == "bad" else "other content"
        raise ValueError(describe_change(image, reason))
    return found[image.sha256]


def _pairs_file_name(digests: Iterable[str]) -> str:
    """Returns the name of the file with the saved near-duplicates of images, by their checksums."""
    return f"pairs-{hashlib.sha256(''.join(digests).encode()).hexdigest()[:32]}.json"


def _read_saved_pairs(file: Path, count: int) -> list[tuple[int, int]] | None:
    """Returns saved near-duplicates as pairs of positions below `count`; None if none are valid."""
    try:
        pairs = [(first, second) for first, second in decode_table(file.read_bytes())["pairs"]]
        if all(0 <= place < count for pair in pairs for place in pair):
            return pairs
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return None


def _save_pairs(file: Path, pairs: Sequence[tuple[int, int]]) -> None:
    """Saves the pairs of near-duplicates; without write permission nothing is saved."""
    with suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        with scratch_folder(file.parent) as scratch:
            unfinished = scratch / file.name
            unfinished.write_bytes(encode_table({"pairs": pairs}))
            unfinished.replace(file)
        limit_check_cache(file.parent)
