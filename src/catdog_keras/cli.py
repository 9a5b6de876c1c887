"""The command `catdog-keras`: the library's functions, from a shell."""

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

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
    "source",
    default="synthetic",
    show_default=True,
    metavar="SOURCE",
    help='"synthetic": drawn by the package, no network; "public": the public archive, downloaded '
    "once; or the path of a folder or zip archive with train and validation, each with cats and "
    "dogs.",
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
    help="Folder for results.json, the figures and the models.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(min=0, max=2**32 - 1),
    help="Seed of splits, weights and augmentation.",
)
@click.option(
    "--batch-size",
    default=32,
    show_default=True,
    type=click.IntRange(min=1),
    help="Pictures per batch. The validation pictures must fill more than four batches.",
)
@click.option(
    "--on-bad",
    default="skip",
    show_default=True,
    type=click.Choice(["skip", "raise", "quarantine"]),
    help="Files that are no usable pictures: leave out up to one in a hundred; none; any number.",
)
@click.option(
    "--weights",
    default="imagenet",
    show_default=True,
    metavar="FILE",
    callback=lambda _, __, value: None if value == "None" else value,
    help='Weights of model 4\'s MobileNetV2, without its top layer. "imagenet": Keras finds or '
    'downloads them; "None": random ones.',
)
def tutorial(**options: Any) -> None:
    """Run the tutorial's four steps: look, count, train four models, compare and test."""
    with _plain_messages():
        from catdog_keras.tutorial import run_tutorial

        result = run_tutorial(**options, tell=lambda line: click.echo(_with_options(line)))
        _print_table(result)
        click.echo(f"Results, figures and models are in {options['output']}.")


@main.command()
@click.argument("directory")
@click.option("--near-duplicates", is_flag=True, help="Name pictures that look alike, too.")
def scan(directory: str, near_duplicates: bool) -> None:
    """Name every odd and every bad picture file under DIRECTORY; exit with 1 if any is bad."""
    with _plain_messages():
        from catdog_keras.datasets import scan_images

        report = scan_images(directory, near_duplicates=near_duplicates)
    click.echo(str(report))
    sys.exit(1 if report.bad else 0)


@contextmanager
def _plain_messages() -> Iterator[None]:
    """Turns what a user can mend into one message and exit status 2, and warnings into lines.

    The library raises these types only for what it was given; a traceback would hide the message.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = _show_warning
            yield
    except (OSError, TypeError, ValueError) as error:
        raise _InputError(_with_options(_wording(error))) from error


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    click.echo(f"Warning: {_with_options(str(message))}", err=True)


def _wording(error: Exception) -> str:
    """The library's own words, or, for an error that comes from the system, a sentence of it."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{str(error.filename)!r}: {error.strerror}. Check place and rights."
    return str(error)


def _with_options(message: str) -> str:
    """The message with each argument of Python under the name that it has on the command line."""
    for parameter in click.get_current_context().command.params:
        name, written = parameter.name or "", max(parameter.opts, key=len)
        if isinstance(parameter, click.Argument):
            written = name.upper()
        message = re.sub(rf"\b{name}(?==)|(?<=`){name}(?=`)", written, message)
    return message


class _InputError(click.ClickException):
    """What a user can mend: printed without a traceback."""

    exit_code = 2


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
