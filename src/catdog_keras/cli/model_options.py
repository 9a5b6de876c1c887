"""Options that all commands with a MODEL argument have in common."""

from collections.abc import Callable
from typing import Any

import click

from catdog_keras._preprocessing_schemes import SCHEMES
from catdog_keras.cli.options import COUNT

NO_PREPROCESSING = "none"


def model_file_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options for models that were not trained by this command."""
    names = click.option(
        "--class-name",
        "class_names",
        multiple=True,
        metavar="NAME",
        help="Class name; repeat the option for each output of the model, in order. Required if "
        "the model does not contain its class names.",
    )
    outputs = click.option(
        "--from-logits/--probabilities",
        default=None,
        help="Whether the model returns logits, as models trained by this command do, or "
        "probabilities. By default, its last layer decides, or its outputs and its loss.",
    )
    preprocessing = click.option(
        "--preprocessing",
        type=click.Choice([NO_PREPROCESSING, *SCHEMES]),
        help="Preprocessing of images, in [0, 255], before MODEL; the schemes are those of "
        "catdog_keras.Preprocessing. none: MODEL was trained on [0, 255]. By default, a model "
        "whose layers show that it expects another range is rejected. With a scheme, a model that "
        "contains its preprocessing, as those of this command do, is rejected.",
    )
    trust = click.option(
        "--trust-model",
        is_flag=True,
        help="Load MODEL without the checks of its format, layers and sizes. This also allows "
        ".h5 files and your own registered layers. Use it only for models from sources whose "
        "programs you would run.",
    )
    return names(outputs(preprocessing(trust(command))))


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of `model_file_options` and the batch size."""
    size = click.option(
        "--batch-size",
        default=32,
        show_default=True,
        type=COUNT,
        help="Images per batch.",
    )
    return model_file_options(size(command))
