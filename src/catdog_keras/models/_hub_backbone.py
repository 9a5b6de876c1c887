"""Backbones of KerasHub presets, such as `"keras_hub:dinov2_small"`."""

import os
from pathlib import Path
from typing import Any

import keras

from catdog_keras._checks import describe
from catdog_keras._keras_home import create_keras_home
from catdog_keras._message import setting
from catdog_keras._suggestions import close_names, did_you_mean
from catdog_keras.models._backbone_names import HUB_PREFIX as PREFIX
from catdog_keras.models._backbones import PRETRAINED, WeightsNotFoundError


def is_hub_name(name: Any) -> bool:
    """Returns whether a name is that of a KerasHub preset, which has a prefix."""
    return isinstance(name, str) and name.startswith(PREFIX)


def build_hub_backbone(
    name: str, weights: str | os.PathLike[str] | None
) -> tuple[keras.Model, keras.Layer | None]:
    """Builds the backbone of a KerasHub preset.

    Args:
        name: The prefix, and the name of a preset, a handle or a local folder.
        weights: `"pretrained"`, or None for random weights.

    Returns:
        The backbone, and the layer that maps [0, 255] to its input range; None if it expects
        [0, 255].

    Raises:
        ValueError: If KerasHub is not installed, the preset is unknown or not one for images, or
            `weights` is another value.
        WeightsNotFoundError: If the preset cannot be downloaded or read.
    """
    if weights not in (PRETRAINED, None):
        requirement = f'"{PRETRAINED}" or None for a KerasHub preset'
        raise ValueError(describe("weights", requirement, weights))
    try:
        import keras_hub
    except ImportError as error:
        requirement = "a name from BACKBONES unless KerasHub is installed"
        remedy = f"Install it with `pip install keras-hub`. Its import failed: {error}"
        raise ValueError(describe("backbone", requirement, name, remedy)) from error
    preset = name.removeprefix(PREFIX)
    _check_preset(name, preset, keras_hub)
    create_keras_home()
    try:
        backbone = keras_hub.models.Backbone.from_preset(preset, load_weights=weights is not None)
        converter = keras_hub.layers.ImageConverter.from_preset(preset)
    except Exception as error:  # KerasHub and its hosts raise various exceptions
        raise WeightsNotFoundError(
            f"The KerasHub preset {preset!r} could not be loaded as an image backbone: {error} "
            "Presets are downloaded also for random weights, because they contain the layers. On a "
            "machine without internet access, copy its folder there, and pass "
            + setting("backbone", f"'{PREFIX}path/to/folder'")
            + "."
        ) from error
    return backbone, _converter_scaling(converter)


def _check_preset(name: str, preset: str, keras_hub: Any) -> None:
    """Raises a ValueError for an unknown name; handles and folders are checked by KerasHub."""
    known = keras_hub.models.Backbone.presets
    if preset in known or "/" in preset or Path(preset).is_dir():
        return
    similar = [repr(PREFIX + each) for each in close_names(preset, known)]
    remedy = did_you_mean(similar) + " " if similar else ""
    remedy += "`keras_hub.models.Backbone.presets` lists the names."
    raise ValueError(describe("backbone", "a preset of KerasHub", name, remedy))


def _converter_scaling(converter: Any) -> keras.Layer | None:
    """Returns the scaling of a KerasHub image converter as a layer, without its resizing."""
    if converter.scale is None and converter.offset is None:
        return None
    scale, offset = (_single_number(each) for each in (converter.scale, converter.offset))
    return keras.layers.Rescaling(
        1.0 if scale is None else scale, 0.0 if offset is None else offset, name="preprocessing"
    )


def _single_number(value: Any) -> Any:
    """Returns the number of a KerasHub list of equal numbers, to infer the input range from it."""
    is_list = isinstance(value, list | tuple)
    return value[0] if is_list and len(set(value)) == 1 else value
