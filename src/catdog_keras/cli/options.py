"""Options shared by all commands that train."""

from collections.abc import Callable
from typing import Any

import click

MOST = 2**31 - 1  # of epochs and of images per batch
COUNT = click.IntRange(min=1, max=MOST)

seed_option = click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(min=0, max=2**32 - 1),
    help="Seed of the split, the initial weights and the augmentation.",
)

strict_option = click.option(
    "--strict",
    is_flag=True,
    help="Exit with status 1 if files were skipped because they cannot be read as images. The "
    "results are the same.",
)


def epochs_option(default: int, text: str) -> Callable[[Any], Any]:
    """Returns the option for the number of training epochs, at least 1."""
    return click.option("--epochs", default=default, show_default=True, type=COUNT, help=text)


def batch_size_option(text: str) -> Callable[[Any], Any]:
    """Returns the option for the number of images per batch, at least 1."""
    return click.option("--batch-size", default=32, show_default=True, type=COUNT, help=text)


def weights_option(whose: str) -> Callable[[Any], Any]:
    """Returns the option for the initial weights of the backbone."""
    return click.option(
        "--weights",
        default="pretrained",
        show_default=True,
        metavar="FILE",
        callback=lambda _, __, value: None if value == "None" else value,
        help=f"Weights file of {whose} without its top layer. pretrained: downloaded by Keras if "
        "necessary; None: random initialization.",
    )
