"""Sections of the report, each created from the numbers that it shows."""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from catdog_keras._html_page import Section, Table, embed_figure
from catdog_keras._printable import counted
from catdog_keras.evaluation import Evaluation, ExampleLoss
from catdog_keras.plotting import (
    plot_confusion_matrix,
    plot_history,
    plot_reliability,
)

# The alternative text of a larger confusion matrix leaves the cells to the tables.
CELLS_IN_ALT_TEXT = 9
MANY_CLASSES = 20  # with more, the worst ones are listed first
LISTED = 15
WORST = 9  # the default number of `Evaluation.top_losses` and `plot_top_losses`


def percent(share: float) -> str:
    """Formats a fraction in a section in percent with one decimal; a dash if it is undefined."""
    return "-" if math.isnan(share) else f"{100 * share:.1f}%"


def percent_interval(ends: tuple[float, float]) -> str:
    """Formats an interval of a fraction in a section in percent."""
    return "-" if math.isnan(ends[0]) else f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f}%"


def data_section(counts: Mapping[str, Mapping[str, int]]) -> Section:
    """Section on the number of images of each class and split."""
    names = list(dict.fromkeys(name for split in counts.values() for name in split))
    rows = [(name, *(f"{split.get(name, 0):,}" for split in counts.values())) for name in names]
    totals = ("all classes", *(f"{sum(split.values()):,}" for split in counts.values()))
    table = Table("Images by class and split", ("class", *counts), [*rows, totals])
    return Section("Data and split", tables=[table])


def curves_section(histories: Mapping[str, Any]) -> Section:
    """Section on the learning curves."""
    figures = []
    for name, history in histories.items():
        log = getattr(history, "history", history)
        last = ", ".join(
            f"{metric} {values[-1]:.3f}" for metric, values in log.items() if len(values)
        )
        figures.append(
            embed_figure(
                plot_history(history),
                f"Accuracy and loss of {name} over the epochs. In the last epoch: {last}.",
                f"{name}: a validation loss that rises while the training loss falls is "
                "overfitting.",
            )
        )
    return Section("Training", figures=figures)


def errors_section(evaluations: Mapping[str, Evaluation]) -> Section:
    """Section on the confusion matrix and the precision, recall and F1 score of each class."""
    scored = ("precision", "recall", "F1")
    header = ("class", "images", *(part for name in scored for part in (name, "95% interval")))
    tables = []
    figures = []
    for name, each in evaluations.items():
        rows: list[tuple[str, ...]] = [
            (
                scores.class_name,
                f"{scores.num_images:,}",
                percent(scores.precision),
                percent_interval(scores.precision_interval),
                percent(scores.recall),
                percent_interval(scores.recall_interval),
                percent(scores.f1),
                percent_interval(scores.f1_interval),
            )
            for scores in each.class_metrics
        ]
        if len(rows) > MANY_CLASSES:
            tables += [
                _confused_pairs_table(name, each),
                _lowest_f1_table(name, each, header, rows),
            ]
        rows.append(_macro_average_row(each))
        tables.append(Table(f"{name}: each class against the rest", header, rows))
        figures.append(
            embed_figure(
                plot_confusion_matrix(each.confusion_matrix, each.class_names),
                _confusion_alt_text(name, each),
                f"{name}: true classes by row, predicted ones by column.",
            )
        )
    text = [
        "Precision: the fraction of the images predicted as a class that belong to it. Recall: the "
        "fraction of the images of a class that are predicted as it. F1 is their harmonic mean. In "
        "the macro average all classes have the same weight, however many images they have."
    ]
    counts = next(iter(evaluations.values())).counts
    missing = [name for name, number in counts.items() if not number]
    if missing:
        text.append(
            f"There are no images of {counted(len(missing), 'class', 'classes')}: "
            f"{_list_first_names(missing)}. The macro averages leave undefined scores out."
        )
    return Section("Confusion matrix", text, tables, figures)


def _macro_average_row(evaluation: Evaluation) -> tuple[str, ...]:
    """Returns the last row of the table of the classes in the section of a model."""
    average = evaluation.macro_average
    return (
        "macro average",
        f"{len(evaluation):,}",
        percent(average.precision),
        "",
        percent(average.recall),
        percent_interval(evaluation.balanced_accuracy_interval),
        percent(average.f1),
        "",
    )


def _list_first_names(names: Sequence[str]) -> str:
    """Lists the first class names in a sentence of a section, with the number of others."""
    further = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {further:,} more" if further > 0 else "")


def _confused_pairs_table(name: str, evaluation: Evaluation) -> Table:
    """Returns the table of the most frequent confusions in the section of a model."""
    errors = evaluation.confusion_matrix
    totals = errors.sum(axis=1)
    np.fill_diagonal(errors, 0)
    order = np.argsort(-errors, axis=None, kind="stable")[:LISTED]
    rows = [
        (
            evaluation.class_names[true],
            evaluation.class_names[predicted],
            f"{errors[true, predicted]:,}",
            percent(errors[true, predicted] / totals[true]),
        )
        for true, predicted in zip(*np.unravel_index(order, errors.shape), strict=True)
        if errors[true, predicted]
    ]
    header = ("true class", "predicted class", "images", "fraction of the true class")
    return Table(f"{name}: most frequent confusions", header, rows, texts=2)


