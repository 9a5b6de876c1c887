"""Counts of labels and of right and wrong predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from catdog_keras._checks import check_class_names, check_integer, describe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

_INK = "#222222"


def plot_label_counts(counts: Mapping[str, int], *, ax: Axes | None = None) -> Axes:
    """Draws how many pictures each class has; the title says what always guessing would give.

    Bars stand upright where the class names fit below them, and lie otherwise.

    Args:
        counts: the number of pictures of each class by name, as `label_counts` returns it.
        ax: matplotlib axes to draw into, or None for a new figure.

    Returns:
        The axes, neither shown nor closed; their figure is `.figure`.

    Raises:
        TypeError: if `counts` is no mapping of integers.
        ValueError: if `counts` is empty or a count is negative.

    Example:
        >>> import catdog_keras
        >>> ax = catdog_keras.plotting.plot_label_counts({"cat": 30, "dog": 10})
        >>> ax.get_title().splitlines()
        ['40 pictures', 'always guessing cat is right for 75.0 %']
    """
    from catdog_keras.plotting import _canvas

    numbers = _check_counts(counts)
    ax = _canvas.take_axes(ax, (6.0, max(4.0, 0.22 * len(numbers) + 1.0)))
    width, height = _canvas.measure(ax)
    size = float(ax.xaxis.label.get_fontsize())
    widest = max(_canvas.text_width(text, size) for n in numbers for text in (n, f"{numbers[n]:,}"))
    if widest <= 0.9 * width / len(numbers):
        _draw_upright_bars(ax, numbers)
    else:
        _draw_lying_bars(ax, numbers, (width, height))
    _canvas.write_title(ax, *_guessing(numbers, _canvas.measure(ax)[0]))
    return ax


def plot_confusion_matrix(
    matrix: npt.ArrayLike, class_names: Sequence[str], *, ax: Axes | None = None
) -> Axes:
    """Draws a confusion matrix: counts, with their share of the true class as shade.

    Cells too small for both counts and percentages show one of them, still smaller ones their
    shade alone, with a scale beside the matrix.

    Args:
        matrix: counts of shape `(classes, classes)`; rows are true classes, columns predicted
            ones.
        class_names: the names of the classes, in the order of rows and columns.
        ax: matplotlib axes to draw into, or None for a new figure.

    Returns:
        The axes, neither shown nor closed; their figure is `.figure`.

    Raises:
        TypeError: if `class_names` is no list of names.
        ValueError: if `matrix` is not square, not of counts, or not of as many classes as names.

    Example:
        >>> import catdog_keras
        >>> matrix = [[90, 10], [5, 87]]
        >>> ax = catdog_keras.plotting.plot_confusion_matrix(matrix, ["cat", "dog"])
        >>> ax.get_title()
        '177 of 192 pictures right (92.2 %)'
    """
    from catdog_keras.plotting import _canvas

    names = check_class_names(class_names)
    counts = _check_matrix(matrix, len(names))
    totals = counts.sum(axis=1, keepdims=True)
    # A class without pictures has no shares: its row stays white.
    shares = counts / np.maximum(totals, 1)
    side = min(max(5.0, 0.42 * len(names) + 2.0), 20.0)
    ax = _canvas.take_axes(ax, (side, side))
    image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    _name_cells(ax, names)
    texts = _cell_texts(counts, shares, min(_canvas.measure(ax)) / len(names))
    if texts is None:
        bar = ax.figure.colorbar(image, ax=ax, shrink=0.8)
        bar.set_label("share of the true class")
    # The names took some of the room that they were measured for.
    _name_cells(ax, names)
    right, total = int(np.trace(counts)), int(counts.sum())
    accuracy = f" ({100 * right / total:.1f} %)" if total else ""
    _canvas.write_title(ax, f"{right:,} of {total:,} pictures right{accuracy}")
    if texts is not None:
        _write_cells(ax, *texts, np.asarray(image.cmap(image.norm(shares))))
    return ax


def _check_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """Returns the counts by name, or raises if they are none."""
    requirement = "the number of pictures of each class by name"
    if not isinstance(counts, Mapping):
        raise TypeError(describe("counts", requirement, counts))
    if not counts:
        raise ValueError(describe("counts", requirement, counts))
    return {
        str(name): check_integer(f"counts[{name!r}]", number, minimum=0)
        for name, number in counts.items()
    }


def _check_matrix(matrix: Any, classes: int) -> npt.NDArray[np.int64]:
    """Returns the matrix as integers, or raises if it does not hold counts of these classes."""
    array = np.asarray(matrix)
    if array.shape != (classes, classes):
        raise ValueError(
            f"`matrix` must be of shape (classes, classes), here {(classes, classes)}; "
            f"received shape {array.shape}."
        )
    values = array if array.dtype.kind in "iuf" else np.full(array.shape, np.nan)
    wrong = array[~((values >= 0) & (values == np.floor(values)))]
    if wrong.size:
        raise ValueError(
            f"`matrix` must hold counts, integers of at least 0; received {wrong[0].item()!r}. "
            "Shares are worked out and shown beside the counts."
        )
    return array.astype(np.int64)


def _guessing(numbers: Mapping[str, int], width: float) -> list[str]:
    """Words what always guessing the most frequent class would give, in lines that can fit."""
    from catdog_keras.plotting import _canvas

    total = sum(numbers.values())
    if total == 0:
        return ["no pictures"]
    most = max(numbers, key=numbers.__getitem__)
    before, after = "always guessing ", f" is right for {100 * numbers[most] / total:.1f} %"
    room = width - _canvas.text_width(before + after, _canvas.SMALLEST_TITLE + 1)
    name = _canvas.fit_text(most, room, _canvas.SMALLEST_TITLE + 1)
    return [f"{total:,} picture{'s' if total > 1 else ''}", before + name + after]


def _draw_upright_bars(ax: Axes, numbers: Mapping[str, int]) -> None:
    from catdog_keras.plotting import _canvas

    places = range(len(numbers))
    bars = ax.bar(places, list(numbers.values()), color=_canvas.SKY_BLUE, edgecolor=_INK)
    ax.bar_label(bars, [f"{number:,}" for number in numbers.values()], padding=2)
    ax.set_xticks(places, list(numbers), parse_math=False)
    ax.set_xlabel("class")
    ax.set_ylabel("pictures")
    ax.set_xlim(-0.6, len(numbers) - 0.4)
    ax.set_ylim(0, max(1.1 * max(numbers.values()), 1.0))
    _mark_counts(ax.yaxis)


def _draw_lying_bars(ax: Axes, numbers: Mapping[str, int], room: tuple[float, float]) -> None:
    from catdog_keras.plotting import _canvas

    places = range(len(numbers))
    size = _canvas.text_size(room[1] / len(numbers))
    bars = ax.barh(places, list(numbers.values()), color=_canvas.SKY_BLUE, edgecolor=_INK)
    ax.bar_label(bars, [f"{n:,}" for n in numbers.values()], padding=2, fontsize=size)
    names = [_canvas.fit_text(name, 0.4 * room[0], size) for name in numbers]
    ax.set_yticks(places, names, fontsize=size, parse_math=False)
    ax.set_ylabel("class")
    ax.set_xlabel("pictures")
    ax.set_ylim(len(numbers) - 0.4, -0.6)  # the first class on top
    largest = max(numbers.values())
    # The names take up to 0.4 of the width, and the longest number stands right of its bar.
    number_share = (_canvas.text_width(f"{largest:,}", size) + 6) / (0.5 * room[0])
    ax.set_xlim(0, max(largest / (1 - min(number_share, 0.5)), 1.0))
    _mark_counts(ax.xaxis)


def _mark_counts(axis: Axis) -> None:
    """Puts few, whole numbers at an axis of counts."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _name_cells(ax: Axes, names: Sequence[str]) -> None:
    """Writes the class names along both axes, upright below where they do not fit in a row.

    Where cells are lower than the smallest text only every second (third, ...) class is named.
    """
    from catdog_keras.plotting import _canvas

    width, height = _canvas.measure(ax)
    cell = min(width, height) / len(names)
    size = _canvas.text_size(cell)
    places = range(0, len(names), math.ceil(_canvas.SMALLEST_TEXT / cell))
    outer = _canvas.size_in_points(ax.figure)
    below = [_canvas.fit_text(names[place], 0.2 * outer[1], size) for place in places]
    beside = [_canvas.fit_text(names[place], 0.2 * outer[0], size) for place in places]
    fits = max(_canvas.text_width(name, size) for name in below) <= 0.85 * cell
    ax.set_xticks(places, below, fontsize=size, rotation=0 if fits else 90, parse_math=False)
    ax.set_yticks(places, beside, fontsize=size, parse_math=False)


