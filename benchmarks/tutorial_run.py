"""Accuracies and seconds of `catdog-keras tutorial` with its default arguments, seed by seed.

    python -m benchmarks.tutorial_run [--seeds 5] [--data SOURCE] [--epochs N]

Each run is a separate process. Without --data, KERAS_HOME is an empty folder: no weights are found,
and the images are drawn again. "Rises" is yes if the validation accuracy of each model is
higher than that of the model before it, or if the 95% interval of their difference contains 0.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measuring import print_table


def run(seed: int, arguments: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], float]:
    """Runs the command and returns its results and the seconds that it took."""
    command = [sys.executable, "-m", "catdog_keras", "tutorial", "--seed", str(seed)]
    command += ["--output", str(folder / "output")]
    environment = dict(os.environ)
    if arguments.data:
        command += ["--data", arguments.data]
    else:
        environment["KERAS_HOME"] = str(folder / "keras")
    if arguments.epochs:
        command += ["--epochs", str(arguments.epochs)]
    started = time.perf_counter()
    finished = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    seconds = time.perf_counter() - started
    if seed == 0:
        print(finished.stdout.decode(), flush=True)
    return json.loads((folder / "output" / "results.json").read_text()), seconds


def rises(results: dict[str, Any]) -> bool:
    """Whether no model is below the one before it by more than chance."""
    return all(
        step["difference"] > 0 or step["interval"][1] >= 0 for step in results["comparisons"]
    )


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data")
    parser.add_argument("--epochs", type=int)
    arguments = parser.parse_args()
    rows = []
    for seed in range(arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            results, seconds = run(seed, arguments, Path(folder))
        models = results["models"]
        rows.append(
            [
                str(seed),
                *(f"{model['validation_accuracy']:.3f}" for model in models),
                "yes" if rises(results) else "no",
                *(f"{model['test_accuracy']:.3f}" for model in models),
                f"{seconds:.0f} s",
            ]
        )
        print(rows[-1], flush=True)
    names = [model["name"] for model in models]
    headings = ["seed", *(f"{name}, validation" for name in names), "rises"]
    print_table([*headings, *(f"{name}, test" for name in names), "whole command"], rows)


if __name__ == "__main__":
    main()
