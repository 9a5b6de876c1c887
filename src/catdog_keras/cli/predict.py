"""`catdog-keras predict`: predicts the class of each image, with its probability."""

import csv
import io
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from catdog_keras._checks import check_number, check_path
from catdog_keras._printable import printable
from catdog_keras._write_files import save_text
from catdog_keras.cli.argument_checks import (
    check_image_place,
    check_not_an_input,
    check_output_file,
)
from catdog_keras.cli.errors import user_errors
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
from catdog_keras.cli.preparation import (
    find_preparation,
    preparation_options,
    stated_preparation,
)
from catdog_keras.cli.run_files import one_training_run
from catdog_keras.cli.sort_images import (
    UNCERTAIN,
    check_folder_names,
    check_predictions_path,
    check_sorted_folder,
    sort_images,
)
from catdog_keras.cli.streams import print_utf8

# First characters of a formula, at the start of a cell or after quotes; the wide ones are used in
# East Asian spreadsheets. In many locales a spreadsheet also splits cells at semicolons, and an
# import can be set to vertical bars.
FORMULA = re.compile(r"""(^|[;|])(?=[\s"']*[=+\-@\uff1d\uff0b\uff0d\uff20])""")


@click.command(short_help="Predict the class of each image.")
@click.argument("model")
@click.argument("paths", nargs=-1, required=True, metavar="IMAGE...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    help="Output format: a table, or JSON or CSV with the probability of every class. The default "
    "is that of the file name extension of --output, otherwise a table.",
)
@click.option(
    "--output",
    metavar="FILE",
    help="File to which the predictions are written instead of being printed.",
)
@click.option(
    "--top",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    metavar="K",
    help="Number of most probable classes that are listed for each image.",
)
@click.option(
    "--threshold",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0, 1),
    metavar="PROBABILITY",
    help="An image whose most probable class is less probable is uncertain: no class is predicted.",
)
@click.option(
    "--sort-into",
    metavar="DIR",
    help="New folder to which each image is copied, in a folder of its class; uncertain images are "
    f"copied to the folder {UNCERTAIN}.",
)
@model_options
@strict_option
@preparation_options
def predict(
    model: str,
    paths: tuple[str, ...],
    form: str | None,
    output: str | None,
    top: int,
    threshold: float,
    sort_into: str | None,
    class_names: tuple[str, ...],
    from_logits: bool | None,
    preprocessing: str | None,
    batch_size: int,
    trust_model: bool,
    strict: bool,
    crop_to_aspect_ratio: bool,
    pad_to_aspect_ratio: bool,
) -> None:
    """Predict the class of each IMAGE with MODEL: image files, folders or zip archives.

    MODEL is a .keras file, or the output folder of train.
    Files that cannot be read as images are listed and skipped.
    """
    with user_errors():
        model = find_model_file(model, paths)
        file = check_model_file(model)
        check_number("threshold", threshold, minimum=0, maximum=1)  # click accepts NaN
        for number, path in enumerate(paths):
            check_image_place(f"paths[{number}]", path)
        if output is not None:
            check_output_file("output", output)
            check_not_an_input("output", output, [model, *paths])
        if sort_into is not None:
            check_sorted_folder(sort_into, paths)
            check_predictions_path(sort_into, output)
        stated = stated_preparation(crop_to_aspect_ratio, pad_to_aspect_ratio)
        import_frameworks()
        from catdog_keras.datasets import load_images
        from catdog_keras.models import predict_probabilities

        with handle_interrupts():
            with one_training_run(file):
                prepared = find_preparation(file, stated)
                loaded = load_model_file(
                    model,
                    class_names,
                    batch_size=batch_size,
                    preprocessing=preprocessing,
                    trust=trust_model,
                )
                check_class_count(loaded.model, loaded.class_names)
                if sort_into is not None:
                    check_folder_names(loaded.class_names)
                found = load_images(
                    list(paths), image_size=loaded.image_size, batch_size=batch_size, **prepared
                )
                if output is not None:  # the images in folders are known only now
                    check_not_an_input("output", output, found.files)
                with model_errors(model):
                    probabilities = predict_probabilities(
                        loaded.model, found.dataset, from_logits=from_logits
                    )
            predictions = [
                Prediction(file, dict(zip(loaded.class_names, row, strict=True)), top, threshold)
                for file, row in zip(found.files, probabilities.tolist(), strict=True)
            ]
            if sort_into is not None:
                files = [found.scan.by_path[file] for file in found.files]
                names = [each.class_name for each in predictions]
                sort_images(zip(files, names, strict=True), sort_into)
            _write_predictions(predictions, form, output)
            if sort_into is not None and output is not None:
                click.echo(f"The images are in {printable(sort_into)}.")
    sys.exit(1 if strict and found.scan.bad else 0)


