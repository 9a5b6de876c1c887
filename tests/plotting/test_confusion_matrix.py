"""Matrices by their shades and texts."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from catdog_keras.evaluation import wilson_interval
from catdog_keras.plotting import plot_confusion_matrix
from tests.plotting.axes_texts import tick_texts


def cells(ax):
    """The text of each cell by (row, column)."""
    return {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text() for t in ax.texts}


def small_axes(width, height):
    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def test_cells_show_counts_and_row_percentages():
    ax = plot_confusion_matrix([[90, 10], [5, 87]], ["cat", "dog"])
    assert cells(ax) == {
        (0, 0): "90\n90%",
        (0, 1): "10\n10%",
        (1, 0): "5\n5%",
        (1, 1): "87\n95%",
    }
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")
    assert tick_texts(ax.xaxis) == tick_texts(ax.yaxis) == ["cat", "dog"]
    low, high = (100 * end for end in wilson_interval(177, 192))
    assert ax.get_title().splitlines() == [
        "177 of 192 images right",
        f"92.2%, 95% interval {low:.1f} to {high:.1f}%",
    ]
    (image,) = ax.images
    assert np.allclose(image.get_array(), [[0.9, 0.1], [5 / 92, 87 / 92]])
    assert image.get_clim() == (0, 1)


def test_class_without_images_shows_counts_without_percentages():
    ax = plot_confusion_matrix([[3, 1], [0, 0]], ["cat", "dog"])
    assert cells(ax) == {(0, 0): "3\n75%", (0, 1): "1\n25%", (1, 0): "0", (1, 1): "0"}
    assert ax.images[0].get_array()[1].tolist() == [0, 0]


def test_empty_cells_show_a_gray_zero_and_rounded_percentages_are_not_exact():
    ax = plot_confusion_matrix([[999, 1, 0], [0, 5, 0], [0, 0, 2]], ["a", "b", "c"])
    shown = cells(ax)
    assert shown[0, 0] == "999\n>99%"
    assert shown[0, 1] == "1\n<1%"
    assert shown[1, 1] == "5\n100%"
    assert {text for place, text in shown.items() if len(set(place)) == 2} == {"1\n<1%", "0"}
    assert {text.get_color() for text in ax.texts if text.get_text() == "0"} == {"#666666"}


def test_title_omits_accuracy_when_there_are_no_images():
    ax = plot_confusion_matrix([[0, 0], [0, 0]], ["cat", "dog"])
    assert ax.get_title() == "0 of 0 images right"


def test_cell_text_contrast_meets_wcag():
    """At least 4.5 to 1, what WCAG 2.1 asks of text, on every shade there is."""

    def luminance(color):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
        return np.dot(linear, [0.2126, 0.7152, 0.0722])

    counts = np.zeros((11, 11), int)
    counts[:, 0] = np.arange(0, 55, 5)
    counts[:, 1] = 100 - counts[:, 0]  # every twentieth of the scale occurs
    ax = plot_confusion_matrix(counts, [f"c{n}" for n in range(11)])
    (image,) = ax.images
    assert len(ax.texts) == 121
    for text in ax.texts:
        column, line = (int(p) for p in text.get_position())
        below = image.cmap(image.norm(image.get_array()[line, column]))[:3]
        ink = mpl.colors.to_rgb(text.get_color())
        dark, light = sorted(luminance(color) for color in (below, ink))
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_smaller_cells_show_less_text_and_smallest_use_color_bar():
    names = [f"c{n}" for n in range(20)]
    counts = np.full((20, 20), 100)
    two_lines = plot_confusion_matrix(counts, names, ax=small_axes(12, 12))
    one_line = plot_confusion_matrix(counts, names, ax=small_axes(5, 5))
    shade = plot_confusion_matrix(counts, names, ax=small_axes(3, 3))
    assert set(cells(two_lines).values()) == {"100\n5%"}
    assert set(cells(one_line).values()) == {"100"}
    assert cells(shade) == {}
    assert len(one_line.figure.axes) == 1
    assert shade.figure.axes[1].get_ylabel() == "fraction of the true class"


def test_counts_too_large_for_cells_are_replaced_by_percentages():
    counts = np.full((10, 10), 12_345_678)
    ax = plot_confusion_matrix(counts, [f"c{n}" for n in range(10)], ax=small_axes(4, 4))
    assert set(cells(ax).values()) == {"10%"}


def test_tick_labels_are_thinned_when_cells_are_too_small():
    ax = plot_confusion_matrix(np.eye(40), [f"c{n}" for n in range(40)], ax=small_axes(4, 4))
    names = tick_texts(ax.yaxis)
    assert names[0] == "c0"
    assert len(names) < 40
    assert names == [f"c{round(place)}" for place in ax.get_yticks()]


def test_long_x_tick_labels_are_rotated():
    def rotation(names):
        ax = plot_confusion_matrix(np.eye(len(names)), names)
        return {label.get_rotation() for label in ax.get_xticklabels()}

    assert rotation(["cat", "dog"]) == {0}
    assert rotation([f"a rather long name {n}" for n in range(8)]) == {90}


@pytest.mark.parametrize(
    ("matrix", "names", "error", "message"),
    [
        ([[1, 2]], ["cat", "dog"], ValueError, "`matrix` must be of shape (classes, classes), here (2, 2); received shape (1, 2)."),
        (np.eye(3), ["cat", "dog"], ValueError, "`matrix` must be of shape (classes, classes), here (2, 2); received shape (3, 3)."),
        ([[1, -1], [0, 0]], ["cat", "dog"], ValueError, "`matrix` must hold counts, integers from 0 to 4,294,967,296; received -1. Percentages are computed from the counts."),
        ([[0.9, 0.1], [0, 1]], ["cat", "dog"], ValueError, "`matrix` must hold counts, integers from 0 to 4,294,967,296; received 0.9. Percentages are computed from the counts."),
        ([[np.nan]], ["cat"], ValueError, "`matrix` must hold counts, integers from 0 to 4,294,967,296; received nan. Percentages are computed from the counts."),
        ([[np.inf]], ["cat"], ValueError, "`matrix` must hold counts, integers from 0 to 4,294,967,296; received inf. Percentages are computed from the counts."),
        ([[2**63 - 1]], ["cat"], ValueError, "`matrix` must hold counts, integers from 0 to 4,294,967,296; received 9223372036854775807. Percentages are computed from the counts."),
        ([["1"]], ["cat"], TypeError, "`matrix` must hold counts as numbers; received strings such as '1'."),
        ([[1]], "c", TypeError, "`class_names` must be a list of distinct class names; received class_names='c'."),
    ],
)  # fmt: skip
def test_plot_confusion_matrix_rejects_invalid_arguments(matrix, names, error, message):
    with pytest.raises(error) as caught:
        plot_confusion_matrix(matrix, names)
    assert str(caught.value) == message


def test_large_counts_have_thousands_separators():
    ax = plot_confusion_matrix([[12345, 0], [6, 7]], ["cat", "dog"])
    assert ax.texts[0].get_text() == "12,345\n100%"
    assert ax.get_title().startswith("12,352 of 12,358 images right")


def test_many_classes_show_those_of_the_most_frequent_confusions():
    counts = np.diag(np.full(200, 10))
    confused = {(3, 150): 9, (150, 3): 8, (77, 12): 7, (40, 41): 6}
    for pair, number in confused.items():
        counts[pair] = number
    ax = plot_confusion_matrix(counts, [f"c{n}" for n in range(200)])
    names = tick_texts(ax.yaxis)
    assert len(names) == 25
    assert {"c3", "c150", "c77", "c12", "c40", "c41"} <= set(names)
    assert names == sorted(names, key=lambda name: int(name[1:]))
    assert cells(ax)[names.index("c77"), names.index("c12")] == "7\n41%"
    assert ax.get_title().splitlines() == [
        "2,000 of 2,030 images right",
        "98.5%, 95% interval 97.9 to 99.0%",
        "25 of 200 classes: those of the most frequent confusions",
    ]
    assert max(ax.figure.get_size_inches()) <= 13
    assert min(label.get_fontsize() for label in ax.get_yticklabels()) >= 8


def test_classes_of_counts_without_names_are_numbered():
    ax = plot_confusion_matrix(np.array([[3, 1], [0, 2]]))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1"]
