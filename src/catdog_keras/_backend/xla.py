"""Whether TensorFlow's XLA compiler is available, and whether it is compiling."""

import functools


def compiled_by_xla() -> bool:
    """Whether XLA compiles the function that TensorFlow is tracing, or may do so automatically."""
    import tensorflow as tf

    if tf.config.optimizer.get_jit():
        return True
    enclosing_context = getattr(tf.__internal__, "get_enclosing_xla_context", None)
    # If TensorFlow removes this function, use the slower path, which is always correct.
    return enclosing_context is None or enclosing_context() is not None


@functools.cache
def can_compile_by_xla() -> bool:
    """Whether this TensorFlow build can compile with XLA on this device."""
    import tensorflow as tf

    with tf.init_scope():
        try:
            tf.function(lambda x: x + x, jit_compile=True, autograph=False)(tf.constant(1.0))
        except (tf.errors.OpError, ValueError):
            return False
    return True
