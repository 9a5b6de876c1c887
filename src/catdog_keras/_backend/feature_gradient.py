"""The gradient by a tensor from inside a computation."""

from collections.abc import Callable
from typing import Any

import keras


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
    import torch

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
    import jax

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
