"""`catdog-keras doctor`: checks images and labels, and writes a page of the findings."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from catdog_keras._checks import MAX_SIDE, check_path
from catdog_keras._printable import printable, printable_lines
from catdog_keras.cli.argument_checks import (
    check_data_exists,
    check_output_folder,
    check_weights,
)
from catdog_keras.cli.check_backbone import check_backbone
from catdog_keras.cli.data_options import (
    DataOptions,
    check_label_options,
    data_options,
    load_with_options,
)
from catdog_keras.cli.errors import user_errors
from catdog_keras.cli.frameworks import import_frameworks
from catdog_keras.cli.interrupts import handle_interrupts
from catdog_keras.cli.options import batch_size_option, seed_option
from catdog_keras.cli.run_folder import choose_run_folder, reserved_run_folder
from catdog_keras.cli.run_record import REPORT_FILE

if TYPE_CHECKING:
    from catdog_keras.doctor import DataReport

FINDINGS_FILE = "findings.json"
OUTPUT_FILES = [FINDINGS_FILE, REPORT_FILE]
SUFFIX = "-doctor"  # of the default output folder


@click.command(short_help="Find problems of the images and labels of a data set.")
@click.argument("data")
@click.option(
    "--output",
    metavar="DIR",
    show_default="a new folder under runs/, with the name of DATA and -doctor",
    help=f"Folder for {REPORT_FILE}, on which images are marked, and {FINDINGS_FILE}.",
)
@click.option(
    "--backbone",
    default="mobilenet_v2",
    show_default=True,
    metavar="NAME",
    help="Pretrained network of the features; `catdog-keras backbones` lists the names.",
)
@click.option(
    "--weights",
    default="pretrained",
    show_default=True,
    metavar="FILE",
    callback=lambda _, __, value: None if value == "None" else value,
    help="Weights file of the network without its top layer. pretrained: downloaded by Keras if "
    "necessary; None: without features, for the checks that need none.",
)
@click.option(
    "--image-size",
    default=160,
    show_default=True,
    type=click.IntRange(min=1, max=MAX_SIDE),
    metavar="PIXELS",
    help="Height and width to which images are resized for the network.",
)
@batch_size_option("Images per batch, of which --split take_skip takes whole ones.")
@seed_option
@data_options
def doctor(data: str, output: str | None, **settings: Any) -> None:
    """Find problems of the images and labels of DATA, as `train` takes it.

    Near-duplicates, also across splits; wrong labels; properties of the files that give the label
    away; outliers; and what more images would bring. The page shows the findings with their images,
    which can be marked as fine, to exclude or to relabel; it saves a decisions file for --decisions
    of `train` and of this command. No image file is changed.
    """
    names = {"root": "DATA", "directory": "DATA", "table": "--labels"}
    with user_errors(output="--output", input_shape="--image-size", **names):
        backbone, weights = settings.pop("backbone"), settings.pop("weights")
        options = DataOptions(**settings)
        check_data_exists("data", data)
        check_label_options(options)
        check_weights(weights, ("pretrained", "imagenet", "synthetic"))
        planned = choose_run_folder(data, suffix=SUFFIX) if output is None else output
        check_output_folder("output", planned, data)
        import_frameworks()
        with handle_interrupts(), ExitStack() as stack:
            check_backbone(backbone, weights, options.image_size)
            if output is None:
                output = stack.enter_context(reserved_run_folder(data, suffix=SUFFIX))
            report = _write_findings(data, output, options, backbone, weights)
        click.echo(printable_lines(str(report)))
        click.echo(f"The page is {printable(str(Path(output) / REPORT_FILE))}.")


def _write_findings(
    data: str,
    output: str,
    options: DataOptions,
    backbone: str,
    weights: str | None,
) -> "DataReport":
    """Runs all checks of `catdog-keras doctor`, and writes the findings and the page."""
    from catdog_keras._write_files import output_folder
    from catdog_keras.cli.recorded_command import path_in_report
    from catdog_keras.datasets._source import find_folder
    from catdog_keras.doctor import check_data

    with output_folder(str(check_path("output", output)), OUTPUT_FILES) as folder:
        splits = load_with_options(data, options, keep_folders=True)
        report = check_data(
            splits,
            backbone=backbone,
            weights=weights,
            decisions=options.decisions,
            root=find_folder("directory", data),
            seed=options.seed,
        )
        text = json.dumps(report.to_dict(), indent=1, allow_nan=False) + "\n"
        (folder / FINDINGS_FILE).write_text(text, encoding="utf-8")
        report.write_page(folder / REPORT_FILE, title=f"Data check of {path_in_report(Path(data))}")
    return report
