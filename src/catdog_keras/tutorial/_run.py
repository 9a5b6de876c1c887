"""The four steps of the tutorial: show and count images, train four models, compare, test."""

import io
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import keras

from catdog_keras._html_page import REPORT_FILE
from catdog_keras._message import Message, message_of
from catdog_keras._printable import counted
from catdog_keras._suggestions import suggests_arguments
from catdog_keras._write_files import output_folder
from catdog_keras.datasets import ImageSplits, load_cats_dogs
from catdog_keras.datasets._manifest import relative_posix_path
from catdog_keras.datasets._options import OnBad
from catdog_keras.evaluation import Evaluation, baseline_accuracy, evaluate_classifier
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
from catdog_keras.report import ModelReport
from catdog_keras.report._top_losses_figure import top_losses_figure
from catdog_keras.tutorial._argument_names import TUTORIAL_NAMES
from catdog_keras.tutorial._lesson import compare_steps, describe_lesson
from catdog_keras.tutorial._report import write_tutorial_report
from catdog_keras.tutorial._results import ModelResult, TutorialResult
from catdog_keras.tutorial._settings import (
    BackboneChoice,
    DtypePolicy,
    Settings,
    Weights,
    choose_backbone,
    make_settings,
)
from catdog_keras.tutorial._training import train_to_best

RESULTS_FILE = "results.json"
FIGURE_DPI = 120

Step: TypeAlias = Callable[[Settings, BackboneChoice], keras.Model]


def _build_cnn(build: Callable[..., keras.Model], settings: Settings) -> keras.Model:
    """Builds a model that is trained from scratch, with the settings of the run."""
    return build(settings.input_shape, momentum=settings.batch_norm_momentum)


# A model is built when it is its turn: if model 4 has no weights, the others are still trained.
STEPS: dict[str, Step] = {
    "model1": lambda settings, _: _build_cnn(build_model1, settings),
    "model2": lambda settings, _: _build_cnn(build_model2, settings),
    "model3": lambda settings, _: _build_cnn(build_model3, settings),
    "model4": lambda settings, backbone: transfer_model(
        backbone.name,
        settings.input_shape,
        weights=backbone.weights,
        augmentation="medium",
    ),
}


@suggests_arguments(TUTORIAL_NAMES)
def run_tutorial(
    source: str | os.PathLike[str] | None = "synthetic",
    *,
    epochs: int | None = None,
    output: str | os.PathLike[str] = "catdog-tutorial",
    seed: int = 0,
    image_size: tuple[int, int] | None = None,
    batch_size: int | None = None,
    on_bad: OnBad = "skip",
    weights: Weights | None = "auto",
    dtype_policy: DtypePolicy = "auto",
    tell: Callable[[str], None] = print,
) -> TutorialResult:
    """Runs the four steps of the tutorial and writes results, a report, figures and models.

    The models are trained one after another with the same data, optimizer, schedule and number of
    epochs; the batch normalization of models 1 to 3 has momentum 0.97, because a run may have few
    steps. Each model keeps the weights of the epoch with the best validation accuracy; because it
    selected the epoch, that accuracy is optimistic. The test images are used once, at the end.

    Args:
        source: As for `load_cats_dogs`.
        epochs: Epochs for each model, at least 1; by default 60 for synthetic images and 20 for
            others.
        output: Folder for `results.json`, `report.html` (the models side by side), the figures
            (PNG) and the models (`.keras`). It is created if necessary. All files are moved there
            together at the end; until then the files of an earlier run stay.
        seed: Seed of splits, weights and augmentation, from 0 to 2**32 - 1.
        image_size: (height, width) in pixels; by default (96, 96) for synthetic images and
            (160, 160) for others.
        batch_size: Images per batch; by default 16 for synthetic images and 32 for others. The
            validation images must fill more than four batches, because the test split is a fifth
            of them.
        on_bad: As for `load_cats_dogs`.
        weights: Weights of model 4's backbone. `"auto"`: MobileNetV2 with ImageNet weights; for
            synthetic images, if these are not on this machine, the packaged backbone
            `synthetic_small`. `"imagenet"`: MobileNetV2, downloaded if necessary; if the weights
            are not available, step 4 is not run. `"synthetic"`: `synthetic_small`. A path: a
            weights file of MobileNetV2 without its top layer. None: MobileNetV2 with random
            weights.
        dtype_policy: Keras dtype policy of the models. `"auto"`: `"mixed_bfloat16"` where the
            processor has bfloat16 instructions, otherwise `"float32"`.
        tell: Called with each line of the output.

    Returns:
        A `TutorialResult`, the contents of `results.json`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument has a wrong value or the images cannot be used.
        OSError: If the images do not exist, `weights` is not a usable file, or `output` cannot be
            written.
    """
    settings = make_settings(
        source,
        image_size=image_size,
        batch_size=batch_size,
        epochs=epochs,
        seed=seed,
        on_bad=on_bad,
        dtype_policy=dtype_policy,
    )
    backbone = choose_backbone(source, weights, settings.image_size)
    built: dict[str, keras.Model] = {}
    if weights not in ("auto", "imagenet", "synthetic", None):
        # An unusable weights file is reported before anything is trained.
        keras.utils.set_random_seed(settings.seed)
        built["model4"] = _build_step(STEPS["model4"], settings, backbone)
    with output_folder(output, tutorial_file_names()) as folder:
        splits = load_cats_dogs(
            source,
            image_size=settings.image_size,
            batch_size=settings.batch_size,
            seed=settings.seed,
            cache=True,
            on_bad=settings.on_bad,
        )
        _show_images(splits, folder, tell)
        height, width = settings.image_size
        tell(
            f"training   {height} x {width} pixels, batches of {settings.batch_size}, "
            f"{counted(settings.epochs, 'epoch')}, {settings.dtype_policy}, "
            f"batch normalization momentum {settings.batch_norm_momentum}"
        )
        tell(Message(f"backbone   {backbone.name} for model4. ", backbone.reason))
        models, validation, reports, not_run = _run_steps(
            built, settings, backbone, splits, folder, tell
        )
        # The intervals in the figure are those of the test images.
        baseline = baseline_accuracy(splits.counts["test"])
        compared = plot_comparison([asdict(m) for m in models], baseline=baseline)
        _save_figure(folder, "comparison", compared)
        result = _combine_results(source, settings, backbone, splits, models, not_run, validation)
        with _dtype_policy(settings):  # the report states the policy of the run
            write_tutorial_report(folder, result, reports)
        text = json.dumps(asdict(result), indent=2) + "\n"
        (folder / RESULTS_FILE).write_text(text, encoding="utf-8")
    return result


