"""Plot of the images with the highest loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol

from catdog_keras._checks import DataFormat, check_choice, describe
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.plotting._argument_names import TOP_LOSSES_NAMES
from catdog_keras.plotting._image_arrays import DATA_FORMATS, check_value_range, to_display_rgb
from catdog_keras.plotting._images_of_dataset import images_at
from catdog_keras.plotting._read_images import read_image
from catdog_keras.plotting._records import check_records, only_evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

_ATTRIBUTES = ("index", "file", "true_class", "predicted_class", "probability", "loss")
# Lines above an image: its file, its class and loss, and two on the prediction.
LINES = 4
LARGEST_TEXT = 9.0
# Number of characters that a line has space for before the font size is reduced.
LINE_LENGTH = 22
# Padding of the layout around each image, in inches.
LAYOUT_PAD = 0.1
# Minimum slot width, for the sake of the text, and maximum, for the sake of the other images.
NARROWEST, WIDEST = 0.9, 2.0


class TopLossLike(Protocol):
    """Attributes of an image's loss that are plotted; see `ExampleLoss`."""

    @property
    def index(self) -> int: ...
    @property
    def file(self) -> str | None: ...
    @property
    def true_class(self) -> str: ...
    @property
    def predicted_class(self) -> str: ...
    @property
    def probability(self) -> float: ...
    @property
    def loss(self) -> float: ...


class HasLosses(Protocol):
    """What is plotted of an evaluation; see `Evaluation`."""

    def top_losses(self) -> Sequence[TopLossLike]: ...


@suggests_arguments(TOP_LOSSES_NAMES)
def plot_top_losses(
    losses: HasLosses | Sequence[TopLossLike],
    data: Any = None,
    *,
    value_range: tuple[float, float] | None = None,
    data_format: DataFormat | None = None,
    figure: Figure | SubFigure | None = None,
) -> Figure | SubFigure:
    """Plots the images with the highest loss, with file, true class, loss and prediction.

    Images are found by their index: `data` must yield them in the order in which they were
    evaluated, as `splits.validation` and `splits.test` do. Without `data` they are read from their
    files.

    Args:
        losses: Records like those of `Evaluation.top_losses`, at least one, plotted in their order;
            or an `Evaluation`, of which the nine images with the highest loss are plotted.
        data: Dataset of batches `(images, labels)` that was evaluated, of which only as many as
            needed are read, or one pair of arrays; shapes as for `plot_images`. None reads the
            files of the images, which `evaluate_classifier` stores for the validation and test
            datasets of the loaders, and if it gets them as `files`.
        value_range: Values `(low, high)` that are black and white. None infers them from the
            plotted images, as `plot_images` does.
        data_format: `"channels_last"` or `"channels_first"`. None infers it from the axis that has
            1, 3 or 4 entries; if both or neither have, `keras.config.image_data_format()` is used.
        figure: Empty matplotlib figure or subfigure to draw into, or None for a new one.

    Returns:
        The figure, neither shown nor closed.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If `losses` is empty, `data` does not have their images in that order, or it is
            None and an image has no file, or one that cannot be read.

    See Also:
        `plot_grad_cam`: heat maps of where a model found a class.
        `Evaluation`: its `top_losses` method lists them.

    Example:
        >>> import catdog_keras, numpy as np
        >>> images, labels = np.zeros((2, 8, 8, 3)), np.array([0, 1])
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], labels, [[0.9, 0.1], [0.7, 0.3]])
        >>> figure = catdog_keras.plot_top_losses(evaluation.top_losses(1), (images, labels))
        >>> figure.axes[0].get_title("left").splitlines()
        ['image 1', 'dog, loss 1.20', 'predicted with 70%:', 'cat']

        From files:

        >>> splits = catdog_keras.load_cats_dogs("synthetic")
        >>> files, labels = splits.files["test"][:2], splits.labels["test"][:2]
        >>> rows = [[0.9, 0.1], [0.7, 0.3]]
        >>> evaluation = catdog_keras.Evaluation(splits.class_names, labels, rows, files)
        >>> len(catdog_keras.plot_top_losses(evaluation).axes)
        2
    """
    from catdog_keras.plotting import _axes_and_text

    requirement = "an Evaluation or a list of images with their losses"
    if hasattr(data, "top_losses"):
        remedy = "The evaluation is the first argument, its data the second."
        raise TypeError(describe("losses", requirement, losses, remedy))
    remedy = "Draw each evaluation into its own figure: `plot_top_losses(evaluation)`."
    losses = only_evaluation("losses", losses, "top_losses", remedy)
    chosen = losses.top_losses() if hasattr(losses, "top_losses") else losses
    records = check_records("losses", chosen, requirement, _ATTRIBUTES)
    value_range = check_value_range(value_range)
    if data_format is not None:
        check_choice("data_format", data_format, DATA_FORMATS)
    _axes_and_text.check_figure(figure)
    if data is None:
        chosen_images = [read_image(each.index, each.file) for each in records]
    else:
        images = images_at(data, {each.index: each.true_class for each in records})
        chosen_images = [images[each.index] for each in records]
    shown = to_display_rgb(chosen_images, value_range, data_format)
    widest = max(image.shape[1] / image.shape[0] for image in shown)
    shape = min(max(widest, NARROWEST), WIDEST)
    figure, places, height = _place_images(figure, len(shown), shape)
    for each, image, ax in zip(records, shown, places, strict=True):
        _draw_left_aligned(ax, image, shape)
        _write_loss_lines(ax, each, 0.97 * height * shape * _axes_and_text.POINTS_PER_INCH)
    count = f"{len(records)} images" if len(records) > 1 else "image"
    figure.suptitle(f"The {count} with the highest loss (cross-entropy)")
    return figure


