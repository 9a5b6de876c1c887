"""Bar chart of the accuracies of several models."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from catdog_keras._checks import check_number, describe

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SPLITS = ("train", "validation", "test")
GROUP = 0.8  # height of the bars of one model, relative to the distance between models


def plot_comparison(
    results: Sequence[Mapping[str, Any]],
    baseline: float | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Plots the accuracies of several models as bars, with 95% intervals of the test accuracy.

    Models with widely overlapping intervals may differ by chance; use `compare` for a paired test.
    Numbers and legend are outside the axes: a figure without a layout engine gets
    `layout="constrained"`.

    Args:
        results: One record per model, as in "models" of `results.json`: `"name"`, and any of
            `"train_accuracy"`, `"validation_accuracy"`, `"test_accuracy"` (from 0 to 1) and
            `"test_interval"` (a pair: low, high); other keys are ignored.
        baseline: Accuracy of always predicting the most frequent class, from 0 to 1, drawn as a
            dotted line; or None.
        ax: Matplotlib axes to draw into, or None for a new figure.

    Returns:
        The axes, neither shown nor closed; their figure is `.figure`.

    Raises:
        TypeError: If a record or a number has the wrong type.
        ValueError: If there is no record, a record has no name or no accuracy, or a number is out
            of range.

    Example:
        >>> import catdog_keras
        >>> model = {"name": "cnn", "test_accuracy": 0.7, "test_interval": (0.63, 0.76)}
        >>> ax = catdog_keras.plotting.plot_comparison([model], baseline=0.5)
        >>> ax.get_title()
        'Accuracy of 1 model'
    """
    from catdog_keras.plotting import _canvas

    records = _check_results(results)
    if baseline is not None:
        baseline = check_number("baseline", baseline, minimum=0, maximum=1)
    shown = [split for split in SPLITS if any(split in record for _, record in records)]
    bars = len(records) * (len(shown) + 1)
    ax = _canvas.take_axes(ax, (8.0, max(3.0, 0.2 * bars + 1.6)))
    _draw_bars(ax, records, shown)
    if baseline is not None:
        label = f"baseline {baseline:.3f}"
        ink = ax.xaxis.label.get_color()  # visible on the user's background, even if dark
        ax.axvline(baseline, color=ink, linestyle=":", linewidth=1.8, label=label, zorder=3)
    ax.set_xlim(0, 1)
    ax.set_xlabel("accuracy (fraction of images)")
    ax.set_ylim(len(records) - 0.5, -0.5)  # the first model on top
    _draw_legend(ax)
    _write_numbers(ax, records, shown)
    _canvas.write_title(ax, f"Accuracy of {len(records)} model{'s' if len(records) > 1 else ''}")
    return ax


def _check_results(
    results: Sequence[Mapping[str, Any]],
) -> list[tuple[str, dict[str, tuple[float, ...]]]]:
    """Returns for each model its name and, by split, (accuracy,) or (accuracy, low, high)."""
    requirement = 'a list of records with "name" and accuracies, one per model'
    if isinstance(results, (str, Mapping)) or not isinstance(results, Sequence):
        raise TypeError(describe("results", requirement, results))
    if not results:
        raise ValueError(describe("results", requirement, results))
    return [_check_record(f"results[{n}]", record) for n, record in enumerate(results)]


def _check_record(
    where: str, record: Mapping[str, Any]
) -> tuple[str, dict[str, tuple[float, ...]]]:
    keys = [f"{split}_accuracy" for split in SPLITS]
    requirement = f'a record with "name" and at least one of {", ".join(keys)}'
    if not isinstance(record, Mapping):
        raise TypeError(describe(where, requirement, record))
    known = {
        split: record[key]
        for split, key in zip(SPLITS, keys, strict=True)
        if record.get(key) is not None
    }
    if not isinstance(record.get("name"), str) or not known:
        raise ValueError(describe(where, requirement, record))
    values: dict[str, tuple[float, ...]] = {}
    for split, value in known.items():
        accuracy = check_number(f"{where}[{split + '_accuracy'!r}]", value, minimum=0, maximum=1)
        interval = record.get(f"{split}_interval")
        values[split] = (accuracy,)
        if interval is not None:
            values[split] += _check_interval(
                f"{where}[{split + '_interval'!r}]", interval, accuracy
            )
    return record["name"], values


