"""The few places where TensorFlow, JAX and PyTorch differ.

A framework is imported inside the function that needs it, at its first use: importing this module
imports Keras alone. Whatever is faster here stands beside Keras's own operations, which every
caller falls back to, and a test shows that both give the same numbers.
"""

import importlib
from collections.abc import Callable
from typing import Any

import keras

from catdog_keras._checks import check_choice

DATA_FORMATS = ("channels_last", "channels_first")

_FUSED_DTYPES = ("float16", "bfloat16", "float32")


def resolve_data_format(value: str | None) -> str:
    """Returns `value`, or Keras's own data format for None; raises if it is neither known one."""
    if value is None:
        return str(keras.config.image_data_format())
    return check_choice("data_format", value, DATA_FORMATS)


def native_data_format(data_format: str) -> str:
    """Returns the layout in which the backend's layers work best on pictures of `data_format`.

    TensorFlow has channels-first convolution and its gradient on a GPU only; there as well as on a
    CPU, channels last gives the same numbers. PyTorch names the channels second whatever order they
    have in memory, and Keras's channels-last layers copy each map into that order and back; turned
    once, as a view, a channels-last map stays as it lies in memory through a whole block.
    """
    native = {"tensorflow": "channels_last", "torch": "channels_first"}
    return native.get(keras.backend.backend(), data_format)


def can_compile_resampling() -> bool:
    """Tells whether the backend's compiler knows `affine_transform`; TensorFlow's XLA does not."""
    return bool(keras.backend.backend() != "tensorflow")


def predicts_single_batches_well() -> bool:
    """Tells whether `predict_on_batch`, batch by batch, is the fast way through a dataset.

    On TensorFlow it costs as much as `predict`, while `predict` of a generator copies every
    picture. On JAX it is the other way round: each call moves all weights in and out.
    """
    return bool(keras.backend.backend() == "tensorflow")


def can_fuse_batch_norm(inputs: Any, axis: int) -> bool:
    """Tells whether `batch_norm_training` and `batch_norm_inference` can take `inputs`.

    `axis` is the axis of the channels. Where the answer is no, Keras's own operations are right.
    """
    if len(inputs.shape) != 4 or keras.backend.standardize_dtype(inputs.dtype) not in _FUSED_DTYPES:
        return False
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return axis in (-1, 3) and not _compiled_by_xla()
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


def _compiled_by_xla() -> bool:
    """Tells whether TensorFlow's XLA compiles what is being traced, or may do so unasked.

    XLA expands the fused kernel into E[x^2] - E[x]^2, which loses the variance of values far from
    zero and turns a constant input into NaN; Keras's own operations stay right under XLA.
    """
    import tensorflow as tf

    if tf.config.optimizer.get_jit():
        return True
    enclosing_context = getattr(tf.__internal__, "get_enclosing_xla_context", None)
    # If TensorFlow takes this function away, the slower path is the one that is always right.
    return enclosing_context is None or enclosing_context() is not None


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


def feature_gradient(score: Callable[[Callable[[Any], Any]], Any]) -> tuple[Any, Any]:
    """Returns a tensor from inside a computation, and the gradient of its result by that tensor.

    What comes before the tensor is computed without being recorded, and nothing flows back to it.

    Args:
        score: Computes a scalar. It is given a function, puts the tensor through it once, and
            computes on with what the function returns.
    """
    branches = {"tensorflow": _tensorflow_feature_gradient, "jax": _jax_feature_gradient}
    return branches.get(keras.backend.backend(), _torch_feature_gradient)(score)


def _tensorflow_feature_gradient(score: Callable[[Callable[[Any], Any]], Any]) -> tuple[Any, Any]:
    import tensorflow as tf

    found: list[Any] = []
    with tf.GradientTape(watch_accessed_variables=False) as tape:

        def tap(features: Any) -> Any:
            tape.watch(features)
            found.append(features)
            return features

        value = score(tap)
    unconnected = tf.UnconnectedGradients.ZERO
    return found[0], tape.gradient(value, found[0], unconnected_gradients=unconnected)


def _torch_feature_gradient(score: Callable[[Callable[[Any], Any]], Any]) -> tuple[Any, Any]:
    torch = importlib.import_module("torch")
    found: list[Any] = []

    def tap(features: Any) -> Any:
        found.append(features.detach().requires_grad_())
        torch.set_grad_enabled(True)  # until the block below ends
        return found[0]

    with torch.no_grad():
        value = score(tap)
    (gradient,) = torch.autograd.grad(value, found, allow_unused=True, materialize_grads=True)
    return found[0].detach(), gradient


def _jax_feature_gradient(score: Callable[[Callable[[Any], Any]], Any]) -> tuple[Any, Any]:
    jax = importlib.import_module("jax")

    def offset_score(offset: Any) -> tuple[Any, Any]:
        found: list[Any] = []

        def tap(features: Any) -> Any:
            found.append(features)
            return features + offset

        return score(tap), found[0]

    # JAX differentiates by arguments alone; that of an offset of zero is the one asked for.
    _, features = jax.eval_shape(lambda: offset_score(0.0))
    offset = jax.numpy.zeros(features.shape, features.dtype)
    (_, features), gradient = jax.value_and_grad(offset_score, has_aux=True)(offset)
    return features, gradient
