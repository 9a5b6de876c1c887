"""The command `catdog-keras`: the library's functions, from a shell."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from catdog_keras.tutorial import TutorialResult


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="catdog-keras")
def main() -> None:
    """Classify pictures with Keras: cats and dogs first, any folder of classes after that."""


@main.command()
@click.option(
    "--data",
    default="synthetic",
    show_default=True,
    metavar="SOURCE",
    help='"synthetic": drawn by the package, no network; "public": the public archive, downloaded '
    "once; or the path of a folder or zip archive of the same layout.",
)
@click.option(
    "--epochs",
    default=3,
    show_default=True,
    type=click.IntRange(min=1),
    help="Passes over the training pictures for each model.",
)
@click.option(
    "--output",
    default="catdog-tutorial",
    show_default=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder for results.json, the figures and the models.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="Seed of splits, weights and augmentation.",
)
def tutorial(data: str, epochs: int, output: Path, seed: int) -> None:
    """Run the tutorial's four steps: look, count, train four models, compare and test."""
    with _errors_in_one_line():
        from catdog_keras.tutorial import run_tutorial

        result = run_tutorial(
            None if data == "public" else data,
            epochs=epochs,
            output=output,
            seed=seed,
            tell=click.echo,
        )
        _print_table(result)
        click.echo(f"Results, figures and models are in {output}.")


@main.command()
@click.argument("directory", type=click.Path(path_type=Path))
def scan(directory: Path) -> None:
    """Name every odd and every bad picture file under DIRECTORY; exit with 1 if any is bad."""
    with _errors_in_one_line():
        from catdog_keras.datasets import scan_images

        report = scan_images(directory)
    click.echo(str(report))
    sys.exit(1 if report.bad else 0)


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    """Turns what a user can mend into one message and exit status 2.

    The library raises these types only for what it was given; a traceback would hide the message.
    """
    try:
        yield
    except (OSError, TypeError, ValueError) as error:
        raise _InputError(str(error)) from error


class _InputError(click.ClickException):
    """What a user can mend: printed without a traceback."""

    exit_code = 2


def _print_table(result: "TutorialResult") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"Accuracy on {result.data}; baseline {result.baseline_accuracy:.1%}",
        caption="Validation chose the best epoch; test, with its 95 % interval, chose nothing.",
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
            f"{model.train_accuracy:.1%}",
            f"{model.validation_accuracy:.1%}",
            f"{model.test_accuracy:.1%} [{low:.1%}, {high:.1%}]",
        )
    for name in result.not_run:
        table.add_row(name, "not run", "", "", "", "", "")
    Console().print(table)
