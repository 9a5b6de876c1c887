"""Report of an evaluation: the HTML page, and the JSON file with the predictions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catdog_keras._checksum import sha256_of
from catdog_keras.cli.evaluation_data import EvaluationData, Part
from catdog_keras.cli.load_model import ModelFile
from catdog_keras.cli.recorded_command import path_in_report
from catdog_keras.cli.report_facts import skipped_file_facts, training_facts
from catdog_keras.cli.run_record import (
    REPORT_FILE,
    SPLIT_FILE,
    TrainingRecord,
    read_training_record,
)
from catdog_keras.evaluation import Evaluation
from catdog_keras.report import ModelReport, write_report
from catdog_keras.report._top_losses_figure import top_losses_figure

PARTS: Mapping[Part, str] = {
    "train": "the training images",
    "validation": "the validation images of the training",
    "test": "the test images of the training",
    "all": "all images of the data",
}
EVALUATION_FILE = "evaluation.json"
OUTPUT_FILES = [EVALUATION_FILE, REPORT_FILE]


def write_evaluation_report(
    folder: Path,
    loaded: ModelFile,
    evaluation: Evaluation,
    images: EvaluationData,
    file: Path,
    data: Path,
    command: str,
) -> None:
    """Writes the files `OUTPUT_FILES` of the report.

    Args:
        folder: Folder for the report.
        loaded: Model that was evaluated.
        evaluation: Its evaluation.
        images: Images that it was evaluated on.
        file: File of the model.
        data: DATA, the folder or archive of the images.
        command: Command that repeats the evaluation.
    """
    name = file.name
    record = read_training_record(file)
    worst = top_losses_figure(
        loaded.model, evaluation, images.files, loaded.image_size, **images.preparation
    )
    evaluation.save(folder / EVALUATION_FILE)
    write_report(
        folder / REPORT_FILE,
        ModelReport(name, evaluation, None if record is None else record.history, worst),
        title=f"{name} on {path_in_report(data)}",
        counts=images.counts,
        metadata={
            **_evaluation_facts(images, file, data, command, record),
            **training_facts(record),
        },
        note=images.note,
    )


def _evaluation_facts(
    images: EvaluationData, file: Path, data: Path, command: str, record: TrainingRecord | None
) -> dict[str, Mapping[str, Any]]:
    """Returns the groups of the report on the evaluation: command, checksums, and skipped files."""
    metadata = {
        "command": command,
        "model": file.name,
        "SHA-256 of the model": sha256_of(file),
        "data": path_in_report(data),
        "images": PARTS[images.part],
        "SHA-256 of the list of their checksums and names": images.sha256,
    }
    split = file.parent / SPLIT_FILE
    if split.is_file():
        metadata[f"SHA-256 of {SPLIT_FILE}"] = sha256_of(split)
    if images.part == "all":
        unreadable = {} if images.ignored else {"unreadable files": "none"}
        return {"Evaluation": metadata | unreadable, **skipped_file_facts(images.ignored)}
    # A split has only images that the training could read.
    skipped = {} if record is None else skipped_file_facts(record.ignored, " in the training")
    return {"Evaluation": metadata, **skipped}
