"""`catdog-keras evaluate`: evaluates a model on labeled images, optionally with a report."""

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from catdog_keras._printable import printable
from catdog_keras.cli.argument_checks import check_data_exists, check_output_folder
from catdog_keras.cli.errors import user_errors
from catdog_keras.cli.evaluation_data import EvaluationData, Part, choose_evaluation_images
from catdog_keras.cli.frameworks import import_frameworks
from catdog_keras.cli.interrupts import handle_interrupts
from catdog_keras.cli.load_model import (
    check_model_file,
    find_model_file,
    load_model_file,
    model_errors,
)
from catdog_keras.cli.model_classes import check_class_count
from catdog_keras.cli.model_options import model_options
from catdog_keras.cli.options import strict_option
from catdog_keras.cli.preparation import preparation_options, stated_preparation
from catdog_keras.cli.recorded_command import recorded_command
from catdog_keras.cli.run_files import one_training_run
from catdog_keras.cli.run_record import SPLIT_FILE, read_training_record

if TYPE_CHECKING:
    from catdog_keras.evaluation import Evaluation


@click.command(short_help="Evaluate a model on labeled images.")
@click.argument("model")
@click.argument("data")
@click.option(
    "--split",
    "part",
    type=click.Choice(["test", "validation", "train", "all"]),
    help=f"Images of DATA to use. The default is test if the {SPLIT_FILE} of the training run is "
    "next to MODEL (validation if there is no test set), otherwise all.",
)
@click.option(
    "--report",
    metavar="DIR",
    help="Folder for report.html (metrics and figures) and evaluation.json.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as JSON.")
@model_options
@strict_option
@preparation_options
def evaluate(
    model: str,
    data: str,
    part: Part | None,
    report: str | None,
    as_json: bool,
    class_names: tuple[str, ...],
    from_logits: bool | None,
    preprocessing: str | None,
    batch_size: int,
    trust_model: bool,
    strict: bool,
    crop_to_aspect_ratio: bool,
    pad_to_aspect_ratio: bool,
) -> None:
    """Evaluate MODEL on DATA, a folder or zip archive with a folder of images for each class.

    MODEL is a .keras file, or the output folder of train.
    Files that cannot be read as images are listed and skipped.
    """
    with user_errors(directory="DATA", paths="DATA"):
        model = find_model_file(model, [data])
        file = check_model_file(model)
        check_data_exists("data", data)
        stated = stated_preparation(crop_to_aspect_ratio, pad_to_aspect_ratio)
        if report is not None:
            check_output_folder("report", report, data)
        import_frameworks()
        from catdog_keras.evaluation import evaluate_classifier
        from catdog_keras.evaluation._evaluation import with_files

        with (
            handle_interrupts(),
            _report_folder(report) as folder,
            one_training_run(file),
        ):
            loaded = load_model_file(
                model,
                class_names,
                batch_size=batch_size,
                preprocessing=preprocessing,
                trust=trust_model,
            )
            check_class_count(loaded.model, loaded.class_names)
            if report is not None:
                read_training_record(file)  # reports a damaged record before the work
            chosen = choose_evaluation_images(loaded, file, data, part, batch_size, stated)
            with model_errors(model):
                evaluation = evaluate_classifier(
                    loaded.model,
                    chosen.dataset,
                    class_names=loaded.class_names,
                    from_logits=from_logits,
                )
            # Only now: folders are not classes if the labels of the training are from a table.
            evaluation = with_files(evaluation, chosen.names)
            if folder is not None:
                from catdog_keras.cli.evaluation_report import write_evaluation_report

                command = recorded_command(model=model, part=chosen.part)
                with model_errors(model):
                    write_evaluation_report(
                        folder, loaded, evaluation, chosen, file, Path(data), command
                    )
        format_metrics = _metrics_as_json if as_json else _metrics_as_text
        click.echo(format_metrics(evaluation, chosen))
        if report is not None and not as_json:
            click.echo(f"The report is {printable(str(Path(report) / 'report.html'))}.")
    sys.exit(1 if strict and chosen.ignored else 0)


@contextmanager
def _report_folder(report: str | None) -> Iterator[Path | None]:
    """Yields an empty folder; its files are moved to the report of `evaluate` at the end.

    It is reserved before the evaluation, so that another run cannot take it meanwhile.
    """
    if report is None:
        yield None
        return
    from catdog_keras._write_files import output_folder
    from catdog_keras.cli.evaluation_report import OUTPUT_FILES

    with output_folder(report, OUTPUT_FILES, "report") as folder:
        yield folder


def _metrics_as_text(evaluation: "Evaluation", chosen: EvaluationData) -> str:
    """Returns the metrics that `evaluate` prints: of all images, then a line for each class."""
    names = [printable(name) for name in evaluation.class_names]
    width = max(map(len, ["class", *names]))
    lines = [f"{'images':<17}  {chosen.part}, {len(evaluation)}"]
    if chosen.note:
        lines += [chosen.note]
    lines += [
        str(evaluation),
        "",
        f"{'class':<{width}}  images  {'precision':<22}  {'recall':<22}  F1",
    ]
    for name, scores in zip(names, evaluation.class_metrics, strict=True):
        shares = (
            _share_with_interval(scores.precision, scores.precision_interval),
            _share_with_interval(scores.recall, scores.recall_interval),
            _share_with_interval(scores.f1, scores.f1_interval),
        )
        metrics = "  ".join(f"{share:<22}" for share in shares).rstrip()
        lines.append(f"{name:<{width}}  {scores.num_images:>6}  {metrics}")
    lines.append("In brackets: 95% confidence intervals.")
    return "\n".join(lines)


def _metrics_as_json(evaluation: "Evaluation", chosen: EvaluationData) -> str:
    """Returns the output of `evaluate --json`: the metrics, and the images used or skipped."""
    numbers = {
        "part": chosen.part,
        "of_the_training": dict(chosen.seen) or None,  # None: unknown
        "ignored": len(chosen.ignored),
        **evaluation.to_dict(),
    }
    return json.dumps(numbers, indent=2, allow_nan=False)


def _share_with_interval(share: float, interval: tuple[float, float]) -> str:
    """Formats a precision, recall or F1 for `evaluate`, with interval; a dash if undefined."""
    return "-" if math.isnan(share) else "{:.3f} [{:.3f}, {:.3f}]".format(share, *interval)
