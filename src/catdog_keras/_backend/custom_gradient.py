"""Second derivatives of TensorFlow functions whose gradient is a custom kernel."""

import functools
from collections.abc import Callable
from typing import Any


def with_second_order_gradient(plain: Callable[..., Any], gradient: Callable[..., Any]) -> Any:
    """Makes a gradient kernel differentiable, by the second derivatives of `plain`.

    Args:
        plain: The function whose gradient the kernel computes, written in TensorFlow operations.
        gradient: The gradient kernel: maps the inputs of `plain` and the gradient of its output to
            the gradients of the inputs.
    """
    import tensorflow as tf

    def derivatives(inputs: tuple[Any, ...], seconds: list[Any]) -> list[Any]:
        *given, upstream = inputs
        firsts = tf.gradients(plain(*given), given, upstream)
        return tf.gradients(firsts, inputs, seconds)

    @tf.custom_gradient
    def differentiable(*inputs: Any) -> tuple[Any, Callable[..., Any]]:
        def second(*seconds: Any) -> Any:
            # Must be a graph: forward differentiation calls this where no tape records. The partial
            # function hides the code object by which TensorFlow counts retracings and warns about
            # them.
            graph = tf.function(functools.partial(derivatives), autograph=False)
            return graph(inputs, list(seconds))

        return gradient(*inputs), second

    return differentiable
