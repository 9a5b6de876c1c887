"""What `catdog-keras train` leaves beside a model, for the evaluation to find."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MODEL_FILE, RECORD_FILE, SPLIT_FILE = "model.keras", "training.json", "split.json"


@dataclass(frozen=True)
class TrainingRecord:
    """How a model came about.

    Attributes:
        data: Where the pictures came from.
        settings: The options of the command, by name.
        counts: Pictures by split and class.
        passed_over: The files that were no usable pictures, each with the reason.
        history: By metric its value in each epoch.
        seconds: How long the training took.
        environment: Versions and machine.
    """

    data: str
    settings: dict[str, Any]
    counts: dict[str, dict[str, int]]
    passed_over: dict[str, str]
    history: dict[str, list[float]]
    seconds: float
    environment: dict[str, str]

    def write(self, folder: Path) -> None:
        """Writes the record into a folder."""
        text = json.dumps(asdict(self), indent=2) + "\n"
        (folder / RECORD_FILE).write_text(text, encoding="utf-8")


def read_training_record(model: Path) -> TrainingRecord | None:
    """The record beside a model that `catdog-keras train` wrote; None where there is none.

    Raises:
        ValueError: If there is a file of that name which is no such record.
    """
    file = model.parent / RECORD_FILE
    if model.name != MODEL_FILE or not file.is_file():
        return None
    try:
        return TrainingRecord(**json.loads(file.read_text("utf-8")))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{str(file)!r} is no record of a training. Remove it, or move the model."
        ) from error
