"""Batch normalization with the backend's fused kernel."""

from typing import Any

import keras

from catdog_keras import _backend


@keras.saving.register_keras_serializable(package="catdog_keras")
class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization, computed by the backend's fused kernel where there is one.

    Arguments, weights and results are those of `keras.layers.BatchNormalization`, so weights can be
    exchanged between the two layers; as in Keras, the moving variance is the biased one. With
    `trainable = False` the layer uses its moving averages, even when `training=True`.

    The kernel requires inputs with four axes in float16, bfloat16 or float32, no mask, and an
    `epsilon` above 0; on TensorFlow also channels last and no XLA compilation, and on PyTorch the
    channels last or second and more than one value per channel. In all other cases, including JAX,
    the layer uses Keras's own operations.

    Source: Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing
    Internal Covariate Shift" (https://arxiv.org/abs/1502.03167), Algorithms 1 and 2.

    Args:
        axis: Integer, the axis of the channels. Defaults to the last; 1 for channels first.
        momentum: Number in [0, 1]; the fraction of the old value that a moving average keeps at
            each training step.
        epsilon: Number of at least 0, added to the variance.
        center: Whether to add the trained offset `beta`.
        scale: Whether to multiply by the trained factor `gamma`.
        beta_initializer: Initializer of `beta`.
        gamma_initializer: Initializer of `gamma`.
        moving_mean_initializer: Initializer of the moving mean.
        moving_variance_initializer: Initializer of the moving variance.
        beta_regularizer: Optional regularizer of `beta`.
        gamma_regularizer: Optional regularizer of `gamma`.
        beta_constraint: Optional constraint of `beta`.
        gamma_constraint: Optional constraint of `gamma`.
        renorm: Whether to use batch renormalization (with Keras's own operations).
        renorm_clipping: With `renorm`, a dictionary of the bounds `rmin`, `rmax` and `dmax`.
        renorm_momentum: With `renorm`, the momentum of its moving averages.
        synchronized: Whether replicas share their statistics (TensorFlow only, with Keras's own
            operations).
        **kwargs: Arguments of `keras.layers.Layer`: `name`, `dtype`, `trainable`.

    Input shape:
        `(batch, height, width, channels)` for the fused kernel; otherwise any shape that has
        `axis`. Floating point, any range.

    Output shape:
        Same as the input, in the compute dtype. During training each channel has the mean `beta`
        and the standard deviation `gamma`.

    Raises:
        ValueError: Raised by Keras if an argument or the shape of the mask is not allowed.

    Example:
    >>> import catdog_keras, numpy as np
    >>> layer = catdog_keras.layers.BatchNormalization()
    >>> outputs = layer(np.random.uniform(0, 255, (8, 4, 4, 3)), training=True)
    >>> tuple(outputs.shape)
    (8, 4, 4, 3)
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalizes `inputs`.

        Args:
            inputs: Tensor to normalize.
            training: True normalizes by the statistics of the batch and updates the moving
                averages; False or None normalizes by the moving averages.
            mask: Optional tensor, True at the positions that are included in the statistics.

        Returns:
            The normalized tensor.
        """
        own_operations = mask is not None or self.renorm or self.synchronized
        own_operations |= self.epsilon == 0  # not allowed by PyTorch's kernel
        if own_operations or not _backend.can_fuse_batch_norm(inputs, self.axis):
            return super().call(inputs, training=training, mask=mask)
        moving_mean = keras.ops.cast(self.moving_mean, "float32")
        moving_variance = keras.ops.cast(self.moving_variance, "float32")
        gamma, beta = self.scale_and_offset()
        if not (training and self.trainable):
            outputs = _backend.batch_norm_inference(
                inputs, self.axis, moving_mean, moving_variance, gamma, beta, self.epsilon
            )
            return keras.ops.cast(outputs, self.compute_dtype)
        outputs, mean, variance = _backend.batch_norm_training(
            inputs, self.axis, gamma, beta, self.epsilon
        )
        self.update_moving_averages(mean, variance)
        return keras.ops.cast(outputs, self.compute_dtype)

    def update_moving_averages(self, mean: Any, variance: Any) -> None:
        """Updates the moving averages with the statistics of a batch, as each training step does.

        Args:
            mean: Tensor of shape `(channels,)`, in float32.
            variance: The biased variance, with the same shape and dtype.
        """
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            kept = keras.ops.cast(average, "float32") * self.momentum
            average.assign(kept + value * (1.0 - self.momentum))

    def scale_and_offset(self) -> tuple[Any, Any]:
        """Returns gamma and beta in float32; the kernels need both, trained or not."""
        shape = self.moving_mean.shape
        gamma = keras.ops.cast(self.gamma, "float32") if self.scale else keras.ops.ones(shape)
        beta = keras.ops.cast(self.beta, "float32") if self.center else keras.ops.zeros(shape)
        return gamma, beta