def _check_interval(where: str, interval: Any, accuracy: float) -> tuple[float, float]:
    """Returns the interval as floats; raises an error if it does not contain the accuracy."""
    requirement = f"a pair (low, high) around the accuracy, here {accuracy:g}, or None"
    is_pair = isinstance(interval, (tuple, list)) and len(interval) == 2
    if not is_pair or not all(isinstance(end, numbers.Real) for end in interval):
        raise TypeError(describe(where, requirement, interval))
    low, high = float(interval[0]), float(interval[1])
    if not 0 <= low <= accuracy <= high <= 1:
        raise ValueError(describe(where, requirement, interval))
    return low, high


def _draw_bars(
    ax: Axes, records: list[tuple[str, dict[str, tuple[float, ...]]]], shown: list[str]
) -> None:
    """Draws a group of horizontal bars per model, with their intervals."""
    from catdog_keras.plotting import _canvas

    looks: dict[str, dict[str, Any]] = {
        "train": {"color": _canvas.SKY_BLUE},
        "validation": {"color": _canvas.ORANGE, "hatch": "//"},
        "test": {"color": _canvas.GREEN, "hatch": ".."},
    }
    width, height = _canvas.measure(ax)
    step = GROUP / len(shown)
    for place, split in enumerate(shown):
        present = [(y, record[split]) for y, (_, record) in enumerate(records) if split in record]
        ys = [y + _offset(place, len(shown)) for y, _ in present]
        ax.barh(
            ys,
            [accuracy for _, (accuracy, *_) in present],
            height=step,
            edgecolor="black",
            label=split,
            **looks[split],
        )
        for y, (_, (accuracy, *interval)) in zip(ys, present, strict=True):
            if interval:
                _draw_interval(ax, y, accuracy, interval, height * step / len(records))
    name_size = _canvas.text_size(height / len(records))
    names = [_canvas.fit_text(name, 0.3 * width, name_size) for name, _ in records]
    ax.set_yticks(range(len(records)), names, fontsize=name_size, parse_math=False)


def _offset(place: int, bars: int) -> float:
    """Returns the vertical offset of a bar from the center of its group."""
    return (place - (bars - 1) / 2) * GROUP / bars


def _draw_interval(
    ax: Axes, y: float, accuracy: float, interval: Sequence[float], bar: float
) -> None:
    """Draws an interval on a bar that is `bar` points high."""
    low, high = interval
    # Black on white is visible in front of any bar color and hatch.
    thin = min(1.6, 0.25 * bar)
    for color, thickness in (("white", 2.5 * thin), ("black", thin)):
        ax.errorbar(
            accuracy,
            y,
            xerr=[[accuracy - low], [high - accuracy]],
            color=color,
            elinewidth=thickness,
            capsize=min(3.0, 0.4 * bar),
            capthick=thickness,
            zorder=4,
            clip_on=False,
        )


def _write_numbers(
    ax: Axes, records: list[tuple[str, dict[str, tuple[float, ...]]]], shown: list[str]
) -> None:
    """Writes accuracies and intervals to the right of the axes, in a font that fits.

    Where bars are lower than the smallest text, only the last of the shown splits has numbers.
    """
    from catdog_keras.plotting import _canvas

    texts = {
        (y + _offset(place, len(shown)), split): _number(record[split])
        for y, (_, record) in enumerate(records)
        for place, split in enumerate(shown)
        if split in record
    }
    _, height = _canvas.measure(ax)
    bar = height * GROUP / len(shown) / len(records)
    size = _canvas.text_size(bar)
    room = 0.35 * _canvas.size_in_points(ax.figure)[0]
    widest = max(texts.values(), key=len)
    while size > _canvas.SMALLEST_TEXT and _canvas.text_width(widest, size) > room:
        size -= 0.5
    for (y, split), text in texts.items():
        if bar < _canvas.SMALLEST_TEXT and split != shown[-1]:
            continue
        ax.annotate(
            text,
            (1, y),
            xycoords=("axes fraction", "data"),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=size,
            annotation_clip=False,
        )


def _number(values: Sequence[float]) -> str:
    accuracy, *interval = values
    return f"{accuracy:.3f}" + (" ({:.3f} to {:.3f})".format(*interval) if interval else "")


def _draw_legend(ax: Axes) -> None:
    """Draws the legend, bars before the baseline; by default matplotlib lists lines first."""
    from catdog_keras.plotting import _legends

    entries = list(zip(*ax.get_legend_handles_labels(), strict=True))
    entries.sort(key=lambda entry: entry[1].startswith("baseline"))
    handles, labels = zip(*entries, strict=True)
    _legends.draw_legend_below(ax, handles, labels, columns=2)
