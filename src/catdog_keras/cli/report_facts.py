"""Groups of names and values that the reports of `train` and `evaluate` show."""

import math
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from catdog_keras.cli.preparation import CROP, PAD
from catdog_keras.cli.recorded_command import path_in_report
from catdog_keras.cli.run_record import TrainingRecord
from catdog_keras.report._environment import describe_environment

FILES = ("labels", "weights", "decisions")  # settings that can be paths
COLUMNS = ("image_column", "label_column", "group_column")  # of the file of labels
FRACTIONS = ("holdout_fraction", "test_fraction", "max_bad_fraction")
NAMES = {
    "alpha": "width of the backbone (alpha)",
    "epochs": "epochs of head training",
    "fine_tune_epochs": "epochs of fine-tuning",
    "class_names": "classes",
    "labels": "file of the labels",
    "image_column": "its column of the paths",
    "label_column": "its column of the labels",
    "group_column": "its column of the groups",
    "label_pattern": "label in the file name",
    "groups": "group in the path",
    "near_duplicates": "near-duplicates",
    "split": "selection of the test images",
    "holdout_fraction": "held out for validation and test, without such folders",
    "test_fraction": "of these for the test",
    "on_bad": "unreadable files",
    "max_bad_fraction": "limit of unreadable files",
    "class_weight": "class weights",
}
"""Names of settings in words; the others are words already."""

VALUES = {
    ("near_duplicates", "together"): "in one split",
    ("near_duplicates", "ignore"): "not searched",
    ("on_bad", "skip"): "skipped",
    ("on_bad", "raise"): "an error",
    ("max_bad_fraction", 1.0): "none",
    ("weights", None): "random initialization",
}
NAMED = 50  # maximum number of skipped files that the page lists with a reason


def skipped_file_facts(reasons: Mapping[str, str], where: str = "") -> dict[str, Mapping[str, Any]]:
    """Returns a group with the reason for each skipped file, if there are any."""
    if not reasons:
        return {}
    named: dict[str, Any] = dict(list(reasons.items())[:NAMED])
    others = {"and others": len(reasons) - NAMED} if len(reasons) > NAMED else {}
    return {f"Files skipped{where}: {len(reasons):,}": named | others}


def training_facts(record: TrainingRecord | None) -> dict[str, Mapping[str, Any]]:
    """Returns the settings of a training, and its environment if it is not the present one.

    Of paths only the last part is returned.
    """
    if record is None:
        return {}
    command = {} if record.command is None else {"command": record.command}
    metadata = {
        **command,
        "data": path_in_report(Path(record.data)),
        **_settings_in_words(record.settings),
        "duration": _training_duration(record.seconds),
    }
    if record.environment == describe_environment():
        return {"Training": {**metadata, "environment": "identical to the environment below"}}
    return {"Training": metadata, "Environment of the training run": record.environment}


def _settings_in_words(settings: Mapping[str, Any]) -> dict[str, str]:
    """Returns the settings as facts of a report, with names and values for readers."""
    words = {}
    for name, value in settings.items():
        is_unused = value is False or (value is None and (name, None) not in VALUES)
        is_unused |= name in COLUMNS and settings.get("labels") is None
        if not is_unused and name not in (CROP, PAD):
            words[NAMES.get(name, name.replace("_", " "))] = _value_in_words(name, value)
    ways = {CROP: "cropped to the aspect ratio", PAD: "padded to the aspect ratio"}
    used = [way for name, way in ways.items() if settings.get(name) is True]
    return {**words, "resizing": used[0] if used else "stretched to the image size"}


def _value_in_words(name: str, value: Any) -> str:
    """Returns the value of a setting as the report shows it: `20%`, `160 x 160 pixels`."""
    if isinstance(value, (str, float, type(None))) and (name, value) in VALUES:
        return VALUES[name, value]
    if isinstance(value, str) and name in FILES:
        return PurePath(value).name
    if name in FRACTIONS and isinstance(value, float):
        return f"{100 * value:.3g}%"
    if name == "image_size" and isinstance(value, int):
        return f"{value} x {value} pixels"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "yes" if value is True else str(value)


def _training_duration(seconds: float) -> str:
    """Returns the training's duration as a fact of a report, in seconds or minutes."""
    if not 60 <= seconds < math.inf:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,} min {rest} s"
