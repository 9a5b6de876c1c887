"""Dots by their positions, intervals by their ends, numbers by their words."""

import matplotlib.pyplot as plt
import pytest

from catdog_keras.evaluation import Evaluation, compare
from catdog_keras.plotting import plot_comparison
from tests.plotting.axes_texts import legend_texts

MODELS = [
    {
        "name": "model1",
        "parameters": 433_634,
        "train_accuracy": 0.9,
        "validation_accuracy": 0.8,
        "test_accuracy": 0.7,
        "test_interval": (0.6, 0.78),
    },
    {"name": "model2", "train_accuracy": 1.0, "test_accuracy": 0.75, "test_interval": None},
]
ONE = Evaluation(["cat", "dog"], [0], [[0.9, 0.1]])
RECORD = 'an Evaluation, or a record with "name" and at least one of train_accuracy, validation_accuracy, test_accuracy, accuracy'


def value_texts(ax):
    """The numbers right of the axes, from top to bottom."""
    texts = [text for text in ax.texts if text.get_text()]
    return [text.get_text() for text in sorted(texts, key=lambda text: text.xy[1])]


def dots_of(ax):
    """The accuracies of each kind of dot, by color."""
    found = {}
    for container in ax.containers:
        (dot,) = container.lines[0].get_xydata()
        found.setdefault(container.lines[0].get_color(), []).append(dot[0])
    return list(found.values())


