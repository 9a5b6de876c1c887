"""Plot of the confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import to_numbers
from catdog_keras._checks import check_class_names, describe
from catdog_keras._intervals import wilson_interval
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.plotting._argument_names import CONFUSION_MATRIX_NAMES
from catdog_keras.plotting._records import only_evaluation, records_of, remedy_for_model

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The names of more classes than MOST_CLASSES are too small to read: then SHOWN classes are plotted.
MOST_CLASSES, SHOWN = 40, 25
_ZERO_INK = "#666666"  # of counts of 0
LARGEST_COUNT = 2**32  # of one cell; the sum of all is exact in int64
NAME_SHARE = 0.25  # maximum length of a class name, relative to the smaller side of the figure


class HasMatrix(Protocol):
    """What is plotted of an evaluation; see `Evaluation`."""

    @property
    def confusion_matrix(self) -> npt.NDArray[Any]: ...
    @property
    def class_names(self) -> Sequence[str]: ...


@suggests_arguments(CONFUSION_MATRIX_NAMES)
def plot_confusion_matrix(
    matrix: HasMatrix | npt.ArrayLike,
    class_names: Sequence[str] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Plots a confusion matrix: counts, shaded by their fraction of the true class.

    The title shows the accuracy with its 95% confidence interval (see `wilson_interval`). Cells
    without images show a gray 0. Cells that are too small for counts and percentages show only one
    of them; even smaller cells show only the shade, with a color bar next to the matrix.

    With more than 40 classes, only the 25 classes of the most frequent confusions are plotted, and
    the title reports it. Accuracy and percentages are still those of all classes.

    Args:
        matrix: An `Evaluation`, or counts of shape `(classes, classes)`: rows are true classes,
            columns predicted classes.
        class_names: Class names, in the order of rows and columns. None takes those of the
            evaluation, and numbers the classes of counts.
        ax: Matplotlib axes to draw into, or None for a new figure.

    Returns:
        The axes, neither shown nor closed; their figure is `.figure`.

    Raises:
        TypeError: If `class_names` is not a list of names.
        ValueError: If `matrix` is not square, does not contain counts, or does not match the number
            of class names.

    See Also:
        `Evaluation`: computes the matrix.
        `plot_roc`: ROC curves.
        `plot_reliability`: calibration.

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 1, 1], rows)
        >>> catdog_keras.plot_confusion_matrix(evaluation).get_title().splitlines()
        ['3 of 4 images right', '75.0%, 95% interval 30.1 to 95.4%']

        From counts:

        >>> matrix = [[90, 10], [5, 87]]
        >>> ax = catdog_keras.plotting.plot_confusion_matrix(matrix, ["cat", "dog"])
        >>> ax.get_title().splitlines()
        ['177 of 192 images right', '92.2%, 95% interval 87.5 to 95.2%']
    """
    from catdog_keras.plotting import _axes_and_text

    remedy = "Draw each evaluation into its own axes: `plot_confusion_matrix(evaluation, ax=ax)`."
    matrix = only_evaluation("matrix", matrix, "confusion_matrix", remedy)
    if remedy := remedy_for_model(matrix):
        raise TypeError(describe("matrix", "an Evaluation, or counts", matrix, remedy))
    given: Any = getattr(matrix, "class_names", None) if class_names is None else class_names
    order = "The matrix is the first argument."
    if len(getattr(given, "shape", ())) == 1:
        order = "Pass labels and predictions as `Evaluation(class_names, labels, probabilities)`."
    rows: Any = records_of(matrix, "confusion_matrix")
    if given is None and len(getattr(rows, "shape", ())) == 2 and len(rows) > 1:
        given = [str(index) for index in range(len(rows))]
    names = check_class_names(given, order)
    counts = _check_matrix(rows, len(names))
    totals = counts.sum(axis=1, keepdims=True)
    # A class without images has no fractions: its row stays white.
    shares = counts / np.maximum(totals, 1)
    right, total = int(np.trace(counts)), int(counts.sum())
    title = _title_lines(right, total)
    if len(names) > MOST_CLASSES:
        title += [f"{SHOWN} of {len(names)} classes: those of the most frequent confusions"]
        chosen = _most_confused(counts, SHOWN)
        names = tuple(names[place] for place in chosen)
        counts, shares = (array[np.ix_(chosen, chosen)] for array in (counts, shares))
        totals = totals[chosen]
    side = min(max(5.0, 0.42 * len(names) + 2.0), 20.0)
    ax = _axes_and_text.take_axes(ax, (side, side))
    image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    _name_cells(ax, names)
    texts = _cell_texts(
        counts, shares, totals[:, 0], min(_axes_and_text.measure_axes(ax)) / len(names)
    )
    if texts is None:
        bar = ax.figure.colorbar(image, ax=ax, shrink=0.8)
        bar.set_label("fraction of the true class")
    # Adding the names reduced the space that they were measured for.
    _name_cells(ax, names)
    _axes_and_text.write_title(ax, *title)
    if texts is not None:
        _write_cells(ax, *texts, np.asarray(image.cmap(image.norm(shares))))
    return ax


