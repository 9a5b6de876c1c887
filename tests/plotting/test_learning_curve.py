"""The plot of a learning curve: points, intervals, the power law and its prediction."""

from types import SimpleNamespace

import numpy as np
import pytest

from catdog_keras.plotting import plot_learning_curve
from tests.plotting.axes_texts import legend_texts


def make_curve(**changes):
    attributes = {
        "sizes": (100, 200, 400),
        "accuracies": (0.8, 0.85, 0.875),
        "intervals": ((0.75, 0.84), (0.81, 0.88), (0.84, 0.9)),
        "doubled_size": 800,
        "doubled_accuracy": 0.8875,
        "doubled_interval": (0.86, 0.91),
        "predict": lambda size: 0.9 - 0.1 * 100 / size,
    }
    return SimpleNamespace(**{**attributes, **changes})


def test_measured_and_predicted_accuracies_are_drawn_with_intervals():
    ax = plot_learning_curve(make_curve())
    measured, predicted = ax.containers
    np.testing.assert_array_equal(
        measured.lines[0].get_xydata(), [(100, 0.8), (200, 0.85), (400, 0.875)]
    )
    ends = [segment[:, 1].tolist() for segment in measured.lines[2][0].get_segments()]
    np.testing.assert_allclose(ends, [(0.75, 0.84), (0.81, 0.88), (0.84, 0.9)])
    np.testing.assert_array_equal(predicted.lines[0].get_xydata(), [(800, 0.8875)])
    np.testing.assert_allclose(predicted.lines[2][0].get_segments()[0][:, 1], (0.86, 0.91))
    assert legend_texts(ax) == ["measured", "predicted"]
    assert ax.get_title() == "Accuracy with 800 images: 0.887, predicted"
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == (
        "training images",
        "accuracy",
        "log",
    )


def test_power_law_is_solid_over_the_sizes_and_dashed_beyond():
    ax = plot_learning_curve(make_curve())
    within, beyond = [line for line in ax.lines if len(line.get_xdata()) > 10]
    assert (within.get_linestyle(), beyond.get_linestyle()) == ("-", "--")
    np.testing.assert_allclose(within.get_xdata()[[0, -1]], [100, 400])
    np.testing.assert_allclose(beyond.get_xdata()[[0, -1]], [400, 800])
    np.testing.assert_allclose(beyond.get_ydata()[-1], 0.8875)


@pytest.mark.parametrize(
    ("curve", "error"),
    [
        ([0.1], TypeError),
        (make_curve(sizes=(), accuracies=(), intervals=()), ValueError),
        (make_curve(accuracies=(0.8, 0.85)), ValueError),
        (make_curve(intervals=((0.75, 0.84),)), ValueError),
    ],
)
def test_plot_learning_curve_rejects_invalid_curve(curve, error):
    with pytest.raises(error, match="`curve` must be"):
        plot_learning_curve(curve)
