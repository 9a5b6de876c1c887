"""Building block of the tutorial's networks: convolution, activation, normalization, pooling."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

from catdog_keras import _backend
from catdog_keras._checks import (
    DataFormat,
    check_boolean,
    check_choice,
    check_integer,
    check_number,
    check_window,
    describe,
)
from catdog_keras.layers._batch_normalization import BatchNormalization

PADDINGS = ("valid", "same")

# Elementwise activations: the layout of the feature maps does not affect their result.
_ELEMENTWISE = tuple(
    keras.activations.get(name)
    for name in (
        *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish"),
        *("sigmoid", "hard_sigmoid", "hard_silu", "tanh", "softplus", "softsign"),
    )
)


@keras.saving.register_keras_serializable(package="catdog_keras")
class ConvBlock(keras.layers.Layer):
    """Convolution, activation, batch normalization and max pooling, in this order.

    Normalization follows the activation, as in the tutorial; most papers normalize between
    convolution and activation. `padding` applies to the convolution only: pooling always drops rows
    and columns that do not fill a window. With `training=True` the normalization uses the
    statistics of the batch, otherwise its moving averages.

    The sublayers are the attributes `convolution`, `normalization` and `pooling`; the last two are
    None if they are disabled. Internally, the block uses channels last on TensorFlow and channels
    first on PyTorch, whatever `data_format` is. Inputs and outputs are transposed as needed; on
    PyTorch this is a view, not a copy.

    Source: the tutorial's first network; normalization after Ioffe and Szegedy
    (https://arxiv.org/abs/1502.03167), section 3.2, which puts it before the activation.

    Args:
        filters: Integer of at least 1; number of convolution filters, the channels of the output.
        kernel_size: Integer of at least 1, or a pair (height, width); size of the convolution
            window in pixels.
        activation: Name of a Keras activation, a callable, or None for no activation.
        pool_size: Integer of at least 1, or a pair (height, width); size and stride of the pooling
            window in pixels. 1 disables pooling.
        padding: `"valid"` (no padding) or `"same"` (zeros, so that the convolution keeps height and
            width).
        use_batch_norm: Whether to apply batch normalization.
        momentum: Number from 0 to 1; the fraction of the old value that the moving averages of the
            normalization keep at each training step. With Keras's default of 0.99 they take several
            hundred steps to forget their initial values; use 0.9 for short training.
        data_format: `"channels_last"`, `"channels_first"`, or None for
            `keras.config.image_data_format()`.
        **kwargs: Arguments of `keras.layers.Layer`: `name`, `dtype`, `trainable`.

    Input shape:
        `(batch, height, width, channels)`, or `(batch, channels, height, width)` with channels
        first. Floating point, any range.

    Output shape:
        `(batch, new_height, new_width, filters)`, or channels first, in the compute dtype; with
        `"valid"`, `new_height = (height - kernel_size + 1) // pool_size`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument has a value that is not allowed, or an image is smaller than the
            windows.

    See Also:
        `build_model1`: a network of four such blocks.
        `BatchNormalization`: the normalization on its own.
        `fold_batch_norm`: removes the normalization for inference where that is exact.

    Example:
    >>> import catdog_keras, keras
    >>> catdog_keras.layers.ConvBlock(16).compute_output_shape((None, 160, 160, 3))
    (None, 79, 79, 16)

    A network of two blocks, the first with a momentum for a short training, the second without
    normalization and pooling:

    >>> model = keras.Sequential([
    ...     keras.Input((32, 32, 3)),
    ...     catdog_keras.layers.ConvBlock(8, padding="same", momentum=0.9),
    ...     catdog_keras.layers.ConvBlock(16, pool_size=1, use_batch_norm=False),
    ... ])
    >>> model.output_shape
    (None, 14, 14, 16)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int] = 3,
        *,
        activation: str | Callable[[Any], Any] | None = "relu",
        pool_size: int | Sequence[int] = 2,
        padding: Literal["valid", "same"] = "valid",
        use_batch_norm: bool = True,
        momentum: float = 0.99,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        """Validates and stores the arguments; see the class docstring."""
        super().__init__(**kwargs)
        self.filters = check_integer("filters", filters, minimum=1)
        self._kernel = check_window("kernel_size", kernel_size)
        self._window = check_window("pool_size", pool_size)
        self.kernel_size = kernel_size if isinstance(kernel_size, int) else self._kernel
        self.pool_size = pool_size if isinstance(pool_size, int) else self._window
        self.padding = check_choice("padding", padding, PADDINGS)
        self.use_batch_norm = check_boolean("use_batch_norm", use_batch_norm)
        self.momentum = check_number("momentum", momentum, minimum=0, maximum=1)
        self.data_format = _backend.resolve_data_format(data_format)
        self.activation = keras.activations.get(activation)
        self._make_parts()

    def _make_parts(self) -> None:
        inner_format = _backend.native_data_format(self.data_format)
        self._transposes = inner_format != self.data_format
        inner_last = inner_format == "channels_last"
        ways = (0, 2, 3, 1), (0, 3, 1, 2)  # to channels last, to channels first
        self._to_inner, self._from_inner = ways if inner_last else ways[::-1]
        # Setting `trainable` on a layer does not affect sublayers created later, so it is passed
        # on.
        common = {"dtype": self.dtype_policy, "trainable": self.trainable}
        self.convolution = keras.layers.Conv2D(
            self.filters,
            self._kernel,
            padding=self.padding,
            data_format=inner_format,
            name="convolution",
            **common,
        )
        self.normalization = None
        if self.use_batch_norm:
            axis = -1 if inner_last else 1
            self.normalization = BatchNormalization(
                axis=axis, momentum=self.momentum, name="normalization", **common
            )
        self.pooling = None
        if self._window != (1, 1):
            self.pooling = keras.layers.MaxPooling2D(
                self._window, data_format=inner_format, name="pooling", **common
            )

    def _activate(self, maps: Any) -> Any:
        """Applies the activation to feature maps in the internal layout.

        Activations that are not elementwise, such as softmax, run in the layout of `data_format`,
        in which their axis is defined.
        """
        if not self._transposes or self.activation in _ELEMENTWISE:
            return self.activation(maps)
        activated = self.activation(keras.ops.transpose(maps, self._from_inner))
        return keras.ops.transpose(activated, self._to_inner)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Creates the weights for inputs of shape `input_shape`."""
        self.compute_output_shape(input_shape)
        if input_shape[1 if self.data_format == "channels_first" else -1] is None:
            raise ValueError(
                describe("input_shape", "with a known number of channels", tuple(input_shape))
            )
        if self._transposes:
            input_shape = [input_shape[axis] for axis in self._to_inner]
        self.convolution.build(input_shape)
        if self.normalization is not None:
            self.normalization.build(self.convolution.compute_output_shape(input_shape))
        self.built = True

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Returns the shape of the output for inputs of shape `input_shape`.

        Raises:
            ValueError: If `input_shape` does not have four axes, or is smaller than the windows.
        """
        shape = tuple(input_shape)
        first = self.data_format == "channels_first"
        if len(shape) != 4:
            axes = (
                "(batch, channels, height, width)" if first else "(batch, height, width, channels)"
            )
            raise ValueError(describe("input_shape", f"of four axes {axes}", shape))
        sides = shape[2:] if first else shape[1:3]
        borders = [side - 1 if self.padding == "valid" else 0 for side in self._kernel]
        needed = [window + border for window, border in zip(self._window, borders, strict=True)]
        if any(side is not None and side < need for side, need in zip(sides, needed, strict=True)):
            self._reject_small(shape, needed)
        new_sides = [
            None if side is None else (side - border) // window
            for side, border, window in zip(sides, borders, self._window, strict=True)
        ]
        return (
            (shape[0], self.filters, *new_sides) if first else (shape[0], *new_sides, self.filters)
        )

    def _reject_small(self, shape: tuple[int | None, ...], needed: list[int]) -> None:
        requirement = (
            f"at least {needed[0]} pixels high and {needed[1]} wide with "
            f"kernel_size={self.kernel_size}, pool_size={self.pool_size}, "
            f"padding={self.padding!r} and data_format={self.data_format!r}"
        )
        remedy = "Pass larger images, stack fewer blocks, or set pool_size=1" + (
            " or padding='same'." if self.padding == "valid" else "."
        )
        raise ValueError(describe("input_shape", requirement, shape, remedy))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Applies convolution, activation, normalization and pooling to `inputs`.

        Args:
            inputs: Images or feature maps.
            training: True normalizes by the statistics of the batch and updates the moving
                averages; False or None normalizes by the moving averages.

        Returns:
            The pooled feature maps.
        """
        self.compute_output_shape(inputs.shape)  # later inputs may be smaller than the first
        outputs = keras.ops.transpose(inputs, self._to_inner) if self._transposes else inputs
        outputs = self.convolution(outputs)
        normalization = self.normalization
        if normalization and training and normalization.trainable and self._pools_first(outputs):
            outputs = self._normalize_and_pool(outputs, normalization)
        else:
            outputs = self._activate(outputs)
            if normalization:
                outputs = normalization(outputs, training=training)
            if self.pooling:
                outputs = self.pooling(outputs)
        return keras.ops.transpose(outputs, self._from_inner) if self._transposes else outputs

    def _pools_first(self, maps: Any) -> bool:
        """Whether the backend has a kernel for these maps that pools before it normalizes."""
        return self.pooling is not None and _backend.can_normalize_and_pool(maps, self._window)

    def _normalize_and_pool(self, maps: Any, normalization: BatchNormalization) -> Any:
        rectify = self.activation is keras.activations.relu
        gamma, beta = normalization.scale_and_offset()
        outputs, mean, variance = _backend.normalize_and_pool(
            maps if rectify else self._activate(maps),
            gamma,
            beta,
            normalization.epsilon,
            self._window,
            rectify=rectify,
        )
        normalization.update_moving_averages(mean, variance)
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments of the layer."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "activation": keras.activations.serialize(self.activation),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "use_batch_norm": self.use_batch_norm,
            "momentum": self.momentum,
            "data_format": self.data_format,
        }