def test_plot_comparison_shows_dots_and_values_of_each_model():
    ax = plot_comparison(MODELS)
    assert dots_of(ax) == [[0.9, 1.0], [0.8], [0.7, 0.75]]
    assert value_texts(ax) == ["0.900", "0.800", "0.700 (0.600 to 0.780)", "1.000", "0.750"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["model1", "model2"]
    assert ax.get_xlabel() == "accuracy (fraction of images)"
    assert ax.yaxis_inverted()
    assert ax.get_title() == "Accuracy of 2 models"
    assert plot_comparison(MODELS[:1]).get_title() == "Accuracy of 1 model"


@pytest.mark.parametrize(
    ("accuracy", "baseline", "left"),
    [(0.93, None, 0.9), (0.91, None, 0.8), (0.93, 0.5, 0.4), (0.05, None, 0.0), (0.0, None, 0.0)],
)
def test_accuracy_axis_begins_below_lowest_value(accuracy, baseline, left):
    ax = plot_comparison([{"name": "cnn", "test_accuracy": accuracy}], baseline)
    assert ax.get_xlim() == pytest.approx((left, 1))


def test_plot_comparison_takes_evaluations_by_name():
    first = Evaluation(["cat", "dog"], [0, 1, 1], [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])
    second = Evaluation(["cat", "dog"], [0, 1, 1], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    ax = plot_comparison({"old": first, "new": second})
    assert dots_of(ax) == [[first.accuracy, 1.0]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["old", "new"]
    assert legend_texts(ax) == ["accuracy, 95% interval"]
    low, high = first.accuracy_interval
    assert value_texts(ax)[0] == f"0.667 ({low:.3f} to {high:.3f})"


def test_plot_comparison_names_listed_evaluations_as_compare_does():
    first = Evaluation(["cat", "dog"], [0, 1, 1], [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])
    second = Evaluation(["cat", "dog"], [0, 1, 1], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    ax = plot_comparison([first, second])
    assert dots_of(ax) == [[first.accuracy, 1.0]]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == list(compare(first, second).names) == ["a", "b"]
    mixed = plot_comparison([{"name": "old", "accuracy": 0.5}, second])
    assert [label.get_text() for label in mixed.get_yticklabels()] == ["old", "b"]


def test_values_are_aligned_with_their_dots():
    ax = plot_comparison(MODELS)
    heights = sorted(container.lines[0].get_ydata()[0] for container in ax.containers)
    assert sorted(text.xy[1] for text in ax.texts) == pytest.approx(heights)


def test_interval_is_drawn_only_for_models_that_have_one():
    ax = plot_comparison(MODELS)
    segments = [segment for c in ax.collections for segment in c.get_segments()]
    assert [segment[:, 0].tolist() for segment in segments] == [pytest.approx([0.6, 0.78])]


def test_baseline_is_drawn_as_line_with_legend_entry():
    ax = plot_comparison(MODELS, 0.5)
    (line,) = [line for line in ax.get_lines() if line.get_label().startswith("baseline")]
    assert list(line.get_xdata()) == [0.5, 0.5]
    assert legend_texts(ax) == ["train", "validation", "test, 95% interval", "baseline 0.500"]
    assert legend_texts(plot_comparison(MODELS[1:])) == ["train", "test"]


def test_baseline_is_white_on_dark_background():
    with plt.style.context("dark_background"):
        ax = plot_comparison(MODELS, 0.5)
    (line,) = [line for line in ax.get_lines() if line.get_label().startswith("baseline")]
    assert line.get_color() == "white"


def test_splits_have_distinct_markers():
    markers = {container.lines[0].get_marker() for container in plot_comparison(MODELS).containers}
    assert len(markers) == 3


@pytest.mark.parametrize(
    ("results", "baseline", "error", "message"),
    [
        ([], None, ValueError, '`results` must be a dict of evaluations by name, a list of evaluations, or a list of records with "name" and accuracies, one per model; received results=[].'),
        ("model", None, TypeError, "`results` must be a dict of evaluations by name, a list of evaluations, or a list of records with \"name\" and accuracies, one per model; received results='model'."),
        ({"name": "a"}, None, TypeError, "`results` must be a dict of evaluations by name, a list of evaluations, or a list of records with \"name\" and accuracies, one per model; received results={'name': 'a'}."),
        ([5], None, TypeError, f"`results[0]` must be {RECORD}; received results[0]=5."),
        ([{"name": "a"}], None, ValueError, f"`results[0]` must be {RECORD}; received results[0]={{'name': 'a'}}."),
        ([{"test_accuracy": 1}], None, ValueError, f"`results[0]` must be {RECORD}; received results[0]={{'test_accuracy': 1}}."),
        ([{"name": "a", "test_accuracy": 95}], None, ValueError, "`results[0]['test_accuracy']` must be a number from 0 to 1; received results[0]['test_accuracy']=95."),
        ([{"name": "a", "test_accuracy": 0.5, "test_interval": 0.1}], None, TypeError, "`results[0]['test_interval']` must be a pair (low, high) around the accuracy, here 0.5, or None; received results[0]['test_interval']=0.1."),
        ([{"name": "a", "test_accuracy": 0.5, "test_interval": [0.6, 0.7]}], None, ValueError, "`results[0]['test_interval']` must be a pair (low, high) around the accuracy, here 0.5, or None; received results[0]['test_interval']=[0.6, 0.7]."),
        (ONE, None, TypeError, "`results` must be a dict of evaluations by name, a list of evaluations, or a list of records with \"name\" and accuracies, one per model; received results=Evaluation(1 image, 2 classes, accuracy=1.000). Pass one evaluation as a list, too."),
        (ONE, ONE, TypeError, "`baseline` must be a number from 0 to 1; received baseline=Evaluation(1 image, 2 classes, accuracy=1.000). Pass several evaluations as a list or dict."),
        ([ONE, 5], None, TypeError, f"`results[1]` must be {RECORD}; received results[1]=5."),
        (MODELS, 50, ValueError, "`baseline` must be a number from 0 to 1; received baseline=50."),
        (MODELS, "half", TypeError, "`baseline` must be a number from 0 to 1; received baseline='half'."),
    ],
)  # fmt: skip
def test_plot_comparison_rejects_invalid_arguments(results, baseline, error, message):
    with pytest.raises(error) as caught:
        plot_comparison(results, baseline)
    assert str(caught.value) == message
