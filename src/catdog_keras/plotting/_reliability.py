"""Reliability diagram (calibration curve)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from catdog_keras._suggestions import suggests_arguments
from catdog_keras.plotting._argument_names import PLOT_NAMES
from catdog_keras.plotting._records import check_records, only_evaluation, records_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ATTRIBUTES = ("low", "high", "num_images", "confidence", "accuracy", "accuracy_interval")


class ReliabilityBinLike(Protocol):
    """Attributes of a bin that are plotted; see `ReliabilityBin`."""

    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def num_images(self) -> int: ...
    @property
    def confidence(self) -> float: ...
    @property
    def accuracy(self) -> float: ...
    @property
    def accuracy_interval(self) -> tuple[float, float]: ...


class HasBins(Protocol):
    """What the reliability diagram shows of an evaluation; see `Evaluation`."""

    @property
    def reliability_bins(self) -> Sequence[ReliabilityBinLike]: ...


@suggests_arguments(PLOT_NAMES)
def plot_reliability(
    bins: HasBins | Sequence[ReliabilityBinLike], *, ax: Axes | None = None
) -> Axes:
    """Plots a reliability diagram (calibration curve): accuracy over confidence.

    Below the diagonal the model is overconfident. Points have 95% confidence intervals: if an
    interval includes the diagonal, the images of that bin do not show miscalibration. Their number
    is above the plot. Thin lines are the bin edges; each point is at the mean confidence of its
    bin.

    Args:
        bins: An `Evaluation`, or records like those of `Evaluation.reliability_bins`, at least one.
        ax: Matplotlib axes to draw into, or None for a new figure.

    Returns:
        The axes, neither shown nor closed; their figure is `.figure`.

    Raises:
        TypeError: If `bins` is neither an evaluation nor a list of such records.
        ValueError: If `bins` is empty.

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 1, 1], rows)
        >>> catdog_keras.plot_reliability(evaluation).get_title()
        'Calibration error 0.350 on 4 images'
    """
    from catdog_keras.plotting import _axes_and_text, _legends

    remedy = "Draw each evaluation into its own axes: `plot_reliability(evaluation, ax=ax)`."
    bins = only_evaluation("bins", bins, "reliability_bins", remedy)
    records = check_records(
        "bins",
        records_of(bins, "reliability_bins"),
        "an Evaluation or a list of reliability bins",
        _ATTRIBUTES,
    )
    ax = _axes_and_text.take_axes(ax, (5.5, 5.5))
    least = min(
        0.5, *(each.low for each in records)
    )  # with two classes the predicted one has at least 0.5
    ink = ax.xaxis.label.get_color()  # visible on the user's background, even if dark
    ax.plot([least, 1], [least, 1], ":", color=ink, label="perfect calibration")
    _draw_bins(ax, records)
    ax.set_xlim(least, 1)
    ax.set_ylim(0, 1)
    for edge in sorted({end for each in records for end in (each.low, each.high)}):
        ax.axvline(edge, color="#888888", linewidth=0.6, alpha=0.5, zorder=0)
    _write_counts(ax, records)
    _axes_and_text.write_labels(
        ax,
        "confidence (mean probability of the predicted class)",
        "accuracy (fraction of images)",
    )
    _legends.draw_legend_inside(ax, (0.7, 0.3), "best")
    num_images = sum(each.num_images for each in records)
    error = (
        sum(each.num_images * abs(each.accuracy - each.confidence) for each in records) / num_images
    )
    plural = "s" if num_images > 1 else ""
    _axes_and_text.write_title(ax, f"Calibration error {error:.3f} on {num_images:,} image{plural}")
    return ax


def _draw_bins(ax: Axes, bins: Sequence[ReliabilityBinLike]) -> None:
    """Draws the accuracy of each reliability bin with its interval, at its mean confidence."""
    from catdog_keras.plotting import _axes_and_text

    accuracies = [each.accuracy for each in bins]
    ends = [each.accuracy_interval for each in bins]
    ax.errorbar(
        [each.confidence for each in bins],
        accuracies,
        yerr=[
            [accuracy - low for accuracy, (low, _) in zip(accuracies, ends, strict=True)],
            [high - accuracy for accuracy, (_, high) in zip(accuracies, ends, strict=True)],
        ],
        fmt="o",
        color=_axes_and_text.BLUE,
        markersize=7,
        capsize=4,
        elinewidth=1.6,
        capthick=1.6,
        clip_on=False,  # draw markers at the axis limits in full
        zorder=3,
        label="accuracy, with its 95% interval",
    )


def _write_counts(ax: Axes, bins: Sequence[ReliabilityBinLike]) -> None:
    """Writes the number of images of each reliability bin above the plot."""
    from catdog_keras.plotting import _axes_and_text

    above = ax.secondary_xaxis("top")
    counts = [f"{each.num_images:,}" for each in bins]
    width, _ = _axes_and_text.measure_axes(ax)
    least, most = ax.get_xlim()
    place = width * min(each.high - each.low for each in bins) / (most - least)
    size = float(ax.xaxis.label.get_fontsize())
    while size > _axes_and_text.SMALLEST_TEXT and any(
        _axes_and_text.text_width(count, size) > 0.85 * place for count in counts
    ):
        size -= 0.5
    above.set_xticks([(each.low + each.high) / 2 for each in bins], counts, fontsize=size)
    above.tick_params(length=0)
    above.set_xlabel("images")
