"""How much text fits: measured against what matplotlib draws."""

import re
import warnings

import numpy as np
import pytest
from hypothesis import given, strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text

from catdog_keras import Evaluation, plotting
from catdog_keras.plotting import _axes_and_text
from catdog_keras.plotting._rows import write_row_title

WORDS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x17F, categories=["L", "N", "P", "Zs"]),
    max_size=60,
)


@pytest.mark.parametrize("dpi", [60, 72, 100, 300])
@pytest.mark.parametrize("text", ["cat", "west highland white terrier", "1,234 (100%)", "iiii lll"])
def test_text_width_bounds_rendered_width(text, dpi):
    figure = Figure(figsize=(10, 2), dpi=dpi)
    drawn = figure.text(0, 0, text, fontsize=9, parse_math=False)
    figure.draw_without_rendering()
    points = drawn.get_window_extent().width * 72 / dpi
    assert points <= _axes_and_text.text_width(text, 9) + 2 <= 1.3 * points + 5


@given(WORDS, st.floats(5, 400))
def test_fit_text_respects_width_and_keeps_both_ends(text, width):
    fitted = _axes_and_text.fit_text(text, width, 10)
    plain = " ".join(text.split())
    head, dots, tail = fitted.partition("…")
    if not dots:
        assert fitted == plain
        return
    assert _axes_and_text.text_width(plain, 10) > width
    assert plain.startswith(head)
    assert plain.endswith(tail)
    assert _axes_and_text.text_width(fitted, 10) <= width or len(head + tail) <= 1


def test_fit_text_only_normalizes_whitespace_of_short_text():
    assert _axes_and_text.fit_text("cat", 100, 10) == "cat"
    assert _axes_and_text.fit_text("two\nlines  and\ttabs", 500, 10) == "two lines and tabs"


@pytest.mark.parametrize("names", [["caf\udce9", "\ud800dog"], ["\ud800" * 40, "cat", "dog"]])
def test_names_with_lone_surrogates_are_escaped_in_plots(names):
    evaluation = Evaluation(names, np.arange(6) % len(names), np.eye(len(names))[[0, 1, 0] * 2])
    drawn = ""
    for plot in (
        plotting.plot_label_counts,
        plotting.plot_confusion_matrix,
        plotting.plot_roc,
        plotting.plot_precision_recall,
    ):
        ax = plot(evaluation)
        ax.figure.canvas.draw()
        drawn += "".join(text.get_text() for text in ax.figure.findobj(Text))
    row = Figure().add_subplot()
    write_row_title(row, names[0], 5)
    drawn += row.get_title(loc="left")
    assert not re.search("[\ud800-\udfff]", drawn)
    assert drawn.count("\\ud") > 5


@given(st.lists(st.text("iW.a", min_size=1, max_size=12), min_size=2, max_size=30))
def test_lines_are_broken_into_the_most_equal_halves(words):
    line = " ".join(words)
    first, second = _axes_and_text._break_in_halves(line, 1, 10)
    assert f"{first} {second}" == line
    widest = max(_axes_and_text.text_width(part, 10) for part in (first, second))
    for place in range(1, len(words)):
        parts = (" ".join(words[:place]), " ".join(words[place:]))
        assert widest <= max(_axes_and_text.text_width(part, 10) for part in parts) + 1e-6


def test_few_letters_of_long_names_are_measured(monkeypatch):
    measured = []

    class Counted(_axes_and_text.TextToPath):
        def get_text_width_height_descent(self, text, *arguments, **options):
            measured.append(len(text))
            return super().get_text_width_height_descent(text, *arguments, **options)

    monkeypatch.setattr(_axes_and_text, "TextToPath", Counted)
    names = ["x" * 3000, "z " * 2000]
    evaluation = Evaluation(names, [0, 1, 1, 0], [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]])
    for plot in (
        plotting.plot_roc,
        plotting.plot_precision_recall,
        plotting.plot_confusion_matrix,
        plotting.plot_label_counts,
    ):
        plot(evaluation)
    assert 0 < sum(measured) < 100_000
    assert max(measured) <= 500


def test_write_title_shrinks_font_before_truncating():
    ax = Figure(figsize=(3, 3), layout="constrained").add_subplot()
    usual = ax.title.get_fontsize()
    _axes_and_text.write_title(ax, "short")
    assert (ax.get_title(), ax.title.get_fontsize()) == ("short", usual)
    _axes_and_text.write_title(ax, "a title of middling length, as it were")
    assert "…" not in ax.get_title()
    assert _axes_and_text.SMALLEST_TITLE <= ax.title.get_fontsize() < usual
    _axes_and_text.write_title(ax, "a title so long " * 9)
    assert "…" in ax.get_title()


def test_missing_glyphs_warn_only_when_rendered():
    names = ["\U00020000\U00020001", "cat"]  # in hardly any font
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = plotting.plot_confusion_matrix([[1, 2], [3, 4]], names)
    with pytest.warns(UserWarning, match="missing from font"):
        ax.figure.draw_without_rendering()
