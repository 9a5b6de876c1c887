"""Every plotting function on every awkward case, at 6 and at 12 inches."""

import importlib
import inspect
import re
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine, TightLayoutEngine
from matplotlib.text import Text

import catdog_keras
from catdog_keras import plotting

LONG = [
    "a remarkably long class name that no user would ever want to type twice",
    "Staffordshire bull terrier, crossed with a golden retriever (puppy, outdoors, at dusk)",
    "cat",
]
BREEDS = ["golden_retriever", "cat", "ox", "west highland white terrier"]
FORTY = [f"{BREEDS[n % 4]} {n}" for n in range(40)]
ODD = ["$5 & $6", "a_b^c", r"$\frac{$"]  # mathematics to matplotlib, names to us


def make_images(count, shape=(12, 16, 3)):
    return np.random.default_rng(0).random((count, *shape))


def signed(count, shape=(12, 16, 3)):
    """Returns random images in [-1, 1]."""
    return make_images(count, shape) * 2 - 1


def in_bytes(count, shape=(12, 16, 3)):
    """Returns random uint8 images."""
    return (255 * make_images(count, shape)).astype("uint8")


def standardised(count, shape=(12, 16, 3)):
    """Less the mean, through the deviation: in none of the usual ranges."""
    return (make_images(count, shape) - 0.45) / 0.23


def not_finite(count, shape=(12, 16, 3)):
    """Some pixels, and all of the last image."""
    values = make_images(count, shape)
    values[0, 0], values[-1] = np.inf, np.nan
    return values


def log(epochs, validation=True):
    """Returns the curves of a training of some epochs."""
    falling = (np.exp(-np.arange(epochs) / 9) + 0.1).tolist()
    rising = (1 - np.exp(-np.arange(1, epochs + 1) / 9)).tolist()
    curves = {"accuracy": rising, "loss": falling}
    if validation:
        curves |= {"val_accuracy": [0.9 * a for a in rising], "val_loss": falling}
    return curves


def matrix(classes, most=200):
    """Returns a confusion matrix of a good classifier."""
    counts = np.random.default_rng(0).integers(0, 5, (classes, classes))
    np.fill_diagonal(counts, most)
    return counts


