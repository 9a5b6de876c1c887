"""Figures, axes, colors, and text that fits. Imported at first use."""

import bisect
import contextlib
import functools
import io
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Literal, cast

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import TextToPath

from catdog_keras._checks import describe
from catdog_keras._printable import LONGEST_NAME

# Okabe and Ito (2008), Color universal design: distinguishable for color-blind readers. The colors
# also differ in lightness, and hatches, dashes and markers repeat the difference for
# black-and-white prints.
SKY_BLUE, ORANGE, GREEN, BLUE, VERMILION = "#56B4E9", "#E69F00", "#009E73", "#0072B2", "#D55E00"

SMALLEST_TEXT = 5.0
# At 60 to 80 dots per inch, rounding glyph widths to whole pixels widens text by up to 10%.
WIDENING = 1.1
SMALLEST_TITLE = 7.0
POINTS_PER_INCH = 72.0


class NotebookFigure(Figure):
    """Figure of a plot that notebooks display without pyplot, which would keep it open."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


class NotebookAxes(Axes):
    """Axes of a plot that notebooks display as their whole figure."""

    def _repr_png_(self) -> bytes:
        return cast(NotebookFigure, self.figure)._repr_png_()

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Saves the whole figure: some plots return their axes, and others their figure."""
        cast(NotebookFigure, self.figure).savefig(*args, **kwargs)


def take_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Returns the given axes, or axes in a new figure of `size` (width, height) in inches.

    A figure without a layout engine gets the constrained layout, so that labels around the axes are
    not cut off and do not overlap neighboring axes. An existing layout engine is kept.
    """
    if ax is None:
        own = NotebookFigure(figsize=size, layout="constrained")
        return own.add_subplot(axes_class=NotebookAxes)
    if not isinstance(ax, Axes):
        remedy = "Pass one of several subplots, as in `axes[0]`."
        raise TypeError(describe("ax", "a matplotlib Axes or None", ax, remedy))
    figure = ax.figure.canvas.figure
    if figure.get_layout_engine() is None and ax.get_subplotspec() is not None:
        figure.set_layout_engine("constrained")
    return ax


def take_figure(
    figure: Figure | SubFigure | None, size: tuple[float, float], *, compress: bool = False
) -> Figure | SubFigure:
    """Returns the given figure for axes, or a new one of `size` (width, height) in inches."""
    check_figure(figure)
    layout: Literal["compressed", "constrained"] = "compressed" if compress else "constrained"
    if figure is None:
        return NotebookFigure(figsize=size, layout=layout)
    if isinstance(figure, Figure) and figure.get_layout_engine() is None:
        figure.set_layout_engine(layout)
    return figure


def check_figure(figure: Figure | SubFigure | None) -> None:
    """Raises an error if `figure`, for the axes of a plot, is neither empty nor None."""
    if figure is None:
        return
    if not isinstance(figure, (Figure, SubFigure)):
        raise TypeError(describe("figure", "a matplotlib Figure, a SubFigure or None", figure))
    if figure.axes:
        remedy = f"It has {len(figure.axes)} axes. Clear it, or pass one of its subfigures."
        raise ValueError(describe("figure", "an empty figure", figure, remedy))


def size_in_inches(figure: Figure | SubFigure) -> tuple[float, float]:
    """Returns the width and height of a figure or subfigure with axes, in inches."""
    return figure.bbox.width / figure.dpi, figure.bbox.height / figure.dpi


def size_in_points(figure: Figure | SubFigure) -> tuple[float, float]:
    """Returns width and height of a figure or subfigure in points, the unit of text sizes."""
    width, height = size_in_inches(figure)
    return width * POINTS_PER_INCH, height * POINTS_PER_INCH


def lays_out(figure: Figure | SubFigure) -> bool:
    """Whether the figure's layout engine reserves space for text outside its axes."""
    root = figure.canvas.figure
    return isinstance(root.get_layout_engine(), ConstrainedLayoutEngine)


def measure_axes(ax: Axes) -> tuple[float, float]:
    """Runs the layout engine and returns the width and height of the axes in points."""
    figure = ax.figure.canvas.figure
    engine = figure.get_layout_engine()
    if engine is not None:
        with _without_words_on_glyphs():
            engine.execute(figure)
    ax.apply_aspect()
    box = ax.get_window_extent()
    scale = POINTS_PER_INCH / figure.dpi
    return box.width * scale, box.height * scale


