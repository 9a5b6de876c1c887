"""Report of an evaluation: the HTML page, and the JSON file with the predictions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catdog_keras._checksum import sha256_of
from catdog_keras._printable import shell_command
from catdog_keras.cli.evaluation_data import EvaluationData, Part
from catdog_keras.cli.load_model import ModelFile
from catdog_keras.cli.report_facts import last_part, skipped_files, training_facts
from catdog_keras.cli.run_record import (
    REPORT_FILE,
    SPLIT_FILE,
    TrainingRecord,
    read_training_record,
)
from catdog_keras.evaluation import Evaluation
from catdog_keras.report import ModelReport, write_report
from catdog_keras.report._plot_highest_losses import plot_highest_losses

PARTS: Mapping[Part, str] = {
    "train": "the training images",
    "validation": "the validation images of the training",
    "test": "the test images of the training",
    "all": "all images of the data",
}
EVALUATION_FILE = "evaluation.json"
OUTPUT_FILES = [EVALUATION_FILE, REPORT_FILE]


@dataclass(frozen=True)
class EvaluateOptions:
    """Arguments of the command."""

    model: Path
    data: Path
    class_names: tuple[str, ...]
    from_logits: bool | None
    preprocessing: str | None
    batch_size: int
    trust_model: bool = False
    stated: Mapping[str, bool] = field(default_factory=dict)

    def command(self, part: str) -> str:
        """Returns the command that repeats the evaluation.

        Of the paths it has the folder of the model and the name of the data; the folders above them
        stay private.
        """
        model = str(Path(last_part(self.model.parent)) / self.model.name)
        words = ["catdog-keras", "evaluate", model, last_part(self.data), "--split", part]
        for name in self.class_names:
            words += ["--class-name", name]
        if self.from_logits is not None:
            words.append("--from-logits" if self.from_logits else "--probabilities")
        if self.preprocessing is not None:
            words += ["--preprocessing", self.preprocessing]
        words += [f"--{name.replace('_', '-')}" for name, given in self.stated.items() if given]
        if self.trust_model:
            words.append("--trust-model")
        return shell_command([*words, "--batch-size", str(self.batch_size)])


def write_evaluation_report(
    folder: Path,
    loaded: ModelFile,
    evaluation: Evaluation,
    images: EvaluationData,
    options: EvaluateOptions,
) -> None:
    """Writes the files `OUTPUT_FILES` of the report.

    Args:
        folder: Folder for the report.
        loaded: Model that was evaluated.
        evaluation: Its evaluation.
        images: Images that it was evaluated on.
        options: Arguments of the command.
    """
    name = options.model.name
    record = read_training_record(options.model)
    worst = plot_highest_losses(
        loaded.model, evaluation, images.files, loaded.image_size, **images.preparation
    )
    evaluation.save(folder / EVALUATION_FILE)
    write_report(
        folder / REPORT_FILE,
        ModelReport(name, evaluation, None if record is None else record.history, worst),
        title=f"{name} on {last_part(options.data)}",
        counts=images.counts,
        metadata={**_evaluation_facts(images, options, record), **training_facts(record)},
        note=images.note,
    )


def _evaluation_facts(
    images: EvaluationData, options: EvaluateOptions, record: TrainingRecord | None
) -> dict[str, Mapping[str, Any]]:
    metadata = {
        "command": options.command(images.part),
        "model": options.model.name,
        "SHA-256 of the model": sha256_of(options.model),
        "data": last_part(options.data),
        "images": PARTS[images.part],
        "SHA-256 of the list of their checksums and names": images.sha256,
    }
    split = options.model.parent / SPLIT_FILE
    if split.is_file():
        metadata[f"SHA-256 of {SPLIT_FILE}"] = sha256_of(split)
    if images.part == "all":
        unreadable = {} if images.ignored else {"unreadable files": "none"}
        return {"Evaluation": metadata | unreadable, **skipped_files(images.ignored)}
    # A split has only images that the training could read.
    skipped = {} if record is None else skipped_files(record.ignored, " in the training")
    return {"Evaluation": metadata, **skipped}