@dataclass(frozen=True)
class Prediction:
    """Prediction for one image.

    Attributes:
        file: Path of the image.
        probabilities: Probability of each class.
        top: Number of most probable classes to list.
        threshold: Probability below which no class is predicted.
    """

    file: str
    probabilities: dict[str, float]
    top: int
    threshold: float

    @property
    def most_probable(self) -> list[tuple[str, float]]:
        """The most probable classes with their probabilities, sorted by them."""
        by_probability = sorted(self.probabilities.items(), key=lambda item: -item[1])
        return by_probability[: self.top]

    @property
    def class_name(self) -> str | None:
        """The predicted class; None if it is uncertain."""
        name, probability = self.most_probable[0]
        return name if probability >= self.threshold else None

    def to_dict(self) -> dict[str, Any]:
        """Returns what the JSON output contains for it."""
        row: dict[str, Any] = {
            "file": self.file,
            "class": self.class_name,
            "probability": self.most_probable[0][1],
            "probabilities": self.probabilities,
        }
        if self.top > 1:
            row["top"] = [{"class": name, "probability": p} for name, p in self.most_probable]
        return row


def _write_predictions(
    predictions: Sequence[Prediction], form: str | None, output: str | None
) -> None:
    """Writes the predictions to --output or prints them, in the format that was chosen."""
    if form is None:
        suffix = "" if output is None else Path(output).suffix.lower()
        form = {".csv": "csv", ".json": "json"}.get(suffix, "table")
    text = FORMS[form](predictions)
    if output is not None:
        file = check_path("output", output)
        file.parent.mkdir(parents=True, exist_ok=True)
        save_text(file, f"{text}\n", "output")
        click.echo(f"The predictions are in {printable(output)}.")
    elif form == "csv":
        print_utf8(text)
    else:
        click.echo(text)


def _predictions_as_table(predictions: Sequence[Prediction]) -> str:
    """Formats predictions as aligned columns; the file is last because it can be long."""
    rows = [("class", "probability", "file")]
    for each in predictions:
        listed = [(printable(name), f"{p:.3f}", "") for name, p in each.most_probable]
        name = UNCERTAIN if each.class_name is None else listed[0][0]
        if each.class_name is None and each.top > 1:
            rows.append((name, "", printable(each.file)))
            rows += listed
        else:
            rows.append((name, listed[0][1], printable(each.file)))
            rows += listed[1:]
    width = max(len(name) for name, _, _ in rows)
    return "\n".join(
        f"{name:<{width}}  {probability:>11}  {file}".rstrip() for name, probability, file in rows
    )


def _predictions_as_json(predictions: Sequence[Prediction]) -> str:
    """Formats predictions as a JSON list with an object for each image."""
    return json.dumps([each.to_dict() for each in predictions], indent=2)


def _predictions_as_csv(predictions: Sequence[Prediction]) -> str:
    """Formats predictions as CSV: file, class, probability, then the probability of each class.

    With several classes per image, those after the first and their probabilities are in columns
    `class 2`, `probability 2` and so on. Names are escaped for terminals and spreadsheets.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    names = predictions[0].probabilities
    ranks = range(2, len(predictions[0].most_probable) + 1)
    more = [heading for rank in ranks for heading in (f"class {rank}", f"probability {rank}")]
    headings = (_csv_cell(f"probability of {name}") for name in names)
    writer.writerow(["file", "class", "probability", *more, *headings])
    for each in predictions:
        (_, probability), *others = each.most_probable
        name = "" if each.class_name is None else _csv_cell(each.class_name)
        rest = [cell for other, p in others for cell in (_csv_cell(other), p)]
        row = [_csv_cell(each.file), name, probability, *rest, *each.probabilities.values()]
        writer.writerow(row)
    return written.getvalue().removesuffix("\n")


def _csv_cell(name: str) -> str:
    """Returns a name as a CSV cell of `predict`, with `'` in front of what could be a formula."""
    return FORMULA.sub(r"\1'", printable(name))


FORMS = {"table": _predictions_as_table, "json": _predictions_as_json, "csv": _predictions_as_csv}
