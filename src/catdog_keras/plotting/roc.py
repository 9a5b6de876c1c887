"""What a classifier could do if its threshold were moved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt

from catdog_keras.plotting._records import check_records

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More curves than this cannot be told from each other: then these many and the crowd are named.
MOST_NAMED = 4
LEAST_AREA = 0.6  # below it a curve may run through the corner of the legend
_ATTRIBUTES = (
    "class_name",
    "positives",
    "negatives",
    "true_positive_rate",
    "false_positive_rate",
    "area",
    "area_interval",
)


class Curve(Protocol):
    """What is drawn of one class against the rest."""

    @property
    def class_name(self) -> str: ...  # noqa: D102
    @property
    def positives(self) -> int: ...  # noqa: D102
    @property
    def negatives(self) -> int: ...  # noqa: D102
    @property
    def true_positive_rate(self) -> npt.NDArray[Any]: ...  # noqa: D102
    @property
    def false_positive_rate(self) -> npt.NDArray[Any]: ...  # noqa: D102
    @property
    def area(self) -> float: ...  # noqa: D102
    @property
    def area_interval(self) -> tuple[float, float]: ...  # noqa: D102


def plot_roc(curves: Sequence[Curve], *, ax: Axes | None = None) -> Axes:
    """Draws ROC curves; the legend has their areas, with 95 % intervals, and how many pictures.

    The two rates are shares: of the pictures of all other classes, and of the class's own, that are
    taken for it. Of more than four curves, the three with the smallest areas are named and the
    others drawn thinly in grey. The legend stands in the corner below the curves, where there is
    room as long as they are better than a guess.

    Args:
        curves: records as of `Evaluation.roc_curves`, at least one; of a class without pictures,
            or without others beside it, no line can be drawn, and the legend says so.
        ax: matplotlib axes to draw into, or None for a new figure.

    Returns:
        The axes, neither shown nor closed; their figure is `.figure`.

    Raises:
        TypeError: if `curves` is no list of such records.
        ValueError: if it is empty.

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
        ax.plot([], [], " ", label=f"no area: {unnamed} classes")
    ink = ax.xaxis.label.get_color()  # seen on the user's background, be it dark
    ax.plot([0, 1], [0, 1], color=ink, linewidth=0.8, alpha=0.6, label="area 0.500: a guess")
    ax.set_xlim(-0.01, 1.01)
    ax.set_ylim(-0.01, 1.01)
    _canvas.write_labels(ax, "false positive rate", "true positive rate")
    worse = any(curve.area < LEAST_AREA for curve in curves)
    _legends.draw_legend_inside(ax, (0.72, 0.5), "best" if worse else "lower right")
    title = f"ROC curve of {curves[0].class_name}"
    if len(curves) > 1:
        title = f"ROC curves of {len(curves)} classes, each against the rest"
    _canvas.write_title(ax, title)
    return ax


def _choose(curves: Sequence[Curve]) -> tuple[list[Curve], list[Curve]]:
    """Returns the curves that are named and, by rising area, the crowd that is not."""
    if len(curves) <= MOST_NAMED:
        return list(curves), []
    defined = [curve for curve in curves if not math.isnan(curve.area)]
    rising = sorted(defined, key=lambda curve: curve.area)
    return rising[: MOST_NAMED - 1], rising[MOST_NAMED - 1 :]


def _draw_crowd(ax: Axes, crowd: Sequence[Curve]) -> None:
    if not crowd:
        return
    least, most = crowd[0].area, crowd[-1].area
    label = f"area {least:.3f} to {most:.3f}: {len(crowd)} others"
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
        # The area first: a label that begins with an underscore, as a name may, would be hidden.
        area = "no area"
        if not math.isnan(curve.area):
            low, high = curve.area_interval
            area = f"area {curve.area:.3f} ({low:.3f} to {high:.3f})"
        name = " ".join(curve.class_name.split())
        pictures = f"{curve.positives:,} of {curve.positives + curve.negatives:,} pictures"
        ax.plot(
            curve.false_positive_rate,
            curve.true_positive_rate,
            color=color,
            linestyle=dash,
            linewidth=2,
            zorder=3,
            label=f"{area}:\n{name}, {pictures}",
        )
