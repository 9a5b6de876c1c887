"""Bars by their lengths, names and numbers."""

from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st
from matplotlib.figure import Figure

from catdog_keras.plotting import plot_label_counts
from tests.plotting.axes_texts import legend_texts, tick_texts

DATASET = zip([1], [2], strict=True)


def test_bar_heights_equal_label_counts():
    ax = plot_label_counts({"cats": 1500, "dogs": 500})
    assert [bar.get_height() for bar in ax.patches] == [1500, 500]
    assert tick_texts(ax.xaxis) == ["cats", "dogs"]
    assert [text.get_text() for text in ax.texts] == ["1,500", "500"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("class", "images")
    assert ax.get_ylim()[0] == 0
    assert ax.get_title() == "2,000 images\nalways predicting cats is correct for 75.0%"


def test_long_names_use_horizontal_bars_with_first_class_on_top():
    names = ["a name that is far too long to stand below its bar", "cat"]
    ax = plot_label_counts(dict(zip(names, [3, 9], strict=True)))
    assert [bar.get_width() for bar in ax.patches] == [3, 9]
    assert ax.get_xlabel() == "images"
    assert ax.yaxis_inverted()
    first, second = tick_texts(ax.yaxis)
    assert "…" in first
    assert names[0].startswith(first.split("…")[0])
    assert names[0].endswith(first.split("…")[1])
    assert second == "cat"
    assert ax.get_title().endswith("always predicting cat is correct for 75.0%")


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_every_count_is_labeled_and_its_bar_fits_axis_limits(numbers):
    ax = plot_label_counts({f"class {n}": number for n, number in enumerate(numbers)})
    assert [text.get_text() for text in ax.texts] == [f"{number:,}" for number in numbers]
    lying = ax.get_xlabel() == "images"
    lengths = [bar.get_width() if lying else bar.get_height() for bar in ax.patches]
    limit = (ax.get_xlim() if lying else ax.get_ylim())[1]
    assert lengths == numbers
    assert max(numbers) < limit or max(numbers) == 0


SPLITS = {
    "train": {"cats": 60, "dogs": 20},
    "validation": {"cats": 10, "dogs": 0},
    "test": {"cats": 0, "dogs": 10},
}


@pytest.mark.parametrize("suffix", ["", " with a name that is too long to stand below its bar"])
def test_bars_of_splits_are_stacked(suffix):
    counts = {
        split: {name + suffix: number for name, number in numbers.items()}
        for split, numbers in SPLITS.items()
    }
    ax = plot_label_counts(counts)
    lying = bool(suffix)
    ends = [
        (bar.get_x(), bar.get_width()) if lying else (bar.get_y(), bar.get_height())
        for bar in ax.patches
    ]
    assert ends == [(0, 60), (0, 20), (60, 10), (20, 0), (70, 0), (20, 10)]
    assert [text.get_text() for text in ax.texts] == ["70", "30"]
    assert legend_texts(ax) == list(SPLITS)
    assert len({(bar.get_facecolor(), bar.get_hatch()) for bar in ax.patches}) == 3
    assert ax.get_title().splitlines()[0] == "100 images"
    assert ax.get_title().endswith("is correct for 70.0%")


@pytest.mark.parametrize("width", [3, 6])
@pytest.mark.parametrize("names", [["x" * 200, "y " * 100], ["a\udcffb", "\ud800"]])
def test_names_of_splits_in_the_legend_fit_into_the_figure(names, width):
    figure = Figure((width, 4), layout="constrained")
    ax = plot_label_counts({name: {"cat": 1, "dog": 2} for name in names}, ax=figure.subplots())
    figure.draw_without_rendering()  # warns if no space is left for the axes
    legend = ax.get_legend().get_window_extent()
    assert 0 <= legend.x0 < legend.x1 <= figure.bbox.width
    for name, shown in zip(names, legend_texts(ax), strict=True):
        assert shown[0] == (name[0] if len(name) > 1 else "\\")
        assert len(shown) < 100


def test_plot_label_counts_takes_splits():
    drawn = plot_label_counts(SimpleNamespace(counts=SPLITS))
    assert [bar.get_height() for bar in drawn.patches] == [60, 20, 10, 0, 0, 10]
    one = plot_label_counts({"train": {"cats": 3}})
    assert one.get_legend() is None


def test_title_reports_zero_or_one_image():
    assert plot_label_counts({"cats": 0}).get_title() == "no images"
    assert plot_label_counts({"cats": 1}).get_title().startswith("1 image\n")


@pytest.mark.parametrize(
    ("counts", "error", "message"),
    [
        ([1, 2], TypeError, "`counts` must be the number of images of each class by name, an Evaluation or an ImageSplits; received counts=[1, 2]."),
        ({"train": {"cat": 1}, "dog": 2}, TypeError, "`counts` must be the number of images of each class by name, an Evaluation or an ImageSplits; received counts={'train': {'cat': 1}, 'dog': 2}."),
        ({"train": {"cat": -1}}, ValueError, "`counts['train']['cat']` must be an integer of at least 0; received counts['train']['cat']=-1."),
        ({"train": {}}, ValueError, "`counts` must be the number of images of each class by name, an Evaluation or an ImageSplits; received counts={'train': {}}."),
        (DATASET, TypeError, f"`counts` must be the number of images of each class by name, an Evaluation or an ImageSplits; received counts={DATASET}. Pass `count_labels(dataset)` of a dataset."),
        ({}, ValueError, "`counts` must be the number of images of each class by name, an Evaluation or an ImageSplits; received counts={}."),
        ({"cat": -1}, ValueError, "`counts['cat']` must be an integer of at least 0; received counts['cat']=-1."),
        ({"cat": 1.5}, TypeError, "`counts['cat']` must be an integer of at least 0; received counts['cat']=1.5."),
    ],
)  # fmt: skip
def test_plot_label_counts_rejects_invalid_counts(counts, error, message):
    with pytest.raises(error) as caught:
        plot_label_counts(counts)
    assert str(caught.value) == message


def test_many_classes_show_the_largest_and_the_smallest():
    counts = {f"c{n}": (7 * n) % 200 for n in range(200)}  # every number once
    ax = plot_label_counts(counts)
    shown = [*range(199, 179, -1), *range(19, -1, -1)]
    assert [bar.get_width() for bar in ax.patches] == shown
    assert [counts[name] for name in tick_texts(ax.yaxis)] == shown
    assert ax.get_title().splitlines()[0] == "19,900 images"
    assert ax.get_title().endswith("the 20 largest and 20 smallest of 200 classes")
    assert ax.figure.get_size_inches()[1] <= 12
