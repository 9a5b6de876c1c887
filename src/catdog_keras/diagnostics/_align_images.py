"""Decides whether one image is a cropped, mirrored or slightly rotated copy of another one."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

SEARCH_SIDE = 32
# Sides of the template, in pixels of the searched image: its content at 100%, 90% and 80%.
# At 100% the template is the center, because a rotation moves other pixels to the edges.
SEARCHES = ((32, 28), (29, 29), (26, 26))
LEAST_SEARCHED = 0.55  # correlation at the start; most copies reach 0.7
LEAST_COARSE = 0.75  # correlation after the refinement at 32 x 32 pixels
STEPS = 10  # of the refinement at each size
LEAST_GAIN = 1e-4  # of the correlation in one step
FLAT = 1e-3  # product of squared norms, below which an image has no structure
LEAST_OVERLAP = 0.6  # of the template, which must be inside the other image
TEMPLATE_SHARE = 0.86  # of the side: rotated copies have empty corners
LEAST_SCALE = 0.65
MOST_DEGREES = 15.0  # different images reach high correlations at large rotations


@dataclass(frozen=True)
class SearchIndex:
    """Normalized windows and templates of one image, for the search of coarse positions."""

    windows: tuple[Floats, ...]
    templates: tuple[Floats, ...]
    mirrored: tuple[Floats, ...]


class Alignment(NamedTuple):
    """Best alignment of two images.

    Attributes:
        correlation: Correlation of the gray levels where both overlap, after the alignment.
        mirrored: Whether one image was mirrored.
        scale: Side of the content of the second image, as a fraction of that of the first one.
        degrees: Rotation.
        detail: Correlation of the gradients of the gray levels there. Different drawings of the
            same shape have similar gray levels, but other gradients.
    """

    correlation: float
    mirrored: bool
    scale: float
    degrees: float
    detail: float = 0.0


NONE = Alignment(0.0, False, 1.0, 0.0)


def index_image(thumbnail: Pixels) -> SearchIndex:
    """Computes what the coarse search needs of a thumbnail of 64 x 64 pixels."""
    small = _halve_image(thumbnail.astype(np.float32))
    windows, templates, mirrored = [], [], []
    for content, side in SEARCHES:
        views = np.lib.stride_tricks.sliding_window_view(small, (side, side))
        windows.append(_normalize_windows(views.reshape(-1, side * side)))
        shrunk = _resize_square(small, content)
        start = (content - side) // 2
        template = shrunk[start : start + side, start : start + side]
        templates.append(_normalize_windows(template.reshape(1, -1))[0])
        mirrored.append(_normalize_windows(template[:, ::-1].reshape(1, -1))[0])
    return SearchIndex(tuple(windows), tuple(templates), tuple(mirrored))


def align_thumbnails(
    first: Pixels, second: Pixels, first_index: SearchIndex, second_index: SearchIndex
) -> Alignment:
    """Aligns two thumbnails of 64 x 64 pixels by a mirroring and an affine transformation.

    Correlations of windows at three scales give the start; Gauss-Newton steps on the affine
    transformation, with gain and offset of the gray levels, refine it.

    Sources: Lewis (1995), Fast normalized cross-correlation, for the search; Lucas and Kanade
    (1981), An iterative image registration technique, for the refinement; Evangelidis and Psarakis
    (2008), Parametric image alignment using enhanced correlation coefficient maximization, for its
    criterion.
    """
    one = _search_position(first_index, second_index)
    other = _search_position(second_index, first_index)
    if one[0] < other[0]:
        first, second, one = second, first, other
    score, mirrored, size, row, column = one
    if score < LEAST_SEARCHED:
        return NONE
    template = (second[:, ::-1] if mirrored else second).astype(np.float32)
    searched = first.astype(np.float32)
    content, side = SEARCHES[size]
    # The map from the template's coordinates to those of the searched image, both from -1 to 1.
    scale = content / SEARCH_SIDE
    middle = [2 * (start + side / 2) / SEARCH_SIDE - 1 for start in (row, column)]
    affine = np.array([[scale, 0, middle[0]], [0, scale, middle[1]]])
    affine, correlation = _refine_map(_halve_image(searched), _halve_image(template), affine)
    if correlation < LEAST_COARSE:
        return NONE
    affine, correlation = _refine_map(searched, template, affine)
    found = _alignment_of_map(affine, correlation, mirrored=mirrored)
    if found is NONE:
        return found
    return Alignment(*found[:4], _correlate_gradients(searched, template, affine))


def _alignment_of_map(
    affine: npt.NDArray[np.float64], correlation: float, *, mirrored: bool
) -> Alignment:
    """Returns scale and rotation of an affine map; no alignment if it distorts the image."""
    (a, b), (c, d) = affine[:, :2]
    scales = np.linalg.svd(affine[:, :2], compute_uv=False)
    degrees = float(np.degrees(np.arctan2(c - b, a + d)))
    plausible = a * d > b * c and scales[-1] >= LEAST_SCALE and scales[0] <= 1 / LEAST_SCALE
    if not plausible or abs(degrees) > MOST_DEGREES:
        return NONE
    return Alignment(correlation, mirrored, float(np.sqrt(scales.prod())), degrees)


def _search_position(
    searched: SearchIndex, other: SearchIndex
) -> tuple[float, bool, int, int, int]:
    """Returns the best correlation when aligning a template of `other`, whether mirrored, where."""
    best = (-1.0, False, 0, 0, 0)
    for size, (_, side) in enumerate(SEARCHES):
        places = SEARCH_SIDE - side + 1
        templates = np.stack([other.templates[size], other.mirrored[size]], axis=1)
        scores = searched.windows[size] @ templates
        place = int(scores.argmax())
        window, mirrored = divmod(place, 2)
        found = (float(scores.flat[place]), bool(mirrored), size, *divmod(window, places))
        best = max(best, found)
    return best


def _refine_map(
    searched: Floats, template: Floats, affine: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], float]:
    """Refines the affine map that aligns images; returns it and the correlation that it reaches."""
    side = len(template)
    inner, grid = _inner_grid(side)
    u, v, ones = grid
    values = template[inner].ravel()
    layers = _with_gradients(searched)
    best, best_affine = 0.0, affine
    for _ in range(STEPS + 1):
        row, column, inside = _mapped_positions(affine, grid, side)
        if inside.mean() < LEAST_OVERLAP:
            break
        level, down, right = _sample_bilinear(layers, row[inside], column[inside])
        target = values[inside]
        correlation = _correlate_vectors(level, target)
        gain = correlation - best
        if gain > 0:
            best, best_affine = correlation, affine
        if gain < LEAST_GAIN:
            break
        u_in, v_in, one_in = u[inside], v[inside], ones[inside]
        basis = np.stack([down * u_in, down * v_in, down, right * u_in, right * v_in, right])
        system = np.concatenate([basis * np.float32(side / 2), [level, one_in]])
        normal = (system @ system.T).astype(np.float64)
        normal[np.diag_indices(8)] += 1e-6 * np.trace(normal) / 8
        solution = np.linalg.solve(normal, system @ target)
        if abs(solution[6]) < 1e-3:
            break
        affine = affine + (solution[:6] / solution[6]).reshape(2, 3)
    return best_affine, best


def _correlate_gradients(
    searched: Floats, template: Floats, affine: npt.NDArray[np.float64]
) -> float:
    """Returns the correlation of the gradients of two images where an affine map aligns them."""
    side = len(template)
    inner, grid = _inner_grid(side)
    row, column, inside = _mapped_positions(affine, grid, side)
    found = _sample_bilinear(_with_gradients(searched)[1:], row[inside], column[inside])
    moved = affine[:, :2].T.astype(np.float32) @ found  # the gradient of the image that was moved
    expected = np.stack([each[inner].ravel()[inside] for each in _with_gradients(template)[1:]])
    return _correlate_vectors(moved.ravel(), expected.ravel())


def _inner_grid(side: int) -> tuple[tuple[npt.NDArray[np.int64], ...], Floats]:
    """Returns an index of the center of a template to align, and coordinates with a row of ones."""
    inner = np.arange(side)[int(side * (1 - TEMPLATE_SHARE) / 2) :]
    inner = inner[: int(side * TEMPLATE_SHARE)]
    rows, columns = (each.ravel() for each in np.meshgrid(inner, inner, indexing="ij"))
    u, v = (((each + 0.5) * 2 / side - 1).astype(np.float32) for each in (rows, columns))
    return np.ix_(inner, inner), np.stack([u, v, np.ones_like(u)])


def _mapped_positions(
    affine: npt.NDArray[np.float64], grid: Floats, side: int
) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Returns rows and columns of mapped coordinates, and which are inside of the image."""
    row, column = ((affine.astype(np.float32) @ grid + 1) * side - 1) / 2
    inside = (row >= 0) & (row <= side - 1) & (column >= 0) & (column <= side - 1)
    return row, column, inside


