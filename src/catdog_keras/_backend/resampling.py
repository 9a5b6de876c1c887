"""Affine resampling of images, nearest, bilinear or bicubic, with one matrix per image.

`keras.ops.image.affine_transform` is slow on JAX and PyTorch, because it also interpolates between
channels. On TensorFlow it is a kernel that XLA does not support, that computes every point once per
channel, and whose `"wrap"` mode is wrong. Here the pixels around each point are gathered, which is
faster on all three backends when compiled.
"""

import functools
from typing import Any, TypeAlias

import keras

from catdog_keras._backend.tf_data import arange_like, gather_rows, is_foreign_tf_tensor, ops_for
from catdog_keras._backend.xla import can_compile_by_xla, compiled_by_xla

# Images per step: the indices of all neighbors take several times the memory of an image.
CHUNK_SIZE = 8

# One value, or one for each channel; a tuple, because compilers need a hashable value.
Fill: TypeAlias = float | tuple[float, ...]


def resample(
    images: Any, matrix: Any, *, interpolation: str, fill_mode: str, fill_value: Fill
) -> Any:
    """Resamples each image with its matrix.

    Args:
        images: `(batch, height, width, channels)` in float32, foreign or not.
        matrix: `(batch, 3, 3)` in float32; maps a point (x, y, 1) of the result to a point of the
            image.
        interpolation: `"nearest"`, `"bilinear"` or `"bicubic"`.
        fill_mode: `"reflect"`, `"nearest"`, `"wrap"` or `"constant"`.
        fill_value: Value outside of the image for `"constant"`, or a tuple of one per channel.

    Returns:
        The resampled images, of the same shape.
    """
    arguments = (images, matrix, interpolation, fill_mode, fill_value)
    if keras.backend.backend() == "tensorflow" or is_foreign_tf_tensor(images):
        return _resample_in_tensorflow(*arguments)
    # The batch size is unknown during shape inference, and a batch may be sharded on devices.
    if not isinstance(images.shape[0], int) or keras.distribution.distribution() is not None:
        return gather_pixels(*arguments)
    if keras.backend.backend() == "jax":
        return _gather_by_jax()(*arguments)
    return _gather_in_turn(*arguments)


def gather_pixels(
    images: Any, matrix: Any, interpolation: str, fill_mode: str, fill_value: Fill
) -> Any:
    """`resample` in basic operations, which every compiler supports."""
    ops = ops_for(images)
    known, shape = images.shape, ops.shape(images)
    batch, height, width, channels = (
        shape[axis] if known[axis] is None else known[axis] for axis in range(4)
    )
    column = ops.reshape(arange_like(width, images), (1, 1, -1))
    row = ops.reshape(arange_like(height, images), (1, -1, 1))
    a = ops.reshape(matrix, (-1, 9, 1, 1))
    x = a[:, 0] * column + a[:, 1] * row + a[:, 2]
    y = a[:, 3] * column + a[:, 4] * row + a[:, 5]
    columns = _neighboring_pixels(x, width, interpolation, fill_mode, ops)
    rows = _neighboring_pixels(y, height, interpolation, fill_mode, ops)
    pixels = ops.reshape(images, (-1, channels))
    first_rows = ops.reshape(ops.cast(arange_like(batch, images), "int32"), (-1, 1, 1)) * height
    outputs = sum(
        row_weight
        * sum(
            column_weight * gather_rows(pixels, (first_rows + row) * width + column)
            for column, column_weight in columns
        )
        for row, row_weight in rows
    )
    if fill_mode == "constant" and fill_value:
        covered = sum(weight for _, weight in columns) * sum(weight for _, weight in rows)
        outputs = outputs + (1.0 - covered) * _as_factor(fill_value, ops)
    return ops.reshape(outputs, (batch, height, width, channels))  # restores the static shape


def _gather_in_turn(
    images: Any, matrix: Any, interpolation: str, fill_mode: str, fill_value: Fill
) -> Any:
    """Resamples a few images at a time by `gather_pixels`, which limits the memory on PyTorch."""
    rest = (interpolation, fill_mode, fill_value)
    starts = range(0, max(1, len(images)), CHUNK_SIZE)
    parts = (slice(start, start + CHUNK_SIZE) for start in starts)
    return keras.ops.concatenate([gather_pixels(images[n], matrix[n], *rest) for n in parts])


