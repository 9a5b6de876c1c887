"""Drawing primitives for the synthetic images: smooth curves, and shapes filled with shaded fur.

All coordinates are pixels of the canvas: x to the right, y down. Shapes are arrays of points of
shape (points, 2).
"""

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageChops, ImageDraw

Points = NDArray[np.float64]
Color = tuple[int, int, int]
Mark = tuple[Points, Color]  # an outline and its fill color

_TEXTURE_SIDE = 1024  # no canvas is larger, so that one crop of the texture covers any shape
_HAIR_SPACING = 4.0  # pixels between two hairs of an outline
_EDGE_WIDTH = 4  # pixels


def mix(first: Color, second: Color, share: float) -> Color:
    """Mixes two colors to draw on the canvas; `share` (0 to 1) is the weight of `second`."""
    red, green, blue = first
    return (
        round(red + (second[0] - red) * share),
        round(green + (second[1] - green) * share),
        round(blue + (second[2] - blue) * share),
    )


@functools.cache
def _spline_weights(steps: int) -> NDArray[np.float64]:
    """Weights of four points at `steps` positions of a curve on the canvas (Catmull-Rom)."""
    t = np.arange(steps) / steps
    powers = np.stack([np.ones(steps), t, t**2, t**3], axis=1)
    basis = np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]]) / 2
    return powers @ basis


def closed_curve(points: ArrayLike, steps: int = 8) -> Points:
    """Returns a smooth closed outline through `points`, to draw on the canvas."""
    p = np.asarray(points, dtype=np.float64)
    around = np.concatenate([p[-1:], p, p[:2]])
    neighbors = np.stack([around[i : i + len(p)] for i in range(4)])
    curve: Points = np.einsum("sk,knd->nsd", _spline_weights(steps), neighbors).reshape(-1, 2)
    return curve


def open_curve(points: ArrayLike, steps: int = 8) -> Points:
    """Returns a smooth line through `points`, first to last, to draw on the canvas."""
    p = np.asarray(points, dtype=np.float64)
    padded = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    neighbors = np.stack([padded[i : len(p) - 1 + i] for i in range(4)])
    curve = np.einsum("sk,knd->nsd", _spline_weights(steps), neighbors).reshape(-1, 2)
    return np.concatenate([curve, p[-1:]])


def symmetric(right_half: ArrayLike) -> Points:
    """Returns points for the canvas: `right_half`, top to bottom, and its mirror image upwards."""
    right = np.asarray(right_half, dtype=np.float64)
    left = right[::-1] * (-1.0, 1.0)
    on_axis = np.isclose(left[:, 0], 0.0)
    return np.concatenate([right, left[~on_axis]])


def ellipse(center: ArrayLike, radii: ArrayLike, angle: float = 0.0) -> Points:
    """Returns the outline of an ellipse to draw on the canvas, rotated by `angle` radians."""
    turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=1) * np.asarray(radii)
    cos, sin = np.cos(angle), np.sin(angle)
    outline: Points = circle @ np.array([[cos, sin], [-sin, cos]]) + np.asarray(center)
    return outline


def hull_of_circles(centers: ArrayLike, radii: ArrayLike) -> Points:
    """Returns the convex hull of circles to draw on the canvas, such as a muzzle or a paw."""
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    direction = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    middle, radius = np.asarray(centers, dtype=np.float64), np.asarray(radii, dtype=np.float64)
    outermost = np.argmax(direction @ middle.T + radius, axis=1)
    outline: Points = middle[outermost] + direction * radius[outermost, None]
    return outline


def normals(line: Points) -> Points:
    """Returns the unit normal vectors of a `line` on the canvas, one per point."""
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.hypot(along[:, :1], along[:, 1:]), 1e-9)
    return np.stack([along[:, 1], -along[:, 0]], axis=1)


def limb(line: Points, widths: Sequence[float]) -> Points:
    """Returns a leg or tail as an outline on the canvas along `line`, of evenly spaced `widths`."""
    places = np.linspace(0, 1, len(line))
    half = np.interp(places, np.linspace(0, 1, len(widths)), widths)[:, None] / 2
    side = normals(line) * half
    along = np.stack([-side[-1, 1], side[-1, 0]])  # the last normal, rotated by 90 degrees
    turn = np.linspace(0, np.pi, 8)[1:-1, None]
    cap = line[-1] + np.cos(turn) * side[-1] + np.sin(turn) * along
    return np.concatenate([line + side, cap, (line - side)[::-1]])


def bands(line: Points, width: float, count: int, start: float = 0.1) -> list[Points]:
    """Returns `count` bands across `line` on the canvas, such as the rings of a tabby's tail."""
    side = normals(line) * width
    outlines = []
    for place in np.linspace(start, 0.95, count):
        first = int(place * (len(line) - 3))
        here, there = first, first + 2
        corners = [line[here] + side[here], line[there] + side[there]]
        corners += [line[there] - side[there], line[here] - side[here]]
        outlines.append(np.array(corners))
    return outlines


