"""The gradient with respect to an intermediate tensor."""

from collections.abc import Callable
from typing import Any

import keras


def feature_gradient(score: Callable[[Callable[[Any], Any]], Any]) -> tuple[Any, Any]:
    """Returns an intermediate tensor and the gradient of a score with respect to it.

    The computation before this tensor is not recorded, and no gradient flows back into it.

    Args:
        score: Computes a scalar. It is called with a function, passes the intermediate tensor to
            this function once, and continues with the returned tensor.
    """
    branches = {"tensorflow": _tensorflow_feature_gradient, "jax": _jax_feature_gradient}
    return branches.get(keras.backend.backend(), _torch_feature_gradient)(score)


def _tensorflow_feature_gradient(score: Callable[[Callable[[Any], Any]], Any]) -> tuple[Any, Any]:
    """`feature_gradient` by a gradient tape that watches the intermediate tensor alone."""
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
    """`feature_gradient` by recording operations only after the intermediate tensor."""
    import torch

    found: list[Any] = []

    def tap(features: Any) -> Any:
        found.append(features.detach().requires_grad_())
        torch.set_grad_enabled(True)  # until the `no_grad` block ends
        return found[0]

    with torch.no_grad():
        value = score(tap)
    (gradient,) = torch.autograd.grad(value, found, allow_unused=True, materialize_grads=True)
    return found[0].detach(), gradient


def _jax_feature_gradient(score: Callable[[Callable[[Any], Any]], Any]) -> tuple[Any, Any]:
    """`feature_gradient` with respect to zeros that are added to the intermediate tensor."""
    import jax

    def offset_score(offset: Any) -> tuple[Any, Any]:
        found: list[Any] = []

        def tap(features: Any) -> Any:
            found.append(features)
            return features + offset

        return score(tap), found[0]

    # JAX differentiates only with respect to arguments, so a zero offset is added to the features:
    # its gradient is that of the features.
    _, features = jax.eval_shape(lambda: offset_score(0.0))
    offset = jax.numpy.zeros(features.shape, features.dtype)
    (_, features), gradient = jax.value_and_grad(offset_score, has_aux=True)(offset)
    return features, gradient