def _with_gradients(image: Floats) -> Floats:
    """Returns an image with its gradients along rows and columns, of shape `(3, side, side)`."""
    return np.stack([image, *(np.gradient(image, axis=axis) for axis in (0, 1))])


def _sample_bilinear(layers: Floats, row: Floats, column: Floats) -> Floats:
    """Samples layers `(count, side, side)` of an image to align, with bilinear interpolation."""
    side = layers.shape[1]
    top = np.minimum(row.astype(np.int64), side - 2)
    left = np.minimum(column.astype(np.int64), side - 2)
    down, right = (row - top).astype(np.float32), (column - left).astype(np.float32)
    flat = layers.reshape(len(layers), -1)
    place = top * side + left
    upper = flat[:, place] * (1 - right) + flat[:, place + 1] * right
    lower = flat[:, place + side] * (1 - right) + flat[:, place + side + 1] * right
    return upper * (1 - down) + lower * down


def _correlate_vectors(one: Floats, other: Floats) -> float:
    """Returns the correlation of two aligned images as vectors; 0 if one is almost constant."""
    one, other = one - one.mean(), other - other.mean()
    norm = float(one @ one) * float(other @ other)
    return float(one @ other) / math.sqrt(norm) if norm > FLAT else 0.0


def _normalize_windows(rows: Floats) -> Floats:
    """Returns windows of an image to align as rows of mean 0 and length 1; a constant row is 0."""
    centered: Floats = rows - rows.mean(1, keepdims=True)
    norms = np.linalg.norm(centered, axis=1, keepdims=True)
    np.divide(centered, norms, out=centered, where=norms > 1e-3)
    centered[norms[:, 0] <= 1e-3] = 0
    return centered


def _halve_image(image: Floats) -> Floats:
    """Returns an image of half the height and width, by the means of 2 x 2 pixels."""
    halved = image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]
    return (halved / 4).astype(np.float32)


def _resize_square(image: Floats, side: int) -> Floats:
    """Resizes a square image to a smaller side with bilinear interpolation."""
    from PIL import Image

    resized = Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(resized)
