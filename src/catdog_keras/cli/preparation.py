"""How images are prepared for a model: as in its training, or as options state."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from catdog_keras._checks import describe
from catdog_keras._message import argument
from catdog_keras.cli.run_record import SPLIT_FILE, read_training_record

CROP, PAD = "crop_to_aspect_ratio", "pad_to_aspect_ratio"
# Models of these commands take color images of a fixed size.
FIXED = ("image_size", "color_mode")


def preparation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options for models without a record of their training."""
    crop = click.option(
        "--crop-to-aspect-ratio",
        is_flag=True,
        help="Crop images to the aspect ratio of the model instead of stretching them. By default "
        "as in the training, if its files are next to MODEL.",
    )
    pad = click.option(
        "--pad-to-aspect-ratio",
        is_flag=True,
        help="Fill images with black up to this aspect ratio.",
    )
    return crop(pad(command))


def stated_preparation(crop: bool, pad: bool) -> dict[str, bool]:
    """Returns the arguments of the loaders that the options state; none by default."""
    if crop and pad:
        raise ValueError(describe(PAD, "used without " + argument(CROP), True))
    return {CROP: crop, PAD: pad} if crop or pad else {}


def find_preparation(model: Path, stated: Mapping[str, bool]) -> dict[str, Any]:
    """Returns the arguments of the loaders: as stated, and otherwise as recorded with the model.

    Raises:
        ValueError: If a file with the name of a record is damaged.
    """
    record = read_training_record(model)
    recorded: dict[str, Any] = {}
    if record is not None:  # much smaller than the manifest
        recorded = {name: record.settings.get(name) is True for name in (CROP, PAD)}
    elif (manifest := model.parent / SPLIT_FILE).is_file():
        recorded = recorded_preparation(manifest)
    return {**recorded, **stated}


def recorded_preparation(manifest: Path) -> dict[str, Any]:
    """Returns the arguments of the loaders that a manifest records."""
    from catdog_keras.datasets._manifest import read_manifest

    recorded = read_manifest(manifest).preparation
    return {name: value for name, value in recorded.items() if name not in FIXED}
