"""The kernels of `normalized_pooling`; XLA compiles each of them to one loop.

Feature maps are arrays of 32-bit words: float32 values, or integers that contain two bfloat16
channels each. Computations use planes of float32: one plane, or one with the even and one with the
odd channels.
"""

import functools
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

ADDENDS = 16  # slices per sum: the compiled loop uses one register for each

_UPPER_HALF = -(2**16)
_LOWER_HALF = 2**16 - 1


@functools.cache
def kernels(shape: tuple[int | None, ...], dtype: str) -> SimpleNamespace:
    """Returns the compiled kernels for feature maps of one shape and dtype."""
    del shape, dtype  # only keys of the cache
    import tensorflow as tf

    # TensorFlow warns about functions that are retraced often, which it identifies by their code; a
    # partial function hides the code.
    compiled = {
        kernel.__name__: tf.function(functools.partial(kernel), jit_compile=True, autograph=False)
        for kernel in (squares, products, maxima, affine, gradient)
    }
    return SimpleNamespace(**compiled)


def squares(words: Any, guess: Any) -> tuple[Any, Any]:
    """Kernel of the sums of the values centered by `guess`, and of their squares."""

    def terms(rows: Any) -> list[Any]:
        centers = _split_by_plane(guess, words)
        centered = [
            plane - center for plane, center in zip(_float_planes(rows), centers, strict=True)
        ]
        return [term for each in centered for term in (each, each * each)]

    return _partial_sums(terms, words)


def products(words: Any, others: Any, center: Any) -> tuple[Any, Any]:
    """Kernel of the sums of the values, and of their products with the centered `others`."""

    def terms(rows: Any, other_rows: Any) -> list[Any]:
        each = zip(
            _float_planes(rows),
            _float_planes(other_rows),
            _split_by_plane(center, words),
            strict=True,
        )
        return [term for value, other, middle in each for term in (value, value * (other - middle))]

    return _partial_sums(terms, words, others)


def maxima(words: Any, sign: Any, window: tuple[int, int]) -> Any:
    """Max pooling, or min pooling for channels with a negative sign.

    Where the sign is 0, the first value of each window is used.
    """
    import tensorflow as tf

    cells = [_float_planes(cell) for cell in _window_values(words, window)]
    pooled = []
    for plane, factor in enumerate(_split_by_plane(sign, words)):
        best = cells[0][plane] * factor
        for cell in cells[1:]:
            best = tf.maximum(best, cell[plane] * factor)
        pooled.append(tf.where(factor == 0, cells[0][plane], best * factor))
    return _pack_planes(pooled, exact=True)


def affine(words: Any, center: Any, scale: Any, shift: Any) -> Any:
    """Kernel that computes `(values - center) * scale + shift`, with three numbers per channel."""
    factors = (_split_by_plane(per_channel, words) for per_channel in (center, scale, shift))
    planes = zip(_float_planes(words), *factors, strict=True)
    # Values far from zero are close to the center: subtract first to avoid cancellation.
    return _pack_planes(
        [(values - middle) * slope + offset for values, middle, slope, offset in planes]
    )


def gradient(
    words: Any,
    maxima: Any,
    upstream: Any,
    coefficients: tuple[Any, Any, Any, Any],
    window: tuple[int, int],
    rectify: bool,
) -> Any:
    """The gradient of the feature map, through the pooling and through the statistics.

    `coefficients` are, per channel: a factor of `upstream`, whose product flows to the first
    position in a window whose value is the maximum; an offset; a slope, which multiplies the
    centered value; and the center. With `rectify` the gradient is 0 where the value is not
    positive.
    """
    import tensorflow as tf

    _, height, width, channels = words.shape
    # Rows and columns that do not fill a window are treated as a cut window whose upstream is 0.
    missing = [(0, 0), *((0, int(n % k > 0)) for n, k in zip((height, width), window, strict=True))]

    def spread(pooled: Any) -> Any:
        return tf.pad(pooled, [*missing, (0, 0)])[:, :, None, :, None]

    places = tf.reshape(tf.range(window[0] * window[1]), (1, 1, window[0], 1, window[1], 1))
    cells = [_float_planes(cell) for cell in _window_values(words, window)]
    of_planes = []
    factors = (_split_by_plane(coefficient, words) for coefficient in coefficients)
    each = zip(
        _float_planes(words), _float_planes(maxima), _float_planes(upstream), *factors, strict=True
    )
    for plane, (values, best, flow, factor, offset, slope, center) in enumerate(each):
        first = len(cells) - 1
        for place in reversed(range(len(cells) - 1)):
            first = tf.where(cells[place][plane] == best, place, first)
        flowing = tf.where(spread(first) == places, spread(flow) * factor, 0.0)
        sides = [n + -n % k for n, k in zip((height, width), window, strict=True)]
        flowing = tf.reshape(flowing, (-1, *sides, channels))[:, :height, :width]
        total = flowing + offset + slope * (values - center)
        of_planes.append(tf.where(values > 0, total, 0.0) if rectify else total)
    return _pack_planes(of_planes)