def _lowest_f1_table(
    name: str, evaluation: Evaluation, header: Sequence[str], rows: Sequence[Sequence[str]]
) -> Table:
    """Returns the table of the classes with the lowest F1 scores in the section of a model."""
    scores = [each.f1 for each in evaluation.class_metrics]
    order = np.argsort(scores, kind="stable")[:LISTED]  # NaN, of classes without images, is last
    caption = f"{name}: the {LISTED} lowest F1 scores of {len(rows)} classes"
    return Table(caption, header, [rows[place] for place in order])


def reliability_section(evaluations: Mapping[str, Evaluation]) -> Section:
    """Section on calibration, with reliability diagrams."""
    figures = [
        embed_figure(
            plot_reliability(each.reliability_bins),
            f"How often {name} is right over how sure it is: {_list_reliability_bins(each)}.",
            f"{name}: calibration error {each.calibration_error:.3f}, log loss "
            f"{each.log_loss:.3f} nats.",
        )
        for name, each in evaluations.items()
    ]
    text = [
        "Below the diagonal the model is overconfident. If an interval includes the diagonal, the "
        "difference is not significant."
    ]
    return Section("Calibration", text, figures=figures)


def highest_losses_section(
    evaluations: Mapping[str, Evaluation], drawings: Mapping[str, Any]
) -> Section:
    """Section on the images with the highest loss."""
    header = ("image", "true class", "predicted class", "probability", "loss")
    worst = {name: each.top_losses(WORST) for name, each in evaluations.items()}
    common = _common_folder([loss for losses in worst.values() for loss in losses])
    tables = []
    figures = []
    for name, losses in worst.items():
        rows = [
            (
                f"{place}. {_path_below(common, loss)}",
                loss.true_class,
                loss.predicted_class + (", correct" if loss.correct else ""),
                percent(loss.probability),
                f"{loss.loss:.2f}",
            )
            for place, loss in enumerate(losses, 1)
        ]
        tables.append(Table(f"{name}: highest losses", header, rows, texts=3))
        if name in drawings:
            figures.append(
                embed_figure(
                    drawings[name],
                    f"The images with the highest losses of {name}, numbered as in the table "
                    "above; a heat map next to an image marks the regions that support the "
                    "predicted class.",
                    f"{name}: the images by their numbers in the table. A heat map next to an "
                    "image shows the evidence for the predicted class; bright regions support "
                    "it.",
                    photographs=True,
                )
            )
    text = [
        "Sorted by loss: the images whose true class received the lowest probability. Check them "
        "for wrong labels first."
    ]
    return Section("Highest losses", text, tables, figures)


def repeat_section(metadata: Mapping[str, Mapping[str, Any]]) -> Section:
    """Section for reproducing the result: one table of name-value pairs per group."""
    tables = [
        Table(group, (), [(str(name), str(value)) for name, value in pairs.items()], texts=2)
        for group, pairs in metadata.items()
    ]
    return Section("Reproducibility", tables=tables)


def _confusion_alt_text(name: str, evaluation: Evaluation) -> str:
    """Returns the alternative text of a section's confusion matrix, with its cells if few."""
    matrix, names = evaluation.confusion_matrix, evaluation.class_names
    summary = f"Confusion matrix of {name}: {evaluation.correct} of {len(evaluation)} correct."
    if matrix.size > CELLS_IN_ALT_TEXT:
        return summary
    cells = (
        f"{matrix[row, column]} {true} "
        + ("classified correctly" if row == column else f"misclassified as {predicted}")
        for row, true in enumerate(names)
        for column, predicted in enumerate(names)
    )
    return f"{summary} {', '.join(cells)}."


def _list_reliability_bins(evaluation: Evaluation) -> str:
    """Lists the accuracy at each confidence for the alternative text of a section's diagram."""
    return "; ".join(
        f"{percent(each.accuracy)} of {each.num_images} images at {percent(each.confidence)}"
        for each in evaluation.reliability_bins
    )


def _common_folder(losses: Sequence[ExampleLoss]) -> str:
    """Returns the folder above all files in a section, which leaves it out of their paths."""
    folders = [os.path.dirname(loss.file) for loss in losses if loss.file is not None]  # noqa: PTH120
    try:
        common = os.path.commonpath(folders)
    except ValueError:  # no folders, a mixture of absolute and relative ones, or several drives
        return ""
    return common if os.path.isabs(common) else ""  # noqa: PTH117


def _path_below(common: str, loss: ExampleLoss) -> str:
    """Returns the path of an image in a section below a common folder, or else its number."""
    if loss.file is None:
        return f"image {loss.index}"
    return os.path.relpath(loss.file, common) if common else loss.file
