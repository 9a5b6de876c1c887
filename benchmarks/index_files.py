"""Time and memory to list a folder of class folders, compared with Keras.

    python -m benchmarks.index_files [--files 1000000] [--rounds 3]
    python -m benchmarks.index_files --images ARCHIVE --files 20000 [--rounds 9] [--folder DIR]

Creates empty files in a temporary folder: only names are listed, no content is read. With
`--images`, a zip archive of JPEG photographs, creates small images instead, each of another part of
a photograph, and measures the call of `load_image_folder`: the first one, which checks each file,
and later ones, which find that no file has changed. `image_dataset_from_directory` reads no content
in either case. Each measurement runs in a separate process; the added memory is its peak minus the
memory after the imports.
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measuring import print_table, ratio

CLASSES = 10
PART = 0.7  # of the sides of a photograph; other parts are not near-duplicates
SIDE = 128  # pixels of the longer side of a small image
SETTLE_SECONDS = 3  # the check does not rely on files that were changed just before it

SIDES = {
    "image_dataset_from_directory": (
        "import keras, tensorflow",
        "keras.utils.image_dataset_from_directory(root, shuffle=False, verbose=False)",
    ),
    "catdog-keras": (
        "import keras, tensorflow; "
        "from catdog_keras.datasets._image_index import index_image_folder",
        "index_image_folder(root)",
    ),
}
FIRST, LATER = "catdog-keras, first call", "catdog-keras, later call"
BUILT = "catdog-keras, later call, and building its three datasets"
STARTS = {
    "image_dataset_from_directory": SIDES["image_dataset_from_directory"],
    LATER: (
        "import keras, tensorflow; from catdog_keras.datasets import load_image_folder",
        "load_image_folder(root)",
    ),
    BUILT: (
        "import keras, tensorflow; from catdog_keras.datasets import load_image_folder",
        "tuple(load_image_folder(root))",
    ),
}

PROGRAM = """
import json, resource, sys, time
root = sys.argv[1]
{imports}
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before, started, processor = peak(), time.perf_counter(), time.process_time()
kept = {call}
seconds = [time.perf_counter() - started, time.process_time() - processor]
print(json.dumps([*seconds, (peak() - before) / 1024]))
"""


def make_tree(root: Path, files: int) -> None:
    """Creates empty files, evenly in ten classes, 1,000 per folder."""
    for number in range(files):
        label = f"class{number % CLASSES}"
        # Not the same names in each class: these would be the classes.
        folder = root / label / f"{label}-{number // (1000 * CLASSES):05}"
        if number % (1000 * CLASSES) < CLASSES:
            folder.mkdir(parents=True)
        (folder / f"example.{number:07}.jpg").touch()


def make_images(root: Path, files: int, archive: Path) -> None:
    """Writes small JPEG images, evenly in ten classes: parts of photographs, at random places."""
    generator = np.random.default_rng(0)
    for label in range(CLASSES):
        (root / f"class{label}").mkdir()
    with zipfile.ZipFile(archive) as content:
        names = [name for name in content.namelist() if name.endswith(".jpg")]
        for place, name in enumerate(names):
            photograph = Image.open(io.BytesIO(content.read(name))).convert("RGB")
            width, height = (round(side * PART) for side in photograph.size)
            for number in range(place, files, len(names)):
                left = int(generator.integers(photograph.width - width + 1))
                top = int(generator.integers(photograph.height - height + 1))
                image = photograph.crop((left, top, left + width, top + height))
                image.thumbnail((SIDE, SIDE))
                image.save(root / f"class{number % CLASSES}" / f"example.{number:07}.jpg")


def measure(imports: str, call: str, root: Path) -> tuple[float, float, float]:
    """Returns the elapsed and the processor seconds, and the added MiB, of one side."""
    program = PROGRAM.format(imports=imports, call=call)
    ran = subprocess.run(
        [sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True
    )
    seconds, processor, mebibytes = json.loads(ran.stdout.splitlines()[-1])
    return seconds, processor, mebibytes


def compare(
    sides: dict[str, tuple[str, str]], root: Path, rounds: int
) -> dict[str, list[tuple[float, float, float]]]:
    """Measures the sides in turns, in reversed order in every other round."""
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in sides}
    for turn in range(rounds):
        for name in list(sides)[:: 1 if turn % 2 == 0 else -1]:
            found[name].append(measure(*sides[name], root))
    return found


def compare_listing(files: int, rounds: int) -> None:
    """Measures and prints the time and memory to list empty files."""
    with tempfile.TemporaryDirectory() as folder:
        make_tree(Path(folder), files)
        found = compare(SIDES, Path(folder), rounds)
    middle = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)]
        for name, rows in found.items()
    }
    seconds, _, mebibytes = middle["image_dataset_from_directory"]
    print_table(
        ["loader", "seconds", "of Keras's", "added MiB", "of Keras's"],
        [
            [name, f"{s:.2f}", f"{s / seconds:.2f}", f"{m:.0f}", f"{m / mebibytes:.2f}"]
            for name, (s, _, m) in middle.items()
        ],
    )


def compare_starts(files: int, rounds: int, archive: Path, place: Path | None) -> None:
    """Measures and prints the times of the first call and of later ones, with a new cache."""
    with tempfile.TemporaryDirectory(dir=place) as folder:
        os.environ["KERAS_HOME"] = str(Path(folder, "home"))
        root = Path(folder, "images")
        root.mkdir()
        make_images(root, files, archive)
        time.sleep(SETTLE_SECONDS)
        first = measure(*STARTS[LATER], root)
        found = compare(STARTS, root, rounds)
    keras = [list(column) for column in zip(*found["image_dataset_from_directory"], strict=True)]
    rows = []
    for name, measured in {FIRST: [first] * rounds, **found}.items():
        wall, processor, _ = ([*column] for column in zip(*measured, strict=True))
        rows.append(
            [
                name,
                f"{statistics.median(wall):.2f}",
                ratio(wall, keras[0]),
                f"{statistics.median(processor):.2f}",
                ratio(processor, keras[1]),
            ]
        )
    print_table(["loader", "seconds", "of Keras's", "CPU seconds", "of Keras's"], rows)


def main() -> None:
    """Measures and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=Path, help="zip archive of JPEG photographs")
    parser.add_argument("--folder", type=Path, help="existing folder for temporary files")
    arguments = parser.parse_args()
    print(f"{arguments.files:,} files, {arguments.rounds} rounds, medians.\n")
    if arguments.images is None:
        compare_listing(arguments.files, arguments.rounds)
    else:
        compare_starts(arguments.files, arguments.rounds, arguments.images, arguments.folder)


if __name__ == "__main__":
    main()
