"""The tutorial's four steps, end to end: look, count, train four models, compare, test."""

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import keras

from catdog_keras._checks import check_integer
from catdog_keras._output import output_folder
from catdog_keras.datasets import ImageSplits, load_cats_dogs
from catdog_keras.datasets.manifest import name_below
from catdog_keras.datasets.options import OnBad
from catdog_keras.evaluation import Evaluation, baseline_accuracy, evaluate_classifier
from catdog_keras.layers import augmentation
from catdog_keras.models import (
    WeightsNotFoundError,
    build_model1,
    build_model2,
    build_model3,
    transfer_model,
)
from catdog_keras.plotting import (
    plot_comparison,
    plot_confusion_matrix,
    plot_history,
    plot_images,
    plot_label_counts,
)
from catdog_keras.report.worst_pictures import draw_worst_pictures
from catdog_keras.tutorial.report import REPORT_FILE, ShownModels
from catdog_keras.tutorial.results import ModelResult, TutorialResult
from catdog_keras.tutorial.training import train_to_best

RESULTS_FILE = "results.json"
IMAGE_SIZE = (160, 160)
MAX_SEED = 2**32 - 1  # what `keras.utils.set_random_seed` takes
FIGURE_DPI = 120

Weights: TypeAlias = str | os.PathLike[str]

# Model by name; each is called at its turn, so that one whose weights are missing stops no other.
STEPS: dict[str, Callable[[Weights | None], keras.Model]] = {
    "model1": lambda _: build_model1(),
    "model2": lambda _: build_model2(),
    "model3": lambda _: build_model3(),
    "model4": lambda weights: transfer_model(
        input_shape=(*IMAGE_SIZE, 3),
        weights=weights,
        augmentation=augmentation(),
    ),
}


def run_tutorial(
    source: str | os.PathLike[str] | None = "synthetic",
    *,
    epochs: int = 3,
    output: str | os.PathLike[str] = "catdog-tutorial",
    seed: int = 0,
    batch_size: int = 32,
    on_bad: OnBad = "skip",
    weights: Weights | None = "imagenet",
    tell: Callable[[str], None] = print,
) -> TutorialResult:
    """Runs the four steps of the tutorial and writes its results, report, figures and models.

    Each model is trained for `epochs` passes and keeps the weights of the pass with the best
    validation accuracy; because it chose the pass, that accuracy is a little flattered. The test
    pictures play no part in any choice and are looked at once, at the end.

    Args:
        source: As for `load_cats_dogs`.
        epochs: Passes over the training pictures for each model, at least 1.
        output: Folder for `results.json`, `report.html` (the models side by side), the figures
            (PNG) and the models (`.keras`). It is made if need be. All files come at the end,
            together; till then what an earlier run wrote there stays.
        seed: Seed of splits, weights and augmentation, from 0 to 2**32 - 1.
        batch_size: Pictures per batch. The validation pictures must fill more than four batches,
            because the test takes a fifth of them.
        on_bad: As for `load_cats_dogs`.
        weights: The backbone's in step 4: `"imagenet"`, the path of a file, or None for random
            ones. If those of ImageNet cannot be had, step 4 is not run; a file must be right.
        tell: Called with each line of the report.

    Returns:
        A `TutorialResult`, the contents of `results.json`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument has a wrong value or the pictures cannot be used.
        OSError: If the pictures do not exist, `weights` is no usable file, or `output` cannot be
            written.
    """
    check_integer("epochs", epochs, minimum=1)
    check_integer("seed", seed, minimum=0, maximum=MAX_SEED)
    if weights != "imagenet":
        STEPS["model4"](weights)  # a file that was named must be right, and this is the time to say
    with output_folder(output, file_names()) as folder:
        splits = load_cats_dogs(
            source,
            image_size=IMAGE_SIZE,
            batch_size=batch_size,
            seed=seed,
            cache=True,
            on_bad=on_bad,
        )
        baseline = _look_and_count(splits, folder, tell)
        models: list[ModelResult] = []
        shown = ShownModels()
        settings = {
            "epochs": epochs,
            "batch size": batch_size,
            "on bad": on_bad,
            "weights": weights,
        }
        not_run: dict[str, str] = {}
        for name, build in STEPS.items():
            keras.utils.set_random_seed(seed)
            try:
                model = build(weights)
            except WeightsNotFoundError as error:
                not_run[name] = str(error)
                tell(f"{name} is not run. {error}")
                continue
            models.append(_train_and_judge(name, model, splits, epochs, folder, shown))
            tell(_line(models[-1], baseline))
        compared = plot_comparison([asdict(m) for m in models], baseline=baseline)
        _save_figure(folder, "comparison", compared)
        named = "public" if source is None else str(source)
        result = TutorialResult(named, seed, splits.counts, baseline, models, not_run)
        shown.write(folder, result, settings)
        text = json.dumps(asdict(result), indent=2) + "\n"
        (folder / RESULTS_FILE).write_text(text, encoding="utf-8")
    return result


