"""`catdog-keras predict`: predicts the class of each image, with its probability."""

import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import click

from catdog_keras._printable import printable
from catdog_keras.cli.errors import user_errors
from catdog_keras.cli.frameworks import import_frameworks
from catdog_keras.cli.inputs import check_image_place
from catdog_keras.cli.interrupts import handle_interrupts
from catdog_keras.cli.load_model import (
    check_class_count,
    check_model_file,
    load_model_file,
    model_errors,
    model_options,
)
from catdog_keras.cli.streams import print_utf8

Prediction: TypeAlias = dict[str, Any]

# First characters of a formula; the wide ones are used in East Asian spreadsheets.
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@click.command(short_help="Predict the class of each image.")
@click.argument("model")
@click.argument("paths", nargs=-1, required=True, metavar="IMAGE...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="Output format: a table, or JSON or CSV with the probability of every class.",
)
@model_options
def predict(
    model: str,
    paths: tuple[str, ...],
    form: str,
    class_names: tuple[str, ...],
    from_logits: bool,
    preprocessing: str | None,
    batch_size: int,
    trust_model: bool,
) -> None:
    """Predict the class of each IMAGE with MODEL: image files, folders or zip archives.

    Files that cannot be read as images are listed and skipped, and the exit status is then 1.
    """
    with user_errors():
        check_model_file(model)
        for number, path in enumerate(paths):
            check_image_place(f"paths[{number}]", path)
        import_frameworks()
        from catdog_keras.datasets import load_images
        from catdog_keras.models import predict_probabilities

        with handle_interrupts():
            loaded = load_model_file(
                model,
                class_names,
                batch_size=batch_size,
                preprocessing=preprocessing,
                trust=trust_model,
            )
            check_class_count(loaded)
            found = load_images(list(paths), image_size=loaded.image_size, batch_size=batch_size)
            with model_errors(model):
                probabilities = predict_probabilities(
                    loaded.model, found.dataset, from_logits=from_logits
                )
        rows = list(_prediction_rows(found.files, loaded.class_names, probabilities))
        output = FORMS[form](rows)
        if form == "csv":
            print_utf8(output)
        else:
            click.echo(output)
    sys.exit(1 if found.scan.bad else 0)


def _prediction_rows(
    files: Sequence[str], class_names: Sequence[str], probabilities: Any
) -> Iterator[Prediction]:
    for file, row in zip(files, probabilities.tolist(), strict=True):
        best = max(range(len(row)), key=row.__getitem__)
        yield {
            "file": file,
            "class": class_names[best],
            "probability": row[best],
            "probabilities": dict(zip(class_names, row, strict=True)),
        }


def _as_table(rows: Sequence[Prediction]) -> str:
    """Formats predictions as aligned columns; the file is last because it can be long."""
    names = [printable(row["class"]) for row in rows]
    width = max(map(len, ["class", *names]))
    lines = [f"{'class':<{width}}  probability  file"]
    for name, row in zip(names, rows, strict=True):
        lines.append(f"{name:<{width}}  {row['probability']:>11.3f}  {printable(row['file'])}")
    return "\n".join(lines)


def _as_json(rows: Sequence[Prediction]) -> str:
    return json.dumps(list(rows), indent=2)


def _as_csv(rows: Sequence[Prediction]) -> str:
    """Formats predictions as CSV: file, class, probability, then the probability of each class.

    Names are escaped for terminals and spreadsheets.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    names = list(rows[0]["probabilities"])
    headings = (printable(f"probability of {name}") for name in names)
    writer.writerow(["file", "class", "probability", *headings])
    for row in rows:
        each = row["probabilities"].values()
        writer.writerow([_cell(row["file"]), _cell(row["class"]), row["probability"], *each])
    return written.getvalue().removesuffix("\n")


def _cell(name: str) -> str:
    """Returns a name as a CSV cell that spreadsheets do not read as a formula."""
    return f"'{printable(name)}" if name.lstrip().startswith(FORMULA) else printable(name)


FORMS = {"table": _as_table, "json": _as_json, "csv": _as_csv}
