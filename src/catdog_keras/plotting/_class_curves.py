"""Curves of classes in one plot: the worst are named in the legend, the others are thin lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More curves cannot be distinguished: then at most this many entries are in the legend.
MOST_NAMED = 4


class ClassCurve(Protocol):
    """Attributes of a curve that the legend shows."""

    @property
    def class_name(self) -> str: ...
    @property
    def positives(self) -> int: ...
    @property
    def negatives(self) -> int: ...


class Line(NamedTuple):
    """What is drawn of a curve.

    Attributes:
        x: Horizontal positions.
        y: Vertical positions.
        area: Area under the curve; NaN if it is undefined.
        interval: 95% confidence interval of the area; NaN likewise.
    """

    x: Any
    y: Any
    area: float
    interval: tuple[float, float]


def draw_class_curves(
    ax: Axes, curves: Sequence[Any], line_of: Callable[[Any], Line], area_name: str
) -> None:
    """Draws the curves, and labels them for the legend.

    Args:
        ax: Axes to draw into.
        curves: Records with the attributes of `ClassCurve`.
        line_of: Returns what is drawn of a curve.
        area_name: Name of the area under a curve in the legend.
    """
    lines = [line_of(curve) for curve in curves]
    named, others = _choose([line.area for line in lines])
    _draw_named(ax, [(curves[n], lines[n]) for n in named], area_name)
    _draw_others(ax, [lines[n] for n in others], area_name)
    undefined = len(curves) - len(named) - len(others)
    if undefined:
        ax.plot([], [], " ", label=f"no {area_name}: {undefined} classes")


def _choose(areas: Sequence[float]) -> tuple[list[int], list[int]]:
    """Returns the curves to name in the legend, and the others in ascending order of area."""
    if len(areas) <= MOST_NAMED:
        return list(range(len(areas))), []
    rising = sorted(
        (n for n, area in enumerate(areas) if not math.isnan(area)), key=areas.__getitem__
    )
    return rising[: MOST_NAMED - 1], rising[MOST_NAMED - 1 :]


def _draw_named(ax: Axes, named: Sequence[tuple[ClassCurve, Line]], area_name: str) -> None:
    from catdog_keras.plotting import _canvas

    colors = (_canvas.BLUE, _canvas.VERMILION, _canvas.GREEN, _canvas.ORANGE)
    dashes = ("-", "--", "-.", ":")
    for (curve, line), color, dash in zip(named, colors, dashes, strict=False):
        # Put the area first: matplotlib hides labels that begin with an underscore, as a class name
        # can.
        area = f"no {area_name}"
        if not math.isnan(line.area):
            area = "{} {:.3f} ({:.3f} to {:.3f})".format(area_name, line.area, *line.interval)
        name = " ".join(curve.class_name.split())
        images = f"{curve.positives:,} of {curve.positives + curve.negatives:,} images"
        ax.plot(
            line.x,
            line.y,
            color=color,
            linestyle=dash,
            linewidth=2,
            zorder=3,
            label=f"{area}:\n{name}, {images}",
        )


def _draw_others(ax: Axes, lines: Sequence[Line], area_name: str) -> None:
    if not lines:
        return
    least, most = lines[0].area, lines[-1].area
    label = f"{area_name} {least:.3f} to {most:.3f}: {len(lines)} others"
    for line in lines:
        ax.plot(line.x, line.y, color="#888888", linewidth=0.7, label=label)
        label = ""  # one entry of the legend for all
