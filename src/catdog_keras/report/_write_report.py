"""Report on one or several evaluations as an HTML page."""

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from catdog_keras._checks import check_choice, check_integer, describe
from catdog_keras._html_page import Page, Section, check_page_path, render_page, save_page
from catdog_keras._suggestions import suggests_arguments, suggests_init_arguments
from catdog_keras.evaluation import Evaluation
from catdog_keras.evaluation._baseline import describe_against_baseline
from catdog_keras.evaluation._compare import check_same_images
from catdog_keras.report import _sections as sections
from catdog_keras.report._argument_names import MODEL_REPORT_NAMES, REPORT_NAMES
from catdog_keras.report._class_curves import precision_recall_section, roc_section
from catdog_keras.report._environment import describe_environment
from catdog_keras.report._side_by_side import models_section

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure


@suggests_init_arguments(MODEL_REPORT_NAMES)
@dataclass(frozen=True)
class ModelReport:
    """What a report shows of one model.

    Attributes:
        name: Name of the model in the report.
        evaluation: Its `Evaluation`.
        history: Return value of `fit`, or its dict, for the learning curves; None for no curves.
        top_losses_figure: Matplotlib figure of the images with the highest loss, in the order of
            `Evaluation.top_losses`, as drawn by `plot_top_losses` or `plot_grad_cam`; None for no
            figure.

    Example:
        >>> import catdog_keras
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], [0, 1], [[0.9, 0.1], [0.4, 0.6]])
        >>> catdog_keras.ModelReport("small network", evaluation).history is None
        True
    """

    name: str
    evaluation: Evaluation
    history: keras.callbacks.History | Mapping[str, Sequence[float]] | None = None
    top_losses_figure: "Figure | SubFigure | None" = None

    def __post_init__(self) -> None:
        """Checks the types of the name, of the evaluation and of the figure."""
        if not isinstance(self.name, str):
            raise TypeError(describe("name", "a string", self.name))
        if not isinstance(self.evaluation, Evaluation):
            raise TypeError(describe("evaluation", "an Evaluation", self.evaluation))
        figure = self.top_losses_figure
        if figure is not None and not hasattr(getattr(figure, "figure", None), "savefig"):
            raise TypeError(describe("top_losses_figure", "a matplotlib Figure or None", figure))


@suggests_arguments(REPORT_NAMES)
def write_report(
    path: str | os.PathLike[str],
    models: Evaluation | Mapping[str, Evaluation] | ModelReport | Sequence[ModelReport],
    *,
    title: str = "Evaluation",
    counts: Mapping[str, Mapping[str, int]] | None = None,
    metadata: Mapping[str, Mapping[str, Any]] | None = None,
    highlight: str | None = None,
    note: str = "",
) -> Path:
    """Writes an evaluation report: one self-contained HTML page on one or several models.

    Figures are embedded in the page, which contains no scripts and sends no network requests. File
    and class names are escaped. Sections without data are left out; software versions and hardware
    of the machine that writes the report are always included. With more than 20 classes, the most
    frequent confusions and the classes with the lowest F1 scores are listed before the table of all
    classes, which scrolls if it is longer than 40 rows.

    Args:
        path: File to write, which ends in `.html`, or a folder in which `report.html` is written.
            An existing file is replaced when the new one is complete.
        models: An `Evaluation`, or the evaluation of each model by name; to add learning curves
            and figures, a `ModelReport` or a list of them with different names. All evaluations are
            of the same images.
        title: Heading of the page.
        counts: Number of images of each class, by split, as in `ImageSplits.counts`.
        metadata: Groups of name-value pairs that are necessary to reproduce the result: source of
            the images, seeds, settings.
        highlight: With several models, the name of the one whose metrics are shown first: the model
            selected on validation images. With None no model is selected, because selecting the
            most accurate one on these images would give an optimistic estimate.
        note: Sentence shown before all metrics, for example that the model was trained on these
            images.

    Returns:
        The path of the file.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If there are no models, two of them have the same name, the evaluations are not
            of the same images, no model is named `highlight`, or `path` has another ending.
        OSError: If the file cannot be written.

    See Also:
        `evaluate_classifier`: computes the evaluation to report.
        `plot_top_losses`: the images with the highest losses alone.

    Example:
        >>> import catdog_keras, tempfile
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], [0, 1], [[0.9, 0.1], [0.4, 0.6]])
        >>> page = catdog_keras.write_report(tempfile.mkdtemp(), evaluation)
        >>> page.name
        'report.html'
        >>> "Confusion matrix" in page.read_text("utf-8")
        True

        With learning curves:

        >>> history = {"loss": [0.7, 0.5], "val_loss": [0.7, 0.6]}
        >>> model = catdog_keras.ModelReport("small network", evaluation, history)
        >>> page = catdog_keras.write_report(page, model, title="Cats and dogs")
    """
    order = "The path is the first argument, the evaluation the second."
    check_page_path(path, remedy=order)
    models = _check_model_reports(models)
    for name, text in (("title", title), ("note", note)):
        if not isinstance(text, str):
            raise TypeError(describe(name, "a string", text))
    counts = _check_dict_of_dicts("counts", counts, "the number of images of each class, by split")
    for split, numbers in counts.items():
        for class_name, number in numbers.items():
            check_integer(f"counts[{split!r}][{class_name!r}]", number, minimum=0)
    metadata = _check_dict_of_dicts("metadata", metadata, "groups of name-value pairs")
    evaluations = {model.name: model.evaluation for model in models}
    histories = {model.name: model.history for model in models if model.history is not None}
    figures = {
        model.name: model.top_losses_figure
        for model in models
        if model.top_losses_figure is not None
    }
    if highlight is not None:
        check_choice("highlight", highlight, list(evaluations))
    with warnings.catch_warnings():
        # Figures show boxes for characters that the font does not have; the tables show the full
        # names.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        parts = _page_sections(evaluations, counts, histories, figures, highlight)
    parts.append(sections.repeat_section({**metadata, "Environment": describe_environment()}))
    page = Page(
        title, note, _summary_cards(evaluations, highlight), parts, "Written by catdog-keras."
    )
    return save_page(path, render_page(page))


