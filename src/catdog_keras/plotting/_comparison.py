"""Dot plot of the accuracies of several models."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from catdog_keras._checks import check_number, describe
from catdog_keras._printable import letters
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.plotting._argument_names import PLOT_NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Keys of a record, and what the legend calls them.
LABELS = {
    "train_accuracy": "train",
    "validation_accuracy": "validation",
    "test_accuracy": "test",
    "accuracy": "accuracy",
}
GROUP = 0.8  # height of the dots of one model, relative to the distance between models


class ComparedResult(Protocol):
    """Attributes of an evaluation that are plotted; see `Evaluation`."""

    @property
    def accuracy(self) -> float: ...
    @property
    def accuracy_interval(self) -> tuple[float, float]: ...


@suggests_arguments(PLOT_NAMES)
def plot_comparison(
    results: Mapping[str, ComparedResult] | Sequence[ComparedResult | Mapping[str, Any]],
    baseline: float | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Plots the accuracies of several models as dots, with their 95% confidence intervals.

    Models with widely overlapping intervals may differ by chance; use `compare` for a paired test.
    The accuracy axis begins below the lowest value, not at 0. Numbers and legend are outside the
    axes: a figure without a layout engine gets `layout="constrained"`.

    Args:
        results: The `Evaluation` of each model by name, or a list of them, which are named "a",
            "b", ... as by `compare`. Or one record per model, as in "models" of `results.json`:
            `"name"`, and any of `"train_accuracy"`, `"validation_accuracy"`, `"test_accuracy"` and
            `"accuracy"` (from 0 to 1), and likewise `"test_interval"` (a pair: low, high) or
            `"accuracy_interval"`; other keys are ignored.
        baseline: Accuracy of always predicting the most frequent class, from 0 to 1, drawn as a
            dotted line; or None.
        ax: Matplotlib axes to draw into, or None for a new figure.

    Returns:
        The axes, neither shown nor closed; their figure is `.figure`.

    Raises:
        TypeError: If a record or a number has the wrong type.
        ValueError: If `results` is empty, a record has no name or no accuracy, or a number is out
            of range.

    Example:
        >>> import catdog_keras
        >>> good = catdog_keras.Evaluation(["cat", "dog"], [0, 1], [[0.9, 0.1], [0.4, 0.6]])
        >>> poor = catdog_keras.Evaluation(["cat", "dog"], [0, 1], [[0.9, 0.1], [0.7, 0.3]])
        >>> catdog_keras.plot_comparison({"new": good, "old": poor}).get_title()
        'Accuracy of 2 models'

        From numbers:

        >>> model = {"name": "cnn", "test_accuracy": 0.7, "test_interval": (0.63, 0.76)}
        >>> ax = catdog_keras.plotting.plot_comparison([model], baseline=0.5)
        >>> ax.get_title()
        'Accuracy of 1 model'
    """
    from catdog_keras.plotting import _axes_and_text

    if baseline is not None:  # first: the second of two evaluations is not in a list
        remedy = "Pass several evaluations as a list or dict." if _has_accuracy(baseline) else ""
        if isinstance(baseline, (Mapping, list)):
            remedy = "The results are the first argument."
        baseline = check_number("baseline", baseline, minimum=0, maximum=1, remedy=remedy)
    records = _check_results(results)
    shown = [key for key in LABELS if any(key in record for _, record in records)]
    dots = len(records) * (len(shown) + 1)
    ax = _axes_and_text.take_axes(ax, (8.0, max(3.0, 0.2 * dots + 1.6)))
    lowest = min(min(values) for _, record in records for values in record.values())
    if baseline is not None:
        lowest = min(lowest, baseline)
        label = f"baseline {baseline:.3f}"
        ink = ax.xaxis.label.get_color()  # visible on the user's background, even if dark
        ax.axvline(baseline, color=ink, linestyle=":", linewidth=1.8, label=label, zorder=3)
    # At least 0.02 of room to the left of the lowest dot, whose axis label then stays short.
    ax.set_xlim(max(0.0, math.floor(10 * (lowest - 0.02)) / 10), 1)
    ax.set_xlabel("accuracy (fraction of images)")
    ax.set_ylim(len(records) - 0.5, -0.5)  # the first model on top
    ax.grid(axis="x", alpha=0.3)
    for number in range(1, len(records)):
        ax.axhline(number - 0.5, color="#888888", linewidth=0.6)
    _draw_dots(ax, records, shown)
    _draw_comparison_legend(ax)
    _write_numbers(ax, records, shown)
    _axes_and_text.write_title(
        ax, f"Accuracy of {len(records)} model{'s' if len(records) > 1 else ''}"
    )
    return ax


