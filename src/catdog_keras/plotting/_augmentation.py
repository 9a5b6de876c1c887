"""Plot of images and their augmented versions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._checks import DataFormat, check_choice, describe
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.layers import augmentation_preset
from catdog_keras.layers._wrapper_layer import STRENGTHS, Strength
from catdog_keras.plotting._argument_names import AUGMENTATION_NAMES
from catdog_keras.plotting._image_arrays import (
    DATA_FORMATS,
    batch_as_array,
    check_value_range,
    nonempty_batch_as_array,
    to_display_rgb,
)
from catdog_keras.plotting._rows import GAP, ImageRow, place_rows, write_row_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

Array = npt.NDArray[Any]

VIEWS = 5  # of each image by a layer


@suggests_arguments(AUGMENTATION_NAMES)
def plot_augmentation(
    images: npt.ArrayLike,
    views: Callable[[Any], Any] | Strength | Sequence[npt.ArrayLike],
    *,
    value_range: tuple[float, float] | None = None,
    data_format: DataFormat | None = None,
    figure: Figure | SubFigure | None = None,
) -> Figure | SubFigure:
    """Plots images and augmented versions of them, one row per image.

    A line separates the image from its augmented versions. All images have the same value range, so
    a version that is too dark or clipped at white shows that the augmentation expects a different
    range.

    Args:
        images: Images of shape `(batch, height, width, channels)`,
            `(batch, channels, height, width)` or `(batch, height, width)`, at least one.
        views: Augmentation layer, or function, that is called five times, as in training; or
            `"light"`, `"medium"` or `"strong"` for the `augmentation_preset` of this name. Or a
            sequence of augmented batches, at least one, each with as many images as `images`.
        value_range: Values `(low, high)` that are black and white, as for `plot_images`.
        data_format: `"channels_last"`, `"channels_first"` or None, as for `plot_images`.
        figure: Empty matplotlib figure or subfigure to draw into, or None for a new one.

    Returns:
        The figure, neither shown nor closed.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If images or augmented batches are missing, or numbers or shapes do not match.

    See Also:
        `augmentation_preset`: augmentation to show.

    Example:
        >>> import catdog_keras, numpy as np
        >>> images, layer = np.zeros((2, 8, 8, 3)), catdog_keras.RandomAffine("horizontal")
        >>> figure = catdog_keras.plot_augmentation(images, layer)
        >>> figure.axes[0].get_title("left")
        'image | 5 views of it'

        A preset:

        >>> figure = catdog_keras.plot_augmentation(images, "medium")

        Another number of views:

        >>> views = [layer(images) for _ in range(3)]
        >>> figure = catdog_keras.plot_augmentation(images, views)
        >>> figure.axes[0].get_title("left")
        'image | 3 views of it'
    """
    from catdog_keras.plotting import _axes_and_text

    columns = _check_columns(images, views)
    value_range = check_value_range(value_range)
    if data_format is not None:
        check_choice("data_format", data_format, DATA_FORMATS)
    _axes_and_text.check_figure(figure)
    count = len(columns[0])
    shown = to_display_rgb(
        [image for column in columns for image in column], value_range, data_format
    )
    row = ImageRow.fit(len(columns), shown)
    figure, rows, width = place_rows(figure, count, row, stacked=True)
    for index, ax in enumerate(rows):
        row.draw(ax, shown[index::count])
        _draw_separator(ax, row.shape + GAP / 2)
    further = len(columns) - 1
    write_row_title(rows[0], f"image | {further} view{'' if further == 1 else 's'} of it", width)
    return figure


def _draw_separator(ax: Axes, where: float) -> None:
    """Draws the vertical line between an image and its augmented versions."""
    from matplotlib import rcParams

    ax.plot([where, where], [0, 1], color=rcParams["text.color"], linewidth=1.2)


def _check_columns(images: Any, views: Any) -> list[Array]:
    """Returns images and augmented versions as arrays; raises an error if they do not match."""
    images = nonempty_batch_as_array("images", images)
    if isinstance(views, str):
        views = augmentation_preset(check_choice("views", views, STRENGTHS))
    if callable(views) and not isinstance(views, type):
        keywords = {"training": True} if isinstance(views, keras.Layer) else {}
        views = [views(images, **keywords) for _ in range(VIEWS)]
    requirement = "an augmentation layer, or a list of arrays, each with a view of every image"
    if isinstance(views, bytes) or not isinstance(views, (Sequence, np.ndarray)):
        raise TypeError(describe("views", requirement, views))
    if len(views) == 0:
        raise ValueError(describe("views", f"{requirement}, at least one", views))
    columns = [images, *(batch_as_array("views", view) for view in views)]
    for view in columns[1:]:
        if view.ndim != images.ndim or len(view) != len(images):
            raise ValueError(
                f"`views` must be arrays of {len(images)} images of {images.ndim - 1} axes, "
                f"as `images`; received an array of shape {view.shape}."
            )
    return columns