def _most_confused(counts: npt.NDArray[np.int64], number: int) -> list[int]:
    """Returns the classes of the most frequent confusions, in ascending order."""
    errors = counts.copy()
    np.fill_diagonal(errors, 0)
    order = np.argsort(-errors, axis=None, kind="stable")
    pairs = np.stack(np.unravel_index(order, errors.shape), axis=1)
    return sorted(list(dict.fromkeys(pairs.ravel().tolist()))[:number])


def _title_lines(right: int, total: int) -> list[str]:
    """Returns the title of a confusion matrix: correct images and accuracy with its interval."""
    lines = [f"{right:,} of {total:,} images right"]
    if total:
        low, high = (100 * end for end in wilson_interval(right, total))
        lines += [f"{100 * right / total:.1f}%, 95% interval {low:.1f} to {high:.1f}%"]
    return lines


def _check_matrix(matrix: Any, classes: int) -> npt.NDArray[np.int64]:
    """Returns the matrix as integers; raises an error unless it has counts of these classes."""
    array = to_numbers("matrix", "counts", matrix)
    if array.shape != (classes, classes):
        raise ValueError(
            f"`matrix` must be of shape (classes, classes), here {(classes, classes)}; "
            f"received shape {array.shape}."
        )
    values = array if array.dtype.kind in "iuf" else np.full(array.shape, np.nan)
    wrong = array[~((values >= 0) & (values <= LARGEST_COUNT) & (values == np.floor(values)))]
    if wrong.size:
        raise ValueError(
            f"`matrix` must hold counts, integers from 0 to {LARGEST_COUNT:,}; received "
            f"{wrong[0].item()!r}. "
            "Percentages are computed from the counts."
        )
    return array.astype(np.int64)


def _name_cells(ax: Axes, names: Sequence[str]) -> None:
    """Writes the class names along both axes, vertically below the matrix if they do not fit.

    If cells are smaller than the smallest font, only every second (third, ...) class is named.
    """
    from catdog_keras.plotting import _axes_and_text

    width, height = _axes_and_text.measure_axes(ax)
    cell = min(width, height) / len(names)
    places = range(0, len(names), math.ceil(_axes_and_text.SMALLEST_TEXT / cell))
    # Reduce the font size before shortening names, and use the same names on both axes.
    room = NAME_SHARE * min(_axes_and_text.size_in_points(ax.figure))
    size = _axes_and_text.text_size(cell)
    while size > _axes_and_text.SMALLEST_TEXT and any(
        _axes_and_text.text_width(names[place], size) > room for place in places
    ):
        size -= 0.5
    shown = [_axes_and_text.fit_text(names[place], room, size) for place in places]
    fits = max(_axes_and_text.text_width(name, size) for name in shown) <= 0.85 * cell
    ax.set_xticks(places, shown, fontsize=size, rotation=0 if fits else 90, parse_math=False)
    ax.set_yticks(places, shown, fontsize=size, parse_math=False)


def _cell_texts(
    counts: npt.NDArray[np.int64],
    shares: npt.NDArray[np.float64],
    totals: npt.NDArray[np.int64],
    cell: float,
) -> tuple[list[str], float] | None:
    """Returns the texts of the confusion matrix by row and the font size, or None if none fits."""
    from catdog_keras.plotting import _axes_and_text

    numbers = [f"{count:,}" for count in counts.ravel()]
    known = np.repeat(totals > 0, len(counts))
    percents = [
        _format_percent(share) if has_share else ""
        for share, has_share in zip(shares.ravel(), known, strict=True)
    ]
    both = [f"{n}\n{p}" if p and n != "0" else n for n, p in zip(numbers, percents, strict=True)]
    # Two crowded lines are harder to read than one, so they have a larger minimum font size.
    for texts, height, smallest in ((both, 2.8, 6), (numbers, 1.3, 5), (percents, 1.3, 5)):
        lines = {line for text in texts for line in text.split("\n")}
        for size in range(12, smallest - 1, -1):
            widest = max(_axes_and_text.text_width(line, size) for line in lines)
            if max(widest, height * size) <= 0.92 * cell:
                return texts, size
    return None


def _format_percent(share: float) -> str:
    """Formats a percentage in a confusion matrix; it is 0 or 100 only if it is so exactly."""
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{100 * share:.0f}%"


def _write_cells(
    ax: Axes, texts: Sequence[str], size: float, colors: npt.NDArray[np.float64]
) -> None:
    """Writes `_cell_texts` into the confusion matrix, in an ink that contrasts with the cells."""
    for (row, column), text in zip(np.ndindex(colors.shape[:2]), texts, strict=True):
        # Paler zeros make the errors stand out.
        ink = _ZERO_INK if text in ("0", "0%") else _contrasting_color(colors[row, column])
        cell = ax.text(column, row, text, ha="center", va="center", fontsize=size, color=ink)
        cell.set_in_layout(False)  # inside the axes: the layout engine can ignore up to 1,600 texts


def _contrasting_color(color: npt.NDArray[np.float64]) -> str:
    """Returns black or white for a confusion matrix's cell, by contrast (WCAG 2.1, luminance)."""
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color[:3]
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    # The contrasts (1 + 0.05) / (L + 0.05) of white and (L + 0.05) / 0.05 of black are equal at
    # 0.179.
    return "black" if luminance > 0.179 else "white"
