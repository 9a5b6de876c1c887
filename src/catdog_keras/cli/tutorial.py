"""`catdog-keras tutorial`: the four steps, and a table of what they came to."""

from typing import TYPE_CHECKING, Any

import click

from catdog_keras.cli.frameworks import import_frameworks
from catdog_keras.cli.inputs import check_data, check_output_folder, check_weights
from catdog_keras.cli.interrupts import interruptible_work
from catdog_keras.cli.messages import plain_messages, with_options
from catdog_keras.cli.training_options import (
    batch_size_option,
    epochs_option,
    seed_option,
    weights_option,
)

if TYPE_CHECKING:
    from catdog_keras.tutorial import TutorialResult


@click.command(short_help="Run the tutorial's four steps.")
@click.option(
    "--data",
    "source",
    default="synthetic",
    show_default=True,
    metavar="SOURCE",
    help='"synthetic": drawn by the package, no network; "public": the public archive, downloaded '
    "once; or the path of a folder or zip archive with train and validation, each with cats and "
    "dogs.",
)
@epochs_option(3, "Passes over the training pictures for each model.")
@click.option(
    "--output",
    default="catdog-tutorial",
    show_default=True,
    metavar="DIR",
    help="Folder for results.json, report.html, the figures and the models.",
)
@seed_option
@batch_size_option("Pictures per batch. The validation pictures must fill more than four batches.")
@click.option(
    "--on-bad",
    default="skip",
    show_default=True,
    type=click.Choice(["skip", "raise", "quarantine"]),
    help="Files that are no usable pictures: leave out up to one in a hundred; none; any number.",
)
@weights_option("Weights of model 4's MobileNetV2")
def tutorial(**options: Any) -> None:
    """Run the tutorial's four steps: look, count, train four models, compare and test."""
    with plain_messages():
        if options["source"] not in ("synthetic", "public"):
            check_data("source", options["source"])
        check_weights(options["weights"])
        check_output_folder("output", options["output"])
        import_frameworks()
        from catdog_keras.tutorial import run_tutorial

        with interruptible_work():
            result = run_tutorial(**options, tell=lambda line: click.echo(with_options(line)))
        _print_table(result)
        click.echo(f"Results, figures and models are in {options['output']}.")


def _print_table(result: "TutorialResult") -> None:
    """Prints one line for each model, in at most 80 columns."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"Accuracy in % on {result.data}; "
        f"baseline {100 * result.baseline_accuracy:.1f}, of the training labels",
        caption="Validation chose the best epoch; test, with its 95 % interval, chose nothing.",
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
