"""Time of a report and of heat maps, compared with `model.predict`.

    python -m benchmarks.report [--rounds 5]

Uses about 1,000 synthetic images and models with random weights; time and size do not depend on
them. The report is the one of `catdog-keras evaluate --report` without the prediction: it decodes
the highest-loss images again, computes heat maps and draws all figures. KERAS_BACKEND selects the
backend.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import keras

from benchmarks.measuring import in_turns, print_table, ratio
from catdog_keras import (
    Evaluation,
    ModelReport,
    build_model1,
    evaluate_classifier,
    grad_cam,
    load_image_folder,
    transfer_model,
    write_report,
)
from catdog_keras.datasets.synthetic import write_synthetic
from catdog_keras.report._top_losses_figure import top_losses_figure

PER_CLASS = 625  # a fifth of them is the test set


def main() -> None:
    """Creates the images, measures and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), rounds)


def _measure(folder: Path, rounds: int) -> None:
    write_synthetic(folder / "drawn", train_per_class=16, validation_per_class=PER_CLASS)
    splits = load_image_folder(folder / "drawn", image_size=(160, 160))
    images, files = splits.validation, splits.files["validation"]
    batch = next(iter(images))[0].numpy()
    rows = []
    models = {"model 1": build_model1(), "MobileNetV2": transfer_model(weights=None)}
    for name, model in models.items():
        evaluation = evaluate_classifier(model, images, class_names=splits.class_names, files=files)
        page = folder / f"{name}.html"
        sides = {
            "predict": partial(model.predict, images, verbose=0),
            "report": partial(_report, page, name, model, evaluation, files),
            "predict a batch": partial(model.predict_on_batch, batch),
            "heat maps": partial(grad_cam, model, batch),
        }
        for side in sides.values():
            side()  # trace graphs
        timings = in_turns(sides, rounds)
        rows.append(
            [
                name,
                *(f"{statistics.median(timings[side].wall):.2f} s" for side in sides),
                ratio(timings["heat maps"].wall, timings["predict a batch"].wall),
                f"{page.stat().st_size / 1e6:.2f} MB",
            ]
        )
    print(f"{keras.backend.backend()} backend, {len(files):,} images, {rounds} rounds, medians.\n")
    headings = ["model", "`predict`", "report", "`predict`, 32 images", "heat maps, 32 images"]
    print_table([*headings, "times `predict`", "report size"], rows)


def _report(
    page: Path, name: str, model: keras.Model, evaluation: Evaluation, files: Sequence[str]
) -> None:
    worst = top_losses_figure(model, evaluation, files, (160, 160))
    write_report(page, ModelReport(name, evaluation, top_losses_figure=worst))


if __name__ == "__main__":
    main()
