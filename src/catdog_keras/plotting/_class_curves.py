"""Curves of classes in one plot: the worst are named in the legend, the others are thin lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from catdog_keras._checks import describe_received
from catdog_keras.plotting._records import check_records, evaluations_in, records_of

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


class CurveLine(NamedTuple):
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


class PlottedCurves(NamedTuple):
    """The curves of one plot.

    Attributes:
        records: Records with the attributes of `ClassCurve`.
        names: Name of each curve in the legend: of its class, or of its model.
        of_models: Whether each curve is of one of several models, all of the same class.
    """

    records: Sequence[Any]
    names: Sequence[str]
    of_models: bool


def read_curves(
    value: Any, attribute: str, requirement: str, attributes: Sequence[str], function: str
) -> PlottedCurves:
    """Returns the curves of one evaluation, of several evaluations of two classes, or of a list.

    Args:
        value: The argument `curves`.
        attribute: Attribute of an evaluation that has its curves, in class order. Of two classes,
            the last one is the curve of the second class.
        requirement: What `value` must be, for error messages.
        attributes: Attributes of a curve.
        function: Name of the plot, for error messages.
    """
    evaluations = evaluations_in(value, attribute)
    if len(evaluations) > 1:
        curves = [getattr(each, attribute) for each in evaluations.values()]
        _check_two_classes(curves, function)
        records = check_records("curves", [each[-1] for each in curves], requirement, attributes)
        return PlottedCurves(records, list(evaluations), of_models=True)
    for each in evaluations.values():
        value = each
    records = check_records("curves", records_of(value, attribute), requirement, attributes)
    return PlottedCurves(records, [each.class_name for each in records], of_models=False)


def _check_two_classes(curves: Sequence[Sequence[ClassCurve]], function: str) -> None:
    """Raises unless the curves of several evaluations are all of the same second class."""
    remedy = f"Draw each evaluation into its own axes: `{function}(evaluation, ax=ax)`."
    most = max(map(len, curves))
    if most > 2:
        requirement = "one evaluation, or several of two classes"
        received = f"{len(curves)} evaluations of {most} classes"
        raise ValueError(describe_received("curves", requirement, received, remedy))
    classes = list(dict.fromkeys(each[-1].class_name for each in curves))
    if len(classes) > 1:
        requirement = "evaluations with the same second class"
        received = f"second classes {', '.join(map(repr, classes))}"
        raise ValueError(describe_received("curves", requirement, received, remedy))


def draw_class_curves(
    ax: Axes, curves: PlottedCurves, line_of: Callable[[Any], CurveLine], area_name: str
) -> None:
    """Draws the curves, and labels them for the legend.

    Args:
        ax: Axes to draw into.
        curves: The curves.
        line_of: Returns what is drawn of a curve.
        area_name: Name of the area under a curve in the legend.
    """
    records = curves.records
    lines = [line_of(curve) for curve in records]
    named, others = _choose_named_curves([line.area for line in lines])
    _draw_named_curves(ax, [(curves.names[n], records[n], lines[n]) for n in named], area_name)
    _draw_other_curves(ax, [lines[n] for n in others], area_name)
    undefined = len(records) - len(named) - len(others)
    if undefined:
        kind = "models" if curves.of_models else "classes"
        ax.plot([], [], " ", label=f"no {area_name}: {undefined} {kind}")


def _choose_named_curves(areas: Sequence[float]) -> tuple[list[int], list[int]]:
    """Returns the curves to name in the legend, and the others in ascending order of area."""
    if len(areas) <= MOST_NAMED:
        return list(range(len(areas))), []
    rising = sorted(
        (n for n, area in enumerate(areas) if not math.isnan(area)), key=areas.__getitem__
    )
    return rising[: MOST_NAMED - 1], rising[MOST_NAMED - 1 :]


def _draw_named_curves(
    ax: Axes, named: Sequence[tuple[str, ClassCurve, CurveLine]], area_name: str
) -> None:
    """Draws the thick colored curves, each with a legend entry: area, name and images."""
    from catdog_keras.plotting import _axes_and_text

    colors = (
        _axes_and_text.BLUE,
        _axes_and_text.VERMILION,
        _axes_and_text.GREEN,
        _axes_and_text.ORANGE,
    )
    dashes = ("-", "--", "-.", ":")
    for (name, curve, line), color, dash in zip(named, colors, dashes, strict=False):
        # Put the area first: matplotlib hides labels that begin with an underscore, as a class name
        # can.
        area = f"no {area_name}"
        if not math.isnan(line.area):
            area = "{} {:.3f} ({:.3f} to {:.3f})".format(area_name, line.area, *line.interval)
        name = " ".join(name.split())
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


def _draw_other_curves(ax: Axes, lines: Sequence[CurveLine], area_name: str) -> None:
    """Draws the other classes as thin gray curves with one legend entry for all."""
    if not lines:
        return
    least, most = lines[0].area, lines[-1].area
    label = f"{area_name} {least:.3f} to {most:.3f}: {len(lines)} others"
    for line in lines:
        ax.plot(line.x, line.y, color="#888888", linewidth=0.7, label=label)
        label = ""  # one entry of the legend for all