def _page_sections(
    evaluations: Mapping[str, Evaluation],
    counts: Mapping[str, Mapping[str, int]],
    histories: Mapping[str, Any],
    figures: Mapping[str, Any],
    highlight: str | None,
) -> list[Section]:
    """Returns the sections to write except the last, without those that have no data."""
    parts: list[Section] = []
    if len(evaluations) > 1:
        parts.append(models_section(evaluations, highlight))
    if counts:
        parts.append(sections.data_section(counts))
    if histories:
        parts.append(sections.curves_section(histories))
    parts.append(sections.errors_section(evaluations))
    parts.append(sections.reliability_section(evaluations))
    if len(next(iter(evaluations.values())).class_names) > 1:
        parts.append(roc_section(evaluations))
        parts.append(precision_recall_section(evaluations))
    parts.append(sections.highest_losses_section(evaluations, figures))
    return parts


def _check_dict_of_dicts(
    name: str, groups: Any, requirement: str
) -> Mapping[str, Mapping[str, Any]]:
    """Returns a mapping of mappings to write in the report, empty for None; else raises."""
    groups = {} if groups is None else groups
    if not isinstance(groups, Mapping) or not all(
        isinstance(group, Mapping) for group in groups.values()
    ):
        raise TypeError(describe(name, f"a dict of dicts, {requirement}, or None", groups))
    return groups


def _check_model_reports(models: Any) -> list[ModelReport]:
    """Returns the models as a list; raises an error if they cannot be compared."""
    requirement = "an Evaluation, a dict of them, a ModelReport, or a list with different names"
    if isinstance(models, ModelReport):
        return [models]
    if isinstance(models, Evaluation):
        return [ModelReport("model", models)]
    if isinstance(models, Mapping):
        models = [ModelReport(name, evaluation) for name, evaluation in models.items()]
    if not isinstance(models, (list, tuple)) or not all(
        isinstance(model, ModelReport) for model in models
    ):
        remedy = ""
        if isinstance(models, (list, tuple)) and any(isinstance(m, Evaluation) for m in models):
            remedy = 'Pass a dict of them by name: {"first": evaluation, "second": other}.'
        raise TypeError(describe("models", requirement, models, remedy))
    names = [model.name for model in models]
    if not names or len(set(names)) < len(names):
        raise ValueError(describe("models", requirement, names))
    for index, model in enumerate(models):
        places = ("models[0].evaluation", f"models[{index}].evaluation")
        check_same_images(models[0].evaluation, model.evaluation, places)
    return list(models)


def _summary_cards(
    evaluations: Mapping[str, Evaluation], highlight: str | None
) -> list[tuple[str, str, str]]:
    """Returns the key figures written first: of one model, or the accuracy range of several."""
    first = next(iter(evaluations.values()))
    several = len(evaluations) > 1
    shown = first if not several else evaluations.get(highlight or "")
    cards = []
    if several:
        accuracies = [each.accuracy for each in evaluations.values()]
        extremes = f"{sections.percent(min(accuracies))} to {sections.percent(max(accuracies))}"
        cards.append(("Models", f"{len(evaluations)}", f"accuracies from {extremes}"))
    if shown is not None:
        ends = f"95% interval {sections.percent_interval(shown.accuracy_interval)}"
        if several:
            ends += "; the model selected on validation images"
        name = f"Accuracy, {highlight}" if several else "Accuracy"
        cards.append((name, sections.percent(shown.accuracy), ends))
        ends = f"95% interval {sections.percent_interval(shown.balanced_accuracy_interval)}"
        balanced = sections.percent(shown.balanced_accuracy)
        cards.append(("Balanced accuracy", balanced, f"{ends}; mean recall of the classes"))
    versus = first.baseline_comparison
    verdict = "" if shown is None else f"; {describe_against_baseline(shown.baseline_comparison)}"
    of_these = f"{versus.names[1]}, of these images{verdict}"
    cards.append(("Baseline", sections.percent(first.baseline), of_these))
    right = f"{shown.correct:,} correct, in" if shown is not None else "in"
    cards.append(("Images", f"{len(first):,}", f"{right} {len(first.class_names)} classes"))
    if shown is not None:
        explanation = f"0 if confidence equals accuracy; log loss {shown.log_loss:.3f}"
        cards.append(("Calibration error", f"{shown.calibration_error:.3f}", explanation))
    return cards
