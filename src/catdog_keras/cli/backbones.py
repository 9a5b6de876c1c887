"""`catdog-keras backbones`: prints the table of named backbones."""

from collections.abc import Sequence

import click

from catdog_keras._backbone_facts import FACTS, SOURCE
from catdog_keras._preprocessing_schemes import SCHEMES

HEADINGS = ("name", "parameters", "size", "smallest", "network input", "top-1")


@click.command(short_help="List the pretrained networks for --backbone.")
def backbones() -> None:
    """List the pretrained networks that can be selected by name, for example with --backbone."""
    rows = [
        (
            name,
            f"{facts.parameters / 1e6:.1f} M",
            str(facts.image_size),
            str(facts.minimum_size),
            _network_input_range(facts.preprocessing),
            "-" if facts.top1 is None else f"{facts.top1:.1f}%",
        )
        for name, facts in FACTS.items()
    ]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    for row in (HEADINGS, *rows):
        click.echo(_aligned_row(row, widths))
    click.echo(
        "\nparameters: without the classification layers. size, smallest: image height and width "
        "in pixels,\nof the published weights and the minimum. network input: the model takes "
        "images in [0, 255] and\nscales them to it. top-1: accuracy on ImageNet as published by "
        f"Keras\n({SOURCE}). synthetic_small was trained on synthetic\n"
        "images, and is not useful for photographs."
    )


def _aligned_row(row: Sequence[str], widths: Sequence[int]) -> str:
    """Returns a line of the table of backbones: texts aligned to the left, numbers to the right."""
    first, *others = (
        cell.ljust(width) if place in (0, 4) else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *others])


def _network_input_range(preprocessing: str | None) -> str:
    """Returns the range of a backbone's input; channels are scaled alike in the first two."""
    if preprocessing is None:
        return "[0, 255]"
    low, high = SCHEMES[preprocessing].output_range
    order = ", BGR" if SCHEMES[preprocessing].reverses_channels else ""
    return f"[{low:.4g}, {high:.4g}]{order}"
