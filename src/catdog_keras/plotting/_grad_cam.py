"""Plot of Grad-CAM heat maps over their images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import to_numbers
from catdog_keras._checks import DataFormat, check_choice, check_model, describe, is_model_path
from catdog_keras._class_names import saved_class_names
from catdog_keras._from_logits import to_probabilities
from catdog_keras._prediction import check_outputs, predict_batch
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.evaluation import grad_cam
from catdog_keras.plotting._argument_names import PLOT_GRAD_CAM_NAMES
from catdog_keras.plotting._image_arrays import (
    DATA_FORMATS,
    check_value_range,
    nonempty_batch_as_array,
    to_display_rgb,
)
from catdog_keras.plotting._rows import ImageRow, place_rows, write_row_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

# Lightness increases uniformly from black to white, so the order is kept in black-and-white prints.
COLOR_MAP = "inferno"
BAR_LABEL = "evidence for the class (1: maximum of each image)"
# The remaining weight is enough to make the outlines of the image visible below the map.
MAP_WEIGHT = 0.65
CONTOUR = 0.5
MODEL_FIRST = "With a model, it is the first argument: `plot_grad_cam(model, images)`."
LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601


@overload
def plot_grad_cam(
    images: keras.Model,
    maps: npt.ArrayLike,
    titles: Sequence[str] | None = ...,
    *,
    class_index: int | Sequence[int] | None = ...,
    layer: str | keras.Layer | None = ...,
    value_range: tuple[float, float] | None = ...,
    data_format: DataFormat | None = ...,
    figure: Figure | SubFigure | None = ...,
) -> Figure | SubFigure: ...
@overload
def plot_grad_cam(
    images: npt.ArrayLike,
    maps: npt.ArrayLike | None = ...,
    titles: Sequence[str] | None = ...,
    *,
    model: keras.Model | None = ...,
    class_index: int | Sequence[int] | None = ...,
    layer: str | keras.Layer | None = ...,
    value_range: tuple[float, float] | None = ...,
    data_format: DataFormat | None = ...,
    figure: Figure | SubFigure | None = ...,
) -> Figure | SubFigure: ...
@suggests_arguments(PLOT_GRAD_CAM_NAMES)
def plot_grad_cam(
    images: Any,
    maps: Any = None,
    titles: Sequence[str] | None = None,
    *,
    model: keras.Model | None = None,
    class_index: int | Sequence[int] | None = None,
    layer: str | keras.Layer | None = None,
    value_range: tuple[float, float] | None = None,
    data_format: DataFormat | None = None,
    figure: Figure | SubFigure | None = None,
) -> Figure | SubFigure:
    """Plots Grad-CAM heat maps: each image next to its map, laid over the image in grayscale.

    Either of a model and images, as `plot_grad_cam(model, images)`, for which `grad_cam` computes
    the maps; or of images and their maps, as `plot_grad_cam(images, maps)`. A contour encloses the
    area with at least half of the maximum. Each image has its own color scale: equal colors in two
    images do not mean equal evidence.

    Args:
        images: Images of shape `(batch, height, width, channels)`,
            `(batch, channels, height, width)` or `(batch, height, width)`, at least one. For a
            model, in the value range that it expects; it can also be the first argument, and the
            images the second.
        maps: One map per image, of shape `(batch, height, width)`, from 0 to 1, with the height and
            width of the images; as returned by `grad_cam`. None computes them by the model.
        titles: One title per image. None for the class of each map and its probability if there is
            a model, otherwise no titles.
        model: Model that computes the maps, if it is not the first argument.
        class_index: Class to explain, as for `grad_cam`; None for the predicted class.
        layer: Layer whose output is used, as for `grad_cam`.
        value_range: Values `(low, high)` that are black and white, as for `plot_images`.
        data_format: `"channels_last"`, `"channels_first"` or None, as for `plot_images`.
        figure: Empty matplotlib figure or subfigure to draw into, or None for a new one.

    Returns:
        The figure, neither shown nor closed. Its last axes are the color bar.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If `images` is empty, there is neither a map nor a model, or both; if shapes,
            values or the number of titles do not match; or as for `grad_cam`.

    See Also:
        `grad_cam`: the heat maps as arrays.

    Example:
        >>> import catdog_keras, numpy as np
        >>> model, images = catdog_keras.build_model1((48, 64, 3)), np.ones((2, 48, 64, 3))
        >>> figure = catdog_keras.plot_grad_cam(model, images)
        >>> len(figure.axes)
        3

        Of maps, with other titles:

        >>> maps = np.ones((2, 48, 64))
        >>> figure = catdog_keras.plot_grad_cam(images, maps, ["first image", "second image"])
        >>> figure.axes[0].get_title("left")
        'first image'
    """
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable

    from catdog_keras.plotting import _axes_and_text

    if is_model_path(images):
        check_model(images)
    if isinstance(images, keras.Model):
        if model is not None:
            raise ValueError(describe("model", "None if the model is the first argument", model))
        model, images, maps = images, maps, None
    if model is not None:
        maps, titles = _compute_maps(model, images, maps, titles, class_index, layer)
    elif class_index is not None or layer is not None:
        name, value = ("layer", layer) if class_index is None else ("class_index", class_index)
        raise ValueError(describe(name, "None without a model", value, MODEL_FIRST))
    images, heat = _check_maps(images, maps)
    lines = _check_titles(titles, len(heat))
    value_range = check_value_range(value_range)
    if data_format is not None:
        check_choice("data_format", data_format, DATA_FORMATS)
    _axes_and_text.check_figure(figure)
    shown = to_display_rgb(list(images), value_range, data_format)
    if shown[0].shape[:2] != heat.shape[1:]:
        raise ValueError(
            f"`maps` must be of the height and width of the images, here {shown[0].shape[:2]}; "
            f"received maps of {heat.shape[1:]}."
        )
    row = ImageRow.fit(2, shown)
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


def _compute_maps(
    model: keras.Model,
    images: Any,
    maps: Any,
    titles: Sequence[str] | None,
    class_index: int | Sequence[int] | None,
    layer: str | keras.Layer | None,
) -> tuple[npt.NDArray[np.float32], Sequence[str]]:
    """Computes Grad-CAM maps to plot, and titles with the class of each map and its probability."""
    if maps is not None:
        raise ValueError(describe("maps", "None with a model, which computes them", maps))
    images = nonempty_batch_as_array("images", images)
    computed = grad_cam(model, images, class_index, layer=layer)
    if titles is not None:
        return computed, titles
    outputs = predict_batch("images", model, images)
    probabilities = to_probabilities(model, check_outputs(outputs, None, 0), None, None)
    chosen = probabilities.argmax(axis=1) if class_index is None else class_index
    indices = np.broadcast_to(np.asarray(chosen), len(probabilities))
    names = saved_class_names(model) or [f"class {n}" for n in range(probabilities.shape[1])]
    rows = zip(probabilities, indices, strict=True)
    return computed, [f"{names[index]} {row[index]:.0%}" for row, index in rows]


def _check_maps(images: Any, maps: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """Returns images and Grad-CAM maps to plot as arrays; raises an error if they do not match."""
    if maps is None:
        raise ValueError(describe("maps", "given without a model", None, MODEL_FIRST))
    if isinstance(maps, keras.Layer):
        raise TypeError(describe("maps", "one map per image", maps, MODEL_FIRST))
    images, heat = nonempty_batch_as_array("images", images), to_numbers("maps", "maps", maps)
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
    """Returns one title per plotted Grad-CAM map; raises an error if their number differs."""
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
    """Draws a white contour with a black outline at half of a Grad-CAM map's maximum."""
    if not one.min() < CONTOUR < one.max():
        return
    height, width = one.shape
    left, right, bottom, top = extent
    xs = left + (right - left) * (np.arange(width) + 0.5) / width
    ys = top - (top - bottom) * (np.arange(height) + 0.5) / height
    for color, thickness in (("black", 2.2), ("white", 1.0)):
        ax.contour(xs, ys, one, levels=[CONTOUR], colors=color, linewidths=thickness)


def _draw_scale(figure: Figure | SubFigure, below: Axes, scale: Any) -> None:
    """Draws the color bar of Grad-CAM maps below the images, with the level of the contour."""
    from catdog_keras.plotting import _axes_and_text

    bar = figure.colorbar(scale, cax=below, orientation="horizontal", ticks=[0, CONTOUR, 1])
    for color, thickness in (("black", 2.2), ("white", 1.0)):
        below.axvline(CONTOUR, color=color, linewidth=thickness)
    room = 0.95 * _axes_and_text.size_in_points(figure)[0]
    size = _axes_and_text.text_size(room / 30)
    bar.set_label(_axes_and_text.fit_text(BAR_LABEL, room, size), fontsize=size)
    below.tick_params(labelsize=size)
