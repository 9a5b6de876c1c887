"""Time and memory to list a folder of class folders, compared with Keras.

    python -m benchmarks.index_files [--files 1000000] [--rounds 3]

Creates empty files in a temporary folder: only names are listed, no content is read. Each
measurement runs in a separate process; the added memory is its peak minus the memory after the
imports.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import print_table

CLASSES = 10

SIDES = {
    "image_dataset_from_directory": (
        "import keras, tensorflow",
        "keras.utils.image_dataset_from_directory(root, shuffle=False, verbose=False)",
    ),
    "catdog-keras": (
        "import keras, tensorflow; from catdog_keras.datasets._index import index_image_folder",
        "index_image_folder(root)",
    ),
}

PROGRAM = """
import json, resource, sys, time
root = sys.argv[1]
{imports}
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before, started = peak(), time.perf_counter()
kept = {call}
print(json.dumps([time.perf_counter() - started, (peak() - before) / 1024]))
"""


def make_tree(root: Path, files: int) -> None:
    """Creates empty files, evenly in ten classes, 1,000 per folder."""
    for number in range(files):
        folder = root / f"class{number % CLASSES}" / f"{number // (1000 * CLASSES):05}"
        if number % (1000 * CLASSES) < CLASSES:
            folder.mkdir(parents=True)
        (folder / f"example.{number:07}.jpg").touch()


def measure(name: str, root: Path) -> tuple[float, float]:
    """Returns the seconds and added MiB of one side."""
    imports, call = SIDES[name]
    program = PROGRAM.format(imports=imports, call=call)
    ran = subprocess.run(
        [sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True
    )
    seconds, mebibytes = json.loads(ran.stdout.splitlines()[-1])
    return seconds, mebibytes


def main() -> None:
    """Measures and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in SIDES}
    with tempfile.TemporaryDirectory() as folder:
        make_tree(Path(folder), arguments.files)
        for turn in range(arguments.rounds):
            for name in list(SIDES)[:: 1 if turn % 2 == 0 else -1]:
                found[name].append(measure(name, Path(folder)))
    print(f"{arguments.files:,} files, {arguments.rounds} rounds, medians.\n")
    middle = {
        name: [statistics.median(column) for column in zip(*rows, strict=True)]
        for name, rows in found.items()
    }
    seconds, mebibytes = middle["image_dataset_from_directory"]
    print_table(
        ["loader", "seconds", "of Keras's", "added MiB", "of Keras's"],
        [
            [name, f"{s:.2f}", f"{s / seconds:.2f}", f"{m:.0f}", f"{m / mebibytes:.2f}"]
            for name, (s, m) in middle.items()
        ],
    )


if __name__ == "__main__":
    main()
