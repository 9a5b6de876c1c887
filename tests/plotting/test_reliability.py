"""Reliability diagrams by their points, intervals and counts."""

import dataclasses

import numpy as np
import pytest

from catdog_keras.evaluation import Evaluation, ReliabilityBin, wilson_interval
from catdog_keras.plotting import plot_reliability
from tests.plotting.axes_texts import legend_texts

BINS = [ReliabilityBin(0.5, 0.6, 20, 8, 0.55), ReliabilityBin(0.9, 1.0, 1200, 1180, 0.97)]


def points(ax):
    """Confidence, accuracy, and the interval drawn."""
    (container,) = ax.containers
    line, _, (bars,) = container.lines
    segments = [segment[:, 1] for segment in bars.get_segments()]
    return list(zip(*line.get_data(), segments, strict=True))


def test_points_show_accuracy_by_confidence_with_intervals():
    ax = plot_reliability(BINS)
    first, last = points(ax)
    assert first[:2] == (0.55, 0.4)
    assert first[2] == pytest.approx(wilson_interval(8, 20))
    assert last[:2] == (0.97, 1180 / 1200)
    assert last[2] == pytest.approx(wilson_interval(1180, 1200))
    assert ax.get_ylim() == (0, 1)
    error = (20 * 0.15 + 1200 * abs(1180 / 1200 - 0.97)) / 1220
    assert ax.get_title() == f"Calibration error {error:.3f} on 1,220 images"


def test_diagonal_is_labeled_perfect_calibration():
    diagonal = plot_reliability(BINS).lines[0]
    xs, ys = diagonal.get_data()
    assert (list(xs), list(ys)) == ([0.5, 1], [0.5, 1])
    assert diagonal.get_label() == "perfect calibration"


def test_image_counts_are_shown_above_their_bins():
    (above,) = plot_reliability(BINS).child_axes
    assert above.get_xlabel() == "images"
    assert above.get_xticks().tolist() == pytest.approx([0.55, 0.95])
    assert [label.get_text() for label in above.get_xticklabels()] == ["20", "1,200"]


def test_x_axis_starts_at_lowest_bin_or_one_half():
    assert plot_reliability(BINS[1:]).get_xlim() == (0.5, 1)
    assert plot_reliability([dataclasses.replace(BINS[0], low=0.1)]).get_xlim() == (0.1, 1)


def test_title_calibration_error_matches_evaluation():
    random = np.random.default_rng(0)
    rows = random.dirichlet([1, 1, 1], 100)
    result = Evaluation(["a", "b", "c"], random.integers(0, 3, 100), rows)
    title = plot_reliability(result.reliability_bins).get_title()
    assert title == f"Calibration error {result.calibration_error:.3f} on 100 images"


def test_legend_labels_points_and_diagonal():
    texts = legend_texts(plot_reliability(BINS))
    assert texts == ["perfect calibration", "accuracy, with its 95% interval"]


@pytest.mark.parametrize(
    ("bins", "error", "message"),
    [
        (0.5, TypeError, "`bins` must be an Evaluation or a list of reliability bins; received bins=0.5."),
        ("bins", TypeError, "`bins` must be an Evaluation or a list of reliability bins; received bins='bins'."),
        ([], ValueError, "`bins` must be an Evaluation or a list of reliability bins, at least one; received bins=[]."),
        ([BINS[0], 0.5], TypeError, "`bins[1]` must be a record with low, high, num_images, confidence, accuracy, accuracy_interval; received bins[1]=0.5."),
    ],
)  # fmt: skip
def test_plot_reliability_rejects_invalid_bins(bins, error, message):
    with pytest.raises(error) as caught:
        plot_reliability(bins)
    assert str(caught.value) == message