def _run_steps(
    built: dict[str, keras.Model],
    settings: Settings,
    backbone: BackboneChoice,
    splits: ImageSplits,
    folder: Path,
    tell: Callable[[str], None],
) -> tuple[list[ModelResult], dict[str, Evaluation], list[ModelReport], dict[str, str]]:
    """Trains and evaluates the models one after another, those in `built` without building them.

    Returns:
        The results, the evaluations on validation images by name of the model, the parts of the
        report, and why models were not run, by name.
    """
    models: list[ModelResult] = []
    validation: dict[str, Evaluation] = {}
    reports: list[ModelReport] = []
    not_run: dict[str, str] = {}
    baseline = baseline_accuracy(splits.counts["test"])
    for name, build in STEPS.items():
        keras.utils.set_random_seed(settings.seed)
        try:
            model = built.pop(name, None) or _build_step(build, settings, backbone)
        except WeightsNotFoundError as error:
            not_run[name] = str(error)
            tell(Message(f"{name} is not run. ", message_of(error)))
            continue
        trained, validation[name], report = _train_and_evaluate(
            name, model, splits, settings, folder
        )
        models.append(trained)
        reports.append(report)
        tell(_describe_result(trained, baseline))
    return models, validation, reports, not_run


def _combine_results(
    source: str | os.PathLike[str] | None,
    settings: Settings,
    backbone: BackboneChoice,
    splits: ImageSplits,
    models: list[ModelResult],
    not_run: dict[str, str],
    validation: dict[str, Evaluation],
) -> TutorialResult:
    """Compares the models and collects the results of the run."""
    steps = compare_steps(validation)
    return TutorialResult(
        data="public" if source is None else str(source),
        seed=settings.seed,
        settings={
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(settings).items()
            if name != "seed"
        },
        backbone=asdict(backbone),
        counts=splits.counts,
        baseline_accuracy=baseline_accuracy(splits.counts["train"]),
        test_baseline_accuracy=baseline_accuracy(splits.counts["test"]),
        models=models,
        not_run=not_run,
        comparisons=[
            {
                "model": step.names[0],
                "before": step.names[1],
                "difference": step.difference,
                "interval": step.difference_interval,
                "p_value": step.p_value,
            }
            for step in steps
        ],
        lesson=[
            *(f"{name} was not run." for name in not_run),
            *describe_lesson(validation, steps, source),
        ],
    )


