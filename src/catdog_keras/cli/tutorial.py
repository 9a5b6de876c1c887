"""`catdog-keras tutorial`: runs the four steps and prints a table of the results."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from catdog_keras._checks import MAX_SIDE
from catdog_keras._printable import printable
from catdog_keras.cli.argument_checks import check_data_exists, check_output_folder, check_weights
from catdog_keras.cli.errors import user_errors, with_option_names
from catdog_keras.cli.frameworks import import_frameworks
from catdog_keras.cli.interrupts import handle_interrupts
from catdog_keras.cli.options import COUNT, seed_option

if TYPE_CHECKING:
    from catdog_keras.tutorial import TutorialResult


@click.command(short_help="Run the tutorial's four steps.")
@click.option(
    "--data",
    "source",
    default="synthetic",
    show_default=True,
    metavar="SOURCE",
    help='"synthetic": images drawn by the package, no network; "public": the public archive, '
    "downloaded once; or the path of a folder or zip archive with train and validation, each with "
    "cats and dogs.",
)
@click.option(
    "--epochs",
    type=COUNT,
    show_default="60 for synthetic images, otherwise 20",
    help="Epochs for each model.",
)
@click.option(
    "--output",
    default="catdog-tutorial",
    show_default=True,
    metavar="DIR",
    help="Folder for results.json, report.html, the figures and the models.",
)
@seed_option
@click.option(
    "--image-size",
    type=click.IntRange(min=46, max=MAX_SIDE),
    show_default="96 for synthetic images, otherwise 160",
    metavar="PIXELS",
    help="Height and width to which images are resized.",
)
@click.option(
    "--batch-size",
    type=COUNT,
    show_default="16 for synthetic images, otherwise 32",
    help="Images per batch. The validation images must fill more than four batches.",
)
@click.option(
    "--on-bad",
    default="skip",
    show_default=True,
    type=click.Choice(["skip", "raise"]),
    help="What to do with files that cannot be read as images.",
)
@click.option(
    "--weights",
    default="auto",
    show_default=True,
    metavar="FILE",
    callback=lambda _, __, value: None if value == "None" else value,
    help="Weights of model 4's backbone. auto: MobileNetV2 with ImageNet weights, or, for "
    "synthetic images where these are not on this machine, the packaged backbone synthetic_small; "
    "imagenet: downloaded if necessary; synthetic: synthetic_small; FILE: weights of MobileNetV2 "
    "without its top layer; None: random weights.",
)
@click.option(
    "--dtype-policy",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "float32", "mixed_bfloat16"]),
    help="Precision of the models. auto: mixed_bfloat16 where the processor has bfloat16 "
    "instructions.",
)
def tutorial(image_size: int | None, **options: Any) -> None:
    """Run the tutorial's four steps: show and count images, train four models, compare, test."""
    with user_errors():
        own_images = None
        if options["source"] not in ("synthetic", "public"):
            own_images = options["source"]
            check_data_exists("source", own_images)
        check_weights(options["weights"], ("auto", "imagenet", "synthetic"))
        check_output_folder("output", options["output"], own_images)
        import_frameworks()
        from catdog_keras.tutorial import run_tutorial

        with handle_interrupts():
            result = run_tutorial(
                image_size=None if image_size is None else (image_size, image_size),
                **options,
                tell=lambda line: click.echo(with_option_names(line)),
            )
        _print_results_table(result)
        for line in result.lesson:
            click.echo(printable(line))
        page = printable(str(Path(options["output"]) / "report.html"))
        click.echo(f"The report is {page}; the results, figures and models are next to it.")


def _print_results_table(result: "TutorialResult") -> None:
    """Prints one line for each model of the tutorial, in at most 80 columns."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        title=f"Accuracy in %; data: {escape(printable(result.data))}; "
        f"baseline {100 * result.baseline_accuracy:.1f}",
        caption="Validation selected the best epoch. Test has its 95% interval.",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for heading in ("model", "parameters", "epochs", "seconds", "train", "validation", "test"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for model in result.models:
        low, high = model.test_interval
        table.add_row(
            model.name,
            f"{model.parameters:,}",
            str(model.epochs),
            f"{model.seconds:.0f}",
            f"{100 * model.train_accuracy:.1f}",
            f"{100 * model.validation_accuracy:.1f}",
            f"{100 * model.test_accuracy:.1f} [{100 * low:.1f}, {100 * high:.1f}]",
        )
    for name in result.not_run:
        table.add_row(name, "not run", "", "", "", "", "")
    Console().print(table)
