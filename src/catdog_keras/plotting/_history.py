"""Learning curves: accuracy and loss per epoch."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from catdog_keras._checks import describe
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.plotting._argument_names import HISTORY_NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

ACCURACY, LOSS = "Accuracy", "Loss"
LARGEST = 1e300  # matplotlib cannot divide an axis of larger numbers
_VALIDATION = "val_"

Epochs: TypeAlias = npt.NDArray[np.int64]
Curve: TypeAlias = npt.NDArray[np.float64]


@suggests_arguments(HISTORY_NAMES)
def plot_history(
    history: Any,
    *,
    figure: Figure | SubFigure | None = None,
) -> Figure | SubFigure:
    """Plots learning curves: accuracy and loss per epoch, for training and validation.

    The best validation epoch is marked in each panel: the highest accuracy and the lowest loss,
    which can be in different epochs. The title reports the number of training epochs without a
    finite value; values beyond 1e300 and -1e300 count as infinite.

    Args:
        history: `keras.callbacks.History` returned by `fit`, or its dict of lists with one number
            per epoch. The accuracy is the first metric with "acc" in its name. Epochs of a dict are
            counted from 1; an epoch without a value has NaN. Or a list of such records, as of
            `fit_head` and `fine_tune`, whose epochs follow one another; a line separates them. A
            record can be a data frame with a row per epoch, as `pandas.read_csv` reads the file of
            `keras.callbacks.CSVLogger`, whose column `epoch` counts from 0.
        figure: Empty matplotlib figure or subfigure to draw into, or None for a new one.

    Returns:
        The figure, neither shown nor closed.

    Raises:
        TypeError: If `history` is neither a History nor a dict of lists of numbers, nor a list of
            them.
        ValueError: If it has neither an accuracy nor a loss, or no epoch.

    See Also:
        `fit_head`: returns such a history, as `keras.Model.fit` does.
        `plot_learning_rate`: plots the loss over the learning rate.

    Example:
        >>> import catdog_keras
        >>> log = {"accuracy": [0.6, 0.8], "val_accuracy": [0.7, 0.6], "loss": [0.7, 0.5]}
        >>> figure = catdog_keras.plot_history(log)  # or the result of `model.fit`
        >>> figure.axes[0].get_title().splitlines()
        ['Accuracy', 'best: 0.700 in epoch 1']

        Two trainings of a model, one after the other:

        >>> figure = catdog_keras.plot_history([log, log])

        The loss only, in a figure of another size:

        >>> import matplotlib.pyplot as plt
        >>> small = plt.figure(figsize=(4, 3))
        >>> figure = catdog_keras.plot_history({"loss": [0.7, 0.5]}, figure=small)
    """
    from catdog_keras.plotting import _axes_and_text

    log, epochs, ends = _read_histories(history)
    metrics = _choose_metrics(log)
    figure = _axes_and_text.take_figure(figure, (4.5 * len(metrics), 4.0))
    panels = figure.subplots(1, len(metrics), squeeze=False)[0]
    for ax, (title, metric) in zip(panels, metrics.items(), strict=True):
        _draw_curves(ax, epochs, log[metric], log.get(_VALIDATION + metric))
        ax.set_title(title)
        ax.set_ylabel("accuracy (fraction of images)" if title == ACCURACY else "loss")
        _mark_epochs(ax, epochs)
        for end in ends:
            ax.axvline(end + 0.5, color="gray", linewidth=1, linestyle=":")
    notes = [
        _mark_best(
            ax,
            epochs,
            log.get(_VALIDATION + metric),
            losses=log.get(_VALIDATION + "loss") if title == ACCURACY else None,
            highest=title == ACCURACY,
        )
        + _count_gaps(ax, log[metric])
        for ax, (title, metric) in zip(panels, metrics.items(), strict=True)
    ]
    _draw_history_legend(figure, panels)
    for ax, title, note in zip(panels, metrics, notes, strict=True):
        _axes_and_text.write_title(ax, title, *note)
    return figure


def _read_histories(history: Any) -> tuple[dict[str, Curve], Epochs, list[int]]:
    """Returns the curves of one or more records, their epochs, and the last epochs but the last.

    The epochs of a record follow those before it, unless it says that it resumed at another one. A
    metric that a record does not have is NaN there.
    """
    if not isinstance(history, (list, tuple)):
        return *_read_history(history), []
    if not history:
        raise ValueError(describe("history", "a list of at least one record", history))
    records = [_read_history(each) for each in history]
    curves: dict[str, list[Curve]] = {name: [] for log, _ in records for name in log}
    epochs: list[Epochs] = []
    for log, counted in records:
        last = int(epochs[-1][-1]) if epochs else 0
        epochs.append(counted if counted[0] > last else counted - counted[0] + last + 1)
        for name, parts in curves.items():
            parts.append(log.get(name, np.full(len(counted), np.nan)))
    joined = {name: np.concatenate(parts) for name, parts in curves.items()}
    return joined, np.concatenate(epochs), [int(each[-1]) for each in epochs[:-1]]


def _read_history(history: Any) -> tuple[dict[str, Curve], Epochs]:
    """Returns each curve by name and the epoch numbers; raises an error if they are not valid."""
    if hasattr(history, "columns"):  # a data frame of pandas or polars
        log: Any = {name: list(history[name]) for name in history.columns}
        known: Any = log.pop("epoch", None)
    else:
        # A History knows its first epoch, which is not 0 after resuming with `initial_epoch`.
        log, known = getattr(history, "history", history), getattr(history, "epoch", None)
    if not isinstance(log, Mapping):
        requirement = (
            "a keras.callbacks.History, or its dict or data frame of one number per epoch and "
            "metric, or a list of them"
        )
        raise TypeError(describe("history", requirement, history))
    if not all(isinstance(name, str) for name in log):
        raise TypeError(describe("history", "a dict with names of metrics as keys", dict(log)))
    curves = {name: _read_curve(name, values) for name, values in log.items()}
    length = max((len(curve) for curve in curves.values()), default=0)
    if length == 0:
        raise ValueError(describe("history", "the record of at least one epoch", dict(log)))
    is_number = bool(known) and isinstance(known[0], numbers.Real) and math.isfinite(known[0])
    start = int(known[0]) + 1 if is_number else 1
    epochs = np.arange(start, start + length)
    return {
        name: _spread_over_epochs(name, curve, epochs) for name, curve in curves.items()
    }, epochs


def _read_curve(name: str, values: Any) -> Curve:
    """Returns the values of one metric of a history as an array; raises if they are not numbers."""
    is_list = isinstance(values, (Sequence, np.ndarray)) and not isinstance(values, (str, bytes))
    if not is_list or not all(isinstance(value, numbers.Real) for value in values):
        raise TypeError(describe(f"history[{name!r}]", "a list with one number per epoch", values))
    return limit_to_drawable([_float_or_infinity(value) for value in values])


def limit_to_drawable(values: Any) -> Curve:
    """Returns a history's numbers as an array; those beyond 1e300 and -1e300 become infinite."""
    curve = np.asarray(values, dtype=np.float64)
    return np.where(np.abs(curve) > LARGEST, np.copysign(np.inf, curve), curve)


