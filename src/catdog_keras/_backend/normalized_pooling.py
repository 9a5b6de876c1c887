"""Batch normalisation and the max pooling after it, as one function with a gradient of its own.

Normalising keeps the order of a channel's values or reverses it, by the sign of its `gamma`. So the
pooling can come first, and all that the normalisation then does to values is done to a quarter of
them. The large map is read for its statistics, for its maxima and for its gradient, and that
gradient is the only other large map that is written.

The passes are compiled by XLA, which makes a good loop of one that has one result, is of 32-bit
numbers and indexes evenly. Hence their forms: the sums of a channel travel as one complex number,
two bfloat16 channels as one integer, and what is added up are slices.
"""

from collections.abc import Callable
from typing import Any

import keras

from catdog_keras._backend.batch_norm import normalize_plainly
from catdog_keras._backend.derivatives import differentiated_as
from catdog_keras._backend.pooling_kernels import kernels
from catdog_keras._backend.xla import can_compile_by_xla, compiled_by_xla

LARGE_MAP = 2**16  # values per picture; below it, launching compiled code costs more than it saves
LARGEST_WINDOW = 16  # values


def can_normalize_and_pool(maps: Any, window: tuple[int, int]) -> bool:
    """Tells whether `normalize_and_pool` can take `maps`, channels last, and is the faster way.

    That is on TensorFlow, on a CPU, on large maps of known height and width. On a GPU the fused
    kernels were not measured against this.
    """
    if keras.backend.backend() != "tensorflow" or None in maps.shape[1:]:
        return False
    _, height, width, channels = maps.shape
    dtype = keras.backend.standardize_dtype(maps.dtype)
    return (
        (dtype == "float32" or (dtype == "bfloat16" and channels % 2 == 0))
        and height * width * channels >= LARGE_MAP
        and window[0] * window[1] <= LARGEST_WINDOW
        and _runs_on_cpu()
        and can_compile_by_xla()
        and not compiled_by_xla()
    )


def normalize_and_pool(
    maps: Any, gamma: Any, beta: Any, epsilon: float, window: tuple[int, int], *, rectify: bool
) -> tuple[Any, Any, Any]:
    """Normalises maps by the statistics of the batch and takes the maximum of each window.

    Args:
        maps: float32 or bfloat16, `(batch, height, width, channels)`.
        gamma: The factor of each channel, float32.
        beta: The offset of each channel, float32.
        epsilon: Added to the variance.
        window: Height and width of a window, which is also the step.
        rectify: Whether negative values of `maps` count as 0; their gradient is then 0, too.

    Returns:
        The pooled maps in the dtype of `maps`, then the mean and the biased variance per channel
        in float32, neither of which carries a gradient.
    """
    import tensorflow as tf

    def plain(maps: Any, gamma: Any, beta: Any) -> Any:
        """The same, operation by operation; for derivatives of the gradient."""
        values = tf.nn.relu(maps) if rectify else maps
        outputs = normalize_plainly(values, gamma, beta, epsilon)
        return tf.nn.max_pool2d(outputs, window, window, "VALID")

    compiled = kernels(tuple(maps.shape), maps.dtype.name)

    @tf.custom_gradient
    def fused(maps: Any, gamma: Any, beta: Any) -> tuple[Any, Callable[..., Any]]:
        inputs = maps, gamma, beta
        # Forward differentiation would go through the operations below, which it does not know.
        maps, gamma, beta = (tf.stop_gradient(each) for each in (maps, gamma, beta))
        values = tf.nn.relu(maps) if rectify else maps
        words = _words(values)
        mean, variance = _moments(values, words, compiled)
        steepness = tf.math.rsqrt(variance + epsilon)
        scale = gamma * steepness
        maxima = compiled.maxima(words, tf.sign(gamma), window)
        outputs = _values(compiled.affine(maxima, mean, scale, beta), maps)

        def gradient(maps: Any, gamma: Any, beta: Any, upstream: Any) -> tuple[Any, Any, Any]:
            del gamma, beta
            flowing = _words(upstream)
            total, product = _sums(*compiled.products(flowing, maxima, mean))
            of_gamma = product * steepness
            count = _count(values)
            offset, slope = -scale * total / count, -scale * steepness * of_gamma / count
            coefficients = (scale, offset, slope, mean)
            of_maps = compiled.gradient(words, maxima, flowing, coefficients, window, rectify)
            return _values(of_maps, maps), of_gamma, total

        once = differentiated_as(plain, gradient)
        return (outputs, mean, variance), lambda upstream, *_: once(*inputs, upstream)

    outputs, mean, variance = fused(maps, gamma, beta)
    return outputs, tf.stop_gradient(mean), tf.stop_gradient(variance)


def _runs_on_cpu() -> bool:
    """Whether no GPU is at hand that would be the better place."""
    import tensorflow as tf

    with tf.init_scope():
        return not tf.config.list_logical_devices("GPU")


def _moments(values: Any, words: Any, compiled: Any) -> tuple[Any, Any]:
    """Mean and biased variance per channel, in float32.

    Sums of values and of their squares, less a guess at the mean: that of one row of each picture.
    However wrong it is, the row is part of the data, which bounds how much the difference of the
    two sums can cancel by the number of rows. The error of a variance of 800,000 values came to
    1e-5 of it, where the kernel of TensorFlow has 3e-3.
    """
    import tensorflow as tf

    row = tf.cast(values[:, values.shape[1] // 2], tf.float32)
    guess = tf.reduce_mean(row, axis=(0, 1))
    total, squares = _sums(*compiled.squares(words, guess))
    count = _count(values)
    shift = total / count
    return guess + shift, tf.maximum(squares / count - shift * shift, 0.0)


def _count(values: Any) -> Any:
    """Values per channel, as a float32."""
    import tensorflow as tf

    return tf.cast(tf.reduce_prod(tf.shape(values, tf.int64)[:-1]), tf.float32)


def _words(values: Any) -> Any:
    """The same memory as 32-bit words: float32 as it is, two channels of bfloat16 as an integer."""
    import tensorflow as tf

    if values.dtype == tf.float32:
        return values
    _, height, width, channels = values.shape
    pairs = tf.reshape(values, (-1, height, width, channels // 2, 2))
    return tf.bitcast(pairs, tf.int32)


def _values(words: Any, like: Any) -> Any:
    """The inverse of `_words`, for a map of dtype and channels as another one."""
    import tensorflow as tf

    if words.dtype == like.dtype:
        return words
    _, height, width, _ = words.shape
    return tf.reshape(tf.bitcast(words, like.dtype), (-1, height, width, like.shape[-1]))


def _sums(partial: Any, rest: Any) -> tuple[Any, Any]:
    """Both sums per channel, of what a kernel added up most of the way.

    A product with ones adds up rows at the speed of memory, which TensorFlow's reductions do not.
    """
    import tensorflow as tf

    rows = tf.reshape(tf.bitcast(partial, tf.float32), (-1, rest.shape[0] * rest.shape[1]))
    added = tf.matmul(tf.ones((1, tf.shape(rows)[0])), rows)
    first, second = tf.unstack(tf.reshape(added, (-1, 2)) + tf.reshape(rest, (-1, 2)), axis=-1)
    return first, second
