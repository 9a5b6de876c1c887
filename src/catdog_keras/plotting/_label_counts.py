"""Bar chart of the number of images per class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from catdog_keras._checks import check_integer, describe
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.plotting._argument_names import PLOT_NAMES
from catdog_keras.plotting._records import only_evaluation, records_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

_INK = "#222222"
# Of more classes than MOST_CLASSES, the END largest and the END smallest are plotted.
MOST_CLASSES, END = 60, 20
_TITLE_SIZE = 10.0  # a long name is shortened before the font of the title is reduced


class HasCounts(Protocol):
    """What is plotted of an evaluation or of splits; see `Evaluation` and `ImageSplits`."""

    @property
    def counts(self) -> Mapping[str, int] | Mapping[str, Mapping[str, int]]: ...


@suggests_arguments(PLOT_NAMES)
def plot_label_counts(
    counts: HasCounts | Mapping[str, int] | Mapping[str, Mapping[str, int]],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Plots the class distribution: the number of images per class, with the majority baseline.

    The title shows the accuracy of always predicting the most frequent class. Bars are vertical if
    the class names fit below them, otherwise horizontal. With more than 60 classes only the 20
    largest and the 20 smallest are plotted, in descending order, and the title reports it. Of
    several splits, the bars are stacked, and the numbers and the title are of all splits together.

    Args:
        counts: Number of images of each class by name, as returned by `count_labels`, or of each
            class by split, as `ImageSplits.counts`; or an `Evaluation` or an `ImageSplits`.
        ax: Matplotlib axes to draw into, or None for a new figure.

    Returns:
        The axes, neither shown nor closed; their figure is `.figure`.

    Raises:
        TypeError: If `counts` has another type.
        ValueError: If `counts` is empty or a count is negative.

    Example:
        >>> import catdog_keras
        >>> ax = catdog_keras.plotting.plot_label_counts({"cat": 30, "dog": 10})
        >>> ax.get_title().splitlines()
        ['40 images', 'always predicting cat is correct for 75.0%']

        Of a data set with its splits:

        >>> splits = catdog_keras.load_cats_dogs("synthetic")
        >>> ax = catdog_keras.plotting.plot_label_counts(splits)
        >>> [text.get_text() for text in ax.get_legend().get_texts()]
        ['train', 'validation', 'test']
    """
    from catdog_keras.plotting import _axes_and_text

    remedy = "Draw each evaluation into its own axes: `plot_label_counts(evaluation, ax=ax)`."
    counts = only_evaluation("counts", counts, "counts", remedy)
    by_split = _check_counts(records_of(counts, "counts"))
    names = dict.fromkeys(name for split in by_split.values() for name in split)
    every = {name: sum(split.get(name, 0) for split in by_split.values()) for name in names}
    shown = _most_and_fewest(every) if len(every) > MOST_CLASSES else every
    lengths = {split: [numbers.get(n, 0) for n in shown] for split, numbers in by_split.items()}
    ax = _axes_and_text.take_axes(ax, (6.0, max(4.0, 0.22 * len(shown) + 1.0)))
    if len(by_split) > 1:
        _draw_split_legend(ax, by_split)
    width, height = _axes_and_text.measure_axes(ax)
    size = float(ax.xaxis.label.get_fontsize())
    widest = max(
        _axes_and_text.text_width(text, size) for n in shown for text in (n, f"{shown[n]:,}")
    )
    if widest <= 0.9 * width / len(shown):
        _draw_upright_bars(ax, shown, lengths)
    else:
        _draw_lying_bars(ax, shown, lengths, (width, height))
    width, _ = _axes_and_text.measure_axes(ax)
    lines = _baseline_lines(every, width)
    if len(every) > MOST_CLASSES:
        lines.append(f"the {END} largest and {END} smallest of {len(every)} classes")
    _axes_and_text.write_title(ax, *lines, width=width)
    return ax


def _check_counts(counts: Any) -> dict[str, dict[str, int]]:
    """Returns the counts by split and class, with one split "" if there are none."""
    requirement = "the number of images of each class by name, an Evaluation or an ImageSplits"
    if not isinstance(counts, Mapping):
        is_data = hasattr(counts, "__iter__") and not isinstance(counts, (str, list, tuple))
        remedy = "Pass `count_labels(dataset)` of a dataset." if is_data else ""
        raise TypeError(describe("counts", requirement, counts, remedy))
    by_split = any(isinstance(number, Mapping) for number in counts.values())
    splits = counts if by_split else {"": counts}
    if not all(isinstance(numbers, Mapping) for numbers in splits.values()):
        raise TypeError(describe("counts", requirement, counts))
    if not any(splits.values()):
        raise ValueError(describe("counts", requirement, counts))
    return {
        str(split): {
            str(name): check_integer(
                f"counts[{split!r}][{name!r}]" if by_split else f"counts[{name!r}]",
                number,
                minimum=0,
            )
            for name, number in numbers.items()
        }
        for split, numbers in splits.items()
    }


