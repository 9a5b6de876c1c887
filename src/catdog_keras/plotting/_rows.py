"""Pictures side by side with one title above them: the unit of every grid of pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

TITLE_INCHES = 0.27
# Between two pictures, in heights of a picture.
GAP = 0.04
# What constrained layout leaves free around each row, in inches.
LAYOUT_PAD = 0.1
# Wider pictures are made smaller, so that one panorama does not leave gaps in all rows.
WIDEST = 2.0
# A scale below all rows: the bar alone, and with its numbers and label.
BAR_INCHES, SCALE_INCHES = 0.12, 0.65
# More rows than these have a figure of 12 inches, fewer one of 6.
MANY_ROWS = 6


@dataclass(frozen=True)
class Row:
    """`places` side by side, each 1 high and `shape` wide."""

    places: int
    shape: float

    @classmethod
    def of(cls, places: int, pictures: Sequence[Any]) -> Row:
        """A row whose places are as wide as the widest of the pictures, within reason."""
        widest = max(picture.shape[1] / picture.shape[0] for picture in pictures)
        return cls(places, min(widest, WIDEST))

    @property
    def width(self) -> float:
        """The width of all places, in heights of a picture."""
        return self.places * (self.shape + GAP) - GAP

    def extent(self, place: int, picture: Any) -> tuple[float, float, float, float]:
        """Returns left, right, bottom and top of a picture, as large as its place allows."""
        shape = picture.shape[1] / picture.shape[0]
        width, height = (shape, 1.0) if shape <= self.shape else (self.shape, self.shape / shape)
        left = place * (self.shape + GAP) + (self.shape - width) / 2
        low = (1 - height) / 2
        return left, left + width, low, low + height

    def draw(self, ax: Axes, pictures: Sequence[Any]) -> None:
        """Draws the pictures into their places; the rest stays empty.

        A row is one axes and not one per picture: so its places keep their size when empty, and
        the title belongs to the width of the row.
        """
        for place, picture in enumerate(pictures):
            ax.imshow(picture, extent=self.extent(place, picture))
        ax.set_xlim(0, self.width)
        ax.set_ylim(0, 1)
        ax.set_aspect("equal", anchor="NW")
        ax.set_axis_off()


def place_rows(
    figure: Figure | SubFigure | None,
    count: int,
    row: Row,
    *,
    stacked: bool,
    scale_below: bool = False,
) -> tuple[Figure | SubFigure, list[Axes], float]:
    """Returns the figure, the axes of each row in it and their width in inches.

    Rows stand one below the other where they are `stacked` and not many, and otherwise as many
    side by side as makes the pictures largest. With `scale_below` the last axes are for a scale.
    """
    from catdog_keras.plotting import _canvas

    below = SCALE_INCHES * scale_below
    if figure is None:
        width = 6.0 if count <= MANY_ROWS else 12.0
        room = (width, 1.25 * width)
    else:
        width, height = _canvas.size_in_inches(figure)
        room = (width, height - below)
    abreast, scale = _arrange(room, count, row, stacked=stacked and count <= MANY_ROWS)
    lines = math.ceil(count / abreast)
    size = (room[0], max(lines * (scale + TITLE_INCHES), 1.0) + below)
    figure = _canvas.take_figure(figure, size, compress=True)
    heights = [scale] * lines + [BAR_INCHES] * scale_below
    grid = figure.add_gridspec(len(heights), abreast, height_ratios=heights)
    rows = [figure.add_subplot(grid[divmod(index, abreast)]) for index in range(count)]
    if scale_below:
        rows.append(figure.add_subplot(grid[-1, :]))
    return figure, rows, scale * row.width


def _arrange(
    room: tuple[float, float], count: int, row: Row, *, stacked: bool
) -> tuple[int, float]:
    """Returns how many rows stand side by side, and the height of their pictures in inches."""
    width, height = room
    heights = {}
    for abreast in range(1, count + 1):
        by_width = (width / abreast - LAYOUT_PAD) / row.width
        by_height = height / math.ceil(count / abreast) - TITLE_INCHES
        heights[abreast] = min(by_width, by_height)
    abreast = 1 if stacked else max(heights, key=heights.__getitem__)
    return abreast, max(heights[abreast], 0.1)


def write_row_title(ax: Axes, name: str, width: float, remark: tuple[str, str] = ("", "")) -> None:
    """Writes a name above a row `width` inches wide, as long as the row at most.

    The remark follows it at length, or in short where there is no room; only the name is cut.
    """
    from catdog_keras.plotting import _canvas

    room = 0.97 * width * _canvas.POINTS_PER_INCH
    size = _canvas.text_size(room / 10)
    at_length, in_short = remark
    title = " ".join(name.split()) + at_length
    if _canvas.text_width(title, size) > room:
        left = room - _canvas.text_width(in_short, size)
        title = _canvas.fit_text(name, left, size) + in_short
    ax.set_title(title, loc="left", fontsize=size, pad=3, parse_math=False)