def _neighboring_pixels(
    points: Any, size: Any, interpolation: str, fill_mode: str, ops: Any
) -> list[tuple[Any, Any]]:
    """Returns the pixels next to the resampled points along one axis, and their weights."""
    if interpolation == "nearest":
        first = ops.floor(points + 0.5)
        weighted = [(ops.cast(first, "int32"), ops.ones_like(points))]
    else:
        first = ops.floor(points)
        share, index = points - first, ops.cast(first, "int32")
        if interpolation == "bilinear":
            weighted = [(index, 1.0 - share), (index + 1, share)]
        else:
            weighted = [(index + n - 1, weight) for n, weight in enumerate(_cubic_weights(share))]
    found = []
    for index, weight in weighted:
        if fill_mode == "constant":
            inside = ops.cast((index >= 0) & (index < size), "float32")
            weight = weight * inside
        found.append((_fold_index(index, size, fill_mode, ops), ops.expand_dims(weight, -1)))
    return found


def _cubic_weights(share: Any) -> tuple[Any, Any, Any, Any]:
    """Returns the weights of four pixels to resample a point `share` behind the second of them.

    Source: Keys (1981), "Cubic convolution interpolation for digital image processing", with
    a = -0.5.
    """
    before = ((1.0 - 0.5 * share) * share - 0.5) * share
    second = (1.5 * share - 2.5) * share * share + 1.0
    third = ((2.0 - 1.5 * share) * share + 0.5) * share
    last = (0.5 * share - 0.5) * share * share
    return before, second, third, last


def _as_factor(fill_value: Fill, ops: Any) -> Any:
    """Returns the fill value of resampling as a factor of weights of shape `(..., 1)`."""
    if isinstance(fill_value, tuple):
        return ops.convert_to_tensor(fill_value, "float32")
    return fill_value


def _fold_index(index: Any, size: Any, fill_mode: str, ops: Any) -> Any:
    """Maps the index of a pixel outside of the resampled image to one inside."""
    if fill_mode == "wrap":
        return index % size
    if fill_mode == "reflect":
        index = index % (2 * size)
        return ops.minimum(index, 2 * size - 1 - index)
    return ops.minimum(ops.maximum(index, 0), size - 1)


def _resample_in_tensorflow(
    images: Any, matrix: Any, interpolation: str, fill_mode: str, fill_value: Fill
) -> Any:
    """Resamples by XLA in a model or map, otherwise by TensorFlow's own kernel if it can."""
    import tensorflow as tf

    arguments = (images, matrix, interpolation, fill_mode, fill_value)
    if compiled_by_xla():
        return gather_pixels(*arguments)
    # Each image size is compiled separately: only in a graph with a known size, that of a model or
    # map.
    if tf.is_symbolic_tensor(images) and None not in images.shape[1:] and can_compile_by_xla():
        return _gather_by_xla()(*arguments)
    if fill_mode == "wrap" or interpolation == "bicubic":
        return gather_pixels(*arguments)
    rest = (matrix, interpolation, fill_mode)
    if not isinstance(fill_value, tuple):
        return tf.ensure_shape(_resample_by_kernel(images, *rest, fill_value), images.shape)
    # The kernel has one fill value. A channel of ones shows how much of a point is in the image.
    images_and_ones = tf.concat([images, tf.ones_like(images[..., :1])], -1)
    outputs = _resample_by_kernel(images_and_ones, *rest, 0.0)
    outputs = outputs[..., :-1] + (1.0 - outputs[..., -1:]) * _as_factor(fill_value, tf)
    return tf.ensure_shape(outputs, images.shape)


def _resample_by_kernel(
    images: Any, matrix: Any, interpolation: str, fill_mode: str, fill_value: float
) -> Any:
    """Resamples by TensorFlow's kernel, which has one fill value for all channels."""
    import tensorflow as tf

    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.reshape(matrix, (-1, 9))[:, :8],
        output_shape=tf.shape(images)[1:3],
        fill_value=fill_value,
        interpolation=interpolation.upper(),
        fill_mode=fill_mode.upper(),
    )


@functools.cache
def _gather_by_xla() -> Any:
    """Returns `gather_pixels`, which resamples, as a function that TensorFlow's XLA compiles."""
    import tensorflow as tf

    return tf.function(gather_pixels, jit_compile=True, reduce_retracing=True, autograph=False)


@functools.cache
def _gather_by_jax() -> Any:
    """Returns `gather_pixels`, compiled by JAX, to resample a few images at a time."""
    import jax

    def gather(images: Any, matrix: Any, *rest: Any) -> Any:
        def one(pair: Any) -> Any:
            image, its_matrix = pair
            return gather_pixels(image[None], its_matrix[None], *rest)[0]

        return jax.lax.map(one, (images, matrix), batch_size=CHUNK_SIZE)

    return jax.jit(gather, static_argnums=(2, 3, 4))
