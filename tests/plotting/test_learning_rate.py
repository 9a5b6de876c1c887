"""The result over learning rates as a plot: what stands where."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import catdog_keras
from catdog_keras.plotting import plot_learning_rate
from tests.plotting.axes_texts import legend_texts

RATES, LOSSES = (1e-4, 1e-3, 1e-2), (0.7, 0.4, 0.9)


def result(rates=RATES, losses=LOSSES, suggestion=1e-3):
    return catdog_keras.LRFinderResult(rates, losses, suggestion)


def test_plot_learning_rate_shows_losses_by_rate_and_suggestion():
    ax = plot_learning_rate(result())
    batches, means, mark = ax.lines
    np.testing.assert_array_equal(batches.get_xydata(), np.transpose([RATES, LOSSES]))
    np.testing.assert_allclose(means.get_xydata(), [(1e-3, 2 / 3)])
    assert set(mark.get_xdata()) == {1e-3}
    assert ax.get_title() == "Suggested learning rate: 0.001"
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == ("learning rate", "loss", "log")
    assert legend_texts(ax) == [
        "each batch",
        "moving average",
        "suggestion",
    ]


def test_missing_suggestion_is_reported_in_title_without_a_mark():
    ax = plot_learning_rate(result(suggestion=None))
    assert len(ax.lines) == 2
    assert ax.get_title() == "No suggestion: the loss does not fall"


def test_curves_and_suggestion_have_distinct_line_styles():
    batches, means, mark = plot_learning_rate(result()).lines
    assert means.get_linewidth() > 2 * batches.get_linewidth()
    assert mark.get_linestyle() != means.get_linestyle()


@pytest.mark.parametrize("rate", [1e-6, 1e-3])
def test_single_step_is_drawn_as_marker_within_limits(rate):
    ax = plot_learning_rate(result((rate,), (0.7,), rate), ax=Figure().add_subplot())
    assert ax.lines[0].get_marker() == "o"
    low, high = ax.get_xlim()
    assert 0 < low < rate < high


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            [0.1],
            TypeError,
            "`result` must be an LRFinderResult, as returned by `find_learning_rate`; received "
            "result=[0.1].",
        ),
        (
            result((0.1,), (float("nan"),)),
            ValueError,
            "`result` must be at least one finite loss; received "
            "result=LRFinderResult(rates=(0.1,), losses=(nan,), suggestion=0.001).",
        ),
        (
            result((0.1,), (0.7,), "0.1"),
            TypeError,
            "`result.suggestion` must be a number from 0 to inf; received result.suggestion='0.1'.",
        ),
        (
            result((), ()),
            ValueError,
            "`result` must be one loss for each rate, of at least one; received "
            "result=LRFinderResult(rates=(), losses=(), suggestion=0.001).",
        ),
        (
            result(losses=(0.7,)),
            ValueError,
            "`result` must be one loss for each rate, of at least one; received "
            "result=LRFinderResult(rates=(0.0001, 0.001, 0.01), losses=(0.7,), suggestion=0.001).",
        ),
    ],
)
def test_plot_learning_rate_rejects_invalid_result(given, error, message):
    with pytest.raises(error) as caught:
        plot_learning_rate(given)
    assert str(caught.value) == message


@pytest.mark.parametrize("losses", [(0.7, 1e308, 1e308), (-1e308, 1e308, 0.0)])
def test_losses_beyond_the_range_of_an_axis_are_left_out(losses):
    ax = plot_learning_rate(catdog_keras.LRFinderResult((1e-4, 1e-3, 1e-2), losses, 1e-3))
    ax.figure.canvas.draw()
    shown = np.array(ax.lines[0].get_ydata())
    assert np.isfinite(shown).sum() == 1
