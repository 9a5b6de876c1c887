"""`catdog-keras train`: trains a model by transfer learning on a folder of class folders."""

import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from catdog_keras._checks import MAX_SIDE, check_path
from catdog_keras._message import argument
from catdog_keras._printable import counted, printable, shell_command
from catdog_keras.cli.argument_checks import check_data_exists, check_output_folder, check_weights
from catdog_keras.cli.check_backbone import check_backbone
from catdog_keras.cli.data_options import (
    DataOptions,
    check_label_options,
    count_decisions,
    data_options,
    load_with_options,
)
from catdog_keras.cli.errors import user_errors
from catdog_keras.cli.frameworks import import_frameworks
from catdog_keras.cli.interrupts import handle_interrupts
from catdog_keras.cli.options import (
    MOST,
    batch_size_option,
    epochs_option,
    seed_option,
    strict_option,
    weights_option,
)
from catdog_keras.cli.recorded_command import recorded_command
from catdog_keras.cli.resume import FINE_TUNE, FOLDER, HEAD, open_checkpoints
from catdog_keras.cli.run_files import sha256_of_run_files
from catdog_keras.cli.run_folder import choose_run_folder, reserved_run_folder
from catdog_keras.cli.run_record import (
    MODEL_FILE,
    RECORD_FILE,
    REPORT_FILE,
    SPLIT_FILE,
    TrainingRecord,
)

if TYPE_CHECKING:
    import keras

    from catdog_keras.datasets import ImageSplits
    from catdog_keras.evaluation import Evaluation

RUN_FILES = (SPLIT_FILE, RECORD_FILE, REPORT_FILE, MODEL_FILE)


@click.command(short_help="Train a classifier on a folder of images.")
@click.argument("data")
@click.option(
    "--backbone",
    default="mobilenet_v2",
    show_default=True,
    metavar="NAME",
    help="Pretrained network; `catdog-keras backbones` lists the names.",
)
@click.option(
    "--alpha",
    default=None,
    type=float,
    metavar="WIDTH",
    help="Width of a MobileNet: a factor for the number of filters, for example 0.5.",
)
@click.option(
    "--output",
    metavar="DIR",
    show_default="a new folder under runs/, with the name of DATA",
    help=f"Folder for {MODEL_FILE}, {REPORT_FILE}, {RECORD_FILE} (settings, curves, versions) and "
    f"{SPLIT_FILE} (which image is in which split).",
)
@epochs_option(10, "Epochs of head training, on features that are computed once.")
@click.option(
    "--fine-tune-epochs",
    default=0,
    show_default=True,
    type=click.IntRange(min=0, max=MOST),
    help="Epochs of fine-tuning after that: the last layers of the backbone are trained as well.",
)
@click.option(
    "--image-size",
    default=160,
    show_default=True,
    type=click.IntRange(min=1, max=MAX_SIDE),
    metavar="PIXELS",
    help="Height and width to which images are resized.",
)
@batch_size_option("Images per training batch.")
@seed_option
@weights_option("the backbone")
@click.option(
    "--augmentation",
    default="light",
    show_default=True,
    type=click.Choice(["none", "light", "medium", "strong"]),
    help="Random augmentation of training images. none; light: horizontal flips; medium: also "
    "rotation, zoom and shifts; strong: also brightness, contrast, color and random erasing.",
)
@data_options
@click.option(
    "--class-weight",
    default=None,
    type=click.Choice(["balanced"]),
    help="balanced: all classes have the same total weight in the loss, also rare ones.",
)
@click.option(
    "--report/--no-report",
    default=True,
    show_default=True,
    help=f"Whether to write {REPORT_FILE}: learning curves, and metrics and figures of the "
    "validation images.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Resume an interrupted training with the same options, from the checkpoint in the output "
    "folder; by default, the last folder of DATA under runs/ that has one. The result is "
    "identical. Without a checkpoint the training starts from the beginning.",
)
@strict_option
def train(
    data: str, output: str | None, *, report: bool, resume: bool, strict: bool, **settings: Any
) -> None:
    """Train a classifier on DATA, a folder or zip archive with a folder of images for each class.

    The class folders are inside train (and validation and test), or directly in DATA. Without a
    validation folder, a fraction of each class is held out. With --labels or --label-pattern the
    classes are from a table or from the file names, and DATA may have any folders. Files that
    cannot be read as images are listed and skipped.

    The training state is saved after each epoch in the folder training-checkpoint of the output
    folder. This folder is removed when the training is complete.
    """
    names = {"root": "DATA", "table": "--labels", "input_shape": "--image-size"}
    with user_errors(directory="DATA", output="--output", **names):
        options = _TrainOptions(**settings)
        check_data_exists("data", data)
        check_label_options(options)
        check_weights(
            options.weights,
            ("pretrained", "imagenet", "synthetic"),
            "To choose a network, pass its name as " + argument("backbone") + ".",
        )
        planned = choose_run_folder(data, resume=resume) if output is None else output
        check_output_folder("output", planned, data)
        import_frameworks()
        with handle_interrupts():
            check_backbone(options.backbone, options.weights, options.image_size, options.alpha)
            with ExitStack() as stack:
                if output is None:
                    output = stack.enter_context(reserved_run_folder(data, resume=resume))
                bad = _train_and_write(
                    data, output, options, settings, report=report, resume=resume
                )
    sys.exit(1 if strict and bad else 0)