def _most_and_fewest(numbers: Mapping[str, int]) -> dict[str, int]:
    """Returns the classes with the highest and the lowest label counts, in descending order."""
    names = sorted(numbers, key=numbers.__getitem__, reverse=True)
    return {name: numbers[name] for name in (*names[:END], *names[-END:])}


def _baseline_lines(numbers: Mapping[str, int], width: float) -> list[str]:
    """Returns title lines of label counts: the majority-class baseline, shortened to fit."""
    from catdog_keras.plotting import _axes_and_text

    total = sum(numbers.values())
    if total == 0:
        return ["no images"]
    most = max(numbers, key=numbers.__getitem__)
    before, after = "always predicting ", f" is correct for {100 * numbers[most] / total:.1f}%"
    room = width - _axes_and_text.text_width(before + after, _TITLE_SIZE)
    name = _axes_and_text.fit_text(most, room, _TITLE_SIZE)
    return [f"{total:,} image{'s' if total > 1 else ''}", before + name + after]


def _bar_style(number: int) -> dict[str, Any]:
    """Returns color and hatch of the bars that show the label counts of a split."""
    from catdog_keras.plotting import _axes_and_text

    colors = (_axes_and_text.SKY_BLUE, _axes_and_text.ORANGE, _axes_and_text.GREEN)
    hatches = ("", "//", "..")
    return {
        "facecolor": colors[number % len(colors)],
        "hatch": hatches[number % len(hatches)],
        "edgecolor": _INK,
    }


def _draw_split_legend(ax: Axes, splits: Iterable[str]) -> None:
    """Draws the legend of label counts with color and hatch of each split."""
    from matplotlib.patches import Patch

    from catdog_keras.plotting import _legends

    names = list(splits)
    patches = [Patch(**_bar_style(number)) for number in range(len(names))]
    _legends.draw_legend_below(ax, patches, names, columns=3)


def _draw_upright_bars(
    ax: Axes, numbers: Mapping[str, int], lengths: Mapping[str, Sequence[int]]
) -> None:
    """Draws vertical bars of the class counts, stacked by split, for a few classes."""
    from catdog_keras.plotting import _axes_and_text

    places = range(len(numbers))
    below = np.zeros(len(numbers), np.int64)
    for index, values in enumerate(lengths.values()):
        bars = ax.bar(places, values, bottom=below, **_bar_style(index))
        below += np.array(values)
    ax.bar_label(bars, [f"{number:,}" for number in numbers.values()], padding=2)
    ax.set_xticks(places, [_axes_and_text.in_one_line(name) for name in numbers], parse_math=False)
    ax.set_xlabel("class")
    ax.set_ylabel("images")
    ax.set_xlim(-0.6, len(numbers) - 0.4)
    ax.set_ylim(0, max(1.1 * max(numbers.values()), 1.0))
    _mark_counts(ax.yaxis, 5)


def _draw_lying_bars(
    ax: Axes,
    numbers: Mapping[str, int],
    lengths: Mapping[str, Sequence[int]],
    room: tuple[float, float],
) -> None:
    """Draws horizontal bars of the class counts, stacked by split, for many classes."""
    from catdog_keras.plotting import _axes_and_text

    places = range(len(numbers))
    size = _axes_and_text.text_size(room[1] / len(numbers))
    before = np.zeros(len(numbers), np.int64)
    for index, values in enumerate(lengths.values()):
        bars = ax.barh(places, values, left=before, **_bar_style(index))
        before += np.array(values)
    ax.bar_label(bars, [f"{n:,}" for n in numbers.values()], padding=2, fontsize=size)
    names = [_axes_and_text.fit_text(name, 0.4 * room[0], size) for name in numbers]
    ax.set_yticks(places, names, fontsize=size, parse_math=False)
    ax.set_ylabel("class")
    ax.set_xlabel("images")
    ax.set_ylim(len(numbers) - 0.4, -0.6)  # the first class on top
    largest = max(numbers.values())
    # Names take up to 0.4 of the width, and the longest number is to the right of its bar.
    number_share = (_axes_and_text.text_width(f"{largest:,}", size) + 6) / (0.5 * room[0])
    ax.set_xlim(0, max(largest / (1 - min(number_share, 0.5)), 1.0))
    # Tick labels are next to each other.
    wide = 2 * _axes_and_text.text_width(f"{largest:,}", float(ax.xaxis.label.get_fontsize()))
    _mark_counts(ax.xaxis, max(1, min(5, int(0.5 * room[0] / wide))))


def _mark_counts(axis: Axis, most: int) -> None:
    """Sets a small number of integer ticks on an axis of counts."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axis.set_major_locator(MaxNLocator(nbins=most, integer=True))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
