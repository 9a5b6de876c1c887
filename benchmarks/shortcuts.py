"""Shortcuts that are planted into photographs, and how often `find_shortcuts` flags them.

    python -m benchmarks.shortcuts IMAGES [--seeds 5] [--images-per-seed 600]

IMAGES is a folder of class folders, with or without split folders. For each seed, images are drawn
and saved with a JPEG quality of 90; in the planted sets, one class is changed. The sets differ in
nothing else, so that the changed property must be among those that are flagged. The clean images
are the original files: 20 random halves of all of them, and the saved images of each seed.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from benchmarks.measuring import print_table
from catdog_keras.diagnostics import Shortcuts
from catdog_keras.diagnostics._find_shortcuts import shortcuts_of
from catdog_keras.diagnostics._measure_images import ImageMeasurements, measure_images

BORDER = 8  # pixels
QUALITY, LOW_QUALITY = 90, 60
HALVES = 20


def add_border(image: Image.Image) -> tuple[Image.Image, int]:
    """Replaces the outer pixels by black ones, so that the size stays."""
    inner = image.crop((BORDER, BORDER, image.width - BORDER, image.height - BORDER))
    return ImageOps.expand(inner, BORDER, "black"), QUALITY


def enlarge(image: Image.Image) -> tuple[Image.Image, int]:
    """Resizes the image to half its size and back."""
    half = max(1, image.width // 2), max(1, image.height // 2)
    small = image.resize(half, Image.Resampling.LANCZOS)
    return small.resize(image.size, Image.Resampling.BICUBIC), QUALITY


PLANTED: dict[str, tuple[str, Callable[[Image.Image], tuple[Image.Image, int]]]] = {
    "nothing, saved again": ("", lambda image: (image, QUALITY)),
    "border of 8 pixels": ("border", add_border),
    "resized from half the size": ("detail", enlarge),
    "saved at JPEG quality 60": ("JPEG quality", lambda image: (image, LOW_QUALITY)),
}


def main() -> None:
    """Measures and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--images-per-seed", type=int, default=600)
    arguments = parser.parse_args()
    files = [str(path) for path in sorted(arguments.images.rglob("*.jpg"))]
    folders = [Path(file).parent.name for file in files]
    names = sorted(set(folders))
    labels = np.array([names.index(folder) for folder in folders])
    measured = measure_images("files", tuple(files))
    clean(measured, labels, names)
    rows = []
    for name, (expected, change) in PLANTED.items():
        flagged, others, scores = 0, [], []
        for seed in range(arguments.seeds):
            found = plant_and_find(files, labels, names, change, seed, arguments.images_per_seed)
            flags = {each.name for each in found.properties if each.flagged}
            flagged += expected in flags
            others += sorted(flags - {expected})
            scores += [each for each in found.properties if each.name == expected]
        accuracies = ", ".join(f"{each.balanced_accuracy:.3f}" for each in scores)
        counts = ", ".join(f"{each} {others.count(each)}" for each in sorted(set(others)))
        result = f"{flagged} of {arguments.seeds}" if expected else "none expected"
        rows.append([name, result, accuracies or "none", counts or "none"])
        print(rows[-1], flush=True)
    headings = ["change of one class", "flagged", "balanced accuracy", "other properties flagged"]
    print_table(headings, rows)


def clean(measured: Sequence[ImageMeasurements], labels: np.ndarray, names: Sequence[str]) -> None:
    """Prints the scores of the original files, and how many halves of them are flagged."""
    found = shortcuts_of(measured, labels, names, 0)
    rows = [
        [each.name, f"{each.balanced_accuracy:.3f}", "[{:.3f}, {:.3f}]".format(*each.interval)]
        for each in found.properties
    ]
    print_table([f"all {len(measured)} images", "balanced accuracy", "interval"], rows)
    flagged, significant = 0, 0
    for seed in range(HALVES):
        half = np.random.default_rng(seed).choice(len(measured), len(measured) // 2, replace=False)
        found = shortcuts_of([measured[place] for place in half], labels[half], names, seed)
        flagged += any(each.flagged for each in found.properties)
        shuffled = np.random.default_rng(seed).permutation(labels[half])
        found = shortcuts_of([measured[place] for place in half], shuffled, names, seed)
        significant += any(each.significant for each in found.properties)
    print(
        f"\n{flagged} of {HALVES} random halves have a flag; with shuffled labels {significant} "
        f"of {HALVES} have a significant property.\n",
        flush=True,
    )


def plant_and_find(
    files: Sequence[str],
    labels: np.ndarray,
    names: Sequence[str],
    change: Callable[[Image.Image], tuple[Image.Image, int]],
    seed: int,
    count: int,
) -> Shortcuts:
    """Saves randomly drawn images, those of class 1 with a change, and searches shortcuts."""
    drawn = np.random.default_rng(seed).choice(len(files), min(count, len(files)), replace=False)
    with tempfile.TemporaryDirectory() as folder:
        saved = []
        for place in drawn.tolist():
            with Image.open(files[place]) as opened:
                image, quality = opened.convert("RGB"), QUALITY
            if labels[place] == 1:
                image, quality = change(image)
            path = Path(folder) / f"{place}.jpg"
            image.save(path, quality=quality)
            saved.append(str(path))
        return shortcuts_of(measure_images("files", tuple(saved)), labels[drawn], names, seed)


if __name__ == "__main__":
    main()