def _float_or_infinity(value: Any) -> float:
    """Returns a number of a history as a float, infinite if it is too large for one."""
    try:
        return float(value)
    except OverflowError:  # an integer of more than 308 digits
        return math.inf if value > 0 else -math.inf


def _spread_over_epochs(name: str, curve: Curve, epochs: Epochs) -> Curve:
    """Assigns the values of a history of `fit(validation_freq=n)` to their epochs."""
    if len(curve) == len(epochs):
        return curve
    places = [epochs % n == 0 for n in range(2, int(epochs[-1]) + 1)]
    places = [place for place in places if place.sum() == len(curve)]
    if len(places) != 1:
        raise ValueError(
            f"`history[{name!r}]` must hold one number per epoch, here {len(epochs)}; "
            f"received {len(curve)}. Use NaN for an epoch without a value."
        )
    spread = np.full(len(epochs), np.nan)
    spread[places[0]] = curve
    return spread


def _choose_metrics(log: Mapping[str, object]) -> dict[str, str]:
    """Returns the metric of a history to draw under each title; raises an error without any."""
    trained = [name for name in log if not name.startswith(_VALIDATION)]
    accuracies = [name for name in trained if "acc" in name.lower()]
    metrics = {}
    if accuracies:
        # Use a top-k accuracy only if it is the only accuracy.
        metrics[ACCURACY] = min(accuracies, key=lambda name: "top_k" in name)
    if "loss" in trained:
        metrics[LOSS] = "loss"
    if not metrics:
        requirement = 'a record with "loss" or a metric with "acc" in its name'
        raise ValueError(f"`history` must be {requirement}; received the names {sorted(log)}.")
    return metrics


