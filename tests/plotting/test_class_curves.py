"""What ROC and precision-recall curves have in common: those of several models in one plot."""

import pytest

from catdog_keras.evaluation import Evaluation
from catdog_keras.plotting import plot_precision_recall, plot_roc
from tests.plotting.axes_texts import legend_texts

NAMES = ["cat", "dog"]
ROWS = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]


def roc_of(evaluation):
    """The ROC curve of the last class: the curve, its y values, and its area with interval."""
    curve = evaluation.roc_curves[-1]
    return curve, curve.true_positive_rate, curve.auc, curve.auc_interval


def precision_recall_of(evaluation):
    """The same of the precision-recall curve, whose y values are drawn as steps, each twice."""
    curve = evaluation.precision_recall_curves[-1]
    return curve, curve.precision, curve.average_precision, curve.average_precision_interval


@pytest.mark.parametrize("names", [None, ["new", "_old"]])
@pytest.mark.parametrize(
    ("plot", "curve_of", "step", "title"),
    [
        (plot_roc, roc_of, 1, "ROC curves of 2 models for dog"),
        (plot_precision_recall, precision_recall_of, 2, "Precision-recall curves of 2 models for dog"),
    ],
)  # fmt: skip
def test_curves_of_several_models_are_of_the_second_class(plot, curve_of, step, title, names):
    models = [Evaluation(NAMES, [0, 1, 1, 0], rows) for rows in (ROWS, ROWS[::-1])]
    ax = plot(models if names is None else dict(zip(names, models, strict=True)))
    assert ax.get_title() == title
    for line, model, name in zip(ax.lines[:2], models, names or "ab", strict=True):
        curve, heights, area, (low, high) = curve_of(model)
        assert curve.class_name == "dog"
        assert line.get_ydata()[::step].tolist() == heights.tolist()
        text = f"{area:.3f} ({low:.3f} to {high:.3f}): {name}, 2 of 4 images"
        assert any(text in entry for entry in legend_texts(ax))
    assert len({line.get_color() for line in ax.lines[:2]}) == 2


@pytest.mark.parametrize("plot", [plot_roc, plot_precision_recall])
def test_curves_of_several_models_reject_other_classes(plot):
    three = Evaluation(["cat", "dog", "fox"], [0, 1], [[0.6, 0.4, 0.0], [0.2, 0.2, 0.6]])
    two, swapped = (Evaluation(names, [0, 1, 1, 0], ROWS) for names in (NAMES, NAMES[::-1]))
    for models, message in (
        ([three, three], "one evaluation, or several of two classes; received 2 evaluations of 3"),
        ([two, swapped], "with the same second class; received second classes 'dog', 'cat'"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            plot(models)
        assert f"`{plot.__name__}(evaluation, ax=ax)`" in str(caught.value)
