"""Report on one or several evaluations as an HTML page."""

import os
import warnings
from collections.abc import Mapping
from typing import Any

from catdog_keras._checks import check_choice, check_path, describe
from catdog_keras._output import save_text
from catdog_keras.evaluation import Evaluation
from catdog_keras.evaluation._compare import check_same_images
from catdog_keras.evaluation._mcnemar import describe_against_baseline
from catdog_keras.report import _sections as sections
from catdog_keras.report._environment import describe_environment
from catdog_keras.report._page import Page, Section, render_page
from catdog_keras.report._side_by_side import models_section


def write_report(
    path: str | os.PathLike[str],
    evaluations: Mapping[str, Evaluation],
    *,
    title: str = "Evaluation",
    counts: Mapping[str, Mapping[str, int]] | None = None,
    histories: Mapping[str, Any] | None = None,
    top_loss_figures: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Mapping[str, Any]] | None = None,
    highlight: str | None = None,
    note: str = "",
) -> None:
    """Writes an evaluation report: one self-contained HTML page on one or several models.

    Figures are embedded in the page, which contains no scripts and sends no network requests. File
    and class names are escaped. Sections without data are left out; software versions and hardware
    of the machine that writes the report are always included.

    Args:
        path: File to write; an existing file is replaced when the new one is complete.
        evaluations: `Evaluation` of each model by the model's name, all on the same images.
        title: Heading of the page.
        counts: Number of images of each class, by split, as in `ImageSplits.counts`.
        histories: Return value of `fit`, or its dict, by the model's name, for the learning curves.
        top_loss_figures: Matplotlib figure of the images with the highest loss, by the model's
            name, in the order of `Evaluation.top_losses`, as drawn by `plot_grad_cam`.
        metadata: Groups of name-value pairs that are necessary to reproduce the result: source of
            the images, seeds, settings.
        highlight: With several models, the name of the one whose metrics are shown first: the model
            selected on validation images. With None no model is selected, because selecting the
            most accurate one on these images would give an optimistic estimate.
        note: Sentence shown before all metrics, for example that the model was trained on these
            images.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If there is no evaluation, the evaluations are not of the same images, or none
            of them is of the model `highlight`.
        OSError: If the file cannot be written.

    Example:
        >>> import catdog_keras, pathlib, tempfile
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], [0, 1], [[0.9, 0.1], [0.4, 0.6]])
        >>> page = pathlib.Path(tempfile.mkdtemp()) / "report.html"
        >>> catdog_keras.write_report(page, {"small network": evaluation})
        >>> "small network" in page.read_text("utf-8")
        True
    """
    file = check_path("path", path)
    _check_evaluations(evaluations)
    if highlight is not None:
        check_choice("highlight", highlight, list(evaluations))
    with warnings.catch_warnings():
        # Figures show boxes for characters that the font does not have; the tables show the full
        # names.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        parts = _parts(
            evaluations, counts or {}, histories or {}, top_loss_figures or {}, highlight
        )
    parts.append(
        sections.repeat_section({**(metadata or {}), "Environment": describe_environment()})
    )
    page = Page(title, note, _summary(evaluations, highlight), parts, "Written by catdog-keras.")
    save_text(file, render_page(page))


def _parts(
    evaluations: Mapping[str, Evaluation],
    counts: Mapping[str, Mapping[str, int]],
    histories: Mapping[str, Any],
    top_loss_figures: Mapping[str, Any],
    highlight: str | None,
) -> list[Section]:
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
        parts.append(sections.roc_section(evaluations))
    parts.append(sections.worst_section(evaluations, top_loss_figures))
    return parts


def _check_evaluations(evaluations: Any) -> None:
    requirement = "a dict of `Evaluation` by the name of the model"
    if not isinstance(evaluations, Mapping) or not all(
        isinstance(name, str) and isinstance(each, Evaluation) for name, each in evaluations.items()
    ):
        raise TypeError(describe("evaluations", requirement, evaluations))
    if not evaluations:
        raise ValueError(describe("evaluations", requirement, evaluations))
    first = next(iter(evaluations))
    for name, each in evaluations.items():
        places = (f"evaluations[{first!r}]", f"evaluations[{name!r}]")
        check_same_images(evaluations[first], each, places)


def _summary(
    evaluations: Mapping[str, Evaluation], highlight: str | None
) -> list[tuple[str, str, str]]:
    """Returns the key figures shown first: of one model, or the accuracy range of several."""
    first = next(iter(evaluations.values()))
    several = len(evaluations) > 1
    shown = first if not several else evaluations.get(highlight or "")
    cards = []
    if several:
        accuracies = [each.accuracy for each in evaluations.values()]
        extremes = f"{sections.percent(min(accuracies))} to {sections.percent(max(accuracies))}"
        cards.append(("Models", f"{len(evaluations)}", f"accuracies from {extremes}"))
    if shown is not None:
        ends = f"95 % interval {sections.interval(shown.accuracy_interval)}"
        if several:
            ends += "; the model selected on validation images"
        name = f"Accuracy, {highlight}" if several else "Accuracy"
        cards.append((name, sections.percent(shown.accuracy), ends))
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