def _draw_curves(ax: Axes, epochs: Epochs, train: Curve, validation: Curve | None) -> None:
    """Draws a metric of a history: training solid with circles, validation dashed with squares."""
    from catdog_keras.plotting import _axes_and_text

    # Markers make a single point visible; too many of them would hide the line.
    line: dict[str, Any] = {"linewidth": 1.8, "markersize": 5}
    line["markevery"] = max(1, len(epochs) // 20)
    ax.plot(epochs, train, "-o", color=_axes_and_text.BLUE, label="training", **line)
    if validation is not None:
        # Skip epochs without a value, otherwise `validation_freq` would leave isolated points.
        seen = np.isfinite(validation)
        xs, ys = epochs[seen], validation[seen]
        ax.plot(xs, ys, "--s", color=_axes_and_text.VERMILION, label="validation", **line)


def _mark_best(
    ax: Axes, epochs: Epochs, validation: Curve | None, *, losses: Curve | None, highest: bool
) -> list[str]:
    """Draws a star at a history's best validation value; returns its line of the title, if any.

    Of several epochs with the best accuracy, the one with the lowest validation loss is marked.
    """
    from catdog_keras.plotting import _axes_and_text

    if validation is None or not np.isfinite(validation).any():
        return []
    worst = -np.inf if highest else np.inf
    known = np.where(np.isfinite(validation), validation, worst)
    best = known == (known.max() if highest else known.min())
    if losses is None:
        place = int(best.argmax())
    else:
        place = int(np.where(best, np.nan_to_num(losses, nan=np.inf), np.inf).argmin())
        place = place if best[place] else int(best.argmax())  # no finite loss among them
    ax.plot(
        epochs[place],
        validation[place],
        "*",
        color=_axes_and_text.ORANGE,
        markeredgecolor="black",
        markersize=14,
        zorder=3,
        clip_on=False,
        label="best on validation",
    )
    return [f"best: {validation[place]:.3f} in epoch {epochs[place]}"]


def _count_gaps(ax: Axes, train: Curve) -> list[str]:
    """Returns a title line that counts a history's epochs without a finite value, if any."""
    gaps = np.count_nonzero(~np.isfinite(train))
    if not any(np.isfinite(line.get_ydata()).any() for line in ax.lines):
        ax.set_yticks([])  # matplotlib would put numbers on an empty axis
    return [f"not finite in {gaps} of {len(train)} epochs"] if gaps else []


def _mark_epochs(ax: Axes, epochs: Epochs) -> None:
    """Sets integer ticks on the epoch axis of a history, including its first and last epoch."""
    from matplotlib.ticker import MaxNLocator

    first, last = int(epochs[0]), int(epochs[-1])
    round_ones = MaxNLocator(nbins=5, integer=True).tick_values(first, last)
    step = round_ones[1] - round_ones[0]
    between = [int(n) for n in round_ones if first + 0.6 * step < n < last - 0.6 * step]
    ax.set_xticks(sorted({first, *between, last}))
    ax.set_xlim(first - 0.5, last + 0.5)
    ax.set_xlabel("epoch")
    ax.grid(visible=True, alpha=0.3)


def _draw_history_legend(figure: Figure | SubFigure, panels: npt.NDArray[Any]) -> None:
    """Draws one legend for all panels, below them if the layout engine reserves the space."""
    from catdog_keras.plotting import _axes_and_text

    entries: dict[str, Any] = {}
    for ax in panels:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if _axes_and_text.lays_out(figure):
        figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=3)
    else:
        panels[0].legend(list(entries.values()), list(entries))
