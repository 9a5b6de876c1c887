"""Legends inside or below the axes. Imported at first use."""

from collections.abc import Sequence
from typing import Literal

from matplotlib import rcParams
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.transforms import ScaledTranslation

from catdog_keras.plotting._axes_and_text import (
    SMALLEST_TEXT,
    fit_text,
    measure_axes,
    size_in_points,
    text_width,
)

# In font heights: length of a legend handle, and width of a column without its label by default.
HANDLE = 2.2
AROUND_LABEL = 5.6


def _usual_size() -> float:
    """Returns the default font size of legends in points."""
    return float(FontProperties(size=rcParams["legend.fontsize"]).get_size_in_points())


def draw_legend_below(
    ax: Axes, handles: Sequence[Artist], labels: Sequence[str], columns: int
) -> None:
    """Draws a legend below the label of the x axis.

    It has fewer columns if the labels do not fit side by side, and shortens those that are
    wider than the place of the axes in the figure.
    """
    columns, room = _fit_columns(labels, _place_width(ax), columns)
    below = ScaledTranslation(0, -0.55, ax.figure.dpi_scale_trans)
    legend = ax.legend(
        handles,
        [fit_text(label, room, _usual_size()) for label in labels],
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        bbox_transform=ax.transAxes + below,
        ncols=columns,
        borderaxespad=0,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _place_width(ax: Axes) -> float:
    """Returns the width in points that the figure has for axes and their legend."""
    place = ax.get_subplotspec()
    if place is None:
        return measure_axes(ax)[0]
    return size_in_points(ax.figure)[0] * len(place.colspan) / place.get_gridspec().ncols


def _fit_columns(labels: Sequence[str], width: float, columns: int) -> tuple[int, float]:
    """Returns the columns of a legend, at most `columns`, and the width of each of its labels."""
    size = _usual_size()
    widest = max(text_width(label, size) for label in labels)
    columns = min(columns, len(labels))
    while columns > 1 and columns * (widest + AROUND_LABEL * size) > width:
        columns -= 1
    return columns, max(width / columns - AROUND_LABEL * size, size)


def draw_legend_inside(
    ax: Axes, share: tuple[float, float], place: Literal["best", "lower left", "lower right"]
) -> None:
    """Draws a legend inside the axes, within the given fractions of their width and height.

    Two-line labels are joined into one line if that allows a larger font.
    """
    handles, labels = ax.get_legend_handles_labels()
    width, height = (part * side for part, side in zip(share, measure_axes(ax), strict=True))
    forms = [[label.replace("\n", " ") for label in labels], labels]
    sizes = [_largest_size(form, width, height, _usual_size()) for form in forms]
    size = max(sizes[0], sizes[1], SMALLEST_TEXT)
    legend = ax.legend(
        handles,
        forms[0] if sizes[0] == size else forms[1],
        loc=place,
        fontsize=size,
        borderaxespad=0.4,
        handlelength=HANDLE,
        handletextpad=0.5,
        framealpha=0.85,
    )
    room = width - (HANDLE + 1.5) * size
    for text in legend.get_texts():
        text.set_parse_math(False)
        text.set_text("\n".join(fit_text(line, room, size) for line in text.get_text().split("\n")))


def _largest_size(labels: Sequence[str], width: float, height: float, largest: float) -> float:
    """Returns the largest font size at which a legend's labels fit into a box, or 0."""
    lines = [line for label in labels for line in label.split("\n")]
    size = largest
    while size >= SMALLEST_TEXT:
        widest = max(text_width(line, size) for line in lines) + (HANDLE + 1.5) * size
        if widest <= width and 1.3 * size * len(lines) <= height:
            return size
        size -= 0.5
    return 0.0