def _place_images(
    figure: Figure | SubFigure | None, count: int, shape: float
) -> tuple[Figure | SubFigure, list[Axes], float]:
    """Returns figure, axes of each top-loss image, and the height of an image in inches."""
    from catdog_keras.plotting import _axes_and_text

    title = LINES * 1.3 * LARGEST_TEXT / _axes_and_text.POINTS_PER_INCH + LAYOUT_PAD
    if figure is None:
        columns = math.ceil(math.sqrt(count))
        width = min(max(2.4 * columns, 4.0), 12.0)
        height = (width / columns - LAYOUT_PAD) / shape
        size = (width, math.ceil(count / columns) * (height + title) + 0.4)
        figure = _axes_and_text.take_figure(None, size, compress=True)
    else:
        room = _axes_and_text.size_in_inches(figure)
        columns, height = _arrange_images((room[0], room[1] - 0.4), count, shape, title)
        figure = _axes_and_text.take_figure(figure, room, compress=True)
    grid = figure.add_gridspec(math.ceil(count / columns), columns)
    places = [figure.add_subplot(grid[divmod(index, columns)]) for index in range(count)]
    return figure, places, height


def _arrange_images(
    room: tuple[float, float], count: int, shape: float, title: float
) -> tuple[int, float]:
    """Returns the number of columns that makes top-loss images largest, and their height."""
    heights = {
        columns: min(
            (room[0] / columns - LAYOUT_PAD) / shape,
            room[1] / math.ceil(count / columns) - title,
        )
        for columns in range(1, count + 1)
    }
    columns = max(heights, key=heights.__getitem__)
    return columns, max(heights[columns], 0.1)


def _draw_left_aligned(ax: Axes, image: Any, shape: float) -> None:
    """Draws a top-loss image as large as its slot allows, left-aligned like its text."""
    own = image.shape[1] / image.shape[0]
    width, height = (own, 1.0) if own <= shape else (shape, shape / own)
    ax.imshow(image, extent=(0, width, 1 - height, 1))
    ax.set_xlim(0, shape)
    ax.set_ylim(0, 1)
    ax.set_aspect("equal", anchor="NW")
    ax.set_axis_off()


def _write_loss_lines(ax: Axes, loss: TopLossLike, room: float) -> None:
    """Writes the text above an image, with no line wider than its slot."""
    from catdog_keras.plotting import _axes_and_text

    size = _axes_and_text.text_size(room / (0.44 * LINE_LENGTH), LARGEST_TEXT)

    probability = f"{100 * loss.probability:.0f}%"
    found = [f"predicted with {probability}:", loss.predicted_class]
    if loss.predicted_class == loss.true_class:
        found = [f"correct ({probability})"]
    after = f", loss {loss.loss:.2f}"
    rest = room - _axes_and_text.text_width(after, size)
    file = f"image {loss.index}" if loss.file is None else PurePath(loss.file).name
    true_class = _axes_and_text.fit_text(loss.true_class, rest, size) + after
    lines = [_axes_and_text.fit_text(line, room, size) for line in (file, true_class, *found)]
    ax.set_title("\n".join(lines), loc="left", fontsize=size, pad=3, parse_math=False)
