"""ROC curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt

from catdog_keras.plotting._records import check_records

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More curves cannot be distinguished: then at most this many entries are in the legend.
MOST_NAMED = 4
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


class Curve(Protocol):
    """Attributes of an ROC curve that are plotted; see `RocCurve`."""

    @property
    def class_name(self) -> str: ...
    @property
    def positives(self) -> int: ...
    @property
    def negatives(self) -> int: ...
    @property
    def true_positive_rate(self) -> npt.NDArray[Any]: ...
    @property
    def false_positive_rate(self) -> npt.NDArray[Any]: ...
    @property
    def auc(self) -> float: ...
    @property
    def auc_interval(self) -> tuple[float, float]: ...


def plot_roc(curves: Sequence[Curve], *, ax: Axes | None = None) -> Axes:
    """Plots ROC curves; the legend shows their areas (AUC) with 95% intervals and image counts.

    The false positive rate is the fraction of images of all other classes that are predicted as the
    class, the true positive rate the fraction of its own images. With more than four curves, the
    three with the smallest areas are named and the others are thin gray lines. The legend is in the
    lower right corner, which is free as long as the curves are better than a random guess.

    Args:
        curves: Records like those of `Evaluation.roc_curves`, at least one. The curve of a class
            without images, or without images of other classes, cannot be drawn; the legend reports
            it.
        ax: Matplotlib axes to draw into, or None for a new figure.

    Returns:
        The axes, neither shown nor closed; their figure is `.figure`.

    Raises:
        TypeError: If `curves` is not a list of such records.
        ValueError: If `curves` is empty.

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 1, 1], rows)
        >>> catdog_keras.plot_roc(evaluation.roc_curves).get_title()
        'ROC curve of dog'
    """
    from catdog_keras.plotting import _canvas, _legends

    check_records("curves", curves, "a list of ROC curves", _ATTRIBUTES)
    ax = _canvas.take_axes(ax, (5.5, 5.5))
    ax.set_aspect("equal")
    named, crowd = _choose(curves)
    _draw_named(ax, named)
    _draw_crowd(ax, crowd)
    unnamed = len(curves) - len(named) - len(crowd)
    if unnamed:
        ax.plot([], [], " ", label=f"no AUC: {unnamed} classes")
    ink = ax.xaxis.label.get_color()  # visible on the user's background, even if dark
    ax.plot([0, 1], [0, 1], color=ink, linewidth=0.8, alpha=0.6, label="AUC 0.500: random guessing")
    ax.set_xlim(-0.01, 1.01)
    ax.set_ylim(-0.01, 1.01)
    _canvas.write_labels(ax, "false positive rate", "true positive rate")
    worse = any(curve.auc < LEAST_AREA for curve in curves)
    _legends.draw_legend_inside(ax, (0.72, 0.5), "best" if worse else "lower right")
    title = f"ROC curve of {curves[0].class_name}"
    if len(curves) > 1:
        title = f"ROC curves of {len(curves)} classes, each against the rest"
    _canvas.write_title(ax, title)
    return ax


def _choose(curves: Sequence[Curve]) -> tuple[list[Curve], list[Curve]]:
    """Returns the curves to name in the legend, and the others in ascending order of area."""
    if len(curves) <= MOST_NAMED:
        return list(curves), []
    defined = [curve for curve in curves if not math.isnan(curve.auc)]
    rising = sorted(defined, key=lambda curve: curve.auc)
    return rising[: MOST_NAMED - 1], rising[MOST_NAMED - 1 :]


def _draw_crowd(ax: Axes, crowd: Sequence[Curve]) -> None:
    if not crowd:
        return
    least, most = crowd[0].auc, crowd[-1].auc
    label = f"AUC {least:.3f} to {most:.3f}: {len(crowd)} others"
    for index, curve in enumerate(crowd):
        ax.plot(
            curve.false_positive_rate,
            curve.true_positive_rate,
            color="#888888",
            linewidth=0.7,
            label=label if index == 0 else None,
        )


def _draw_named(ax: Axes, named: Sequence[Curve]) -> None:
    from catdog_keras.plotting import _canvas

    colors = (_canvas.BLUE, _canvas.VERMILION, _canvas.GREEN, _canvas.ORANGE)
    dashes = ("-", "--", "-.", ":")
    for curve, color, dash in zip(named, colors, dashes, strict=False):
        # Put the area first: matplotlib hides labels that begin with an underscore, as a class name
        # can.
        area = "no AUC"
        if not math.isnan(curve.auc):
            low, high = curve.auc_interval
            area = f"AUC {curve.auc:.3f} ({low:.3f} to {high:.3f})"
        name = " ".join(curve.class_name.split())
        images = f"{curve.positives:,} of {curve.positives + curve.negatives:,} images"
        ax.plot(
            curve.false_positive_rate,
            curve.true_positive_rate,
            color=color,
            linestyle=dash,
            linewidth=2,
            zorder=3,
            label=f"{area}:\n{name}, {images}",
        )