def sweep(steps, last=None):
    """Returns the result of a learning-rate search."""
    rates = np.logspace(-6, 0, steps).tolist()
    losses = np.linspace(0.7, 0.3, steps).tolist()
    if last is not None:
        losses[-1] = last
    return catdog_keras.LRFinderResult(tuple(rates), tuple(losses), rates[steps // 2])


def learning_curve(count, error=0.3, first=75):
    """Returns a learning curve of some sizes."""
    sizes = tuple(first * 2**place for place in range(count))
    accuracies = tuple(1 - error * (size / first) ** -0.5 for size in sizes)
    return catdog_keras.diagnostics.LearningCurve(
        sizes,
        accuracies,
        tuple((each - 0.02, min(each + 0.01, 1.0)) for each in accuracies),
        floor=0.0,
        scale=1 - accuracies[-1],
        exponent=0.5,
        doubled_interval=(accuracies[-1], 1.0),
        gain_interval=(0.0, 0.02),
        findings=(),
    )


def results(names):
    """Returns the results of the tutorial's models."""
    return [
        {
            "name": name,
            "train_accuracy": 0.99,
            "validation_accuracy": 0.9,
            "test_accuracy": 0.88,
            "test_interval": [0.83, 0.92],
        }
        for name in names
    ]


def in_splits(counts):
    """Returns the same counts for each split."""
    return dict.fromkeys(("train", "validation", "test"), counts)


def make_evaluation(names, images=192, missing=0, seed=0):
    """An evaluation of a fair classifier; the last `missing` classes do not occur."""
    random = np.random.default_rng(seed)
    scores = random.gamma(0.4, size=(images, len(names))) + 1e-6
    labels = np.arange(images) % (len(names) - missing)
    scores[np.arange(images), labels] += random.random(images) * 1.5
    rows = scores / scores.sum(axis=1, keepdims=True)
    files = [f"cats_and_dogs_filtered/validation/cats/cat.{2000 + n}.jpg" for n in range(images)]
    return catdog_keras.Evaluation(names, labels, rows, files)


def enlarged(bins, factor):
    """The same bins of more images."""
    return [replace(b, num_images=factor * b.num_images, correct=factor * b.correct) for b in bins]


def losses(names, count, shape=(12, 16, 3), files=True, of=make_images):
    """The worst images of an evaluation, and what it was an evaluation of."""
    evaluation = make_evaluation(names, max(count, len(names)))
    if not files:
        evaluation = catdog_keras.Evaluation(names, evaluation.labels, evaluation.probabilities)
    return evaluation.top_losses(count), (of(len(evaluation), shape), evaluation.labels)


def make_heat_maps(count, shape=(12, 16)):
    """Returns random heat maps whose maximum is 1."""
    maps = np.random.default_rng(1).random((count, *shape))
    return maps / maps.max(axis=(1, 2), keepdims=True)


CASES = {
    "plot_augmentation": {
        "two images": (make_images(2), [make_images(2)] * 5),
        "one image": (make_images(1), [make_images(1)]),
        "ten views": (make_images(3), [make_images(3)] * 10),
        "forty images": (make_images(40), [make_images(40)] * 3),
        "signed": (signed(2), [signed(2)] * 2),
        "bytes": (in_bytes(2), [255 * make_images(2)] * 2),
        "standardised": (standardised(2), [standardised(2)] * 2),
        "not finite": (not_finite(2), [not_finite(2)] * 2),
        "grey": (make_images(2, (9, 9, 1)), [make_images(2, (9, 9, 1))] * 2),
        "channels first": (make_images(2, (3, 9, 14)), [make_images(2, (3, 9, 14))] * 4),
        "panorama": (make_images(2, (4, 90, 3)), [make_images(2, (4, 90, 3))] * 4),
        "tower": (make_images(2, (90, 4, 3)), [make_images(2, (90, 4, 3))] * 4),
    },
    "plot_images": {
        "two classes": ((make_images(8), [0, 1] * 4), ["cats", "dogs"]),
        "one image of a class": ((make_images(8), [0] * 7 + [1]), ["cats", "dogs", "foxes"]),
        "one class": ((make_images(4), [0] * 4), ["cats"]),
        "forty classes": ((make_images(80), np.arange(80) % 39), FORTY),
        "long names": ((make_images(7), [0] * 4 + [1] * 3), LONG),
        "odd names": ((make_images(7), [0] * 4 + [1] * 3), ODD),
        "signed": ((signed(2), [0, 1]), ["cats", "dogs"]),
        "bytes": ((in_bytes(2), [0, 1]), ["cats", "dogs"]),
        "standardised": ((standardised(2), [0, 1]), ["cats", "dogs"]),
        "not finite": ((not_finite(2), [0, 1]), ["cats", "dogs"]),
        "grey": ((make_images(4, (9, 9, 1)), [0, 1] * 2), ["cats", "dogs"]),
        "channels first": ((make_images(4, (3, 9, 14)), [0, 1] * 2), ["cats", "dogs"]),
        "panorama": ((make_images(4, (4, 90, 3)), [0, 1] * 2), ["cats", "dogs"]),
        "tower": ((make_images(4, (90, 4, 3)), [0, 1] * 2), ["cats", "dogs"]),
    },
    "plot_label_counts": {
        "two classes": ({"cats": 1000, "dogs": 998},),
        "one class": ({"cats": 3},),
        "no images": ({"cats": 0, "dogs": 0},),
        "forty classes": ({name: 37 * n for n, name in enumerate(FORTY)},),
        "forty classes, twice": ({name + end: n for n, name in enumerate(FORTY) for end in "ab"},),
        "long names": (dict(zip(LONG, [12_500, 3, 0], strict=True)),),
        "odd names": (dict(zip(ODD, [12_500, 3, 0], strict=True)),),
        "splits": (in_splits({"cats": 1000, "dogs": 998}),),
        "long names in splits": (in_splits(dict.fromkeys(LONG, 12_500)),),
        "forty classes in splits": (in_splits(dict.fromkeys(FORTY, 37)),),
    },
    "plot_history": {
        "twenty epochs": (log(20),),
        "one epoch": (log(1),),
        "two hundred epochs": (log(200),),
        "no validation": (log(5, validation=False),),
        "only a loss": ({"loss": [0.5, 0.4], "val_loss": [0.6, 0.5]},),
        "diverged": ({"accuracy": [0.5, 0.5], "loss": [np.nan, np.inf], "val_loss": [np.nan] * 2},),
    },
    "plot_learning_rate": {
        "a hundred steps": (sweep(100),),
        "one step": (sweep(1),),
        "diverged": (sweep(12, last=np.inf),),
    },
    "plot_learning_curve": {
        "six sizes": (learning_curve(6),),
        "one size": (learning_curve(1),),
        "no errors": (learning_curve(4, error=0.0),),
        "large counts": (learning_curve(9, first=5_000),),
    },
    "plot_confusion_matrix": {
        "two classes": (matrix(2), ["cats", "dogs"]),
        "one class": (matrix(1), ["cats"]),
        "ten classes": (matrix(10), FORTY[:10]),
        "thirty classes": (matrix(30), FORTY[:30]),
        "forty classes and more": (matrix(50), [*FORTY, *map(str, range(10))]),
        "long names": (matrix(3), LONG),
        "odd names": (matrix(3), ODD),
        "large counts": (matrix(10, 1_234_567), FORTY[:10]),
        "a class without images": ([[3, 1], [0, 0]], ["cats", "dogs"]),
        "no images": ([[0, 0], [0, 0]], ["cats", "dogs"]),
    },
    "plot_grad_cam": {
        "two images": (make_images(2), make_heat_maps(2), ["cats 93%", "dogs 58% (true: cats)"]),
        "one image": (make_images(1), make_heat_maps(1), ["cats"]),
        "forty images": (make_images(40), make_heat_maps(40), FORTY),
        "no titles": (make_images(3), make_heat_maps(3)),
        "long names": (make_images(3), make_heat_maps(3), LONG),
        "odd names": (make_images(3), make_heat_maps(3), ODD),
        "no evidence": (make_images(3), np.zeros((3, 12, 16)), LONG),
        "evidence everywhere": (make_images(2), np.ones((2, 12, 16)), ["cats", "dogs"]),
        "bytes": (in_bytes(2), make_heat_maps(2), ["cats", "dogs"]),
        "signed": (signed(2), make_heat_maps(2), ["cats", "dogs"]),
        "standardised": (standardised(2), make_heat_maps(2), ["cats", "dogs"]),
        "not finite": (not_finite(2), make_heat_maps(2), ["cats", "dogs"]),
        "grey": (make_images(2, (9, 9, 1)), make_heat_maps(2, (9, 9)), ["cats", "dogs"]),
        "channels first": (
            make_images(2, (3, 9, 14)),
            make_heat_maps(2, (9, 14)),
            ["cats", "dogs"],
        ),
        "panorama": (make_images(2, (4, 90, 3)), make_heat_maps(2, (4, 90)), ["cats", "dogs"]),
        "tower": (make_images(2, (90, 4, 3)), make_heat_maps(2, (90, 4)), ["cats", "dogs"]),
        "one pixel": (make_images(2, (1, 1, 3)), np.ones((2, 1, 1)), ["cats", "dogs"]),
    },
    "plot_comparison": {
        "four models": (results(["model1", "model2", "model3", "model4"]), 0.5),
        "one model": (results(["model1"]), None),
        "forty models": (results(FORTY), 0.025),
        "long names": (results(LONG), 0.5),
        "odd names": (results(ODD), 0.5),
        "at the ends": (
            [
                {"name": "never", "test_accuracy": 0.0, "test_interval": (0.0, 0.3)},
                {"name": "always", "test_accuracy": 1, "test_interval": (0.7, 1)},
                {"name": "untested", "train_accuracy": 0.01, "test_interval": None},
            ],
            1,
        ),
    },
    "plot_reliability": {
        "two classes": (make_evaluation(["cats", "dogs"]).reliability_bins,),
        "one class": (make_evaluation(["cats"]).reliability_bins,),
        "one image": (make_evaluation(["cats", "dogs"], 1).reliability_bins,),
        "forty classes": (make_evaluation(FORTY, 4000).reliability_bins,),
        "large counts": (enlarged(make_evaluation(FORTY[:3], 4115).reliability_bins, 300),),
    },
    "plot_roc": {
        "four models": (
            {
                name: make_evaluation(["cats", "dogs"], seed=n)
                for n, name in enumerate(["small", "augmented", "frozen", LONG[0]])
            },
        ),
        "seven models": ([make_evaluation(["cats", "dogs"], seed=n) for n in range(7)],),
        "two classes": (make_evaluation(["cats", "dogs"]).roc_curves,),
        "one class": (make_evaluation(["cats"]).roc_curves,),
        "one image of a class": (make_evaluation(["cats", "dogs", "foxes"], 4).roc_curves,),
        "one class without images": (
            make_evaluation(["cats", "dogs", "foxes"], missing=1).roc_curves,
        ),
        "five classes": (make_evaluation(FORTY[:5]).roc_curves,),
        "forty classes": (make_evaluation(FORTY, missing=3).roc_curves,),
        "long names": (make_evaluation(LONG, 30_000).roc_curves,),
        "odd names": (make_evaluation([*ODD, "_hidden"]).roc_curves,),
    },
    "plot_precision_recall": {
        "four models": (
            {
                name: make_evaluation(["cats", "dogs"], seed=n)
                for n, name in enumerate(["small", "augmented", "frozen", LONG[0]])
            },
        ),
        "seven models": ([make_evaluation(["cats", "dogs"], seed=n) for n in range(7)],),
        "two classes": (make_evaluation(["cats", "dogs"]),),
        "one class": (make_evaluation(["cats"]),),
        "one image of a class": (make_evaluation(["cats", "dogs", "foxes"], 4),),
        "one class without images": (make_evaluation(["cats", "dogs", "foxes"], missing=1),),
        "five classes": (make_evaluation(FORTY[:5]),),
        "forty classes": (make_evaluation(FORTY, missing=3),),
        "long names": (make_evaluation(LONG, 30_000),),
        "odd names": (make_evaluation([*ODD, "_hidden"]),),
    },
    "plot_top_losses": {
        "two classes": losses(["cats", "dogs"], 9),
        "one class": losses(["cats"], 3),
        "one image": losses(["cats", "dogs"], 1),
        "two images": losses(["cats", "dogs"], 2),
        "forty classes": losses(FORTY, 40),
        "long names": losses(LONG, 9),
        "odd names": losses(ODD, 9),
        "no files": losses(["cats", "dogs"], 9, files=False),
        "signed": losses(["cats", "dogs"], 2, of=signed),
        "bytes": losses(["cats", "dogs"], 2, of=in_bytes),
        "standardised": losses(["cats", "dogs"], 2, of=standardised),
        "not finite": losses(["cats", "dogs"], 2, of=not_finite),
        "grey": losses(["cats", "dogs"], 3, (9, 9, 1)),
        "channels first": losses(["cats", "dogs"], 3, (3, 9, 14)),
        "panorama": losses(["cats", "dogs"], 3, (4, 90, 3)),
        "tower": losses(["cats", "dogs"], 3, (90, 4, 3)),
    },
}
TALL = {
    "plot_grad_cam": 9.0,
    "plot_comparison": 12.0,
    "plot_label_counts": 9.0,
    "plot_images": 9.0,
    "plot_top_losses": 9.0,
}
OF_IMAGES = {"plot_augmentation", "plot_grad_cam", "plot_images", "plot_top_losses"}
OF_NAMES = {
    "plot_grad_cam",
    "plot_comparison",
    "plot_confusion_matrix",
    "plot_images",
    "plot_label_counts",
    "plot_precision_recall",
    "plot_roc",
    "plot_top_losses",
}
KINDS = [
    "bytes",
    "signed",
    "standardised",
    "not finite",
    "grey",
    "channels first",
    "panorama",
    "tower",
]
EVERY_CASE = [(name, case) for name, cases in CASES.items() for case in cases]


def test_gallery_page_shows_every_plotting_function():
    page = (Path(__file__).parents[2] / "docs" / "gallery.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```\n\n!\[", page, re.DOTALL | re.MULTILINE)
    assert {name for block in blocks for name in re.findall(r"drawn = ck\.(\w+)\(", block)} == set(
        plotting.__all__
    )


def takes_axes(name):
    """Returns whether a plot draws into an axes, and not into a figure."""
    return "ax" in inspect.signature(getattr(plotting, name)).parameters


def draw(name, case, **where):
    """Draws a case of a plot."""
    arguments = CASES[name][case]
    if name == "plot_images":
        data, names = arguments
        return plotting.plot_images(data, class_names=names, **where)
    return getattr(plotting, name)(*arguments, **where)


def visible_texts(figure):
    """Every text that a reader sees, with its box in pixels."""
    figure.draw_without_rendering()
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    hidden = {
        text
        for ax in figure.axes
        if not ax.axison
        for text in [*ax.get_xticklabels(), *ax.get_yticklabels(), ax.xaxis.label, ax.yaxis.label]
    }
    # Ticks outside the limits are kept by matplotlib, and not drawn.
    for ax in figure.axes:
        for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            low, high = sorted(limits)
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            outside = [t for t in ticks if not low - 1e-9 <= t.get_loc() <= high + 1e-9]
            hidden |= {label for tick in outside for label in (tick.label1, tick.label2)}
    return [(t.get_text(), t.get_window_extent().extents) for t in texts if t not in hidden]


def assert_legible(figure):
    """No text is cut by the edge of the figure, and no two of them overlap by over a pixel."""
    found = visible_texts(figure)
    boxes = np.array([box for _, box in found])
    width, height = figure.bbox.size
    cut = (boxes < -1) | (boxes > np.array([width, height, width, height]) + 1)
    assert not cut.any(), [text for (text, _), bad in zip(found, cut, strict=True) if bad.any()]
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    overlap = (high - low > 1).all(axis=2)
    np.fill_diagonal(overlap, val=False)
    assert not overlap.any(), [(found[a][0], found[b][0]) for a, b in np.argwhere(overlap)[:5]]


def test_every_plotting_function_has_all_applicable_cases():
    assert set(CASES) == set(plotting.__all__)
    for name, cases in CASES.items():
        assert any(case.startswith("one ") for case in cases), name
    for name in OF_IMAGES:
        assert set(KINDS) <= set(CASES[name]), name
    for name in OF_NAMES:
        assert {"long names", "odd names"} <= set(CASES[name]), name
        assert any(case.startswith("forty ") for case in CASES[name]), name


def is_demanding(name, case):
    """Whether a case needs most room: the first one of a plot, long names and many classes."""
    return case.split()[0] in ("long", "forty") or case == next(iter(CASES[name]))


def repeats_rows(name, case):
    """Whether a case draws many images in rows, as `plot_images` does too."""
    return case.startswith("forty") and name in ("plot_augmentation", "plot_grad_cam")


def marks_of(name, case):
    """Forty rows take seconds to draw: of the plots that share them, those of one are fast tests."""
    return [pytest.mark.slow] if repeats_rows(name, case) else []


# Less room is harder: all cases are drawn at 6 inches, only the demanding ones also at 12.
@pytest.mark.parametrize(
    ("name", "case", "width"),
    [
        *(pytest.param(*each, 6, marks=marks_of(*each)) for each in EVERY_CASE),
        *(
            pytest.param(*each, 12, marks=pytest.mark.slow)
            for each in EVERY_CASE
            if is_demanding(*each)
        ),
    ],
)
def test_plots_are_legible_in_given_axes_or_figure(name, case, width):
    height = TALL.get(name, 6.0) if "forty" in case else 4.0
    if name == "plot_confusion_matrix":
        height = width
    figure = Figure(figsize=(width, height), layout="constrained")
    where = {"ax": figure.add_subplot()} if takes_axes(name) else {"figure": figure}
    drawn = draw(name, case, **where)
    assert drawn is next(iter(where.values()))
    assert_legible(figure)


# The size of a new figure goes by the number of classes, and names have to fit into it.
@pytest.mark.parametrize(
    ("name", "case"),
    [pytest.param(*each, marks=marks_of(*each)) for each in EVERY_CASE if is_demanding(*each)],
)
def test_plots_are_legible_and_rendered_in_new_figure(name, case):
    drawn = draw(name, case)
    assert isinstance(drawn, Axes if takes_axes(name) else Figure)
    figure = drawn.figure if takes_axes(name) else drawn
    assert 4 <= figure.get_size_inches()[0] <= 20
    assert_legible(figure)
    if case == next(iter(CASES[name])):
        assert drawn._repr_png_().startswith(b"\x89PNG")


def test_assert_legible_rejects_cut_and_overlapping_text():
    """The guard above sees text that is cut, and texts that overlap."""
    for places, kind in (([(0.99, 0.5)], "cut"), ([(0.5, 0.5), (0.51, 0.5)], "overlapping")):
        figure = Figure()
        for x, y in places:
            figure.text(x, y, kind)
        with pytest.raises(AssertionError, match=kind):
            assert_legible(figure)


@pytest.mark.parametrize("name", CASES)
def test_plots_draw_into_pyplot_figure_with_constrained_layout(name, pyplot_figure):
    case = next(iter(CASES[name]))
    if takes_axes(name):
        ax = pyplot_figure.add_subplot()
        assert draw(name, case, ax=ax) is ax
    else:
        assert draw(name, case, figure=pyplot_figure) is pyplot_figure
    assert isinstance(pyplot_figure.get_layout_engine(), ConstrainedLayoutEngine)
    assert plt.get_fignums() == [pyplot_figure.number]


AROUND = [
    (name, case)
    for name, case in EVERY_CASE
    if takes_axes(name) and is_demanding(name, case) and not case.startswith("forty")
]


@pytest.mark.parametrize(("name", "case"), AROUND)
def test_plots_are_legible_at_paper_column_width(name, case):
    figure = Figure(figsize=(3.3, 3.3), layout="constrained")
    draw(name, case, ax=figure.add_subplot())
    assert_legible(figure)


@pytest.mark.parametrize(
    ("name", "case", "width", "panels"),
    [
        pytest.param(*each, width, panels, marks=marks)
        for each in AROUND
        for width, panels, marks in (
            (7, 2, () if each[1] == next(iter(CASES[each[0]])) else pytest.mark.slow),
            (12, 3, pytest.mark.slow),
        )
    ],
)
def test_plots_are_legible_side_by_side(name, case, width, panels):
    """As `plt.subplots()` makes axes: without a layout that would make room around them."""
    figure = Figure(figsize=(width, 4))
    for ax in figure.subplots(1, panels):
        draw(name, case, ax=ax)
    assert_legible(figure)


def test_plot_in_manually_placed_axes_sets_no_layout_engine():
    figure = Figure(figsize=(6, 6))
    ax = figure.add_axes((0.2, 0.2, 0.6, 0.6))
    draw("plot_roc", next(iter(CASES["plot_roc"])), ax=ax)
    assert figure.get_layout_engine() is None
    assert_legible(figure)


@pytest.mark.parametrize("name", [name for name in CASES if not takes_axes(name)])
def test_plots_reject_nonempty_figure(name):
    figure = Figure(figsize=(6, 4))
    figure.add_subplot()
    case = next(iter(CASES[name]))
    with pytest.raises(ValueError, match="`figure` must be an empty figure; received"):
        draw(name, case, figure=figure)
    assert len(figure.axes) == 1


@pytest.mark.parametrize("name", [name for name in CASES if not takes_axes(name)])
def test_plots_keep_existing_layout_engine(name):
    figure = Figure(figsize=(12, 4), layout="tight")
    draw(name, next(iter(CASES[name])), figure=figure)
    assert isinstance(figure.get_layout_engine(), TightLayoutEngine)
    assert_legible(figure)


@pytest.mark.parametrize("name", [name for name in CASES if not takes_axes(name)])
def test_plots_draw_into_subfigures(name):
    figure = Figure(figsize=(12, 4), layout="constrained")
    left, right = figure.subfigures(1, 2)
    case = next(iter(CASES[name]))
    assert draw(name, case, figure=left) is left
    assert draw(name, case, figure=right) is right
    assert_legible(figure)


@pytest.mark.parametrize("name", CASES)
def test_plots_reject_invalid_ax_or_figure(name):
    case = next(iter(CASES[name]))
    if takes_axes(name):
        wrong = {"ax": [1]}
        message = "`ax` must be a matplotlib Axes or None; received ax=[1]. Pass one of several subplots, as in `axes[0]`."
    else:
        wrong = {"figure": [1]}
        message = "`figure` must be a matplotlib Figure, a SubFigure or None; received figure=[1]."
    with pytest.raises(TypeError) as caught:
        draw(name, case, **wrong)
    assert str(caught.value) == message


def test_plotting_imports_matplotlib_only_when_plotting(monkeypatch):
    """Keras imports it where it is installed; the plots are importable where it is not."""
    monkeypatch.setattr(catdog_keras, "plotting", plotting)  # put back after the test
    for name in [name for name in sys.modules if name.startswith("catdog_keras.plotting")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    fresh = importlib.import_module("catdog_keras.plotting")
    assert fresh is not plotting
    with pytest.raises(ModuleNotFoundError, match="matplotlib"):
        fresh.plot_history({"loss": [1.0]})


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("plot_confusion_matrix", "matrix"),
        ("plot_label_counts", "counts"),
        ("plot_precision_recall", None),
        ("plot_reliability", "bins"),
        ("plot_roc", None),
        ("plot_top_losses", "losses"),
    ],
)
def test_plots_take_a_list_of_one_evaluation_and_report_several(name, argument):
    plot, evaluation = getattr(plotting, name), make_evaluation(["cats", "dogs"], 4)
    data = ((make_images(4), evaluation.labels),) if name == "plot_top_losses" else ()
    expected = [text.get_text() for text in plot(evaluation, *data).figure.findobj(Text)]
    for one in ([evaluation], (evaluation,), {"small network": evaluation}):
        found = plot(one, *data).figure.findobj(Text)
        assert [text.get_text() for text in found] == expected
    if argument is not None:
        message = f"`{argument}` must be one evaluation; received 2 evaluations. Draw each "
        with pytest.raises(TypeError, match=message):
            plot([evaluation, evaluation], *data)


def test_plots_take_evaluation_instead_of_its_records():
    evaluation = make_evaluation(["cats", "dogs"])
    data = (make_images(len(evaluation)), evaluation.labels)
    pairs = [
        (
            plotting.plot_confusion_matrix(evaluation),
            plotting.plot_confusion_matrix(evaluation.confusion_matrix, ["cats", "dogs"]),
        ),
        (plotting.plot_roc(evaluation), plotting.plot_roc(evaluation.roc_curves)),
        (
            plotting.plot_precision_recall(evaluation),
            plotting.plot_precision_recall(evaluation.precision_recall_curves),
        ),
        (
            plotting.plot_reliability(evaluation),
            plotting.plot_reliability(evaluation.reliability_bins),
        ),
        (plotting.plot_label_counts(evaluation), plotting.plot_label_counts(evaluation.counts)),
        (
            plotting.plot_top_losses(evaluation, data),
            plotting.plot_top_losses(evaluation.top_losses(), data),
        ),
    ]
    for of_evaluation, of_records in pairs:
        texts = [
            [text.get_text() for text in each.figure.findobj(Text)]
            for each in (of_evaluation, of_records)
        ]
        assert texts[0] == texts[1]
    other_names = plotting.plot_confusion_matrix(evaluation, ["Katzen", "Hunde"])
    assert [label.get_text() for label in other_names.get_xticklabels()] == ["Katzen", "Hunde"]
    with pytest.raises(TypeError, match="`class_names` must be a list of distinct class names"):
        plotting.plot_confusion_matrix([[1, 0], [0, 1]])
