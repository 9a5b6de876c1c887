"""Counts of labels and of right and wrong predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from catdog_keras._checks import check_integer, describe
from catdog_keras.plotting._records import check_class_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
    total = sum(numbers.values())
    ax = _canvas.take_axes(ax, (6.0, max(4.0, 0.22 * len(numbers) + 1.0)))
    width, height = _canvas.measure(ax)
    size = _canvas.text_size(width / len(numbers))
    widest = max(_canvas.text_width(text, size) for n in numbers for text in (n, f"{numbers[n]:,}"))
    if widest <= 0.9 * width / len(numbers):
        _draw_upright_bars(ax, numbers)
    else:
        _draw_lying_bars(ax, numbers, (width, height))
    title = f"{total:,} pictures" if total else "no pictures"
    if total:
        most = max(numbers, key=numbers.__getitem__)
        share = 100 * numbers[most] / total
        before, after = "always guessing ", f" is right for {share:.1f} %"
        title_size = float(ax.title.get_fontsize())
        room = width - _canvas.text_width(before + after, title_size)
        title += f"\n{before}{_canvas.fit_text(most, max(room, 60.0), title_size)}{after}"
    ax.set_title(title, parse_math=False)
    return ax


def plot_confusion_matrix(
    matrix: npt.ArrayLike, class_names: Sequence[str], *, ax: Axes | None = None
) -> Axes:
    """Draws a confusion matrix: counts in the cells, the share of the true class as their shade.

    Cells too small for both lines show the count alone, still smaller ones their shade alone,
    with a scale beside the matrix.

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
    right, total = int(np.trace(counts)), int(counts.sum())
    accuracy = f" ({100 * right / total:.1f} %)" if total else ""
    ax.set_title(f"{right:,} of {total:,} pictures right{accuracy}")
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    _name_cells(ax, names)
    if not _write_cells(ax, counts, shares, np.asarray(image.cmap(image.norm(shares)))):
        bar = ax.figure.colorbar(image, ax=ax, shrink=0.8)
        bar.set_label("share of the true class")
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
    if array.dtype.kind not in "iuf" or not ((array >= 0) & (array == np.floor(array))).all():
        raise ValueError(
            "`matrix` must hold counts, integers of at least 0; "
            f"received {array.ravel()[0].item()!r} and others. "
            "Shares are worked out and shown beside the counts."
        )
    return array.astype(np.int64)


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
    ax.set_xlim(0, max(1.2 * max(numbers.values()), 1.0))


def _name_cells(ax: Axes, names: Sequence[str]) -> None:
    """Writes the class names along both axes, upright below where they do not fit in a row."""
    from catdog_keras.plotting import _canvas

    width, height = _canvas.measure(ax)
    size = _canvas.text_size(min(width, height) / len(names))
    below = [_canvas.fit_text(name, 0.3 * height, size) for name in names]
    beside = [_canvas.fit_text(name, 0.3 * width, size) for name in names]
    fits = max(_canvas.text_width(name, size) for name in below) <= 0.75 * width / len(names)
    places = range(len(names))
    ax.set_xticks(places, below, fontsize=size, rotation=0 if fits else 90, parse_math=False)
    ax.set_yticks(places, beside, fontsize=size, parse_math=False)


def _write_cells(
    ax: Axes,
    counts: npt.NDArray[np.int64],
    shares: npt.NDArray[np.float64],
    colors: npt.NDArray[np.float64],
) -> bool:
    """Writes counts and percentages as far as they fit; returns whether anything was written."""
    from catdog_keras.plotting import _canvas

    cell = min(_canvas.measure(ax)) / len(counts)
    lines = 2
    size = _canvas.text_size(cell / 3, 12.0)
    if max(2.4 * size, _canvas.text_width("100 %", size)) > 0.95 * cell:
        lines, size = 1, _canvas.SMALLEST_TEXT
        while _canvas.text_width(f"{counts.max()}", size + 0.5) <= 0.8 * cell and size < 12.0:
            size += 0.5
    if _canvas.text_width(f"{counts.max()}", size) > 0.95 * cell:
        return False
    empty = counts.sum(axis=1) == 0
    for row, column in np.ndindex(counts.shape):
        text = f"{counts[row, column]}"
        if lines == 2 and not empty[row]:
            text += f"\n{100 * shares[row, column]:.0f} %"
        color = _ink_on(colors[row, column])
        ax.text(column, row, text, ha="center", va="center", fontsize=size, color=color)
    return True


def _ink_on(color: npt.NDArray[np.float64]) -> str:
    """Returns black or white, whichever stands out more (WCAG 2.1, relative luminance)."""
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color[:3]
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    # The contrasts (1 + 0.05) / (L + 0.05) of white and (L + 0.05) / 0.05 of black meet at 0.179.
    return "black" if luminance > 0.179 else "white"
