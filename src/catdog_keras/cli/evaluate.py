"""`catdog-keras evaluate`: how good a model is on labelled pictures, and a page that shows it."""

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from catdog_keras.cli.messages import plain_messages
from catdog_keras.cli.model_file import ModelFile, load_model_file, model_options
from catdog_keras.cli.training_record import SPLIT_FILE

if TYPE_CHECKING:
    from catdog_keras.evaluation import Evaluation

Part = Literal["test", "validation", "train", "all"]


@click.command()
@click.argument("model")
@click.argument("data")
@click.option(
    "--pictures",
    "part",
    type=click.Choice(["test", "validation", "train", "all"]),
    help=f"Which pictures of DATA. By default those of the test, where the {SPLIT_FILE} of the "
    "training lies beside MODEL; else all.",
)
@click.option(
    "--report",
    metavar="DIR",
    help="Folder for report.html, a page with everything in it, and evaluation.json.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
@model_options
def evaluate(
    model: str,
    data: str,
    part: Part | None,
    report: str | None,
    as_json: bool,
    class_names: tuple[str, ...],
    from_logits: bool,
    batch_size: int,
) -> None:
    """Evaluate MODEL on DATA, a folder or zip archive with a folder of pictures for each class.

    Files that are no usable pictures are named and passed over, and the exit status is 1 then.
    """
    with plain_messages(directory="DATA", paths="DATA"):
        from catdog_keras.evaluation import evaluate_classifier

        loaded = load_model_file(model, class_names)
        chosen = _choose(loaded, Path(model), data, part, batch_size)
        evaluation = evaluate_classifier(
            loaded.model, chosen.dataset, loaded.class_names, chosen.files, from_logits=from_logits
        )
        if report is not None:
            from catdog_keras.cli.evaluation_report import write_evaluation_report

            write_evaluation_report(
                report,
                loaded,
                evaluation,
                chosen.counts,
                {"model": model, "data": data, "pictures": chosen.part, "passed over": chosen.bad},
            )
        click.echo(_as_json(evaluation, chosen) if as_json else _as_text(evaluation, chosen))
        if report is not None and not as_json:
            click.echo(f"The report is in {report}.")
    sys.exit(1 if chosen.bad else 0)


@dataclass(frozen=True)
class _Chosen:
    """The pictures that are evaluated."""

    part: Part
    dataset: Any
    files: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]
    bad: int


def _choose(
    loaded: ModelFile, model: Path, data: str, part: Part | None, batch_size: int
) -> _Chosen:
    """Returns the pictures of a part of the training's split, or all."""
    from catdog_keras.datasets import load_manifest, load_pictures

    names, size = loaded.class_names, loaded.image_size
    manifest = model.parent / SPLIT_FILE
    if part is None:
        part = "test" if manifest.is_file() else "all"
    if part == "all":
        found = load_pictures(data, class_names=names, image_size=size, batch_size=batch_size)
        labels = found.labels.tolist() if found.labels is not None else []
        counts = {name: labels.count(index) for index, name in enumerate(names)}
        return _Chosen("all", found.dataset, found.files, {"all": counts}, len(found.scan.bad))
    if not manifest.is_file():
        raise ValueError(
            f"--pictures must be all where no {SPLIT_FILE} of the training lies beside MODEL; "
            f"received --pictures={part}."
        )
    try:
        splits = load_manifest(
            manifest, data, image_size=size, batch_size=batch_size, shuffle=False
        )
    except ValueError as error:
        raise ValueError(f"{error} To evaluate on all of DATA, use --pictures all.") from error
    if splits.class_names != names:
        raise ValueError(
            f"The classes of {str(manifest)!r} are {', '.join(splits.class_names)}, "
            f"those of MODEL {', '.join(names)}. Give --pictures all if DATA is for this model."
        )
    dataset = dict(zip(splits.files, splits, strict=True))[part]
    return _Chosen(part, dataset, splits.files[part], splits.counts, 0)


def _as_text(evaluation: "Evaluation", chosen: _Chosen) -> str:
    from catdog_keras.datasets.scan_report import printable

    names = [printable(name) for name in evaluation.class_names]
    width = max(map(len, ["class", *names]))
    lines = [
        f"pictures           {chosen.part}, {len(evaluation)}",
        str(evaluation),
        "",
        f"{'class':<{width}}  pictures  precision  recall     F1",
    ]
    lines += [
        f"{name:<{width}}  {scores.pictures:>8}  {_shown(scores.precision):>9}  "
        f"{_shown(scores.recall):>6}  {_shown(scores.f1):>5}"
        for name, scores in zip(names, evaluation.class_scores, strict=True)
    ]
    return "\n".join(lines)


def _as_json(evaluation: "Evaluation", chosen: _Chosen) -> str:
    numbers = {
        "pictures": len(evaluation),
        "part": chosen.part,
        "passed_over": chosen.bad,
        "accuracy": evaluation.accuracy,
        "accuracy_interval": evaluation.accuracy_interval,
        "baseline": evaluation.baseline,
        "log_loss": evaluation.log_loss,
        "calibration_error": evaluation.calibration_error,
        "class_names": evaluation.class_names,
        "confusion_matrix": evaluation.confusion_matrix.tolist(),
        "classes": [
            {
                "name": scores.class_name,
                "pictures": scores.pictures,
                "precision": _number(scores.precision),
                "recall": _number(scores.recall),
                "f1": _number(scores.f1),
            }
            for scores in evaluation.class_scores
        ],
    }
    return json.dumps(numbers, indent=2, ensure_ascii=False, allow_nan=False)


def _shown(share: float) -> str:
    return "-" if math.isnan(share) else f"{share:.3f}"


def _number(value: float) -> float | None:
    """A share of nothing is NaN, for which JSON has no word."""
    return None if math.isnan(value) else value