def _partial_sums(terms: Callable[..., list[Any]], *maps: Any) -> tuple[Any, Any]:
    """Sums terms over all positions of the feature maps in a kernel, except for a final reduction.

    Returns the partial sums, which have one row for every ADDENDS positions, and the sums of the
    remaining positions, with one entry per sum on the last axis. The two or four sums of a channel
    are packed into one complex number, so that one loop has all of them as its result; otherwise
    XLA would read the feature maps again for each sum.
    """
    import tensorflow as tf

    rows = [tf.reshape(each, (-1, each.shape[-1])) for each in maps]
    size = tf.shape(rows[0])[0] // ADDENDS
    slices = [terms(*(each[n * size : (n + 1) * size] for each in rows)) for n in range(ADDENDS)]
    added = [sum(parts[1:], parts[0]) for parts in zip(*slices, strict=True)]
    rest = [tf.reduce_sum(term, 0) for term in terms(*(each[ADDENDS * size :] for each in rows))]
    halves = added if len(added) == 2 else [_side_by_side(*added[:2]), _side_by_side(*added[2:])]
    return tf.complex(*halves), tf.stack(rest, axis=-1)


def _side_by_side(first: Any, second: Any) -> Any:
    """Packs the bits of two float32 values of a kernel into one float64, for transport only."""
    import tensorflow as tf

    low, high = (tf.cast(tf.bitcast(each, tf.uint32), tf.uint64) for each in (first, second))
    return tf.bitcast(tf.bitwise.bitwise_or(tf.bitwise.left_shift(high, 32), low), tf.float64)


def _window_values(words: Any, window: tuple[int, int]) -> list[Any]:
    """Returns the first values of all pooling windows, then the second ones, in row-major order."""
    import tensorflow as tf

    _, height, width, channels = words.shape
    down, across = height // window[0], width // window[1]
    whole = words[:, : down * window[0], : across * window[1]]
    split = tf.reshape(whole, (-1, down, window[0], across, window[1], channels))
    return [split[:, :, i, :, j] for i in range(window[0]) for j in range(window[1])]


def _float_planes(words: Any) -> list[Any]:
    """Returns words as float32 planes for a kernel: one plane, or two of bfloat16 channels."""
    import tensorflow as tf

    if words.dtype == tf.float32:
        return [words]
    halves = (tf.bitwise.left_shift(words, 16), tf.bitwise.bitwise_and(words, _UPPER_HALF))
    return [tf.bitcast(half, tf.float32) for half in halves]


def _split_by_plane(per_channel: Any, words: Any) -> list[Any]:
    """Splits numbers per channel into those of each plane of a kernel; see `_float_planes`."""
    count = per_channel.shape[0] // words.shape[-1]
    return [per_channel[plane::count] for plane in range(count)]


def _pack_planes(planes: Sequence[Any], *, exact: bool = False) -> Any:
    """Inverse of `_float_planes` in a kernel; rounds to nearest even, unless all are `exact`."""
    import tensorflow as tf

    if len(planes) == 1:
        return planes[0]
    even, odd = (tf.bitcast(plane, tf.int32) for plane in planes)
    if not exact:
        even, odd = _add_rounding_bit(even), _add_rounding_bit(odd)
    lower = tf.bitwise.bitwise_and(tf.bitwise.right_shift(even, 16), _LOWER_HALF)
    return tf.bitwise.bitwise_or(lower, tf.bitwise.bitwise_and(odd, _UPPER_HALF))


def _add_rounding_bit(bits: Any) -> Any:
    """Returns bits whose lower half a kernel can cut off to round to the nearest even number."""
    import tensorflow as tf

    last_kept = tf.bitwise.bitwise_and(tf.bitwise.right_shift(bits, 16), 1)
    return bits + (2**15 - 1) + last_kept
