"""Weights of a layer after batch-normalization folding."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

PLAIN = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
TRANSPOSED = (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)
DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)

# Layers that can fold a batch normalization of their output; without padding, of their input.
FOLDS_OUTPUT = (*PLAIN, *TRANSPOSED, *DEPTHWISE, *SEPARABLE, keras.layers.Dense)
FOLDS_INPUT = (*PLAIN, *DEPTHWISE, keras.layers.Dense)


def folded_weights(
    layer: keras.Layer, before: keras.Layer | None, after: keras.Layer | None
) -> list[Array]:
    """Returns a layer's kernels and bias after folding adjacent normalizations."""
    separable = isinstance(layer, SEPARABLE)
    kernel = _float64_values(layer.pointwise_kernel if separable else layer.kernel)
    depthwise = isinstance(layer, DEPTHWISE)
    if depthwise:
        outputs = kernel.shape[-2] * kernel.shape[-1]
    else:
        outputs = kernel.shape[-2 if isinstance(layer, TRANSPOSED) else -1]
    bias = _float64_values(layer.bias) if layer.use_bias else np.zeros(outputs)
    if before is not None:
        scale, shift = _scale_and_shift(before)
        if isinstance(layer, keras.layers.Dense):  # of flattened maps, with their channels last
            scale, shift = (np.tile(each, len(kernel) // len(each)) for each in (scale, shift))
        if depthwise:
            scale, shift = scale[:, None], shift[:, None]
        else:  # each group of outputs has its own inputs
            groups = getattr(layer, "groups", 1)
            scale, shift = (
                np.repeat(each.reshape(groups, -1), outputs // groups, axis=0).T
                for each in (scale, shift)
            )
        added = (kernel * shift).reshape(-1, *kernel.shape[-2:]).sum(0)
        bias = bias + (added.reshape(-1) if depthwise else added.sum(0))
        kernel = kernel * scale
    if after is not None:
        scale, shift = _scale_and_shift(after)
        bias = bias * scale + shift
        if depthwise:
            kernel = kernel * scale.reshape(kernel.shape[-2:])
        else:
            kernel = kernel * (scale[:, None] if isinstance(layer, TRANSPOSED) else scale)
    return [_float64_values(layer.depthwise_kernel), kernel, bias] if separable else [kernel, bias]


def has_negative_scale(norm: keras.Layer) -> bool:
    """Returns whether a batch normalization to fold reverses the order of a channel's values."""
    return bool((_scale_and_shift(norm)[0] < 0).any())


def _scale_and_shift(norm: keras.Layer) -> tuple[Array, Array]:
    """Returns factor and offset of a batch normalization to fold, for each channel."""
    scale = 1 / np.sqrt(_float64_values(norm.moving_variance) + norm.epsilon)
    if norm.scale:
        scale = scale * _float64_values(norm.gamma)
    shift = -_float64_values(norm.moving_mean) * scale
    return scale, shift + _float64_values(norm.beta) if norm.center else shift


def _float64_values(variable: Any) -> Array:
    """Returns a variable as a float64 array, so that folding adds no rounding errors."""
    return np.asarray(keras.ops.convert_to_numpy(variable), np.float64)