@functools.cache
def _fur_texture() -> Image.Image:
    """Returns a deterministic texture of downward hairs for the canvas, as an alpha mask."""
    grain = np.random.default_rng(7).normal(size=(_TEXTURE_SIDE, _TEXTURE_SIDE))
    hairs = sum(np.roll(grain, (step, step // 3), axis=(0, 1)) for step in range(12))
    clumps = sum(np.roll(hairs, (3 * step, step), axis=(0, 1)) for step in range(6))
    depth = hairs / np.std(hairs) + 0.7 * clumps / np.std(clumps)
    return Image.fromarray(np.clip(30 + 28 * depth, 0, 120).astype(np.uint8))


def _shade_map(light: tuple[float, float]) -> Image.Image:
    """Returns the shading of a sphere on the canvas as an alpha mask, lit from `light`."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    z = np.sqrt(np.maximum(0.08, 1 - 0.7 * (x**2 + y**2)))
    lit = (0.75 * light[0] * x + 0.75 * light[1] * y + 0.8 * z) / np.sqrt(0.75**2 + 0.8**2)
    return Image.fromarray(np.clip(255 * (0.9 - lit), 0, 170).astype(np.uint8))


class Canvas:
    """An image that is being drawn.

    Args:
        image: The background, mode RGB; it is modified.
        rng: Random generator for the irregularities of the fur.
        light: Direction of the light source, (x, y), of length about 1.
    """

    def __init__(
        self, image: Image.Image, rng: np.random.Generator, light: tuple[float, float]
    ) -> None:
        """Creates a canvas on an image."""
        self.image = image
        self.rng = rng
        self._draw = ImageDraw.Draw(image)
        self._shade = _shade_map(light)

    def flat(self, outline: Points, color: Color) -> None:
        """Fills an outline with one color, for eyes, noses and tongues."""
        self._draw.polygon(outline.ravel().tolist(), fill=color)

    def line(self, points: Points, color: Color, width: float) -> None:
        """Draws a line, for whiskers and mouths."""
        path = points.ravel().tolist()
        self._draw.line(path, fill=color, width=max(1, round(width)), joint="curve")

    def glaze(self, outline: Points, color: Color, opacity: float) -> None:
        """Fills an outline with a translucent color, for highlights and contact shadows."""
        box = self._box(outline)
        if box is None:
            return
        mask = Image.new("L", (box[2] - box[0], box[3] - box[1]), 0)
        ImageDraw.Draw(mask).polygon(_outline_in_box(outline, box), fill=round(255 * opacity))
        self.image.paste(color, box, mask)

    def fur(
        self,
        outline: Points,
        color: Color,
        *,
        marks: Sequence[Mark] = (),
        hair: float = 0.0,
        edge: float = 0.45,
    ) -> None:
        """Fills an outline with shaded fur.

        Args:
            outline: The shape.
            color: Color of the coat.
            marks: Stripes, spots and patches, drawn in order and clipped to the outline.
            hair: Length of the hairs at the outline, in pixels.
            edge: Darkening of the rim, 0 to 1.
        """
        outline = self._ruffled(outline, hair) if hair > 0 else outline
        box = self._box(outline)
        if box is None:
            return
        size = (box[2] - box[0], box[3] - box[1])
        layer = Image.new("RGB", size, color)
        brush = ImageDraw.Draw(layer)
        for mark, tint in marks:
            brush.polygon(_outline_in_box(mark, box), fill=tint)
        dark = mix(color, (30, 20, 20), 0.75)
        path = _outline_in_box(outline, box)
        if edge > 0:
            brush.line([*path, *path[:4]], fill=mix(color, dark, edge), width=_EDGE_WIDTH)
        left, top = self.rng.integers(0, _TEXTURE_SIDE - np.array(size) + 1)
        fur = _fur_texture().crop((left, top, left + size[0], top + size[1]))
        shade = self._shade.resize(size, Image.Resampling.BILINEAR)
        layer.paste(mix(dark, (10, 8, 22), 0.3), (0, 0), ImageChops.add(fur, shade))
        mask = Image.new("L", size, 0)
        ImageDraw.Draw(mask).polygon(path, fill=255)
        self.image.paste(layer, box, mask)

    def _box(self, outline: Points) -> tuple[int, int, int, int] | None:
        """Returns the bounding box of the outline, clipped to the canvas; None if it is empty."""
        left, top = np.maximum(np.floor(outline.min(axis=0)).astype(int) - 2, 0)
        right, bottom = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + 3, self.image.size)
        if left >= right or top >= bottom:
            return None
        return int(left), int(top), int(right), int(bottom)

    def _ruffled(self, outline: Points, hair: float) -> Points:
        """Moves every second point of the outline outward and down, for the tips of hairs."""
        knots = outline[:, 0] + 1j * outline[:, 1]  # complex numbers: half the work
        ring = np.append(knots, knots[0])
        reach = np.append(0.0, np.cumsum(np.abs(np.diff(ring))))
        count = max(12, 2 * int(reach[-1] / (2 * _HAIR_SPACING)))
        points = np.interp(np.arange(count) * (reach[-1] / count), reach, ring)
        following = np.append(points[1:], points[:1])
        area = np.sum((points.conj() * following).imag)
        steps = following - points
        outwards = -1j * np.sign(area) * steps / np.maximum(np.abs(steps), 1e-9)
        points[1::2] += self.rng.uniform(0.2, 1.0, count // 2) * hair * (outwards[1::2] + 0.5j)
        return np.stack([points.real, points.imag], axis=1)


def _outline_in_box(outline: Points, box: tuple[int, int, int, int]) -> list[float]:
    """Returns an outline on the canvas in coordinates of `box`, in Pillow's format."""
    path: list[float] = (outline - box[:2]).ravel().tolist()
    return path