@contextlib.contextmanager
def _without_words_on_glyphs() -> Iterator[None]:
    """Suppresses missing-glyph warnings while measuring; matplotlib repeats them when drawing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def text_size(room: float, largest: float | None = None) -> float:
    """Returns the font size in points for text whose lines are `room` points high."""
    largest = rcParams["font.size"] if largest is None else largest
    return max(SMALLEST_TEXT, min(largest, 0.8 * room))


def write_title(ax: Axes, *lines: str, width: float | None = None) -> None:
    """Writes a title no wider than the axes: in a smaller font if necessary, then on more lines.

    Lines that still do not fit are shortened in the middle. `width` is that of the axes in points,
    where it has been measured.
    """
    if width is None:
        width, _ = measure_axes(ax)
    size = _largest_fitting_size(lines, width, float(ax.title.get_fontsize()))
    if any(text_width(line, size) > width for line in lines):
        lines = tuple(part for line in lines for part in _break_in_halves(line, width, size))
        size = _largest_fitting_size(lines, width, float(ax.title.get_fontsize()))
    title = "\n".join(fit_text(line, width, size) for line in lines)
    ax.set_title(title, fontsize=size, parse_math=False)
    if ax.get_aspect() != "auto":
        measure_axes(ax)  # these axes need two layout runs, and drawing does only one


def write_labels(ax: Axes, x: str, y: str) -> None:
    """Sets axis labels that fit: in a smaller font if necessary, then without parentheses."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    for side, label in zip(measure_axes(ax), (ax.xaxis.label, ax.yaxis.label), strict=True):
        text, size = label.get_text(), float(label.get_fontsize())
        fitting = _largest_fitting_size([text], side, size)
        if text_width(text, fitting) > side:
            text = text.partition(" (")[0]
            fitting = _largest_fitting_size([text], side, size)
        label.set_fontsize(fitting)
        label.set_text(fit_text(text, max(side, 1.0), fitting))


def _largest_fitting_size(lines: Sequence[str], width: float, size: float) -> float:
    """Returns the largest text size, at most `size`, at which each line fits, or the smallest."""
    while size > SMALLEST_TITLE and any(text_width(line, size) > width for line in lines):
        size -= 0.5
    return size


def _break_in_halves(line: str, width: float, size: float) -> list[str]:
    """Breaks a line of text that is too long at the space that gives the most equal halves."""
    words = in_one_line(line).split(" ")
    if len(words) == 1 or text_width(line, size) <= width:
        return [line]

    def halves(place: int) -> tuple[str, str]:
        return " ".join(words[:place]), " ".join(words[place:])

    # The first half is the longer one from some space on. Bisected: each measurement takes time.
    middle = bisect.bisect_left(
        range(1, len(words)),
        True,
        key=lambda place: text_width(halves(place)[0], size) >= text_width(halves(place)[1], size),
    )
    breaks = [halves(place) for place in (middle, middle + 1) if 0 < place < len(words)]
    return list(min(breaks, key=lambda pair: max(text_width(part, size) for part in pair)))


def in_one_line(text: str) -> str:
    """Returns the text without line breaks, of limited length: measuring each letter takes time.

    Escapes lone surrogates, which matplotlib rejects. Names of files that are not valid UTF-8
    contain them.
    """
    line = " ".join(text.split()).encode("utf-8", "backslashreplace").decode("utf-8")
    return line if len(line) <= LONGEST_NAME else _cut_middle(line, LONGEST_NAME - 1)


@functools.lru_cache(maxsize=4096)
def text_width(text: str, size: float) -> float:
    """Returns the width of a text in points, on one line; line breaks count as spaces."""
    with _without_words_on_glyphs():
        width, _, _ = TextToPath().get_text_width_height_descent(
            in_one_line(text), FontProperties(size=size), ismath=False
        )
    return WIDENING * float(width)


def fit_text(text: str, width: float, size: float) -> str:
    """Returns the text, shortened in the middle if it is wider than `width` points."""
    text = in_one_line(text)
    if text_width(text, size) <= width:
        return text
    fits, too_many = 1, len(text)
    while too_many - fits > 1:
        kept = (fits + too_many) // 2
        if text_width(_cut_middle(text, kept), size) <= width:
            fits = kept
        else:
            too_many = kept
    return _cut_middle(text, fits)


def _cut_middle(text: str, kept: int) -> str:
    """Returns a text with `kept` characters from its ends, and an ellipsis between them."""
    head, tail = (kept + 1) // 2, kept // 2
    return text[:head] + "…" + (text[-tail:] if tail else "")
