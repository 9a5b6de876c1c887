"""Pictures by class: a first look at a dataset."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from catdog_keras._checks import check_choice, check_integer
from catdog_keras.plotting._pictures import (
    DATA_FORMATS,
    check_value_range,
    first_pictures,
    to_rgb,
)
from catdog_keras.plotting._records import check_class_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

TITLE_INCHES = 0.3
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
    flat = [picture for of_class in sample.pictures for picture in of_class]
    shown = iter(to_rgb(flat, value_range, data_format))
    figure, rows = _rows_of_axes(figure, len(names), per_class)
    for name, of_class, axes in zip(names, sample.pictures, rows, strict=True):
        for ax in axes:
            ax.set_axis_off()
        for ax, _ in zip(axes, of_class, strict=False):
            ax.imshow(next(shown))
        _write_title(axes, name, len(of_class), sample.looked_at)
    return figure


def _rows_of_axes(
    figure: Figure | SubFigure | None, classes: int, per_class: int
) -> tuple[Figure | SubFigure, list[list[Axes]]]:
    """Returns the figure and, for each class, its row of axes."""
    from catdog_keras.plotting import _canvas

    if figure is None:
        width = 6.0 if classes <= MANY_CLASSES else 12.0
        room = (width, 1.25 * width)
    else:
        room = _canvas.size_in_inches(figure)
    abreast, side = _arrange(room, classes, per_class)
    lines = math.ceil(classes / abreast)
    figure = _canvas.take_figure(figure, (room[0], lines * (side + TITLE_INCHES)), compress=True)
    # A narrow empty column parts the classes that stand side by side.
    widths = [*([1.0] * per_class), 0.1] * abreast
    grid = figure.add_gridspec(lines, len(widths) - 1, width_ratios=widths[:-1])
    rows = []
    for index in range(classes):
        line, place = divmod(index, abreast)
        start = place * (per_class + 1)
        rows.append([figure.add_subplot(grid[line, start + n]) for n in range(per_class)])
    return figure, rows


def _arrange(room: tuple[float, float], classes: int, per_class: int) -> tuple[int, float]:
    """Returns how many classes stand side by side for the largest pictures, and their side."""
    width, height = room
    sides = {
        abreast: min(
            width / (abreast * (per_class + 0.1)),
            height / math.ceil(classes / abreast) - TITLE_INCHES,
        )
        for abreast in range(1, classes + 1)
    }
    abreast = max(sides, key=sides.__getitem__) if classes > MANY_CLASSES else 1
    return abreast, max(sides[abreast], 0.1)


def _write_title(axes: list[Axes], name: str, found: int, looked_at: int) -> None:
    """Writes the name of the class above its row and, where pictures are missing, that."""
    from catdog_keras.plotting import _canvas

    last, first = axes[-1].get_window_extent(), axes[0].get_window_extent()
    width = (last.x1 - first.x0) * _canvas.POINTS_PER_INCH / axes[0].figure.dpi
    size = _canvas.text_size(width / 8)
    amount = str(found) if found else "none"
    endings = [f": {amount} found in {looked_at} pictures", f" ({amount})"]
    if found == len(axes):
        endings = [""]
    for ending in endings:
        title = name + ending
        if _canvas.text_width(title, size) <= width:
            break
    else:
        room = width - _canvas.text_width(endings[-1], size)
        title = _canvas.fit_text(name, room, size) + endings[-1]
    axes[0].set_title(title, loc="left", fontsize=size, parse_math=False)
