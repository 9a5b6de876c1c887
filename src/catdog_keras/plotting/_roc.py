"""ROC curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt

from catdog_keras._suggestions import suggests_arguments
from catdog_keras.plotting._argument_names import PLOT_NAMES
from catdog_keras.plotting._class_curves import (
    ClassCurve,
    CurveLine,
    draw_class_curves,
    read_curves,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST_AREA = 0.6  # below it a curve can run through the corner of the legend
_ATTRIBUTES = (
    "class_name",
    "positives",
    "negatives",
    "true_positive_rate",
    "false_positive_rate",
    "auc",
    "auc_interval",
)


class RocCurveLike(ClassCurve, Protocol):
    """Attributes of an ROC curve that are plotted; see `RocCurve`."""

    @property
    def true_positive_rate(self) -> npt.NDArray[Any]: ...
    @property
    def false_positive_rate(self) -> npt.NDArray[Any]: ...
    @property
    def auc(self) -> float: ...
    @property
    def auc_interval(self) -> tuple[float, float]: ...


class HasRocCurves(Protocol):
    """What is plotted of an evaluation; see `Evaluation`."""

    @property
    def roc_curves(self) -> Sequence[RocCurveLike]: ...


@suggests_arguments(PLOT_NAMES)
def plot_roc(
    curves: HasRocCurves | Mapping[str, HasRocCurves] | Sequence[HasRocCurves | RocCurveLike],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Plots ROC curves; the legend shows their areas (AUC) with 95% intervals and image counts.

    The false positive rate is the fraction of images of all other classes that are predicted as the
    class, the true positive rate the fraction of the images of the class. With more than four
    curves, the three with the smallest areas are named and the others are thin gray lines. The
    legend is in the lower right corner, which is free as long as the curves are better than a
    random guess.

    Args:
        curves: An `Evaluation`, or records like those of `Evaluation.roc_curves`, at least one. The
            curve of a class without images, or without images of other classes, cannot be drawn;
            the legend reports it. Or the evaluation of each model by name, all of the same two
            classes, of which the curves of the second class are drawn; those of a list are named
            "a", "b", ... as by `compare`.
        ax: Matplotlib axes to draw into, or None for a new figure.

    Returns:
        The axes, neither shown nor closed; their figure is `.figure`.

    Raises:
        TypeError: If `curves` has another type.
        ValueError: If `curves` is empty, or there are several evaluations that are not of the same
            two classes.

    See Also:
        `plot_precision_recall`: shows more if a class is rare.

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 1, 1], rows)
        >>> catdog_keras.plot_roc(evaluation).get_title()
        'ROC curve of dog'

        Of two models:

        >>> poor = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 1, 1], rows[::-1])
        >>> catdog_keras.plot_roc({"new": evaluation, "old": poor}).get_title()
        'ROC curves of 2 models for dog'
    """
    from catdog_keras.plotting import _axes_and_text, _legends

    requirement = "an Evaluation or a list of ROC curves"
    read = read_curves(curves, "roc_curves", requirement, _ATTRIBUTES, "plot_roc")
    records = read.records
    ax = _axes_and_text.take_axes(ax, (5.5, 5.5))
    ax.set_aspect("equal")
    draw_class_curves(ax, read, _roc_line, "AUC")
    ink = ax.xaxis.label.get_color()  # visible on the user's background, even if dark
    ax.plot([0, 1], [0, 1], color=ink, linewidth=0.8, alpha=0.6, label="AUC 0.500: random guessing")
    ax.set_xlim(-0.01, 1.01)
    ax.set_ylim(-0.01, 1.01)
    _axes_and_text.write_labels(ax, "false positive rate", "true positive rate")
    worse = any(curve.auc < LEAST_AREA for curve in records)
    _legends.draw_legend_inside(ax, (0.72, 0.5), "best" if worse else "lower right")
    title = f"ROC curve of {records[0].class_name}"
    if len(records) > 1:
        title = f"ROC curves of {len(records)} classes, each against the rest"
    if read.of_models:
        title = f"ROC curves of {len(records)} models for {records[0].class_name}"
    _axes_and_text.write_title(ax, title)
    return ax


def _roc_line(curve: RocCurveLike) -> CurveLine:
    """Returns the line of an ROC curve, for `draw_class_curves`."""
    return CurveLine(
        curve.false_positive_rate, curve.true_positive_rate, curve.auc, curve.auc_interval
    )
