"""Report of a training: its learning curves, and the metrics on the validation images."""

from pathlib import Path
from typing import TYPE_CHECKING

from catdog_keras.cli.preparation import CROP, PAD
from catdog_keras.cli.recorded_command import path_in_report
from catdog_keras.cli.report_facts import skipped_file_facts, training_facts
from catdog_keras.cli.run_record import MODEL_FILE, REPORT_FILE, TrainingRecord
from catdog_keras.report import ModelReport, write_report
from catdog_keras.report._top_losses_figure import top_losses_figure

if TYPE_CHECKING:
    import keras

    from catdog_keras.datasets import ImageSplits
    from catdog_keras.evaluation import Evaluation

NOTE = "The validation images selected the epoch, so their metrics are optimistic. "
HAS_TEST_SET = "catdog-keras evaluate reports on the test images, which the training has not used."
HAS_NO_TEST_SET = "There is no test set: use other images in catdog-keras evaluate."


def write_training_report(
    folder: Path,
    model: "keras.Model",
    evaluation: "Evaluation",
    splits: "ImageSplits",
    image_size: tuple[int, int],
    record: TrainingRecord,
) -> None:
    """Writes the report of a training, `report.html`, to a folder.

    Args:
        folder: Folder for the report.
        model: Model that was trained.
        evaluation: Its evaluation on the validation images.
        splits: Images of the training.
        image_size: (height, width) of the images.
        record: Record of the training.
    """
    prepared = {name: record.settings[name] for name in (CROP, PAD)}
    files = splits.files["validation"]
    worst = top_losses_figure(model, evaluation, files, image_size, **prepared)
    write_report(
        folder / REPORT_FILE,
        ModelReport(MODEL_FILE, evaluation, record.history, worst),
        title=f"{MODEL_FILE} on validation images of {path_in_report(Path(record.data))}",
        counts=splits.counts,
        metadata={**training_facts(record), **skipped_file_facts(record.ignored)},
        note=NOTE + (HAS_TEST_SET if splits.files["test"] else HAS_NO_TEST_SET),
    )
