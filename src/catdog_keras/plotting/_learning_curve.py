"""Plot of a learning curve: the accuracy by the number of training images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from catdog_keras._checks import describe
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.plotting._argument_names import PLOT_NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ATTRIBUTES = (
    "sizes",
    "accuracies",
    "intervals",
    "doubled_size",
    "doubled_accuracy",
    "doubled_interval",
    "predict",
)
_POINTS = 100  # of the curve


@suggests_arguments(PLOT_NAMES)
def plot_learning_curve(curve: Any, *, ax: Axes | None = None) -> Axes:
    """Plots the accuracy by the number of training images, and the prediction for twice as many.

    Circles are measured accuracies with 95% intervals. The line is the power law that was fitted to
    them; it is dashed beyond the largest size, up to the prediction, a square with its 95%
    interval. The axis of sizes is logarithmic.

    Args:
        curve: Return value of `diagnostics.learning_curve`, or a record with its attributes
            `sizes`, `accuracies`, `intervals`, `doubled_size`, `doubled_accuracy`,
            `doubled_interval` and method `predict`.
        ax: Matplotlib axes to draw into, or None for a new figure.

    Returns:
        The axes, neither shown nor closed; their figure is `.figure`.

    Raises:
        TypeError: If `curve` does not have these attributes.
        ValueError: If it has no size, or not one accuracy and interval for each size.

    Example:
        >>> import catdog_keras, numpy as np
        >>> labels = np.arange(200) % 2
        >>> features = np.random.default_rng(0).normal(size=(200, 8)) + labels[:, None]
        >>> curve = catdog_keras.diagnostics.learning_curve(features, labels)
        >>> catdog_keras.plot_learning_curve(curve).get_xlabel()
        'training images'
    """
    from catdog_keras.plotting import _axes_and_text

    sizes, accuracies, intervals = _read_learning_curve(curve)
    ax = _axes_and_text.take_axes(ax, (6.0, 4.0))
    ax.set_xscale("log")
    largest, doubled = sizes[-1], float(curve.doubled_size)
    for start, end, style in ((sizes[0], largest, "-"), (largest, doubled, "--")):
        places = np.geomspace(start, end, _POINTS)
        values = [curve.predict(size) for size in places]
        ax.plot(places, values, style, color=_axes_and_text.BLUE, linewidth=1.2)
    ax.errorbar(
        sizes,
        accuracies,
        _error_bar_lengths(accuracies, intervals),
        fmt="o",
        color=_axes_and_text.BLUE,
        capsize=3,
        label="measured",
    )
    predicted = np.array([curve.doubled_accuracy])
    ax.errorbar(
        [doubled],
        predicted,
        _error_bar_lengths(predicted, np.array([curve.doubled_interval])),
        fmt="s",
        color=_axes_and_text.VERMILION,
        capsize=3,
        label="predicted",
    )
    _label_sizes(ax, [*sizes, doubled])
    _axes_and_text.write_labels(ax, "training images", "accuracy")
    ax.grid(visible=True, alpha=0.3)
    ax.legend(loc="lower right")
    _axes_and_text.write_title(
        ax, f"Accuracy with {int(doubled):,} images: {predicted[0]:.3f}, predicted"
    )
    return ax


def _label_sizes(ax: Axes, sizes: list[float]) -> None:
    """Labels every second size of a learning curve from the smallest on, so that numbers fit."""
    shown = sizes[::-1][::2][::-1]
    ax.set_xticks(shown, [f"{int(size):,}" for size in shown])
    ax.set_xticks([], minor=True)


def _error_bar_lengths(values: Any, intervals: Any) -> Any:
    """Returns lengths of a learning curve's error bars below and above, of shape (2, values)."""
    return np.abs(np.stack([values - intervals[:, 0], intervals[:, 1] - values]))


def _read_learning_curve(curve: Any) -> tuple[Any, Any, Any]:
    """Returns sizes, accuracies and intervals of a `LearningCurve`; raises if invalid."""
    if not all(hasattr(curve, name) for name in _ATTRIBUTES):
        requirement = "a LearningCurve, as returned by `diagnostics.learning_curve`"
        raise TypeError(describe("curve", requirement, curve))
    sizes, accuracies = np.asarray(curve.sizes, float), np.asarray(curve.accuracies, float)
    intervals = np.asarray(curve.intervals, float)
    if len(sizes) == 0 or accuracies.shape != sizes.shape or intervals.shape != (len(sizes), 2):
        requirement = "one accuracy and interval for each size, of at least one"
        raise ValueError(describe("curve", requirement, curve))
    return sizes, accuracies, intervals