def _look_and_count(splits: ImageSplits, folder: Path, tell: Callable[[str], None]) -> float:
    """Steps before the first model: six pictures, the labels, and what guessing would give."""
    for split, counts in splits.counts.items():
        listed = ", ".join(f"{count} {name}" for name, count in counts.items())
        tell(f"{split:<10} {sum(counts.values()):>5} pictures: {listed}")
    counts = splits.counts["train"]
    baseline = baseline_accuracy(counts)
    tell(f"baseline   {baseline:.1%}: always naming the most frequent class of the training labels")
    _save_figure(folder, "images", plot_images(splits.train, splits.class_names))
    _save_figure(folder, "label_counts", plot_label_counts(counts))
    return baseline


def _train_and_judge(
    name: str,
    model: keras.Model,
    splits: ImageSplits,
    epochs: int,
    folder: Path,
    shown: ShownModels,
) -> ModelResult:
    started = time.perf_counter()
    history, best_epoch = train_to_best(name, model, splits, epochs)
    seconds = time.perf_counter() - started
    judged = {
        split: evaluate_classifier(
            model,
            dataset,
            splits.class_names,
            # The training pictures come in another order than their files.
            None if split == "train" else _names(splits, split),
        )
        for split, dataset in zip(splits.counts, splits, strict=True)
    }
    _save_figure(folder, f"history_{name}", plot_history(history))
    test: Evaluation = judged["test"]
    matrix = plot_confusion_matrix(test.confusion_matrix, splits.class_names)
    _save_figure(folder, f"confusion_{name}", matrix)
    model.save(folder / f"{name}.keras")
    shown.evaluations[name], shown.histories[name] = test, history
    shown.worst_pictures[name] = draw_worst_pictures(model, test, splits.files["test"], IMAGE_SIZE)
    return ModelResult(
        name=name,
        parameters=model.count_params(),
        trainable_parameters=_count(model.trainable_variables),
        epochs=epochs,
        best_epoch=best_epoch,
        seconds=round(seconds, 1),
        train_accuracy=judged["train"].accuracy,
        validation_accuracy=judged["validation"].accuracy,
        test_accuracy=test.accuracy,
        test_interval=test.accuracy_interval,
    )


def _names(splits: ImageSplits, split: str) -> list[str]:
    return [name_below(splits.root, file) for file in splits.files[split]]


def _count(variables: list[Any]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)


def _save_figure(folder: Path, name: str, drawn: Any) -> None:
    figure = drawn.figure  # of an Axes, and of a Figure itself
    figure.savefig(folder / f"{name}.png", dpi=FIGURE_DPI)


def file_names() -> list[str]:
    """The names of all files that a run may write into its output folder."""
    figures = ["images", "label_counts", "comparison"]
    figures += [f"{kind}_{name}" for name in STEPS for kind in ("history", "confusion")]
    return [
        RESULTS_FILE,
        REPORT_FILE,
        *(f"{f}.png" for f in figures),
        *(f"{name}.keras" for name in STEPS),
    ]


def _line(result: ModelResult, baseline: float) -> str:
    line = (
        f"{result.name:<10} {result.seconds:.0f} s, best epoch {result.best_epoch} of "
        f"{result.epochs}, validation {result.validation_accuracy:.1%}"
    )
    if result.test_interval[0] <= baseline:
        line += (
            f"; on the test not surely above the baseline: give it more than {result.epochs} epochs"
        )
    return line