def _check_results(results: Any) -> list[tuple[str, dict[str, tuple[float, ...]]]]:
    """Returns each compared model's name and, by key, (accuracy,) or (accuracy, low, high)."""
    requirement = (
        'a dict of evaluations by name, a list of evaluations, or a list of records with "name" '
        "and accuracies, one per model"
    )
    if isinstance(results, Mapping):
        if not all(map(_has_accuracy, results.values())):
            raise TypeError(describe("results", requirement, results))
        results = [_result_as_record(str(name), each) for name, each in results.items()]
    if isinstance(results, str) or not isinstance(results, Sequence):
        remedy = "Pass one evaluation as a list, too." if _has_accuracy(results) else ""
        raise TypeError(describe("results", requirement, results, remedy))
    if not results:
        raise ValueError(describe("results", requirement, results))
    return [
        _check_result(
            f"results[{n}]", _result_as_record(letters(n), each) if _has_accuracy(each) else each
        )
        for n, each in enumerate(results)
    ]


def _has_accuracy(value: Any) -> bool:
    """Returns whether a value has the attributes of a `ComparedResult`."""
    return hasattr(value, "accuracy") and hasattr(value, "accuracy_interval")


def _result_as_record(name: str, result: ComparedResult) -> dict[str, Any]:
    """Returns a record for the comparison plot with an evaluation's name and accuracy."""
    return {
        "name": name,
        "accuracy": result.accuracy,
        "accuracy_interval": result.accuracy_interval,
    }


def _check_result(
    where: str, record: Mapping[str, Any]
) -> tuple[str, dict[str, tuple[float, ...]]]:
    """Returns name and accuracies of a compared record; raises an error if they are not valid."""
    requirement = f'an Evaluation, or a record with "name" and at least one of {", ".join(LABELS)}'
    if not isinstance(record, Mapping):
        raise TypeError(describe(where, requirement, record))
    known = {key: record[key] for key in LABELS if record.get(key) is not None}
    if not isinstance(record.get("name"), str) or not known:
        raise ValueError(describe(where, requirement, record))
    values: dict[str, tuple[float, ...]] = {}
    for key, value in known.items():
        accuracy = check_number(f"{where}[{key!r}]", value, minimum=0, maximum=1)
        name = "accuracy_interval" if key == "accuracy" else f"{LABELS[key]}_interval"
        interval = record.get(name)
        values[key] = (accuracy,)
        if interval is not None:
            values[key] += _check_interval(f"{where}[{name!r}]", interval, accuracy)
    return record["name"], values


def _check_interval(where: str, interval: Any, accuracy: float) -> tuple[float, float]:
    """Returns a compared interval as floats; raises an error if the accuracy is outside of it."""
    requirement = f"a pair (low, high) around the accuracy, here {accuracy:g}, or None"
    is_pair = isinstance(interval, (tuple, list)) and len(interval) == 2
    if not is_pair or not all(isinstance(end, numbers.Real) for end in interval):
        raise TypeError(describe(where, requirement, interval))
    low, high = float(interval[0]), float(interval[1])
    if not 0 <= low <= accuracy <= high <= 1:
        raise ValueError(describe(where, requirement, interval))
    return low, high


