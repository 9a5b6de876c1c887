"""Derivatives of functions whose gradient is a kernel of its own, on TensorFlow."""

import functools
from collections.abc import Callable
from typing import Any


def differentiated_as(plain: Callable[..., Any], gradient: Callable[..., Any]) -> Any:
    """Gives the gradient of a function by a kernel derivatives of its own: those of `plain`.

    Args:
        plain: The function, of TensorFlow's operations.
        gradient: From the inputs of `plain` and the gradient of its output to those of the inputs.
    """
    import tensorflow as tf

    def derivatives(inputs: tuple[Any, ...], seconds: list[Any]) -> list[Any]:
        *given, upstream = inputs
        firsts = tf.gradients(plain(*given), given, upstream)
        return tf.gradients(firsts, inputs, seconds)

    @tf.custom_gradient
    def differentiable(*inputs: Any) -> tuple[Any, Callable[..., Any]]:
        def second(*seconds: Any) -> Any:
            # As a graph: where forward differentiation calls this, no tape records. A partial
            # function hides its code, by which TensorFlow counts how often it is traced, and warns.
            graph = tf.function(functools.partial(derivatives), autograph=False)
            return graph(inputs, list(seconds))

        return gradient(*inputs), second

    return differentiable
