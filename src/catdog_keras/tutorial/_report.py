"""The report of a tutorial run: its models side by side, and the settings to repeat it."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from catdog_keras._html_page import REPORT_FILE
from catdog_keras.report import ModelReport, write_report
from catdog_keras.tutorial._results import TutorialResult


def write_tutorial_report(
    folder: Path, result: TutorialResult, models: Sequence[ModelReport]
) -> None:
    """Writes the report of a run to its folder."""
    metadata: dict[str, dict[str, Any]] = {
        "Run": {"data": result.data, "seed": result.seed, **result.settings},
        "Backbone of model 4": dict(result.backbone),
    }
    for model in result.models:
        known = asdict(model)
        metadata[f"Training of {model.name}"] = {
            key.replace("_", " "): known[key]
            for key in (
                "parameters",
                "trainable_parameters",
                "best_epoch",
                "seconds",
                "validation_accuracy",
            )
        }
    if result.not_run:
        metadata["Not run"] = dict(result.not_run)
    best = max(result.models, key=lambda model: model.validation_accuracy)
    write_report(
        folder / REPORT_FILE,
        models,
        title=f"Tutorial on {result.data}: {len(result.models)} models on the test images",
        counts=result.counts,
        metadata=metadata,
        highlight=best.name,
        note=" ".join(line for line in result.lesson if not line.startswith("Next:")),
    )