def _draw_dots(
    ax: Axes, records: list[tuple[str, dict[str, tuple[float, ...]]]], shown: list[str]
) -> None:
    """Draws a group of dots per compared model, one above the other, with their intervals."""
    from catdog_keras.plotting import _axes_and_text

    looks = {
        "train_accuracy": (_axes_and_text.SKY_BLUE, "o"),
        "validation_accuracy": (_axes_and_text.ORANGE, "s"),
        "test_accuracy": (_axes_and_text.GREEN, "D"),
        "accuracy": (_axes_and_text.BLUE, "D"),
    }
    width, height = _axes_and_text.measure_axes(ax)
    room = height * GROUP / len(shown) / len(records)  # of each dot, in points
    for place, key in enumerate(shown):
        color, marker = looks[key]
        label = LABELS[key]
        if any(len(record.get(key, ())) == 3 for _, record in records):
            label += ", 95% interval"
        for index, (_, record) in enumerate(records):
            if key not in record:
                continue
            accuracy, *interval = record[key]
            ax.errorbar(
                accuracy,
                index + _dot_offset(place, len(shown)),
                xerr=[[accuracy - interval[0]], [interval[1] - accuracy]] if interval else None,
                color=color,
                marker=marker,
                markersize=min(7.0, 0.7 * room),
                markeredgecolor="black",
                markeredgewidth=0.6,
                elinewidth=min(2.0, 0.25 * room),
                capsize=min(3.0, 0.3 * room),
                linestyle="none",
                zorder=4,
                clip_on=False,  # draw dots at the axis limits in full
                label=label,
            )
            label = ""  # one entry of the legend per kind of dot
    name_size = _axes_and_text.text_size(height / len(records))
    names = [_axes_and_text.fit_text(name, 0.3 * width, name_size) for name, _ in records]
    ax.set_yticks(range(len(records)), names, fontsize=name_size, parse_math=False)


def _dot_offset(place: int, dots: int) -> float:
    """Returns the vertical offset of a dot from the center of its group in the comparison plot."""
    return (place - (dots - 1) / 2) * GROUP / dots


def _write_numbers(
    ax: Axes, records: list[tuple[str, dict[str, tuple[float, ...]]]], shown: list[str]
) -> None:
    """Writes compared accuracies and intervals to the right of the axes, in a font that fits.

    Where dots are closer than the smallest text, only the last of the shown ones has numbers.
    """
    from catdog_keras.plotting import _axes_and_text

    texts = {
        (y + _dot_offset(place, len(shown)), key): _format_accuracy(record[key])
        for y, (_, record) in enumerate(records)
        for place, key in enumerate(shown)
        if key in record
    }
    _, height = _axes_and_text.measure_axes(ax)
    step = height * GROUP / len(shown) / len(records)
    size = _axes_and_text.text_size(step)
    room = 0.35 * _axes_and_text.size_in_points(ax.figure)[0]
    widest = max(texts.values(), key=len)
    while size > _axes_and_text.SMALLEST_TEXT and _axes_and_text.text_width(widest, size) > room:
        size -= 0.5
    for (y, key), text in texts.items():
        if step < _axes_and_text.SMALLEST_TEXT and key != shown[-1]:
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


def _format_accuracy(values: Sequence[float]) -> str:
    """Formats a compared accuracy, and its interval if there is one, as text next to its dots."""
    accuracy, *interval = values
    return f"{accuracy:.3f}" + (" ({:.3f} to {:.3f})".format(*interval) if interval else "")


def _draw_comparison_legend(ax: Axes) -> None:
    """Draws the legend, dots before the baseline; by default matplotlib lists lines first."""
    from catdog_keras.plotting import _legends

    entries = list(zip(*ax.get_legend_handles_labels(), strict=True))
    entries.sort(key=lambda entry: entry[1].startswith("baseline"))
    handles, labels = zip(*entries, strict=True)
    _legends.draw_legend_below(ax, handles, labels, columns=2)
