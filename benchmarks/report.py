"""What the report of 1,000 pictures, and a heat map of each, cost beside their prediction.

    python -m benchmarks.report [--rounds 5]

The package draws the pictures, and the models have random weights: time and size do not depend on
them. A report is what `catdog-keras evaluate --report` writes after its prediction: the worst
pictures decoded again, with heat maps, and all figures on one page. `KERAS_BACKEND` chooses the
backend.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

import keras

from benchmarks.measuring import in_turns, print_table, ratio
from catdog_keras import (
    build_model1,
    class_activation,
    evaluate_classifier,
    load_image_folder,
    transfer_model,
    write_report,
)
from catdog_keras.datasets.synthetic import write_synthetic
from catdog_keras.report.worst_pictures import draw_worst_pictures

PER_CLASS = 625  # of which a fifth is for the test


def main() -> None:
    """Draws the pictures, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), rounds)


def _measure(folder: Path, rounds: int) -> None:
    write_synthetic(folder / "drawn", train_per_class=16, validation_per_class=PER_CLASS)
    splits = load_image_folder(folder / "drawn", image_size=(160, 160))
    pictures, files, names = splits.validation, splits.files["validation"], splits.class_names
    page = folder / "report.html"
    rows = []
    for name, model in {
        "model 1": build_model1(),
        "MobileNetV2": transfer_model(weights=None),
    }.items():
        evaluation = evaluate_classifier(model, pictures, names, files)

        def report(model=model, evaluation=evaluation, name=name):
            worst = draw_worst_pictures(model, evaluation, (160, 160))
            drawn = {} if worst is None else {name: worst}
            write_report(page, {name: evaluation}, counts=splits.counts, worst_pictures=drawn)

        sides = {
            "predict": lambda model=model: model.predict(pictures, verbose=0),
            "report": report,
            "heat maps": lambda model=model: [
                class_activation(model, batch) for batch, _ in pictures
            ],
        }
        for side in sides.values():
            side()
        timings = in_turns(sides, rounds)
        predict, maps = timings["predict"], timings["heat maps"]
        rows.append(
            [
                name,
                *(f"{statistics.median(timings[side].wall):.2f} s" for side in sides),
                ratio(maps.wall, predict.wall),
                f"{page.stat().st_size / 1e6:.2f} MB",
            ]
        )
    print(
        f"{keras.backend.backend()} backend, {len(files):,} pictures, {rounds} rounds, medians.\n"
    )
    headings = [
        "model",
        "`predict`",
        "the report",
        "1,000 heat maps",
        "times `predict`",
        "the page",
    ]
    print_table(headings, rows)


if __name__ == "__main__":
    main()
