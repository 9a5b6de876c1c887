"""Plot of sample images by class."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from catdog_keras._batches import with_labels
from catdog_keras._checks import (
    DataFormat,
    check_choice,
    check_class_names,
    check_integer,
)
from catdog_keras._class_names import check_not_names, names_of_dataset
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.plotting._argument_names import IMAGES_NAMES
from catdog_keras.plotting._image_arrays import DATA_FORMATS, check_value_range, to_display_rgb
from catdog_keras.plotting._images_of_dataset import check_plotted_data, first_images
from catdog_keras.plotting._rows import ImageRow, place_rows, write_row_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure


@suggests_arguments(IMAGES_NAMES)
def plot_images(
    data: Any,
    y: npt.ArrayLike | None = None,
    *,
    class_names: Sequence[str] | None = None,
    per_class: int = 3,
    value_range: tuple[float, float] | None = None,
    data_format: DataFormat | None = None,
    max_batches: int = 32,
    figure: Figure | SubFigure | None = None,
) -> Figure | SubFigure:
    """Plots the first images of each class, one row per class with its name as title.

    If a class has too few images, its remaining slots stay empty and the title reports it. Many
    classes are placed in several columns, in reading order.

    Args:
        data: Dataset of batches `(images, labels)`, of which only as many as needed are read, or
            one pair of arrays. Images have shape `(batch, height, width, channels)`,
            `(batch, channels, height, width)` or `(batch, height, width)`; labels are class indices
            `(batch,)` or one-hot rows `(batch, classes)`. Of an `ImageSplits`, the training images
            are plotted. Or an array of images.
        y: The labels if `data` is an array of images.
        class_names: Class names, in the order of their indices. None takes those of the dataset, if
            it has `class_names` as that of `keras.utils.image_dataset_from_directory`; otherwise
            the classes are numbered, up to the highest label that is read.
        per_class: Number of images per class, at least 1.
        value_range: Values `(low, high)` that are black and white. None infers them from the
            plotted images: [0, 1], [-1, 1] or [0, 255], otherwise from their minimum to their
            maximum.
        data_format: `"channels_last"` or `"channels_first"`. None infers it from the axis that has
            1, 3 or 4 entries; if both or neither have, `keras.config.image_data_format()` is used.
        max_batches: Maximum number of batches to search for missing classes, at least 1.
        figure: Empty matplotlib figure or subfigure to draw into, or None for a new one.

    Returns:
        The figure, neither shown nor closed.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If `data` is empty or has no class names, or labels or shapes do not match.

    See Also:
        `plot_top_losses`: the images with the highest losses.
        `plot_augmentation`: images before and after augmentation.

    Example:
        >>> import catdog_keras, numpy as np
        >>> images, labels = np.zeros((4, 8, 8, 3)), np.array([0, 1, 1, 0])
        >>> figure = catdog_keras.plot_images(images, labels, class_names=["cat", "dog"])
        >>> figure.axes[0].get_title("left")
        'cat: 2 found in 4 images'

        The training images of splits, with their class names:

        >>> splits = catdog_keras.load_cats_dogs("synthetic")
        >>> figure = catdog_keras.plot_images(splits)
        >>> [ax.get_title("left") for ax in figure.axes]
        ['cats', 'dogs']

        From the batches of a dataset, with values in [-1, 1]:

        >>> figure = catdog_keras.plot_images(
        ...     [(images, labels)], class_names=["cat", "dog"], per_class=2, value_range=(-1, 1)
        ... )
    """
    from catdog_keras.plotting import _axes_and_text

    if hasattr(data, "train") and hasattr(data, "validation"):  # splits
        data = data.train
    check_not_names(y)
    data = with_labels("data", data, y, None)
    check_plotted_data(data)
    order = "The data is the first argument."
    given = names_of_dataset(data) if class_names is None else class_names
    known = None if given is None else check_class_names(given, order)
    per_class = check_integer("per_class", per_class, minimum=1)
    max_batches = check_integer("max_batches", max_batches, minimum=1)
    value_range = check_value_range(value_range)
    if data_format is not None:
        check_choice("data_format", data_format, DATA_FORMATS)
    _axes_and_text.check_figure(figure)
    sample = first_images(data, None if known is None else len(known), per_class, max_batches)
    names = known or [f"class {index}" for index in range(len(sample.images))]
    shown = to_display_rgb([p for found in sample.images for p in found], value_range, data_format)
    row = ImageRow.fit(per_class, shown)
    figure, rows, width = place_rows(figure, len(names), row, stacked=True)
    rest = iter(shown)
    for name, found, ax in zip(names, sample.images, rows, strict=True):
        row.draw(ax, list(itertools.islice(rest, len(found))))
        write_row_title(
            ax, name, width, _missing_images_remark(len(found), per_class, sample.num_scanned)
        )
    return figure


def _missing_images_remark(found: int, wanted: int, num_scanned: int) -> tuple[str, str]:
    """Returns the remark of a title on missing images, in a long and a short form."""
    if found == wanted:
        return "", ""
    amount = str(found) if found else "none"
    return f": {amount} found in {num_scanned} images", f" ({amount})"