@contextmanager
def _dtype_policy(settings: Settings) -> Iterator[None]:
    """Context manager with the dtype policy of the run; the global policy is restored."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(settings.dtype_policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _build_step(build: Step, settings: Settings, backbone: BackboneChoice) -> keras.Model:
    """Builds the model of a step with the dtype policy of the run."""
    with _dtype_policy(settings):
        return build(settings, backbone)


def _show_images(splits: ImageSplits, folder: Path, tell: Callable[[str], None]) -> None:
    """First step of the run: prints image counts, draws six images and the label frequencies."""
    for split, counts in splits.counts.items():
        listed = ", ".join(f"{count} {name}" for name, count in counts.items())
        tell(f"{split:<10} {sum(counts.values()):>5} images: {listed}")
    counts = splits.counts["train"]
    baseline = baseline_accuracy(counts)
    tell(f"baseline   {baseline:.1%}: always predicting the majority class of the training images")
    _save_figure(folder, "images", plot_images(splits.train, class_names=splits.class_names))
    _save_figure(folder, "label_counts", plot_label_counts(counts))


def _train_and_evaluate(
    name: str,
    model: keras.Model,
    splits: ImageSplits,
    settings: Settings,
    folder: Path,
) -> tuple[ModelResult, Evaluation, ModelReport]:
    """Step of the run that trains and saves a model; returns results and part of the report."""
    started = time.perf_counter()
    history, best_epoch = train_to_best(name, model, splits, settings.epochs)
    seconds = time.perf_counter() - started
    evaluations = {
        split: evaluate_classifier(
            model,
            dataset,
            class_names=splits.class_names,
            # The training images are shuffled: their order is not that of the files.
            files=None if split == "train" else _relative_paths_of_split(splits, split),
        )
        for split, dataset in zip(splits.counts, splits, strict=True)
    }
    _save_figure(folder, f"history_{name}", plot_history(history))
    test = evaluations["test"]
    matrix = plot_confusion_matrix(test.confusion_matrix, splits.class_names)
    _save_figure(folder, f"confusion_{name}", matrix)
    model.save(folder / f"{name}.keras")
    worst = top_losses_figure(model, test, splits.files["test"], settings.image_size)
    result = ModelResult(
        name=name,
        parameters=model.count_params(),
        trainable_parameters=_count_values(model.trainable_variables),
        epochs=settings.epochs,
        best_epoch=best_epoch,
        seconds=round(seconds, 1),
        train_accuracy=evaluations["train"].accuracy,
        validation_accuracy=evaluations["validation"].accuracy,
        test_accuracy=test.accuracy,
        test_interval=test.accuracy_interval,
    )
    return result, evaluations["validation"], ModelReport(name, test, history, worst)


def _relative_paths_of_split(splits: ImageSplits, split: str) -> list[str]:
    """Returns the paths of the images of a split in the run below its root, for the report."""
    return [relative_posix_path(splits.root, file) for file in splits.files[split]]


def _count_values(variables: list[Any]) -> int:
    """Returns the number of values in variables, such as a model's in the tutorial run."""
    return sum(math.prod(variable.shape) for variable in variables)


def _save_figure(folder: Path, name: str, drawn: Any) -> None:
    """Saves a plot of the run as `<name>.png` in the output folder."""
    figure = drawn.figure  # of an Axes, and of a Figure itself
    content = io.BytesIO()  # Pillow would not report why a file cannot be written
    figure.savefig(content, dpi=FIGURE_DPI)
    (folder / f"{name}.png").write_bytes(content.getvalue())


def tutorial_file_names() -> list[str]:
    """Returns the names of all files that a run may write into its output folder, results last."""
    figures = ["images", "label_counts", "comparison"]
    figures += [f"{kind}_{name}" for name in STEPS for kind in ("history", "confusion")]
    return [
        *(f"{f}.png" for f in figures),
        *(f"{name}.keras" for name in STEPS),
        REPORT_FILE,
        RESULTS_FILE,
    ]


def _describe_result(result: ModelResult, baseline: float) -> str:
    """Returns the line that the run prints when a model is trained and evaluated."""
    line = (
        f"{result.name:<10} {result.seconds:.0f} s, best epoch {result.best_epoch} of "
        f"{result.epochs}, validation {result.validation_accuracy:.1%}"
    )
    if result.test_interval[0] <= baseline:
        line += (
            "; the test accuracy is not significantly above the baseline: train for more than "
            f"{counted(result.epochs, 'epoch')}"
        )
    return line
