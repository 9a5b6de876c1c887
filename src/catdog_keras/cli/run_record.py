"""Files that `catdog-keras train` writes next to a model, and that the evaluation reads."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MODEL_FILE, RECORD_FILE, SPLIT_FILE = "model.keras", "training.json", "split.json"
REPORT_FILE = "report.html"
# A split of the 1.3 million images of ImageNet has about 260 MB; a record lists ignored files.
MAX_BYTES = {RECORD_FILE: 2**26, SPLIT_FILE: 2**29}


@dataclass(frozen=True)
class TrainingRecord:
    """Record of how a model was trained.

    Attributes:
        data: Source of the images.
        settings: Options of the command, by name.
        counts: Number of images by split and class.
        ignored: Reason for each ignored file that could not be read as an image, by path relative
            to the image folder, as in the manifest.
        history: Value in each epoch, by metric.
        seconds: Duration of the training.
        environment: Software versions and hardware.
        sha256: SHA-256 of the model and of the split, by file name.
        decisions: Number of images by decision (exclude, relabel, fine), or None without decisions.
        command: Command of the training, with shortened paths.
    """

    data: str
    settings: dict[str, Any]
    counts: dict[str, dict[str, int]]
    ignored: dict[str, str]
    history: dict[str, list[float]]
    seconds: float
    environment: dict[str, str]
    sha256: dict[str, str] = field(default_factory=dict)
    decisions: dict[str, int] | None = None
    command: str | None = None

    def write(self, folder: Path) -> None:
        """Writes the record to a folder."""
        text = json.dumps(asdict(self), indent=2) + "\n"
        (folder / RECORD_FILE).write_text(text, encoding="utf-8")


def check_file_size(file: Path) -> None:
    """Raises a ValueError if a record or split is larger than one that a training run writes.

    Reading it would need several times as much memory.
    """
    limit = MAX_BYTES[file.name]
    if file.is_file() and (size := file.stat().st_size) > limit:
        raise ValueError(
            f"{str(file)!r} has {size:,} bytes, but a {file.name} of a training run has at most "
            f"{limit:,}: remove it, or move the model."
        )


def read_training_record(model: Path) -> TrainingRecord | None:
    """Reads the record next to a model that `catdog-keras train` wrote; None if there is none.

    Raises:
        ValueError: If a file with that name is not a training record, or is too large for one.
    """
    file = model.parent / RECORD_FILE
    if model.name != MODEL_FILE or not file.is_file():
        return None
    check_file_size(file)
    try:
        record = TrainingRecord(**json.loads(file.read_text("utf-8")))
        _check_record_types(record)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{str(file)!r} is not the record of a training run. Remove it, or move the model."
        ) from error
    return record


def _check_record_types(record: TrainingRecord) -> None:
    """Raises a TypeError unless the values have the types that are written.

    The page and its figures are drawn from them after the whole evaluation.
    """
    loss = record.history.get("loss") if isinstance(record.history, dict) else None
    epochs = len(loss) if isinstance(loss, list) else 0
    checks = {
        "data": _is_page_text(record.data),
        "settings": isinstance(record.settings, dict) and not _is_contradiction(record.settings),
        "counts": _is_dict_of(
            record.counts, lambda by_class: _is_dict_of(by_class, _is_image_count)
        ),
        "ignored": _is_dict_of(record.ignored, lambda reason: isinstance(reason, str)),
        "history": epochs > 0
        and _is_dict_of(record.history, lambda values: _is_curve(values, epochs)),
        "seconds": _is_number(record.seconds),
        "environment": _is_dict_of(record.environment, lambda value: isinstance(value, str)),
        "sha256": _is_dict_of(record.sha256, lambda value: isinstance(value, str)),
        "decisions": record.decisions is None or _is_dict_of(record.decisions, _is_image_count),
        "command": record.command is None or _is_page_text(record.command),
    }
    wrong = [name for name, right in checks.items() if not right]
    if wrong:
        raise TypeError(f"its {wrong[0]!r} is not what `catdog-keras train` writes.")


def _is_contradiction(settings: dict[str, Any]) -> bool:
    """Returns whether a record's options would both crop and pad to the aspect ratio."""
    return all(settings.get(f"{way}_to_aspect_ratio") is True for way in ("crop", "pad"))


def _is_dict_of(value: Any, check: Callable[[Any], bool]) -> bool:
    """Returns whether a value of the record is a dict all of whose values pass a check."""
    return isinstance(value, dict) and all(map(check, value.values()))


def _is_page_text(value: Any) -> bool:
    """Returns whether a value of a run record can be a part of a path or a page."""
    return isinstance(value, str) and "\0" not in value and not re.search("[\ud800-\udfff]", value)


def _is_number(value: Any) -> bool:
    """Returns whether a value of a run record is a number that can be drawn, or NaN."""
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= sys.float_info.max
    return isinstance(value, float)


def _is_curve(values: Any, epochs: int) -> bool:
    """Returns whether a value of the record is a list of numbers, one for each epoch."""
    return isinstance(values, list) and len(values) == epochs and all(map(_is_number, values))


def _is_image_count(value: Any) -> bool:
    """Returns whether a value of the record is a number of images."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
