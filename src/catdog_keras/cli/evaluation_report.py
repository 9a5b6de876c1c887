"""The report of an evaluation: the page, and the numbers that it was made from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catdog_keras._output import output_folder
from catdog_keras.cli.model_file import ModelFile
from catdog_keras.cli.training_record import read_training_record
from catdog_keras.evaluation import Evaluation
from catdog_keras.report import write_report
from catdog_keras.report.worst_pictures import draw_worst_pictures

REPORT_FILE, EVALUATION_FILE = "report.html", "evaluation.json"


def write_evaluation_report(
    directory: str,
    loaded: ModelFile,
    evaluation: Evaluation,
    counts: Mapping[str, Mapping[str, int]],
    facts: Mapping[str, Any],
) -> None:
    """Writes the report into a folder, both files at once.

    Args:
        directory: The folder; it is made if need be.
        loaded: The model that was evaluated.
        evaluation: What it came to.
        counts: Pictures by split and class.
        facts: What was asked for, by name.
    """
    model = Path(facts["model"])
    record = read_training_record(model)
    groups: dict[str, Mapping[str, Any]] = {"Evaluation": facts}
    histories = {}
    if record is not None:
        groups["Training"] = {"data": record.data, **record.settings, "seconds": record.seconds}
        groups["Environment of the training"] = record.environment
        histories[model.name] = record.history
    worst = draw_worst_pictures(loaded.model, evaluation, loaded.image_size)
    files = [REPORT_FILE, EVALUATION_FILE]
    with output_folder(directory, files, "report") as folder:
        evaluation.save(folder / EVALUATION_FILE)
        write_report(
            folder / REPORT_FILE,
            {model.name: evaluation},
            title=f"{model.name} on {facts['data']}",
            counts=counts,
            histories=histories,
            worst_pictures={} if worst is None else {model.name: worst},
            facts=groups,
        )
