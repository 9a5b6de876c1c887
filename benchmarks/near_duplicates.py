"""Recall and precision of `find_near_duplicates` on copies that are planted among photographs.

    python -m benchmarks.near_duplicates IMAGES [--seeds 5] [--copies 200]

IMAGES is a folder with images, which are searched recursively. For each seed, changed copies are
planted among all of them: recompressed, resized or brightened ones, which are searched by hash, and
cropped, mirrored or rotated ones, which are searched with the features of MobileNetV2 at 160 x 160
pixels, with ImageNet weights. In two more rows each copy has all three changes.

Rule for duplicates that the images contain already: those in KNOWN were compared by eye and are
counted neither as found nor as wrong. Any other pair that was not planted is wrong.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from benchmarks.measuring import print_table
from benchmarks.planted_copies import MOVED, SAVED, Change, Copy, in_sequence, plant
from catdog_keras import load_images, wilson_interval
from catdog_keras.diagnostics._find_near_duplicates import near_duplicates_of
from catdog_keras.diagnostics._measure_images import measure_images

KNOWN = [{"dog.74.jpg", "dog.180.jpg"}]  # one photograph that was saved twice
ROWS: dict[str, tuple[dict[str, Change], bool]] = {
    "recompressed (quality 60 to 95), resized (0.5 to 2) or brightened (10 %), by hash": (
        SAVED,
        False,
    ),
    "all three, by hash": ({"all": in_sequence(*SAVED.values())}, False),
    "cropped (80 %), mirrored or rotated (5 degrees), with features": (MOVED, True),
    "all three, with features": ({"all": in_sequence(*MOVED.values())}, True),
}


@dataclass
class Counts:
    """Planted, found and wrong pairs of all seeds."""

    planted: int = 0
    found: int = 0
    wrong: int = 0

    def row(self, name: str) -> list[str]:
        """Returns a line of the table."""
        return [
            name,
            f"{self.found} of {self.planted}",
            _with_interval(self.found, self.planted),
            _with_interval(self.found, self.found + self.wrong),
        ]


def main() -> None:
    """Measures and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--copies", type=int, default=200)
    arguments = parser.parse_args()
    backbone = keras.applications.MobileNetV2(
        include_top=False, pooling="avg", input_shape=(160, 160, 3)
    )
    files = [str(path) for path in sorted(arguments.images.rglob("*.jpg"))]
    start = time.perf_counter()
    measured = measure_images("images", tuple(files))
    seconds = time.perf_counter() - start
    features = compute_features(backbone, files)
    start = time.perf_counter()
    clean = near_duplicates_of(measured, features, files)
    print(
        f"{len(files)} images: measured in {seconds:.0f} s, compared in "
        f"{time.perf_counter() - start:.0f} s. Pairs without planted copies:"
    )
    for pair in clean.pairs:
        print(f"  {files[pair.first]}, {files[pair.second]}: {pair.score:.3f}, by {pair.found_by}")
    counts = {name: Counts() for name in ROWS}
    missed = []
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(arguments.seeds):
            for number, (name, (changes, with_features)) in enumerate(ROWS.items()):
                folder = Path(scratch) / f"{seed}-{number}"
                copies = plant(files, changes, folder, arguments.copies, 10 * seed + number)
                paths = [copy.path for copy in copies]
                rows = None
                if with_features:
                    rows = np.concatenate([features, compute_features(backbone, paths)])
                found = near_duplicates_of(
                    [*measured, *measure_images("images", tuple(paths))], rows, [*files, *paths]
                )
                pairs = {(pair.first, pair.second) for pair in found.pairs}
                lost, wrong = compare(pairs, files, copies)
                counts[name].planted += len(copies)
                counts[name].found += len(copies) - len(lost)
                counts[name].wrong += len(wrong)
                missed += [f"{copy.change} of {files[copy.original]}" for copy in lost]
                missed += [f"wrong: {one}, {other}" for one, other in wrong]
                print(f"seed {seed}, {name}: {len(lost)} missed, {len(wrong)} wrong", flush=True)
    headings = [f"copies, {arguments.seeds} seeds", "found", "recall", "precision"]
    print_table(headings, [each.row(name) for name, each in counts.items()])
    print("\n".join(["", "Missed and wrong:", *missed]))


def compute_features(backbone: keras.Model, files: Sequence[str]) -> np.ndarray:
    """Returns the pooled features of image files."""
    images = load_images(files).dataset.map(lambda batch: batch / 127.5 - 1)
    return backbone.predict(images, verbose=0)


def compare(
    pairs: set[tuple[int, int]], files: Sequence[str], copies: Sequence[Copy]
) -> tuple[list[Copy], list[tuple[str, str]]]:
    """Returns the copies that were missed, and the pairs that are neither planted nor known."""
    planted = {(copy.original, len(files) + place): copy for place, copy in enumerate(copies)}
    lost = [copy for pair, copy in planted.items() if pair not in pairs]
    # The photograph that each image shows: that of the original, for a copy.
    shown = [Path(file).name for file in files]
    shown += [shown[copy.original] for copy in copies]
    wrong = [
        (shown[first], shown[second])
        for first, second in sorted(pairs - set(planted))
        if {shown[first], shown[second]} not in KNOWN
    ]
    return lost, wrong


def _with_interval(part: int, whole: int) -> str:
    low, high = wilson_interval(part, max(whole, 1))
    return f"{part / max(whole, 1):.4f} [{low:.4f}, {high:.4f}]"


if __name__ == "__main__":
    main()