def _cell_texts(
    counts: npt.NDArray[np.int64], shares: npt.NDArray[np.float64], cell: float
) -> tuple[list[str], float] | None:
    """Returns the text of each cell, row by row, and its size, or None where nothing fits."""
    from catdog_keras.plotting import _canvas

    numbers = [f"{count}" for count in counts.ravel()]
    known = np.repeat(counts.sum(axis=1) > 0, len(counts))
    percents = [
        f"{100 * share:.0f} %" if has_share else ""
        for share, has_share in zip(shares.ravel(), known, strict=True)
    ]
    both = [f"{n}\n{p}" if p else n for n, p in zip(numbers, percents, strict=True)]
    # Two crowded lines are harder to read than one: they are dropped one size before.
    for texts, height, smallest in ((both, 2.8, 6), (numbers, 1.3, 5), (percents, 1.3, 5)):
        lines = {line for text in texts for line in text.split("\n")}
        for size in range(12, smallest - 1, -1):
            widest = max(_canvas.text_width(line, size) for line in lines)
            if max(widest, height * size) <= 0.92 * cell:
                return texts, size
    return None


def _write_cells(
    ax: Axes, texts: Sequence[str], size: float, colors: npt.NDArray[np.float64]
) -> None:
    for (row, column), text in zip(np.ndindex(colors.shape[:2]), texts, strict=True):
        ink = _ink_on(colors[row, column])
        cell = ax.text(column, row, text, ha="center", va="center", fontsize=size, color=ink)
        cell.set_in_layout(False)  # it lies inside the axes: of 1,600 the layout need not know


def _ink_on(color: npt.NDArray[np.float64]) -> str:
    """Returns black or white, whichever stands out more (WCAG 2.1, relative luminance)."""
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color[:3]
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    # The contrasts (1 + 0.05) / (L + 0.05) of white and (L + 0.05) / 0.05 of black meet at 0.179.
    return "black" if luminance > 0.179 else "white"
