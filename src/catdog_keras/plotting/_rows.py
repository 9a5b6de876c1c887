"""Rows of images with a title, the building block of image grids."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

TITLE_INCHES = 0.27
# Gap between two images, relative to the height of an image.
GAP = 0.04
# Padding of the constrained layout around each row, in inches.
LAYOUT_PAD = 0.1
# Wider images are scaled down, so that a single panorama does not leave gaps in all rows.
WIDEST = 2.0
# A color bar below all rows: height of the bar, and including tick labels and label.
BAR_INCHES, SCALE_INCHES = 0.12, 0.65
# With more rows than this a figure is 12 inches wide, otherwise 6.
MANY_ROWS = 6


@dataclass(frozen=True)
class ImageRow:
    """Row of `places` slots, each with height 1 and width `shape`."""

    places: int
    shape: float

    @classmethod
    def fit(cls, places: int, images: Sequence[Any]) -> ImageRow:
        """Creates a row whose slots fit the widest image, up to a limit."""
        widest = max(image.shape[1] / image.shape[0] for image in images)
        return cls(places, min(widest, WIDEST))

    @property
    def width(self) -> float:
        """Width of all slots, relative to the height of an image."""
        return self.places * (self.shape + GAP) - GAP

    def extent(self, place: int, image: Any) -> tuple[float, float, float, float]:
        """Returns left, right, bottom and top of an image, as large as its slot allows."""
        shape = image.shape[1] / image.shape[0]
        width, height = (shape, 1.0) if shape <= self.shape else (self.shape, self.shape / shape)
        left = place * (self.shape + GAP) + (self.shape - width) / 2
        low = (1 - height) / 2
        return left, left + width, low, low + height

    def draw(self, ax: Axes, images: Sequence[Any]) -> None:
        """Draws the images into their slots; remaining slots stay empty.

        A row is a single axes, so that empty slots keep their size and the title can use the full
        width.
        """
        for place, image in enumerate(images):
            ax.imshow(image, extent=self.extent(place, image))
        ax.set_xlim(0, self.width)
        ax.set_ylim(0, 1)
        ax.set_aspect("equal", anchor="NW")
        ax.set_axis_off()


def place_rows(
    figure: Figure | SubFigure | None,
    count: int,
    row: ImageRow,
    *,
    stacked: bool,
    scale_below: bool = False,
) -> tuple[Figure | SubFigure, list[Axes], float]:
    """Returns the figure, the axes of each row, and the width of a row in inches.

    A small number of rows is placed one below the other if `stacked`. Otherwise the number of
    columns is chosen that makes the images largest. With `scale_below` the last axes are for a
    color bar.
    """
    from catdog_keras.plotting import _axes_and_text

    below = SCALE_INCHES * scale_below
    if figure is None:
        width = 6.0 if count <= MANY_ROWS else 12.0
        room = (width, 1.25 * width)
    else:
        width, height = _axes_and_text.size_in_inches(figure)
        room = (width, height - below)
    abreast, scale = _arrange_rows(room, count, row, stacked=stacked and count <= MANY_ROWS)
    lines = math.ceil(count / abreast)
    size = (room[0], max(lines * (scale + TITLE_INCHES), 1.0) + below)
    figure = _axes_and_text.take_figure(figure, size, compress=True)
    heights = [scale] * lines + [BAR_INCHES] * scale_below
    grid = figure.add_gridspec(len(heights), abreast, height_ratios=heights)
    rows = [figure.add_subplot(grid[divmod(index, abreast)]) for index in range(count)]
    if scale_below:
        rows.append(figure.add_subplot(grid[-1, :]))
    return figure, rows, scale * row.width


def _arrange_rows(
    room: tuple[float, float], count: int, row: ImageRow, *, stacked: bool
) -> tuple[int, float]:
    """Returns the number of rows next to each other, and the height of their images in inches."""
    width, height = room
    heights = {}
    for abreast in range(1, count + 1):
        by_width = (width / abreast - LAYOUT_PAD) / row.width
        by_height = height / math.ceil(count / abreast) - TITLE_INCHES
        heights[abreast] = min(by_width, by_height)
    abreast = 1 if stacked else max(heights, key=heights.__getitem__)
    return abreast, max(heights[abreast], 0.1)


def write_row_title(ax: Axes, name: str, width: float, remark: tuple[str, str] = ("", "")) -> None:
    """Writes a title above a row, no wider than the row's `width` in inches.

    The remark is added in its long form, or in its short form if there is too little space; only
    the name is shortened.
    """
    from catdog_keras.plotting import _axes_and_text

    room = 0.97 * width * _axes_and_text.POINTS_PER_INCH
    size = _axes_and_text.text_size(room / 10)
    at_length, in_short = remark
    title = _axes_and_text.in_one_line(name) + at_length
    if _axes_and_text.text_width(title, size) > room:
        left = room - _axes_and_text.text_width(in_short, size)
        title = _axes_and_text.fit_text(name, left, size) + in_short
    ax.set_title(title, loc="left", fontsize=size, pad=3, parse_math=False)
