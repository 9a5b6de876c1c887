"""Plot of a learning rate range test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from catdog_keras._checks import check_number, describe
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.plotting._argument_names import PLOT_NAMES
from catdog_keras.plotting._history import limit_to_drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@suggests_arguments(PLOT_NAMES)
def plot_learning_rate(result: Any, *, ax: Axes | None = None) -> Axes:
    """Plots a learning rate range test: the loss over the learning rate, and the suggested rate.

    The thin line is the loss of each batch, the thick line the moving average. The learning rate
    axis is logarithmic. Choose a rate to the left of the minimum, where the curve still falls; at
    the minimum itself training is about to diverge. If the result has no suggestion, the title
    reports it.

    Args:
        result: Return value of `find_learning_rate`.
        ax: Matplotlib axes to draw into, or None for new ones.

    Returns:
        The axes; their figure is neither shown nor closed.

    Raises:
        TypeError: If `result` does not have the attributes of such a result.
        ValueError: If it has no step or no finite loss, or the numbers of losses and rates differ.

    Example:
        >>> import catdog_keras
        >>> result = catdog_keras.LRFinderResult((1e-4, 1e-3, 1e-2), (0.7, 0.4, 0.9), 1e-3)
        >>> catdog_keras.plotting.plot_learning_rate(result).get_title()
        'Suggested learning rate: 0.001'
    """
    from catdog_keras.plotting import _axes_and_text

    rates, losses, suggestion = _read_sweep(result)
    ax = _axes_and_text.take_axes(ax, (6.0, 4.0))
    ax.set_xscale("log")  # before plotting: a single rate has no valid linear limits
    thin = "-" if len(rates) > 1 else "o"  # a line with a single point is invisible
    ax.plot(
        rates, losses, thin, color=_axes_and_text.BLUE, linewidth=0.8, alpha=0.5, label="each batch"
    )
    middles, means = result.smoothed[0], limit_to_drawable(result.smoothed[1])
    ax.plot(middles, means, "-", color=_axes_and_text.BLUE, linewidth=2.2, label="moving average")
    title = "No suggestion: the loss does not fall"
    if suggestion is not None:
        title = f"Suggested learning rate: {suggestion:.2g}"
        ax.axvline(
            suggestion,
            color=_axes_and_text.VERMILION,
            linestyle="--",
            linewidth=1.8,
            label="suggestion",
        )
    ax.set_xlabel("learning rate")
    ax.set_ylabel("loss")
    ax.grid(visible=True, alpha=0.3)
    ax.legend()
    _axes_and_text.write_title(ax, title)
    return ax


def _read_sweep(result: Any) -> tuple[Any, Any, float | None]:
    """Returns learning rates, losses and suggestion of an `LRFinderResult`; raises if invalid."""
    names = ("rates", "losses", "suggestion")
    if not all(hasattr(result, name) for name in names) or not hasattr(type(result), "smoothed"):
        requirement = "an LRFinderResult, as returned by `find_learning_rate`"
        raise TypeError(describe("result", requirement, result))
    rates, losses = np.asarray(result.rates, float), limit_to_drawable(result.losses)
    if len(rates) == 0 or rates.shape != losses.shape:
        raise ValueError(describe("result", "one loss for each rate, of at least one", result))
    if not np.isfinite(losses).any():
        raise ValueError(describe("result", "at least one finite loss", result))
    if result.suggestion is None:
        return rates, losses, None
    suggestion = check_number("result.suggestion", result.suggestion, minimum=0, maximum=np.inf)
    return rates, losses, suggestion
