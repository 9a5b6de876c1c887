"""Where in a picture the cells of a feature map lie."""

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
    """The cells of a feature map along one axis, evenly spaced.

    Attributes:
        count: How many there are.
        first: The middle of what the first one sees, in pixels of the picture.
        step: Pixels from one cell to the next.
    """

    count: int
    first: float
    step: float

    @classmethod
    def spread(cls, count: int, pixels: int) -> "Cells":
        """Cells that share all pixels evenly, as those of padded convolutions nearly do."""
        return cls(count, (pixels / count - 1) / 2, pixels / count)

    def through(self, window: int, stride: int, dilation: int, padding: str) -> "Cells":
        """The cells of what a convolution or a pooling makes of these."""
        reach = dilation * (window - 1)
        before = 0
        count = (self.count - reach - 1) // stride + 1
        if padding == "same":
            count = -(-self.count // stride)
            before = max((count - 1) * stride + reach + 1 - self.count, 0) // 2
        return self.moved(reach / 2 - before, count, stride)

    def moved(self, first: float, count: int, step: float = 1) -> "Cells":
        """Cells of which the first lies at the place `first` among these, `step` of them apart."""
        return Cells(count, self.first + first * self.step, self.step * step)

    def weights(self, pixels: int) -> npt.NDArray[np.float64]:
        """The share of each cell in each pixel, `(pixels, count)`, by linear interpolation.

        Beyond the middle of the outermost cells their own value goes on.
        """
        places = (np.arange(pixels) - self.first) / self.step
        cells = np.arange(self.count)
        return np.stack([np.interp(places, cells, own) for own in np.eye(self.count)], axis=1)


Grid: TypeAlias = tuple[Cells, Cells]  # by height and by width


def place_cells(
    model: keras.Model, operation: Operation, size: tuple[int, int], *, channels_first: bool
) -> Grid | None:
    """Returns where the cells of the map that an operation gives lie in a picture.

    Every convolution and pooling is followed from the picture on. Padding keeps the cells spread
    over the whole picture; without it they draw in from its edges.

    Args:
        model: A Functional or Sequential model, of which the operation is a part at any depth.
        operation: Its output is the map.
        size: (height, width) of the pictures in pixels.
        channels_first: Where the sides of maps stand in their shapes.

    Returns:
        The cells by height and width; None where the model cannot be followed.
    """
    sides = (2, 3) if channels_first else (1, 2)
    picture = (Cells(size[0], 0.0, 1.0), Cells(size[1], 0.0, 1.0))
    try:
        return dict(_follow(model, picture, sides)).get(id(operation))
    except NotImplementedError:  # a layer that cannot be saved, and so not be described either
        return None


def _follow(model: keras.Model, grid: Grid, sides: tuple[int, int]) -> Iterator[tuple[int, Grid]]:
    """Yields the grid of each operation by its identity, the model's own at last."""
    sources = {} if isinstance(model, keras.Sequential) else LayerGraph.of(model).sources
    known: dict[str, Grid] = {}
    last = grid
    for operation in getattr(model, "operations", model.layers):
        before = last
        if sources:
            # Of several inputs any will do: what is added or joined lies at the same places.
            before = next((known[name] for name in sources[operation.name]), grid)
        if is_graph(operation):
            for place, inner in _follow(operation, before, sides):
                last = inner
                yield place, inner
        else:
            last = _through(operation, before, sides)
        known[operation.name] = last
        yield id(operation), last


def _through(operation: Operation, grid: Grid, sides: tuple[int, int]) -> Grid:
    """The grid of what an operation gives, from that of what it takes."""
    parts = [getattr(operation, name, None) for name in ("convolution", "pooling")]
    if parts[0] is not None:  # a block of layers, such as `ConvBlock`
        for part in filter(None, parts):
            grid = _through(part, grid, sides)
        return grid
    height, width = (_through_axis(operation, cells, axis) for axis, cells in enumerate(grid))
    shape = getattr(getattr(operation, "output", None), "shape", ())
    counts = (height.count, width.count)
    # A layer that turns the axes, or reads them in another order, has the same sides elsewhere.
    if len(shape) != 4 or None in shape[1:] or counts in (shape[1:3], shape[2:4]):
        return height, width
    return _spread_anew(height, shape[sides[0]]), _spread_anew(width, shape[sides[1]])


def _through_axis(operation: Operation, cells: Cells, axis: int) -> Cells:
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
    """Another number of cells, as of a layer that enlarges: they share what lay below them."""
    evenly = Cells.spread(count, cells.count)
    return cells.moved(evenly.first, count, evenly.step)
