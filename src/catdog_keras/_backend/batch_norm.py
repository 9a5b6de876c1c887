"""Batch normalisation in one kernel, on TensorFlow and on PyTorch."""

import importlib
from typing import Any

import keras

from catdog_keras._backend.xla import compiled_by_xla

_FUSED_DTYPES = ("float16", "bfloat16", "float32")


def can_fuse_batch_norm(inputs: Any, axis: int) -> bool:
    """Tells whether `batch_norm_training` and `batch_norm_inference` can take `inputs`.

    `axis` is the axis of the channels. Where the answer is no, Keras's own operations are right.
    """
    if len(inputs.shape) != 4 or keras.backend.standardize_dtype(inputs.dtype) not in _FUSED_DTYPES:
        return False
    backend = keras.backend.backend()
    if backend == "tensorflow":
        # XLA expands the kernel into E[x^2] - E[x]^2, which loses the variance of values far from
        # zero and turns a constant input into NaN; Keras's own operations stay right there.
        return axis in (-1, 3) and not compiled_by_xla()
    if backend == "torch":
        values_per_channel = inputs.numel() // max(inputs.shape[axis], 1)
        return axis in (-1, 1, 3) and values_per_channel > 1  # PyTorch refuses to train on one
    return False


def batch_norm_training(
    inputs: Any, axis: int, gamma: Any, beta: Any, epsilon: float
) -> tuple[Any, Any, Any]:
    """Normalises by the statistics of the batch, in one kernel.

    Returns:
        The normalised tensor in the dtype of `inputs`, then the mean and the biased variance per
        channel in float32, neither of which carries a gradient.
    """
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_batch_norm_training(inputs, gamma, beta, epsilon)
    return _torch_batch_norm_training(inputs, axis, gamma, beta, epsilon)


def batch_norm_inference(
    inputs: Any, axis: int, mean: Any, variance: Any, gamma: Any, beta: Any, epsilon: float
) -> Any:
    """Normalises by the given `mean` and `variance`, in one kernel."""
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_fused(inputs, gamma, beta, epsilon, mean, variance, training=False)[0]
    functional = importlib.import_module("torch.nn.functional")
    outputs = functional.batch_norm(
        _channels_second(inputs, axis), mean, variance, gamma, beta, training=False, eps=epsilon
    )
    return _channels_back(outputs, axis)


def _tensorflow_batch_norm_training(
    inputs: Any, gamma: Any, beta: Any, epsilon: float
) -> tuple[Any, Any, Any]:
    import tensorflow as tf

    nothing = tf.zeros([0], tf.float32)
    outputs, mean, unbiased_variance = _tensorflow_fused(
        inputs, gamma, beta, epsilon, nothing, nothing, training=True
    )
    # float64 counts every batch exactly; float32 would stop at 2**24 values per channel.
    count = tf.cast(tf.reduce_prod(tf.shape(inputs, tf.int64)[:-1]), tf.float64)
    to_biased = tf.cast((count - 1) / count, tf.float32)
    return outputs, tf.stop_gradient(mean), tf.stop_gradient(unbiased_variance * to_biased)


def _tensorflow_fused(
    inputs: Any, gamma: Any, beta: Any, epsilon: float, mean: Any, variance: Any, *, training: bool
) -> tuple[Any, Any, Any]:
    import tensorflow as tf

    outputs, batch_mean, batch_variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=gamma,
        offset=beta,
        mean=mean,
        variance=variance,
        epsilon=epsilon,
        is_training=training,
    )
    return outputs, batch_mean, batch_variance


def _torch_batch_norm_training(
    inputs: Any, axis: int, gamma: Any, beta: Any, epsilon: float
) -> tuple[Any, Any, Any]:
    torch = importlib.import_module("torch")
    inputs = _channels_second(inputs, axis)
    # With momentum 1 the "running" statistics are those of this batch, the variance unbiased.
    mean = torch.zeros_like(gamma, requires_grad=False)
    variance = torch.ones_like(gamma, requires_grad=False)
    outputs = torch.nn.functional.batch_norm(
        inputs, mean, variance, gamma, beta, training=True, momentum=1.0, eps=epsilon
    )
    count = inputs.numel() // inputs.shape[1]
    return _channels_back(outputs, axis), mean, variance * ((count - 1) / count)


def _channels_second(inputs: Any, axis: int) -> Any:
    return inputs if axis == 1 else inputs.permute(0, 3, 1, 2)


def _channels_back(outputs: Any, axis: int) -> Any:
    return outputs if axis == 1 else outputs.permute(0, 2, 3, 1)
