"""From evaluations to a page that another person can judge."""

import os
import warnings
from collections.abc import Mapping
from typing import Any

from catdog_keras._checks import check_choice, check_path, describe
from catdog_keras._output import save_text
from catdog_keras.evaluation import Evaluation
from catdog_keras.evaluation.pairing import check_same_pictures
from catdog_keras.evaluation.summary import tell_beside_baseline
from catdog_keras.report import sections
from catdog_keras.report.environment import describe_environment
from catdog_keras.report.page import Page, Section, render_page
from catdog_keras.report.side_by_side import models_section


def write_report(
    path: str | os.PathLike[str],
    evaluations: Mapping[str, Evaluation],
    *,
    title: str = "Evaluation",
    counts: Mapping[str, Mapping[str, int]] | None = None,
    histories: Mapping[str, Any] | None = None,
    worst_pictures: Mapping[str, Any] | None = None,
    facts: Mapping[str, Mapping[str, Any]] | None = None,
    chosen: str | None = None,
    remark: str = "",
) -> None:
    """Writes one HTML page on one model, or on several side by side.

    The page needs nothing beside it: figures lie inside, and there is no script and no request to
    any host. File and class names are shown as they are and never interpreted. What is not given
    is left out; the versions and the machine that it was written on are always there.

    Args:
        path: File to write; one that stands there is replaced when the new one is complete.
        evaluations: The `Evaluation` of each model by the model's name, all on the same pictures.
        title: The page's heading.
        counts: How many pictures of each class, by split, as in `ImageSplits.counts`.
        histories: By the model's name what `fit` returned, or its dict, for the curves.
        worst_pictures: By the model's name a matplotlib figure of the pictures that it was most
            wrong about, in the order of `Evaluation.top_losses`, as `plot_class_activation` draws.
        facts: Groups of name and value that someone else needs to repeat the result: where the
            pictures came from, seeds, settings.
        chosen: Of several models the one whose figures stand first: that which validation pictures
            chose. None names none: the most accurate one on these pictures is flattered by them.
        remark: A sentence above all figures, such as that the model was trained on these pictures.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If there is no evaluation, they are not of the same pictures, or none of them is
            that of the model `chosen`.
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
    if chosen is not None:
        check_choice("chosen", chosen, list(evaluations))
    with warnings.catch_warnings():
        # A name in letters that the font lacks is boxes in a figure; the tables have it whole.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        parts = _parts(evaluations, counts or {}, histories or {}, worst_pictures or {}, chosen)
    parts.append(sections.repeat_section({**(facts or {}), "Environment": describe_environment()}))
    page = Page(title, remark, _summary(evaluations, chosen), parts, "Written by catdog-keras.")
    save_text(file, render_page(page))


def _parts(
    evaluations: Mapping[str, Evaluation],
    counts: Mapping[str, Mapping[str, int]],
    histories: Mapping[str, Any],
    worst_pictures: Mapping[str, Any],
    chosen: str | None,
) -> list[Section]:
    parts: list[Section] = []
    if len(evaluations) > 1:
        parts.append(models_section(evaluations, chosen))
    if counts:
        parts.append(sections.data_section(counts))
    if histories:
        parts.append(sections.curves_section(histories))
    parts.append(sections.errors_section(evaluations))
    parts.append(sections.reliability_section(evaluations))
    if len(next(iter(evaluations.values())).class_names) > 1:
        parts.append(sections.roc_section(evaluations))
    parts.append(sections.worst_section(evaluations, worst_pictures))
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
        check_same_pictures(evaluations[first], each, places)


def _summary(
    evaluations: Mapping[str, Evaluation], chosen: str | None
) -> list[tuple[str, str, str]]:
    """The figures to be seen first: of one model, or how far several lie apart."""
    first = next(iter(evaluations.values()))
    several = len(evaluations) > 1
    shown = first if not several else evaluations.get(chosen or "")
    cards = []
    if several:
        accuracies = [each.accuracy for each in evaluations.values()]
        apart = f"{sections.percent(min(accuracies))} to {sections.percent(max(accuracies))}"
        cards.append(("Models", f"{len(evaluations)}", f"accuracies from {apart}"))
    if shown is not None:
        ends = f"95 % interval {sections.interval(shown.accuracy_interval)}"
        if several:
            ends += "; the model that validation chose"
        name = f"Accuracy, {chosen}" if several else "Accuracy"
        cards.append((name, sections.percent(shown.accuracy), ends))
    versus = first.baseline_comparison
    beside = "" if shown is None else f"; {tell_beside_baseline(shown.baseline_comparison)}"
    of_these = f"{versus.names[1]}, of these pictures{beside}"
    cards.append(("Baseline", sections.percent(first.baseline), of_these))
    right = f"{shown.correct:,} right, in" if shown is not None else "in"
    cards.append(("Pictures", f"{len(first):,}", f"{right} {len(first.class_names)} classes"))
    if shown is not None:
        told = f"0 where the model is right as often as it says; log loss {shown.log_loss:.3f}"
        cards.append(("Calibration error", f"{shown.calibration_error:.3f}", told))
    return cards
