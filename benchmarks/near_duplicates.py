"""Recall and precision of `find_near_duplicates` on copies that are planted among photographs.

    python -m benchmarks.near_duplicates IMAGES [--seeds 5] [--copies 200]

IMAGES is a folder with images, which are searched recursively. For each seed, changed copies are
planted among all of them: recompressed, resized or brightened ones, which are searched by hash, and
cropped, mirrored or rotated ones, which are searched with the features of MobileNetV2 at 160 x 160
pixels, with ImageNet weights. For every three copies with one change, a fourth one has all three; a
wrong pair counts for the rows of copies with one change.

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
from catdog_keras.diagnostics._measure_images import ImageMeasurements, measure_images

KNOWN = [{"dog.74.jpg", "dog.180.jpg"}]  # one photograph that was saved twice
ALL = "all three"
SETS: dict[str, tuple[dict[str, Change], bool]] = {
    "by hash": ({**SAVED, ALL: in_sequence(*SAVED.values())}, False),
    "with features": ({**MOVED, ALL: in_sequence(*MOVED.values())}, True),
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
    start = time.process_time()
    measured = measure_images("images", tuple(files))
    measuring = time.process_time() - start
    images = Images(files, measured, compute_features(backbone, files))
    start = time.process_time()
    clean = near_duplicates_of(measured, images.features, files)
    comparing = time.process_time() - start
    print(
        f"{len(files)} images: measured in {measuring:.0f} s, compared in {comparing:.0f} s of "
        "processor time. Pairs without planted copies:"
    )
    for pair in clean.pairs:
        print(f"  {files[pair.first]}, {files[pair.second]}: {pair.score:.3f}, by {pair.found_by}")
    counts: dict[str, Counts] = {}
    missed: list[str] = []
    for seed in range(arguments.seeds):
        for name in SETS:
            missed += run(name, images, backbone, arguments.copies, seed, counts)
    headings = [f"copies, {arguments.seeds} seeds", "found", "recall", "precision"]
    print_table(headings, [each.row(name) for name, each in counts.items()])
    print("\n".join(["", "Missed and wrong:", *missed]))


@dataclass
class Images:
    """The original images, with their measurements and features."""

    files: list[str]
    measured: list[ImageMeasurements]
    features: np.ndarray


def run(
    name: str,
    images: Images,
    backbone: keras.Model,
    copies_of_set: int,
    seed: int,
    counts: dict[str, Counts],
) -> list[str]:
    """Plants copies, searches them, and adds to the counts; returns what was missed or wrong.

    For every three copies with one change, a fourth one has all three.
    """
    changes, with_features = SETS[name]
    files = images.files
    with tempfile.TemporaryDirectory() as folder:
        copies = plant(files, changes, Path(folder) / "copies", copies_of_set * 4 // 3, seed)
        paths = tuple(copy.path for copy in copies)
        rows = None
        if with_features:
            rows = np.concatenate([images.features, compute_features(backbone, paths)])
        measured = [*images.measured, *measure_images("images", paths)]
    found = near_duplicates_of(measured, rows, [*files, *paths])
    lost, wrong = compare({(pair.first, pair.second) for pair in found.pairs}, files, copies)
    single = counts.setdefault(f"one change, {name}", Counts())
    for copy in copies:
        each = single if copy.change != ALL else counts.setdefault(f"{ALL}, {name}", Counts())
        each.planted += 1
        each.found += copy not in lost
    single.wrong += len(wrong)
    print(f"seed {seed}, {name}: {len(lost)} missed, {len(wrong)} wrong", flush=True)
    return [f"{copy.change}, {files[copy.original]}" for copy in lost] + [
        f"wrong: {one}, {other}" for one, other in wrong
    ]


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
