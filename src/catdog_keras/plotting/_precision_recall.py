"""Precision-recall curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
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
    "precision",
    "recall",
    "average_precision",
    "average_precision_interval",
)


class PrecisionRecallCurveLike(ClassCurve, Protocol):
    """Attributes of a precision-recall curve that are plotted; see `PrecisionRecallCurve`."""

    @property
    def precision(self) -> npt.NDArray[Any]: ...
    @property
    def recall(self) -> npt.NDArray[Any]: ...
    @property
    def average_precision(self) -> float: ...
    @property
    def average_precision_interval(self) -> tuple[float, float]: ...


class HasPrecisionRecallCurves(Protocol):
    """What is plotted of an evaluation; see `Evaluation`."""

    @property
    def precision_recall_curves(self) -> Sequence[PrecisionRecallCurveLike]: ...


@suggests_arguments(PLOT_NAMES)
def plot_precision_recall(
    curves: HasPrecisionRecallCurves
    | Mapping[str, HasPrecisionRecallCurves]
    | Sequence[HasPrecisionRecallCurves | PrecisionRecallCurveLike],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Plots precision-recall curves; the legend shows their average precision (AP) with intervals.

    Recall is the fraction of images of the class that are found, precision the fraction of the
    found images that are of the class. With more than four curves, the three with the lowest
    average precision are named and the others are thin gray lines. The legend is in the lower left
    corner, which curves of a high average precision leave free.

    Args:
        curves: An `Evaluation`, or records like those of `Evaluation.precision_recall_curves`, at
            least one. The curve of a class without images cannot be drawn; the legend reports it.
            Or the evaluation of each model by name, all of the same two classes, of which the
            curves of the second class are drawn; those of a list are named "a", "b", ... as by
            `compare`.
        ax: Matplotlib axes to draw into, or None for a new figure.

    Returns:
        The axes, neither shown nor closed; their figure is `.figure`.

    Raises:
        TypeError: If `curves` has another type.
        ValueError: If `curves` is empty, or there are several evaluations that are not of the same
            two classes.

    See Also:
        `plot_roc`: ROC curves, which do not depend on how frequent a class is.

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 1, 1], rows)
        >>> catdog_keras.plot_precision_recall(evaluation).get_title()
        'Precision-recall curves of 2 classes'

        Of two models:

        >>> poor = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 1, 1], rows[::-1])
        >>> models = {"new": evaluation, "old": poor}
        >>> catdog_keras.plot_precision_recall(models).get_title()
        'Precision-recall curves of 2 models for dog'
    """
    from catdog_keras.plotting import _axes_and_text, _legends

    requirement = "an Evaluation or a list of precision-recall curves"
    read = read_curves(
        curves, "precision_recall_curves", requirement, _ATTRIBUTES, "plot_precision_recall"
    )
    records = read.records
    ax = _axes_and_text.take_axes(ax, (5.5, 5.5))
    ax.set_aspect("equal")
    draw_class_curves(ax, read, _precision_recall_line, "AP")
    ax.set_xlim(-0.01, 1.01)
    ax.set_ylim(-0.01, 1.01)
    _axes_and_text.write_labels(ax, "recall", "precision")
    worse = any(curve.average_precision < LEAST_AREA for curve in records)
    _legends.draw_legend_inside(ax, (0.72, 0.5), "best" if worse else "lower left")
    title = f"Precision-recall curve of {records[0].class_name}"
    if len(records) > 1:
        title = f"Precision-recall curves of {len(records)} classes"
    if read.of_models:
        title = f"Precision-recall curves of {len(records)} models for {records[0].class_name}"
    _axes_and_text.write_title(ax, title)
    return ax


def _precision_recall_line(curve: PrecisionRecallCurveLike) -> CurveLine:
    """Returns the steps whose area is the average precision, from a recall of 0 on."""
    recall = np.repeat(np.append(0.0, curve.recall), 2)[1:-1]
    precision = np.repeat(curve.precision, 2)
    return CurveLine(recall, precision, curve.average_precision, curve.average_precision_interval)
