"""Batch normalization and the max pooling after it, as one function with a custom gradient.

Depending on the sign of `gamma`, normalization keeps or reverses the order of the values in a
channel. Pooling can therefore come first, and only a quarter of the values is normalized if the
window is 2 x 2. The large feature map is read for its statistics, for its maxima and for its
gradient; the gradient is the only other large array that is written.

The kernels are compiled by XLA, which generates an efficient loop if there is one result, in 32-bit
numbers, with regular indexing. For this reason the sums of a channel are packed into one complex
number, two bfloat16 channels are packed into one integer, and sums are computed over slices.
"""

from collections.abc import Callable
from typing import Any

import keras

from catdog_keras._backend.batch_norm import normalize_stock
from catdog_keras._backend.custom_gradient import with_second_order_gradient
from catdog_keras._backend.fused_bn_pool_kernels import kernels
from catdog_keras._backend.xla import can_compile_by_xla, compiled_by_xla

LARGE_MAP = 2**16  # values per image; below, launching compiled code costs more than it saves
LARGEST_WINDOW = 16  # values


def can_normalize_and_pool(maps: Any, window: tuple[int, int]) -> bool:
    """Whether `normalize_and_pool` supports `maps` (channels last) and is faster than the layers.

    True on TensorFlow, on a CPU, for large feature maps of known height and width. On a GPU it has
    not been compared with the fused kernels.
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
    """Normalizes feature maps by the statistics of the batch and max-pools them.

    Args:
        maps: float32 or bfloat16, `(batch, height, width, channels)`.
        gamma: Scale of each channel, float32.
        beta: Offset of each channel, float32.
        epsilon: Added to the variance.
        window: Height and width of the pooling window; also the stride.
        rectify: Whether to apply ReLU to `maps` first.

    Returns:
        The pooled feature maps in the dtype of `maps`, then the mean and the biased variance per
        channel in float32. No gradient flows through the mean and the variance.
    """
    import tensorflow as tf

    def plain(maps: Any, gamma: Any, beta: Any) -> Any:
        """The same function with separate operations, for second derivatives."""
        values = tf.nn.relu(maps) if rectify else maps
        outputs = normalize_stock(values, gamma, beta, epsilon)
        return tf.nn.max_pool2d(outputs, window, window, "VALID")

    compiled = kernels(tuple(maps.shape), maps.dtype.name)

    @tf.custom_gradient
    def fused(maps: Any, gamma: Any, beta: Any) -> tuple[Any, Callable[..., Any]]:
        inputs = maps, gamma, beta
        # Without this, forward differentiation would enter the operations below, which it does not
        # support.
        maps, gamma, beta = (tf.stop_gradient(each) for each in (maps, gamma, beta))
        values = tf.nn.relu(maps) if rectify else maps
        words = _as_words(values)
        mean, variance = _channel_moments(values, words, compiled)
        steepness = tf.math.rsqrt(variance + epsilon)
        scale = gamma * steepness
        maxima = compiled.maxima(words, tf.sign(gamma), window)
        outputs = _from_words(compiled.affine(maxima, mean, scale, beta), maps)

        def gradient(maps: Any, gamma: Any, beta: Any, upstream: Any) -> tuple[Any, Any, Any]:
            del gamma, beta
            flowing = _as_words(upstream)
            total, product = _add_partial_sums(*compiled.products(flowing, maxima, mean))
            of_gamma = product * steepness
            count = _values_per_channel(values)
            offset, slope = -scale * total / count, -scale * steepness * of_gamma / count
            coefficients = (scale, offset, slope, mean)
            of_maps = compiled.gradient(words, maxima, flowing, coefficients, window, rectify)
            return _from_words(of_maps, maps), of_gamma, total

        once = with_second_order_gradient(plain, gradient)
        return (outputs, mean, variance), lambda upstream, *_: once(*inputs, upstream)

    outputs, mean, variance = fused(maps, gamma, beta)
    return outputs, tf.stop_gradient(mean), tf.stop_gradient(variance)


def _runs_on_cpu() -> bool:
    """Whether fused normalization and pooling run on the CPU: True if TensorFlow has no GPU."""
    import tensorflow as tf

    with tf.init_scope():
        return not tf.config.list_logical_devices("GPU")


def _channel_moments(values: Any, words: Any, compiled: Any) -> tuple[Any, Any]:
    """Returns mean and biased variance per channel, in float32, to normalize before the pooling.

    Sums the values and their squares after subtracting an estimate of the mean, which is the mean
    of one row of each image. Since this row is part of the data, the number of rows limits the
    cancellation in the difference of the two sums, even if the estimate is poor. For 800,000 values
    per channel the relative error of the variance was 1e-5; that of TensorFlow's kernel is 3e-3.
    """
    import tensorflow as tf

    row = tf.cast(values[:, values.shape[1] // 2], tf.float32)
    guess = tf.reduce_mean(row, axis=(0, 1))
    total, squares = _add_partial_sums(*compiled.squares(words, guess))
    count = _values_per_channel(values)
    shift = total / count
    return guess + shift, tf.maximum(squares / count - shift * shift, 0.0)


def _values_per_channel(values: Any) -> Any:
    """Returns the number of values per channel that are normalized and pooled, as a float32."""
    import tensorflow as tf

    return tf.cast(tf.reduce_prod(tf.shape(values, tf.int64)[:-1]), tf.float32)


def _as_words(values: Any) -> Any:
    """Returns values as 32-bit words for fused kernels: float32, or pairs of bfloat16 channels."""
    import tensorflow as tf

    if values.dtype == tf.float32:
        return values
    _, height, width, channels = values.shape
    pairs = tf.reshape(values, (-1, height, width, channels // 2, 2))
    return tf.bitcast(pairs, tf.int32)


def _from_words(words: Any, like: Any) -> Any:
    """Inverse of `_as_words` for fused kernels, with dtype and number of channels of `like`."""
    import tensorflow as tf

    if words.dtype == like.dtype:
        return words
    _, height, width, _ = words.shape
    return tf.reshape(tf.bitcast(words, like.dtype), (-1, height, width, like.shape[-1]))


def _add_partial_sums(partial: Any, rest: Any) -> tuple[Any, Any]:
    """Returns both sums per channel, from the partial sums of a fused kernel.

    Rows are added by a matrix product with ones, which runs at memory bandwidth; TensorFlow's
    reductions are slower.
    """
    import tensorflow as tf

    rows = tf.reshape(tf.bitcast(partial, tf.float32), (-1, rest.shape[0] * rest.shape[1]))
    added = tf.matmul(tf.ones((1, tf.shape(rows)[0])), rows)
    first, second = tf.unstack(tf.reshape(added, (-1, 2)) + tf.reshape(rest, (-1, 2)), axis=-1)
    return first, second
