"""What the report of a thousand pictures, and heat maps of a batch, cost beside their prediction.

    python -m benchmarks.report [--rounds 5]

The package draws the pictures, and the models have random weights: time and size do not depend on
them. A report is what `catdog-keras evaluate --report` writes after its prediction: the worst
pictures decoded again, with heat maps, and all figures on one page. `KERAS_BACKEND` chooses the
backend.
"""

import argparse
import statistics
import tempfile
from functools import partial
from pathlib import Path

import keras

from benchmarks.measuring import in_turns, print_table, ratio
from catdog_keras import (
    Evaluation,
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
    pictures, files = splits.validation, splits.files["validation"]
    batch = next(iter(pictures))[0].numpy()
    rows = []
    models = {"model 1": build_model1(), "MobileNetV2": transfer_model(weights=None)}
    for name, model in models.items():
        evaluation = evaluate_classifier(model, pictures, splits.class_names, files)
        page = folder / f"{name}.html"
        sides = {
            "predict": partial(model.predict, pictures, verbose=0),
            "report": partial(_report, page, name, model, evaluation),
            "predict a batch": partial(model.predict_on_batch, batch),
            "heat maps": partial(class_activation, model, batch),
        }
        for side in sides.values():
            side()  # the first pass traces graphs, for all sides
        timings = in_turns(sides, rounds)
        rows.append(
            [
                name,
                *(f"{statistics.median(timings[side].wall):.2f} s" for side in sides),
                ratio(timings["heat maps"].wall, timings["predict a batch"].wall),
                f"{page.stat().st_size / 1e6:.2f} MB",
            ]
        )
    print(
        f"{keras.backend.backend()} backend, {len(files):,} pictures, {rounds} rounds, medians.\n"
    )
    headings = ["model", "`predict`", "the report", "`predict` of 32", "32 heat maps", "times it"]
    print_table([*headings, "the page"], rows)


def _report(page: Path, name: str, model: keras.Model, evaluation: Evaluation) -> None:
    worst = draw_worst_pictures(model, evaluation, (160, 160))
    write_report(page, {name: evaluation}, worst_pictures={} if worst is None else {name: worst})


if __name__ == "__main__":
    main()
