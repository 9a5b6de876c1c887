"""TensorFlow's compiler: whether it is there, and whether it is at work."""

import functools


def compiled_by_xla() -> bool:
    """Tells whether TensorFlow's XLA compiles what is being traced, or may do so unasked."""
    import tensorflow as tf

    if tf.config.optimizer.get_jit():
        return True
    enclosing_context = getattr(tf.__internal__, "get_enclosing_xla_context", None)
    # If TensorFlow takes this function away, the slower path is the one that is always right.
    return enclosing_context is None or enclosing_context() is not None


@functools.cache
def can_compile_by_xla() -> bool:
    """Tells whether this TensorFlow can compile: not every build and device can."""
    import tensorflow as tf

    with tf.init_scope():
        try:
            tf.function(lambda x: x + x, jit_compile=True, autograph=False)(tf.constant(1.0))
        except (tf.errors.OpError, ValueError):
            return False
    return True
