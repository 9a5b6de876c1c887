"""Files that `catdog-keras train` writes next to a model, and that the evaluation reads."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MODEL_FILE, RECORD_FILE, SPLIT_FILE = "model.keras", "training.json", "split.json"


@dataclass(frozen=True)
class TrainingRecord:
    """Record of how a model was trained.

    Attributes:
        data: Source of the images.
        settings: Options of the command, by name.
        counts: Number of images by split and class.
        ignored: Reason for each ignored file that could not be read as an image.
        history: Value in each epoch, by metric.
        seconds: Duration of the training.
        environment: Software versions and hardware.
        sha256: SHA-256 of the model and of the split, by file name.
    """

    data: str
    settings: dict[str, Any]
    counts: dict[str, dict[str, int]]
    ignored: dict[str, str]
    history: dict[str, list[float]]
    seconds: float
    environment: dict[str, str]
    sha256: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Writes the record to a folder."""
        text = json.dumps(asdict(self), indent=2) + "\n"
        (folder / RECORD_FILE).write_text(text, encoding="utf-8")


def read_training_record(model: Path) -> TrainingRecord | None:
    """Reads the record next to a model that `catdog-keras train` wrote; None if there is none.

    Raises:
        ValueError: If a file with that name is not a training record.
    """
    file = model.parent / RECORD_FILE
    if model.name != MODEL_FILE or not file.is_file():
        return None
    try:
        return TrainingRecord(**json.loads(file.read_text("utf-8")))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{str(file)!r} is not the record of a training run. Remove it, or move the model."
        ) from error
