"""Plot of Grad-CAM heat maps over their images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import to_numbers
from catdog_keras._checks import DataFormat, check_choice, describe
from catdog_keras.plotting._image_arrays import (
    DATA_FORMATS,
    check_value_range,
    read_some_images,
    to_rgb,
)
from catdog_keras.plotting._rows import Row, place_rows, write_row_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# Lightness increases uniformly from black to white, so the order is kept in black-and-white prints.
COLOR_MAP = "inferno"
BAR_LABEL = "evidence for the class (1: maximum of each image)"
# The remaining weight is enough to make the outlines of the image visible below the map.
MAP_WEIGHT = 0.65
CONTOUR = 0.5
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601


def plot_grad_cam(
    images: npt.ArrayLike,
    maps: npt.ArrayLike,
    titles: Sequence[str] | None = None,
    *,
    value_range: tuple[float, float] | None = None,
    data_format: DataFormat | None = None,
    figure: Figure | SubFigure | None = None,
) -> Figure | SubFigure:
    """Plots Grad-CAM heat maps: each image next to its map, laid over the image in grayscale.

    A contour encloses the area with at least half of the maximum. Each image has its own color
    scale: equal colors in two images do not mean equal evidence.

    Args:
        images: Images of shape `(batch, height, width, channels)`,
            `(batch, channels, height, width)` or `(batch, height, width)`, at least one.
        maps: One map per image, of shape `(batch, height, width)`, from 0 to 1, with the height and
            width of the images; as returned by `grad_cam`.
        titles: One title per image, such as the class, its probability and the true class; or None.
        value_range: Values `(low, high)` that are black and white, as for `plot_images`.
        data_format: `"channels_last"`, `"channels_first"` or None, as for `plot_images`.
        figure: Empty matplotlib figure or subfigure to draw into, or None for a new one.

    Returns:
        The figure, neither shown nor closed. Its last axes are the color bar.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If `images` is empty, or shapes, values or the number of titles do not match.

    See Also:
        `grad_cam`: the heat maps as arrays.

    Example:
        >>> import catdog_keras, numpy as np
        >>> images, maps = np.zeros((2, 8, 8, 3)), np.ones((2, 8, 8))
        >>> figure = catdog_keras.plot_grad_cam(images, maps, ["cat 93%", "dog 58%"])
        >>> figure.axes[0].get_title("left")
        'cat 93%'
    """
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable

    from catdog_keras.plotting import _canvas

    images, heat = _check_maps(images, maps)
    lines = _check_titles(titles, len(heat))
    value_range = check_value_range(value_range)
    if data_format is not None:
        check_choice("data_format", data_format, DATA_FORMATS)
    _canvas.check_figure(figure)
    shown = to_rgb(list(images), value_range, data_format)
    if shown[0].shape[:2] != heat.shape[1:]:
        raise ValueError(
            f"`maps` must be of the height and width of the images, here {shown[0].shape[:2]}; "
            f"received maps of {heat.shape[1:]}."
        )
    row = Row.fit(2, shown)
    figure, axes, width = place_rows(figure, len(heat), row, stacked=False, scale_below=True)
    *rows, below = axes
    scale = ScalarMappable(cmap=colormaps[COLOR_MAP])
    for ax, image, one, title in zip(rows, shown, heat, lines, strict=True):
        over = MAP_WEIGHT * scale.to_rgba(one, norm=False)[..., :3]
        over += (1 - MAP_WEIGHT) * (image @ np.array(LUMINANCE) / 255)[..., np.newaxis]
        row.draw(ax, [image, over])
        _draw_contour(ax, one, row.extent(1, image))
        nowhere = (": no evidence", " (nowhere)") if one.max() == 0 else ("", "")
        write_row_title(ax, title, width, nowhere)
    _draw_scale(figure, below, scale)
    return figure


def _check_maps(images: Any, maps: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """Returns images and maps as arrays; raises an error if they are not valid or do not match."""
    if isinstance(maps, keras.Layer):
        remedy = "Compute them by `grad_cam(model, images)`."
        raise TypeError(describe("maps", "one map per image", maps, remedy))
    images, heat = read_some_images("images", images), to_numbers("maps", "maps", maps)
    if heat.ndim != 3 or len(heat) != len(images):
        swapped = heat.ndim == 4 and images.ndim == 3
        raise ValueError(
            f"`maps` must be one map per image, of shape ({len(images)}, height, width); "
            f"received shape {heat.shape} and dtype {heat.dtype}."
            + (" The images are the first argument." if swapped else "")
        )
    if not ((heat >= 0) & (heat <= 1)).all():  # also False for NaN
        raise ValueError(
            "`maps` must hold numbers from 0 to 1; "
            f"received values from {heat.min():g} to {heat.max():g}."
        )
    return images, heat.astype(np.float64)


def _check_titles(titles: Sequence[str] | None, num_images: int) -> list[str]:
    """Returns one title per image; raises an error if their number differs."""
    if titles is None:
        return [""] * num_images
    requirement = "a list with a title for each image, or None"
    if isinstance(titles, str) or not all(isinstance(title, str) for title in titles):
        raise TypeError(describe("titles", requirement, titles))
    if len(titles) != num_images:
        raise ValueError(
            f"`titles` must hold one title per image, here {num_images}; received {len(titles)}."
        )
    return list(titles)


def _draw_contour(
    ax: Axes, one: npt.NDArray[np.float64], extent: tuple[float, float, float, float]
) -> None:
    """Draws a white contour with a black outline at half of the map's maximum."""
    if not one.min() < CONTOUR < one.max():
        return
    height, width = one.shape
    left, right, bottom, top = extent
    xs = left + (right - left) * (np.arange(width) + 0.5) / width
    ys = top - (top - bottom) * (np.arange(height) + 0.5) / height
    for color, thickness in (("black", 2.2), ("white", 1.0)):
        ax.contour(xs, ys, one, levels=[CONTOUR], colors=color, linewidths=thickness)


def _draw_scale(figure: Figure | SubFigure, below: Axes, scale: Any) -> None:
    """Draws the color bar below the images, with the level of the contour."""
    from catdog_keras.plotting import _canvas

    bar = figure.colorbar(scale, cax=below, orientation="horizontal", ticks=[0, CONTOUR, 1])
    for color, thickness in (("black", 2.2), ("white", 1.0)):
        below.axvline(CONTOUR, color=color, linewidth=thickness)
    room = 0.95 * _canvas.size_in_points(figure)[0]
    size = _canvas.text_size(room / 30)
    bar.set_label(_canvas.fit_text(BAR_LABEL, room, size), fontsize=size)
    below.tick_params(labelsize=size)