@dataclass(frozen=True)
class _TrainOptions(DataOptions):
    """Options that control the training."""

    backbone: str
    alpha: float | None
    epochs: int
    fine_tune_epochs: int
    weights: str | None
    augmentation: Any
    class_weight: Any


def _train_and_write(
    data: str,
    output: str,
    options: _TrainOptions,
    settings: dict[str, Any],
    *,
    report: bool,
    resume: bool,
) -> dict[str, str]:
    """Trains and evaluates a model, and writes the results.

    Returns:
        Reason for each image file that was skipped, by path relative to the image folder.
    """
    from catdog_keras._write_files import output_folder
    from catdog_keras.datasets._manifest import relative_posix_path
    from catdog_keras.report._environment import describe_environment

    output = str(check_path("output", output))
    with output_folder(output, [FOLDER, *RUN_FILES]) as folder:
        if (Path(output) / MODEL_FILE).exists():
            click.echo(f"At the end, the model in {output} is replaced. Ctrl-C keeps it.")
        splits = load_with_options(data, options)
        decided = count_decisions(options)
        if decided is not None:
            click.echo(_describe_decisions(decided))
        started = time.perf_counter()
        model = _build_transfer_model(options, splits.class_names)
        checkpoints = open_checkpoints(output, settings, splits, resume=resume)
        history = _fit_head_and_backbone(model, splits, options, checkpoints)
        seconds = round(time.perf_counter() - started, 1)
        # Before the results are published, so that an error leaves none.
        evaluation = _evaluate_on_validation(model, splits)
        bad = {
            relative_posix_path(splits.root, image.path): image.reason for image in splits.scan.bad
        }
        splits.save_manifest(folder / SPLIT_FILE)
        model.save(folder / MODEL_FILE)
        record = TrainingRecord(
            data,
            settings,
            splits.counts,
            bad,
            history,
            seconds,
            describe_environment(),
            sha256_of_run_files(folder),
            decided,
            recorded_command(),
        )
        record.write(folder)
        if report:
            from catdog_keras.cli.training_report import write_training_report

            size = (options.image_size, options.image_size)
            write_training_report(folder, model, evaluation, splits, size, record)
    _print_summary(evaluation, splits, seconds)
    _print_next_command(data, output, report=report, has_test_set=bool(splits.files["test"]))
    return bad


def _describe_decisions(counts: Mapping[str, int]) -> str:
    """Returns the line of `train` about what the decisions did."""
    return (
        f"Decisions: {counted(counts['exclude'], 'image')} excluded, {counts['relabel']:,} "
        f"relabeled, {counts['fine']:,} fine."
    )


