"""ROC curves by their lines and what the legend says of them."""

import numpy as np
import pytest

from catdog_keras.evaluation import Evaluation
from catdog_keras.plotting import plot_roc
from tests.plotting.axes_texts import legend_texts

NAMES = ["cat", "dog"]
ROWS = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]


def make_roc_curves(count, images=200, missing=0):
    random = np.random.default_rng(0)
    labels = np.arange(images) % (count - missing)
    rows = random.dirichlet([0.3] * count, images) + 0.2 * np.eye(count)[labels]
    names = [f"class {n}" for n in range(count)]
    return Evaluation(names, labels, rows / rows.sum(axis=1, keepdims=True)).roc_curves


def test_two_classes_give_one_curve_and_chance_line():
    (curve,) = Evaluation(NAMES, [0, 1, 1, 1], ROWS).roc_curves
    ax = plot_roc([curve])
    line, guess = ax.lines
    xs, ys = line.get_data()
    assert xs.tolist() == curve.false_positive_rate.tolist()
    assert ys.tolist() == curve.true_positive_rate.tolist()
    assert [list(each) for each in guess.get_data()] == [[0, 1], [0, 1]]
    low, high = curve.auc_interval
    assert legend_texts(ax) == [
        f"AUC 1.000 ({low:.3f} to {high:.3f}): dog, 3 of 4 images",
        "AUC 0.500: random guessing",
    ]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("false positive rate", "true positive rate")
    assert ax.get_title() == "ROC curve of dog"


def test_four_curves_have_distinct_line_styles_and_colors():
    ax = plot_roc(make_roc_curves(4))
    curves = ax.lines[:-1]
    assert len({line.get_linestyle() for line in curves}) == len(curves) == 4
    assert len({line.get_color() for line in curves}) == 4
    assert ax.get_title() == "ROC curves of 4 classes, each against the rest"


def test_legend_names_three_worst_of_many_curves():
    curves = make_roc_curves(12, missing=2)
    areas = sorted(curve.auc for curve in curves if not np.isnan(curve.auc))
    ax = plot_roc(curves)
    worst = legend_texts(ax)[:3]
    assert [text[:9] for text in worst] == [f"AUC {area:.3f}" for area in areas[:3]]
    assert legend_texts(ax)[3:] == [
        f"AUC {areas[3]:.3f} to {areas[-1]:.3f}: 7 others",
        "no AUC: 2 classes",
        "AUC 0.500: random guessing",
    ]
    assert sum(line.get_color() == "#888888" for line in ax.lines) == 7


def test_legend_reports_no_auc_without_positives_or_negatives():
    ax = plot_roc(make_roc_curves(3, missing=1))
    assert legend_texts(ax)[2] == "no AUC: class 2, 0 of 200 images"
    assert not np.isfinite(ax.lines[2].get_ydata()).any()
    alone = plot_roc(Evaluation(["cat"], [0, 0], [[1.0], [1.0]]).roc_curves)
    assert legend_texts(alone)[0] == "no AUC: cat, 2 of 2 images"


@pytest.mark.parametrize(
    ("curves", "error", "message"),
    [
        (0.5, TypeError, "`curves` must be an Evaluation or a list of ROC curves; received curves=0.5."),
        ((), ValueError, "`curves` must be an Evaluation or a list of ROC curves, at least one; received curves=()."),
        ([(0, 1)], TypeError, "`curves[0]` must be a record with class_name, positives, negatives, true_positive_rate, false_positive_rate, auc, auc_interval; received curves[0]=(0, 1)."),
    ],
)  # fmt: skip
def test_plot_roc_rejects_invalid_curves(curves, error, message):
    with pytest.raises(error) as caught:
        plot_roc(curves)
    assert str(caught.value) == message
