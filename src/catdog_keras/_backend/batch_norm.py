"""Batch normalization: layers that contain it, and the fused kernels of TensorFlow and PyTorch."""

from collections.abc import Callable
from typing import Any

import keras

from catdog_keras._backend.custom_gradient import with_second_order_gradient
from catdog_keras._backend.xla import compiled_by_xla

_FUSED_DTYPES = ("float16", "bfloat16", "float32")


def contains_batch_norm(layer: keras.Layer) -> bool:
    """Returns whether a layer uses Keras's batch normalization internally, by its variables."""
    if isinstance(layer, keras.layers.BatchNormalization):
        return False
    variables = getattr(layer, "weights", ())  # keras.ops operations have no weights
    return any(variable.name == "moving_variance" for variable in variables)


def can_fuse_batch_norm(inputs: Any, axis: int) -> bool:
    """Whether `batch_norm_training` and `batch_norm_inference` support `inputs`.

    `axis` is the axis of the channels. If False, use Keras's own operations.
    """
    if len(inputs.shape) != 4 or keras.backend.standardize_dtype(inputs.dtype) not in _FUSED_DTYPES:
        return False
    backend = keras.backend.backend()
    if backend == "tensorflow":
        # XLA expands the kernel into E[x^2] - E[x]^2, which loses the variance of values far from
        # zero and returns NaN for a constant input; Keras's own operations are correct there.
        return axis in (-1, 3) and not compiled_by_xla()
    if backend == "torch":
        if axis not in (-1, 1, 3) or 0 in inputs.shape:
            return False
        # PyTorch raises in training mode if there is only one value per channel. The dimensions are
        # compared one by one: in a compiled model they may be symbols, and PyTorch cannot decide
        # whether the product of symbols is greater than 1.
        sides = [side for place, side in enumerate(inputs.shape) if place != axis % 4]
        return any(side != 1 for side in sides)
    return False


def batch_norm_training(
    inputs: Any, axis: int, gamma: Any, beta: Any, epsilon: float
) -> tuple[Any, Any, Any]:
    """Normalizes by the statistics of the batch, in one kernel.

    Returns:
        The normalized tensor in the dtype of `inputs`, then the mean and the biased variance per
        channel in float32. No gradient flows through the mean and the variance.
    """
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_batch_norm_training(inputs, gamma, beta, epsilon)
    return _torch_batch_norm_training(inputs, axis, gamma, beta, epsilon)


def batch_norm_inference(
    inputs: Any, axis: int, mean: Any, variance: Any, gamma: Any, beta: Any, epsilon: float
) -> Any:
    """Normalizes by the given `mean` and `variance`, in one kernel."""
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_fused(inputs, gamma, beta, epsilon, mean, variance, training=False)[0]
    import torch

    outputs = torch.nn.functional.batch_norm(
        _channels_second(inputs, axis), mean, variance, gamma, beta, training=False, eps=epsilon
    )
    return _channels_back(outputs, axis)


def normalize_stock(inputs: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    """Normalizes by the statistics of the batch with separate TensorFlow operations."""
    import tensorflow as tf

    values = tf.cast(inputs, tf.float32)
    mean, variance = tf.nn.moments(values, (0, 1, 2))
    outputs = tf.nn.batch_normalization(values, mean, variance, beta, gamma, epsilon)
    return tf.cast(outputs, inputs.dtype)


def _tensorflow_batch_norm_training(
    inputs: Any, gamma: Any, beta: Any, epsilon: float
) -> tuple[Any, Any, Any]:
    """`batch_norm_training` by TensorFlow's fused kernel, with correct second derivatives."""
    import tensorflow as tf

    def plain(inputs: Any, gamma: Any, beta: Any) -> Any:
        return normalize_stock(inputs, gamma, beta, epsilon)

    @tf.custom_gradient
    def fused(inputs: Any, gamma: Any, beta: Any) -> tuple[Any, Callable[..., Any]]:
        nothing = tf.zeros([0], tf.float32)
        outputs, mean, variance, *kept = _tensorflow_fused(
            inputs, gamma, beta, epsilon, nothing, nothing, training=True
        )

        def gradient(inputs: Any, gamma: Any, beta: Any, upstream: Any) -> Any:
            del beta
            return tf.raw_ops.FusedBatchNormGradV3(
                y_backprop=upstream,
                x=inputs,
                scale=gamma,
                reserve_space_1=kept[0],
                reserve_space_2=kept[1],
                reserve_space_3=kept[2],
                epsilon=epsilon,
                is_training=True,
            )[:3]

        # TensorFlow's second derivatives of this kernel are wrong.
        once = with_second_order_gradient(plain, gradient)
        return (outputs, mean, variance), lambda upstream, *_: once(inputs, gamma, beta, upstream)

    outputs, mean, unbiased_variance = fused(inputs, gamma, beta)
    # float64 represents every count exactly, float32 only up to 2**24 values per channel.
    count = tf.cast(tf.reduce_prod(tf.shape(inputs, tf.int64)[:-1]), tf.float64)
    to_biased = tf.cast((count - 1) / count, tf.float32)
    return outputs, tf.stop_gradient(mean), tf.stop_gradient(unbiased_variance * to_biased)


def _tensorflow_fused(
    inputs: Any, gamma: Any, beta: Any, epsilon: float, mean: Any, variance: Any, *, training: bool
) -> Any:
    """Normalizes a batch by TensorFlow's kernel, with what the gradient kernel needs."""
    import tensorflow as tf

    return tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=gamma,
        offset=beta,
        mean=mean,
        variance=variance,
        epsilon=epsilon,
        is_training=training,
    )


def _torch_batch_norm_training(
    inputs: Any, axis: int, gamma: Any, beta: Any, epsilon: float
) -> tuple[Any, Any, Any]:
    """`batch_norm_training` by PyTorch's kernel, which needs the channels on axis 1."""
    import torch

    inputs = _channels_second(inputs, axis)
    # With momentum 1 the "running" statistics are those of this batch; the variance is unbiased.
    mean = torch.zeros_like(gamma, requires_grad=False)
    variance = torch.ones_like(gamma, requires_grad=False)
    outputs = torch.nn.functional.batch_norm(
        inputs, mean, variance, gamma, beta, training=True, momentum=1.0, eps=epsilon
    )
    count = inputs.numel() // inputs.shape[1]
    return _channels_back(outputs, axis), mean, variance * ((count - 1) / count)


def _channels_second(inputs: Any, axis: int) -> Any:
    """Moves the channels to axis 1, where PyTorch's batch-normalization kernel expects them."""
    return inputs if axis == 1 else inputs.permute(0, 3, 1, 2)


def _channels_back(outputs: Any, axis: int) -> Any:
    """Inverse of `_channels_second`: moves the channels of normalized outputs back to `axis`."""
    return outputs if axis == 1 else outputs.permute(0, 2, 3, 1)
