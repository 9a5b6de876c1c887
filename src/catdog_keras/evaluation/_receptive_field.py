"""Receptive fields: the positions of a feature map's cells in the input image."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._layer_graph import LayerGraph, is_graph

Operation: TypeAlias = Any  # a layer, or an operation of keras.ops in a Functional model


@dataclass(frozen=True)
class Cells:
    """Evenly spaced receptive field centers of a feature map along one axis.

    Attributes:
        count: Number of cells.
        first: Center of the first cell's receptive field, in pixels of the image.
        step: Distance between neighboring cells, in pixels.
    """

    count: int
    first: float
    step: float

    @classmethod
    def spread(cls, count: int, pixels: int) -> "Cells":
        """Returns `count` cells spaced evenly over all pixels; approximates padded convolutions."""
        return cls(count, (pixels / count - 1) / 2, pixels / count)

    def through(self, window: int, stride: int, dilation: int, padding: str) -> "Cells":
        """Returns the output cells of a convolution or pooling layer that takes these cells."""
        reach = dilation * (window - 1)
        before = 0
        count = (self.count - reach - 1) // stride + 1
        if padding == "same":
            count = -(-self.count // stride)
            before = max((count - 1) * stride + reach + 1 - self.count, 0) // 2
        return self.moved(reach / 2 - before, count, stride)

    def moved(self, first: float, count: int, step: float = 1) -> "Cells":
        """Returns `count` cells with the given start and spacing, in units of these cells."""
        return Cells(count, self.first + first * self.step, self.step * step)

    def weights(self, pixels: int) -> npt.NDArray[np.float64]:
        """Returns linear interpolation weights of shape `(pixels, count)`.

        Pixels beyond the center of the first or last cell get the value of that cell.
        """
        places = (np.arange(pixels) - self.first) / self.step
        cells = np.arange(self.count)
        return np.stack([np.interp(places, cells, own) for own in np.eye(self.count)], axis=1)


Grid: TypeAlias = tuple[Cells, Cells]  # by height and by width


def place_cells(
    model: keras.Model, operation: Operation, size: tuple[int, int], *, channels_first: bool
) -> Grid | None:
    """Computes the receptive field centers of an operation's output in the input image.

    Traces every convolution and pooling layer, starting at the image. With padding the centers
    cover the whole image; without padding they move away from its edges.

    Args:
        model: Functional or Sequential model that contains the operation, at any depth.
        operation: Operation whose output is the feature map.
        size: (height, width) of the images in pixels.
        channels_first: Whether the feature maps are channels first.

    Returns:
        The cells by height and by width; None if the model cannot be traced.
    """
    sides = (2, 3) if channels_first else (1, 2)
    image = (Cells(size[0], 0.0, 1.0), Cells(size[1], 0.0, 1.0))
    try:
        return dict(_follow_operations(model, image, sides)).get(id(operation))
    except NotImplementedError:  # a layer without get_config: the graph is not available
        return None


def _follow_operations(
    model: keras.Model, grid: Grid, sides: tuple[int, int]
) -> Iterator[tuple[int, Grid]]:
    """Yields id and grid of receptive fields of each operation; those of the model are last."""
    sources = {} if isinstance(model, keras.Sequential) else LayerGraph.from_model(model).sources
    known: dict[str, Grid] = {}
    last = grid
    for operation in getattr(model, "operations", model.layers):
        before = last
        if sources:
            # Any of several inputs can be used: tensors that are added or concatenated share
            # positions.
            before = next((known[name] for name in sources[operation.name]), grid)
        if is_graph(operation):
            for place, inner in _follow_operations(operation, before, sides):
                last = inner
                yield place, inner
        else:
            last = _grid_after(operation, before, sides)
        known[operation.name] = last
        yield id(operation), last


def _grid_after(operation: Operation, grid: Grid, sides: tuple[int, int]) -> Grid:
    """Returns the grid of receptive fields of an operation's output, given that of its input."""
    parts = [getattr(operation, name, None) for name in ("convolution", "pooling_layer")]
    if parts[0] is not None:  # a block of layers, such as `ConvBlock`
        for part in filter(None, parts):
            grid = _grid_after(part, grid, sides)
        return grid
    height, width = (_cells_after(operation, cells, axis) for axis, cells in enumerate(grid))
    shape = getattr(getattr(operation, "output", None), "shape", ())
    counts = (height.count, width.count)
    # A layer that transposes the axes, or uses another data format, has the same sizes on other
    # axes.
    if len(shape) != 4 or None in shape[1:] or counts in (shape[1:3], shape[2:4]):
        return height, width
    return _spread_anew(height, shape[sides[0]]), _spread_anew(width, shape[sides[1]])


def _cells_after(operation: Operation, cells: Cells, axis: int) -> Cells:
    """Returns receptive fields of an operation's output along one axis, from those of its input."""
    window = getattr(operation, "kernel_size", getattr(operation, "pool_size", None))
    transposed = isinstance(operation, keras.layers.Conv2DTranspose)
    if isinstance(window, tuple) and len(window) == 2 and not transposed:
        dilation = getattr(operation, "dilation_rate", (1, 1))
        dilation = dilation if isinstance(dilation, tuple) else (dilation, dilation)
        stride = operation.strides
        stride = stride if isinstance(stride, tuple) else (stride, stride)
        return cells.through(window[axis], stride[axis], dilation[axis], operation.padding)
    if isinstance(operation, keras.layers.ZeroPadding2D):
        before, after = operation.padding[axis]
        return cells.moved(-before, cells.count + before + after)
    if isinstance(operation, keras.layers.Cropping2D):
        before, after = operation.cropping[axis]
        return cells.moved(before, cells.count - before - after)
    return cells


def _spread_anew(cells: Cells, count: int) -> Cells:
    """Returns `count` receptive fields that cover the same area evenly, as after upsampling."""
    evenly = Cells.spread(count, cells.count)
    return cells.moved(evenly.first, count, evenly.step)
