"""Groups of names and values that the reports of `train` and `evaluate` show."""

import os
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from catdog_keras.cli.run_record import TrainingRecord
from catdog_keras.report._environment import describe_environment

FILES = ("labels", "weights", "decisions")  # settings that can be paths
NAMED = 50  # maximum number of skipped files that the page lists with a reason


def skipped_files(reasons: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    """Returns a group with the reason for each skipped file, if there are any."""
    if not reasons:
        return {}
    named: dict[str, Any] = dict(list(reasons.items())[:NAMED])
    others = {"and others": len(reasons) - NAMED} if len(reasons) > NAMED else {}
    return {"Skipped files": named | others}


def training_facts(record: TrainingRecord | None) -> dict[str, Mapping[str, Any]]:
    """Returns the settings of a training, and its environment if it is not the present one.

    Of paths only the last part is returned.
    """
    if record is None:
        return {}
    settings = dict(record.settings)
    for name in FILES:
        if isinstance(settings.get(name), str):
            settings[name] = PurePath(settings[name]).name
    metadata = {"data": last_part(Path(record.data)), **settings, "seconds": record.seconds}
    if record.environment == describe_environment():
        return {"Training": {**metadata, "environment": "identical to the environment below"}}
    return {"Training": metadata, "Environment of the training run": record.environment}


def last_part(path: Path) -> str:
    """Returns the name of a folder or file, also for `.`; parent folders stay private."""
    return Path(os.path.realpath(path)).name
