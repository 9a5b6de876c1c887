"""Pictures by class: a first look at a dataset."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catdog_keras._checks import check_choice, check_class_names, check_integer
from catdog_keras.plotting._pictures import (
    DATA_FORMATS,
    check_value_range,
    first_pictures,
    to_rgb,
)

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
# Up to here one class stands below the other; more are set side by side.
MANY_CLASSES = 6


def plot_images(
    data: Any,
    class_names: Sequence[str],
    *,
    per_class: int = 3,
    value_range: tuple[float, float] | None = None,
    data_format: str | None = None,
    max_batches: int = 32,
    figure: Figure | SubFigure | None = None,
) -> Figure | SubFigure:
    """Shows the first pictures of each class, one row per class with its name above.

    Where a class has too few pictures its places stay empty and its title says so. Many classes
    are set side by side, in reading order.

    Args:
        data: a dataset of batches `(images, labels)`, of which only as many are taken as needed,
            or one pair of arrays. Images have the shape `(batch, height, width, channels)`,
            `(batch, channels, height, width)` or `(batch, height, width)`; labels are class
            indices `(batch,)` or one-hot rows `(batch, classes)`.
        class_names: the names of the classes, in the order of their indices.
        per_class: pictures per class, at least 1.
        value_range: the values `(low, high)` that are black and white. None finds out from the
            pictures shown: [0, 1], [-1, 1] or [0, 255], else from their least to their largest.
        data_format: `"channels_last"` or `"channels_first"`. None goes by the axis that has 1, 3
            or 4 entries and, where both have, by `keras.config.image_data_format()`.
        max_batches: the most batches that are looked through for missing classes, at least 1.
        figure: an empty matplotlib figure or subfigure to draw into, or None for a new one.

    Returns:
        The figure, neither shown nor closed.

    Raises:
        TypeError: if an argument is of another type.
        ValueError: if there are no pictures, or labels or shapes do not fit.

    Example:
        >>> import catdog_keras, numpy as np
        >>> pictures, labels = np.zeros((4, 8, 8, 3)), np.array([0, 1, 1, 0])
        >>> figure = catdog_keras.plotting.plot_images((pictures, labels), ["cat", "dog"])
        >>> figure.axes[0].get_title("left")
        'cat: 2 found in 4 pictures'
    """
    from catdog_keras.plotting import _canvas

    names = check_class_names(class_names)
    per_class = check_integer("per_class", per_class, minimum=1)
    max_batches = check_integer("max_batches", max_batches, minimum=1)
    value_range = check_value_range(value_range)
    if data_format is not None:
        check_choice("data_format", data_format, DATA_FORMATS)
    _canvas.check_figure(figure)
    sample = first_pictures(data, len(names), per_class, max_batches)
    shown = to_rgb([p for found in sample.pictures for p in found], value_range, data_format)
    shape = max(picture.shape[1] / picture.shape[0] for picture in shown)
    row = _Row(per_class, min(shape, WIDEST))
    figure, rows, width = _place_rows(figure, len(names), row)
    rest = iter(shown)
    for name, found, ax in zip(names, sample.pictures, rows, strict=True):
        row.draw(ax, list(itertools.islice(rest, len(found))))
        _write_title(ax, name, _lack(len(found), per_class, sample.looked_at), width)
    return figure


@dataclass(frozen=True)
class _Row:
    """The places of one class: `per_class` of them side by side, each 1 high and `shape` wide."""

    per_class: int
    shape: float

    @property
    def width(self) -> float:
        return self.per_class * (self.shape + GAP) - GAP

    def draw(self, ax: Axes, pictures: Sequence[Any]) -> None:
        """Draws the pictures into their places, as large as fits; the rest stays empty.

        A row is one axes and not one per picture: so its places keep their size when empty, and
        the title belongs to the width of the row.
        """
        for place, picture in enumerate(pictures):
            shape = picture.shape[1] / picture.shape[0]
            width, height = (
                (shape, 1.0) if shape <= self.shape else (self.shape, self.shape / shape)
            )
            left = place * (self.shape + GAP) + (self.shape - width) / 2
            low = (1 - height) / 2
            ax.imshow(picture, extent=(left, left + width, low, low + height))
        ax.set_xlim(0, self.width)
        ax.set_ylim(0, 1)
        ax.set_aspect("equal", anchor="NW")
        ax.set_axis_off()


def _place_rows(
    figure: Figure | SubFigure | None, classes: int, row: _Row
) -> tuple[Figure | SubFigure, list[Axes], float]:
    """Returns the figure, the axes of each class in it and their width in inches."""
    from catdog_keras.plotting import _canvas

    if figure is None:
        width = 6.0 if classes <= MANY_CLASSES else 12.0
        room = (width, 1.25 * width)
    else:
        room = _canvas.size_in_inches(figure)
    abreast, scale = _arrange(room, classes, row)
    lines = math.ceil(classes / abreast)
    size = (room[0], max(lines * (scale + TITLE_INCHES), 1.0))
    figure = _canvas.take_figure(figure, size, compress=True)
    grid = figure.add_gridspec(lines, abreast)
    rows = [figure.add_subplot(grid[divmod(index, abreast)]) for index in range(classes)]
    return figure, rows, scale * row.width


def _arrange(room: tuple[float, float], classes: int, row: _Row) -> tuple[int, float]:
    """Returns how many classes stand side by side for the largest pictures, and their height."""
    width, height = room
    heights = {}
    for abreast in range(1, classes + 1):
        by_width = (width / abreast - LAYOUT_PAD) / row.width
        by_height = height / math.ceil(classes / abreast) - TITLE_INCHES
        heights[abreast] = min(by_width, by_height)
    abreast = max(heights, key=heights.__getitem__) if classes > MANY_CLASSES else 1
    return abreast, max(heights[abreast], 0.1)


def _lack(found: int, wanted: int, looked_at: int) -> tuple[str, str]:
    """Returns what a title says of missing pictures, at length and in short."""
    if found == wanted:
        return "", ""
    amount = str(found) if found else "none"
    return f": {amount} found in {looked_at} pictures", f" ({amount})"


def _write_title(ax: Axes, name: str, lack: tuple[str, str], width: float) -> None:
    """Writes the name of the class and what it lacks above its row, as long as the row at most."""
    from catdog_keras.plotting import _canvas

    room = 0.97 * width * _canvas.POINTS_PER_INCH
    size = _canvas.text_size(room / 10)
    at_length, in_short = lack
    title = " ".join(name.split()) + at_length
    if _canvas.text_width(title, size) > room:
        left = room - _canvas.text_width(in_short, size)
        title = _canvas.fit_text(name, left, size) + in_short
    ax.set_title(title, loc="left", fontsize=size, pad=3, parse_math=False)
