"""Precision-recall curves by their lines and what the legend says of them."""

import numpy as np
import pytest

from catdog_keras.evaluation import Evaluation
from catdog_keras.plotting import plot_precision_recall
from tests.plotting.axes_texts import legend_texts

NAMES = ["cat", "dog"]
ROWS = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]


def test_line_is_step_function_with_average_precision_as_area():
    result = Evaluation(NAMES, [0, 1, 1, 0], ROWS)
    ax = plot_precision_recall(result)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("recall", "precision")
    for line, curve in zip(ax.lines, result.precision_recall_curves, strict=True):
        recall, precision = line.get_data()
        assert recall[0] == 0
        assert recall[-1] == 1
        assert np.trapezoid(precision, recall) == pytest.approx(curve.average_precision)
        low, high = curve.average_precision_interval
        area = f"AP {curve.average_precision:.3f} ({low:.3f} to {high:.3f})"
        assert f"{area}: {curve.class_name}, 2 of 4 images" in legend_texts(ax)


def test_legend_names_three_worst_of_many_curves():
    random = np.random.default_rng(0)
    labels = np.arange(200) % 10
    rows = random.dirichlet([0.3] * 12, 200) + 0.2 * np.eye(12)[labels]
    names = [f"class {n}" for n in range(12)]
    result = Evaluation(names, labels, rows / rows.sum(axis=1, keepdims=True))
    areas = sorted(c.average_precision for c in result.precision_recall_curves if c.positives)
    ax = plot_precision_recall(result)
    assert [text[:8] for text in legend_texts(ax)[:3]] == [f"AP {area:.3f}" for area in areas[:3]]
    assert legend_texts(ax)[3:] == [
        f"AP {areas[3]:.3f} to {areas[-1]:.3f}: 7 others",
        "no AP: 2 classes",
    ]
    assert ax.get_title() == "Precision-recall curves of 12 classes"


@pytest.mark.parametrize("curves", ["curves", [0.5], []])
def test_plot_precision_recall_rejects_invalid_curves(curves):
    with pytest.raises((TypeError, ValueError), match=r"`curves.* must be .*; received curves"):
        plot_precision_recall(curves)
