"""Label issues with planted errors, and coverage of the predictions of learning curves.

    python -m benchmarks.label_issues IMAGES [--seeds 5] [--halves 20] [--features FILE]

IMAGES is the folder of the tutorial's images. Their features are those of MobileNetV2 with ImageNet
weights at 160 x 160, from KERAS_HOME or downloaded by Keras; FILE stores them for the next run.

A part of the labels is flipped. Of the first n findings, n being the number of flipped labels, the
table counts those with a flipped label; a missing finding counts as a miss, and so does a label
that is wrong in the data. If cleanlab is installed, it ranks the same probabilities.

Then learning curves of random halves predict the accuracy with all images. The second table counts
the predicted intervals that contain the accuracy that is measured with all images.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from benchmarks.measuring import print_table
from catdog_keras import load_images, wilson_interval
from catdog_keras.datasets._image_root import image_root
from catdog_keras.diagnostics import extract_features, find_label_issues, learning_curve

try:
    from cleanlab.filter import find_label_issues as cleanlab_issues
except ImportError:
    cleanlab_issues = None

CLASS_NAMES = ("cats", "dogs")
FRACTIONS = (0.01, 0.03, 0.1)
DIMENSIONS = (1280, 64)  # fewer of them make the task harder


def main() -> None:
    """Computes the features, measures and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--halves", type=int, default=20)
    parser.add_argument("--features", type=Path)
    arguments = parser.parse_args()
    features, labels, files = load(arguments.images, arguments.features)
    print(f"{len(labels):,} images, {features.shape[1]:,} features.\n", flush=True)
    find(features, labels, files, arguments.seeds)
    predict(features, labels, arguments.halves)


def load(folder: Path, cache: Path | None) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Returns features, labels and files, from the cache if there is one."""
    if cache is not None and cache.exists():
        stored = np.load(cache)
        return stored["features"], stored["labels"], stored["files"].tolist()
    images = load_images(image_root(folder), class_names=CLASS_NAMES)
    start = time.perf_counter()
    features = extract_features(images)
    print(f"Features: {time.perf_counter() - start:.0f} s.")
    if cache is not None:
        np.savez(cache, features=features, labels=images.labels, files=np.array(images.files))
    return features, images.labels, list(images.files)


def find(features: np.ndarray, labels: np.ndarray, files: list[str], seeds: int) -> None:
    """Prints the share of planted errors among the first findings."""
    start = time.process_time()
    unchanged = find_label_issues(features, labels, class_names=CLASS_NAMES, files=files)
    print(f"Processor time of one call: {time.process_time() - start:.1f} s.")
    print(f"Findings with unchanged labels: {len(unchanged)}")
    for finding in unchanged.findings:
        print(f"  {finding}")
    if cleanlab_issues is None:
        print("cleanlab is not installed: its column is empty.")
    print(flush=True)
    rows = []
    for fraction in FRACTIONS:
        count = round(fraction * len(labels))
        results = [plant(features, labels, count, seed) for seed in range(seeds)]
        ours, theirs, expected = zip(*results, strict=True)
        rows.append(
            [
                f"{fraction:.0%} ({count})",
                *(_share(hits, count) for hits in (ours, theirs)),
                f"{min(ours) / count:.1%}",
                f"{min(expected)} to {max(expected)}",
            ]
        )
    headings = ["flipped labels", "of the first n findings", "cleanlab, same probabilities"]
    print_table([*headings, "lowest of the seeds", "expected errors"], rows)
    print(flush=True)


def plant(
    features: np.ndarray, labels: np.ndarray, count: int, seed: int
) -> tuple[int, int | None, int]:
    """Flips labels; returns the hits of both methods, and the expected number of errors."""
    planted = np.random.default_rng(seed).choice(len(labels), count, replace=False)
    flipped = labels.copy()
    flipped[planted] = 1 - flipped[planted]
    issues = find_label_issues(features, flipped, class_names=CLASS_NAMES, seed=seed)
    known = set(planted.tolist())
    ours = sum(finding.indices[0] in known for finding in issues.findings[:count])
    theirs = None
    if cleanlab_issues is not None:
        ranked = cleanlab_issues(
            flipped, issues.probabilities, return_indices_ranked_by="normalized_margin"
        )
        theirs = len(known & set(ranked[:count].tolist()))
    return ours, theirs, issues.num_expected


def _share(hits: tuple[int | None, ...], count: int) -> str:
    """Formats the share of hits in all seeds, with its Wilson interval."""
    counts = [each for each in hits if each is not None]
    if not counts:
        return ""
    total = count * len(counts)
    low, high = wilson_interval(sum(counts), total)
    return f"{sum(counts) / total:.1%} [{low:.1%}, {high:.1%}]"


def predict(features: np.ndarray, labels: np.ndarray, halves: int) -> None:
    """Prints how many predictions from a half contain the accuracy with all images."""
    rows = []
    for dimensions in DIMENSIONS:
        random = np.random.default_rng(dimensions)
        columns = random.choice(features.shape[1], dimensions, replace=False)
        part = features[:, columns]
        largest = 4 * len(labels) // 5
        sizes = (largest // 4, largest // 2, largest)
        truth = learning_curve(part, labels, sizes=sizes).accuracies[-1]
        hits, widths, errors, start = 0, [], [], []
        for seed in range(halves):
            half = np.sort(random.choice(len(labels), len(labels) // 2, replace=False))
            curve = learning_curve(part[half], labels[half], seed=seed)
            low, high = curve.doubled_interval
            hits += low <= truth <= high
            widths.append(high - low)
            errors.append(curve.doubled_accuracy - truth)
            start.append(curve.accuracies[-1])
        low, high = wilson_interval(hits, halves)
        rows.append(
            [
                f"{dimensions:,}",
                f"{statistics.mean(start):.3f}",
                f"{truth:.3f}",
                f"{statistics.mean(errors):+.4f}",
                f"{100 * statistics.mean(widths):.1f} points",
                f"{hits} of {halves} [{low:.0%}, {high:.0%}]",
            ]
        )
        print(f"{dimensions:,} features: {hits} of {halves}.", flush=True)
    headings = ["features", "accuracy, half", "accuracy, all", "mean error of the prediction"]
    print()
    print_table([*headings, "mean width of the interval", "contains the accuracy"], rows)


if __name__ == "__main__":
    main()