def _build_transfer_model(options: _TrainOptions, class_names: tuple[str, ...]) -> "keras.Model":
    """Builds the model that is trained, with weights that depend on --seed only."""
    import keras

    from catdog_keras.models import transfer_model

    keras.utils.set_random_seed(options.seed)
    return transfer_model(
        options.backbone,
        (options.image_size, options.image_size, 3),
        class_names=class_names,
        weights=options.weights,
        alpha=options.alpha,
        augmentation=None if options.augmentation == "none" else options.augmentation,
    )


def _fit_head_and_backbone(
    model: "keras.Model", splits: "ImageSplits", options: _TrainOptions, checkpoints: Path
) -> dict[str, list[float]]:
    """Trains the head, then the last layers of the backbone; each keeps its best epoch."""
    import keras

    from catdog_keras._progress import progress_bar
    from catdog_keras._training_progress import EpochTable, TrainingProgress
    from catdog_keras.training import fine_tune, fit_head

    log = fit_head(
        model,
        splits.train,
        validation_data=splits.validation,
        epochs=options.epochs,
        num_views=1 if options.augmentation == "none" else 2,
        backup=checkpoints / HEAD,
        callbacks=[EpochTable("head", click.echo)],
        class_weight=options.class_weight,
        verbose=0,
    ).history
    if options.fine_tune_epochs:
        # The head may have been trained by an interrupted run.
        keras.utils.set_random_seed(options.seed)
        with progress_bar("Fine-tuning", None, "steps") as advance:
            tuned = fine_tune(
                model,
                splits.train,
                validation_data=splits.validation,
                epochs=options.fine_tune_epochs,
                backup=checkpoints / FINE_TUNE,
                callbacks=[TrainingProgress(advance), EpochTable("fine-tuning", click.echo)],
                class_weight=options.class_weight,
                verbose=0,
            ).history
        log = {name: [*log[name], *tuned[name]] for name in log if name in tuned}
    return {name: [float(value) for value in values] for name, values in log.items()}


def _evaluate_on_validation(model: "keras.Model", splits: "ImageSplits") -> "Evaluation":
    """Evaluates the trained model on the validation images, whose paths it records."""
    from catdog_keras.datasets._manifest import relative_posix_path
    from catdog_keras.evaluation import evaluate_classifier
    from catdog_keras.evaluation._evaluation import with_files

    names = [relative_posix_path(splits.root, file) for file in splits.files["validation"]]
    return with_files(evaluate_classifier(model, splits.validation), names)


def _print_summary(evaluation: "Evaluation", splits: "ImageSplits", seconds: float) -> None:
    """Prints the training data and the validation accuracy."""
    for split, counts in splits.counts.items():
        if not splits.files[split]:
            continue
        listed = ", ".join(f"{count:,} {printable(name)}" for name, count in counts.items())
        click.echo(f"{split:<10} {sum(counts.values()):>6,} images: {listed}")
    if splits.scan.num_near_duplicate_pairs:
        pairs = counted(splits.scan.num_near_duplicate_pairs, "pair")
        click.echo(f"{pairs} of near-duplicates, each in one split")
    low, high = evaluation.accuracy_interval
    click.echo(
        f"Trained in {seconds:.0f} s; validation accuracy {evaluation.accuracy:.3f} "
        f"[{low:.3f}, {high:.3f}], optimistic: it was used to select the best epoch."
    )


def _print_next_command(data: str, output: str, *, report: bool, has_test_set: bool) -> None:
    """Prints where the results of `train` are, and a command to copy that evaluates the model."""
    model = str(Path(output) / MODEL_FILE)
    page = f", the report {printable(str(Path(output) / REPORT_FILE))}" if report else ""
    click.echo(f"The model is {printable(model)}{page}.")
    split = "test" if has_test_set else "validation"
    words = ["catdog-keras", "evaluate", model, data, "--report", f"{output.rstrip('/')}-{split}"]
    if has_test_set:
        click.echo("For test metrics, run:")
    else:
        click.echo(
            "There is no test set: for unbiased metrics, use other labeled images in "
            "`catdog-keras evaluate`. For metrics of the validation images, run:"
        )
        words += ["--split", split]
    click.echo(f"  {shell_command(words)}")
