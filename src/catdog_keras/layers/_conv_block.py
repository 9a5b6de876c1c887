"""Block of a convolutional network: convolution, activation, normalization, pooling, dropout."""

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
    describe,
)
from catdog_keras.layers._argument_names import suggests_layer_arguments
from catdog_keras.layers._base_augmentation import LARGEST_SEED
from catdog_keras.layers._batch_normalization import BatchNormalization
from catdog_keras.layers._conv_arguments import (
    CONV_NAMES,
    NORMALIZATION_HINTS,
    POOLING_HINTS,
    ConvBlockWindows,
    get_object,
    integer_or_tuple,
    serialize_object,
)

PADDINGS = ("valid", "same")
NORMALIZATIONS = ("after", "before", None)
POOLINGS = {"max": keras.layers.MaxPooling2D, "avg": keras.layers.AveragePooling2D}
# Arguments that are objects of Keras, all of the convolution, and the other arguments.
_OBJECTS = tuple(
    f"{weight}_{kind}"
    for kind in ("initializer", "regularizer", "constraint")
    for weight in ("kernel", "bias")
)
_PLAIN_VALUES = (
    *("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups"),
    *("use_bias", "normalization", "momentum", "pool_size", "pooling", "dropout", "seed"),
)


def _keras_activations(*names: str) -> tuple[Callable[[Any], Any], ...]:
    """Returns Keras's functions for names of activations that `ConvBlock` computes faster."""
    return tuple(keras.activations.get(name) for name in names)


# Activations that are piecewise linear and never decrease: max pooling gives the same result, bit
# by bit, before and after them.
_MONOTONIC = _keras_activations("linear", "relu", "relu6", "leaky_relu", "hard_sigmoid")
# Elementwise activations: the layout of the feature maps does not affect their result.
_ELEMENTWISE = _MONOTONIC + _keras_activations(
    *("elu", "selu", "celu", "gelu", "silu", "mish"),
    *("sigmoid", "hard_silu", "tanh", "softplus", "softsign"),
)


@keras.saving.register_keras_serializable(package="catdog_keras")
class ConvBlock(keras.layers.Layer):
    """Convolution, activation, batch normalization, pooling and dropout, in this order.

    With `normalization="before"`, batch normalization precedes the activation, as in most published
    networks. Every part except the convolution can be disabled. The result is that of
    `keras.layers.Conv2D`, `BatchNormalization`, `MaxPooling2D` or `AveragePooling2D`, and `Dropout`
    in this order. `padding` applies to the convolution only: pooling always drops rows and columns
    that do not fill a window. By default, the outputs are smaller than the inputs; to add both, as
    in a residual block, pass `padding="same"` and `pool_size=None`. With `training=True` the
    normalization uses the statistics of the batch, otherwise its moving averages; dropout is active
    only with `training=True`.

    The parts are the attributes `convolution`, `batch_normalization`, `pooling_layer` and
    `dropout_layer`, which are None if they are disabled, and the list `layers`, which
    `model.summary(expand_nested=True)` shows. Internally, the block uses channels last on
    TensorFlow and channels first on PyTorch, whatever `data_format` is. Inputs and outputs are
    transposed as needed; on PyTorch this is a view, not a copy.

    Source: the tutorial's first network, which normalizes after the activation; Ioffe and Szegedy
    (https://arxiv.org/abs/1502.03167), section 3.2, normalize before it.

    Args:
        filters: Integer of at least 1; number of convolution filters, the channels of the output.
        kernel_size: Integer of at least 1, or a pair (height, width); size of the convolution
            window in pixels.
        strides: Integer of at least 1, or a pair (height, width); strides of the convolution.
        padding: `"valid"` (no padding) or `"same"` (zeros, so that the convolution with strides 1
            keeps height and width), in upper or lower case.
        data_format: `"channels_last"`, `"channels_first"`, or None for
            `keras.config.image_data_format()`.
        dilation_rate: Integer of at least 1, or a pair (height, width); distance in pixels between
            the positions that the window reads. Must be 1 if `strides` is not 1.
        groups: Integer of at least 1 that divides `filters` and the number of input channels; each
            group of filters reads its own group of channels.
        activation: Name of a Keras activation, a callable, or None for no activation.
        use_bias: Whether the convolution adds a bias. With `normalization="before"` it is
            redundant, because the normalization subtracts the mean.
        kernel_initializer: Initializer of the kernel.
        bias_initializer: Initializer of the bias.
        kernel_regularizer: Optional regularizer of the kernel.
        bias_regularizer: Optional regularizer of the bias.
        kernel_constraint: Optional constraint of the kernel.
        bias_constraint: Optional constraint of the bias.
        normalization: Place of the batch normalization: `"after"` or `"before"` the activation;
            None disables it.
        momentum: Number from 0 to 1; the fraction of the old value that the moving averages of the
            normalization keep at each training step. With Keras's default of 0.99 they take several
            hundred steps to forget their initial values; use 0.9 for short training.
        pool_size: Integer of at least 1, or a pair (height, width); size and stride of the pooling
            window in pixels. None or 1 disables pooling.
        pooling: `"max"` or `"avg"`: the maximum or the mean of each window.
        dropout: Number from 0 to 1; the fraction of the block's outputs that are set to 0 in
            training; 0 disables it. It is applied last: in front of a normalization, it would
            change the statistics in training only.
        seed: Integer from 0 to 2147483647, or None for a random seed; used for dropout.
        **kwargs: Arguments of `keras.layers.Layer`: `name`, `dtype`, `trainable`, and
            `activity_regularizer`, which applies to the outputs of the block.

    Input shape:
        `(batch, height, width, channels)`, or `(batch, channels, height, width)` with channels
        first. Floating point, any range.

    Output shape:
        `(batch, new_height, new_width, filters)`, or channels first, in the compute dtype. With
        `"valid"`, the convolution returns
        `(height - dilation_rate * (kernel_size - 1) - 1) // strides + 1` rows, with `"same"`
        `ceil(height / strides)`; pooling divides this by `pool_size` and rounds down.

    Raises:
        TypeError: If an argument has the wrong type, or belongs to a related layer only.
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

    A residual connection, for which the block keeps height, width and channels:

    >>> x = keras.Input((32, 32, 16))
    >>> block = catdog_keras.layers.ConvBlock(16, padding="same", pool_size=None)
    >>> keras.layers.add([x, block(x)]).shape
    (None, 32, 32, 16)

    A network of two blocks, the first with a momentum for a short training and with dropout, the
    second without normalization and pooling:

    >>> model = keras.Sequential([
    ...     keras.Input((32, 32, 3)),
    ...     catdog_keras.ConvBlock(8, padding="same", momentum=0.9, dropout=0.2),
    ...     catdog_keras.ConvBlock(16, pool_size=None, normalization=None),
    ... ])
    >>> model.output_shape
    (None, 14, 14, 16)

    Four groups of filters, with weight decay and mean pooling:

    >>> block = catdog_keras.ConvBlock(8, groups=4, kernel_regularizer="l2", pooling="avg")
    >>> block(keras.Input((32, 32, 8))).shape
    (None, 15, 15, 8)
    """

    @suggests_layer_arguments(CONV_NAMES)
    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int] = 3,
        strides: int | Sequence[int] = 1,
        *,
        padding: Literal["valid", "same"] = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation: str | Callable[[Any], Any] | None = "relu",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        normalization: Literal["after", "before"] | None = "after",
        momentum: float = 0.99,
        pool_size: int | Sequence[int] | None = 2,
        pooling: Literal["max", "avg"] = "max",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Validates and stores the arguments; see the class docstring."""
        super().__init__(**kwargs)
        self.filters = check_integer("filters", filters, minimum=1)
        lower = padding.lower() if isinstance(padding, str) else padding  # as Keras does
        self.padding = check_choice("padding", lower, PADDINGS)
        windows = ConvBlockWindows.check(
            kernel_size, strides, dilation_rate, pool_size, self.padding
        )
        self._windows = windows
        self.kernel_size = integer_or_tuple(kernel_size, windows.kernel)
        self.strides = integer_or_tuple(strides, windows.strides)
        self.dilation_rate = integer_or_tuple(dilation_rate, windows.dilation)
        self.pool_size = None if pool_size is None else integer_or_tuple(pool_size, windows.pool)
        self.data_format = _backend.resolve_data_format(data_format)
        self.groups = check_integer("groups", groups, minimum=1)
        if self.filters % self.groups:
            raise ValueError(describe("groups", f"a divisor of filters={self.filters}", groups))
        self.activation = get_object("activation", activation)
        self.use_bias = check_boolean("use_bias", use_bias)
        self.kernel_initializer = get_object("kernel_initializer", kernel_initializer)
        self.bias_initializer = get_object("bias_initializer", bias_initializer)
        self.kernel_regularizer = get_object("kernel_regularizer", kernel_regularizer)
        self.bias_regularizer = get_object("bias_regularizer", bias_regularizer)
        self.kernel_constraint = get_object("kernel_constraint", kernel_constraint)
        self.bias_constraint = get_object("bias_constraint", bias_constraint)
        self.normalization = check_choice(
            "normalization", normalization, NORMALIZATIONS, NORMALIZATION_HINTS
        )
        self.momentum = check_number("momentum", momentum, minimum=0, maximum=1)
        self.pooling = check_choice("pooling", pooling, POOLINGS, POOLING_HINTS)
        self.dropout = check_number("dropout", dropout, minimum=0, maximum=1)
        self.seed = (
            None if seed is None else check_integer("seed", seed, minimum=0, maximum=LARGEST_SEED)
        )
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
            self._windows.kernel,
            strides=self._windows.strides,
            padding=self.padding,
            data_format=inner_format,
            dilation_rate=self._windows.dilation,
            groups=self.groups,
            use_bias=self.use_bias,
            **{name: getattr(self, name) for name in _OBJECTS},
            name="convolution",
            **common,
        )
        # Its name precedes `layers` in alphabetical order, in which Keras saves the attributes.
        self.batch_normalization = None
        if self.normalization is not None:
            axis = -1 if inner_last else 1
            self.batch_normalization = BatchNormalization(
                axis=axis, momentum=self.momentum, name="normalization", **common
            )
        self.pooling_layer = None
        if self._windows.pool != (1, 1):
            self.pooling_layer = POOLINGS[self.pooling](
                self._windows.pool, data_format=inner_format, name="pooling", **common
            )
        self.dropout_layer = None
        if self.dropout > 0:
            self.dropout_layer = keras.layers.Dropout(
                self.dropout, seed=self.seed, name="dropout", **common
            )

    @property
    def layers(self) -> list[keras.Layer]:
        """The parts of the block, without those that are disabled, in the order of the weights."""
        parts = (
            self.convolution,
            self.batch_normalization,
            self.pooling_layer,
            self.dropout_layer,
        )
        return [part for part in parts if part is not None]

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Creates the weights for inputs of shape `input_shape`."""
        output_shape = self.compute_output_shape(input_shape)
        channels = input_shape[1 if self.data_format == "channels_first" else -1]
        if channels is None or channels % self.groups:
            requirement = "with a known number of channels" + (
                "" if self.groups == 1 else f", a multiple of groups={self.groups}"
            )
            raise ValueError(describe("input_shape", requirement, tuple(input_shape)))
        if self._transposes:
            input_shape = [input_shape[axis] for axis in self._to_inner]
        self.convolution.build(input_shape)
        maps_shape = self.convolution.compute_output_shape(input_shape)
        for part in (self.batch_normalization, self.pooling_layer):
            if part is not None:
                part.build(maps_shape)
        if self.dropout_layer is not None:
            self.dropout_layer.build(output_shape)
        self.built = True

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Returns the shape of the output for inputs of shape `input_shape`.

        Raises:
            ValueError: If `input_shape` does not have four axes, or is smaller than the windows.
        """
        return self._windows.output_shape(input_shape, self.filters, self.data_format)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Applies convolution, activation, normalization, pooling and dropout to `inputs`.

        Args:
            inputs: Images or feature maps.
            training: True normalizes by the statistics of the batch, updates the moving averages
                and applies dropout; False or None normalizes by the moving averages.

        Returns:
            The feature maps.
        """
        self.compute_output_shape(inputs.shape)  # later inputs may be smaller than the first
        outputs = keras.ops.transpose(inputs, self._to_inner) if self._transposes else inputs
        outputs = self.convolution(outputs)
        normalization = self.batch_normalization
        if normalization and training and normalization.trainable and self._pools_first(outputs):
            outputs = self._normalize_and_pool(outputs, normalization)
        else:
            outputs = self._run_separately(outputs, training)
        if self._transposes:
            outputs = keras.ops.transpose(outputs, self._from_inner)
        # Applied to the layout of `data_format`, the mask is that of the stock layer.
        return self.dropout_layer(outputs, training=training) if self.dropout_layer else outputs

    def _activate(self, maps: Any) -> Any:
        """Applies the activation to feature maps in the internal layout.

        Activations that are not elementwise, such as softmax, run in the layout of `data_format`,
        in which their axis is defined.
        """
        if not self._transposes or self.activation in _ELEMENTWISE:
            return self.activation(maps)
        activated = self.activation(keras.ops.transpose(maps, self._from_inner))
        return keras.ops.transpose(activated, self._to_inner)

    def _run_separately(self, maps: Any, training: bool | None) -> Any:
        """Applies the parts after the convolution one after the other."""
        normalization, pooling = self.batch_normalization, self.pooling_layer
        if normalization and self.normalization == "before":
            maps = normalization(maps, training=training)
        if pooling and self._activates_last():
            return self._activate(pooling(maps))
        maps = self._activate(maps)
        if normalization and self.normalization == "after":
            maps = normalization(maps, training=training)
        return pooling(maps) if pooling else maps

    def _activates_last(self) -> bool:
        """Whether the activation gives the same result after the pooling, on fewer values."""
        return (
            self.normalization != "after"
            and self.pooling == "max"
            and self.activation in _MONOTONIC
        )

    def _pools_first(self, maps: Any) -> bool:
        """Whether the backend has a kernel for these maps that pools before it normalizes."""
        return (
            self.pooling_layer is not None
            and self.pooling == "max"
            and (self.normalization == "after" or self._activates_last())
            and _backend.can_normalize_and_pool(maps, self._windows.pool)
        )

    def _normalize_and_pool(self, maps: Any, normalization: BatchNormalization) -> Any:
        after = self.normalization == "after"
        rectify = after and self.activation is keras.activations.relu
        gamma, beta = normalization.scale_and_offset()
        outputs, mean, variance = _backend.normalize_and_pool(
            self._activate(maps) if after and not rectify else maps,
            gamma,
            beta,
            normalization.epsilon,
            self._windows.pool,
            rectify=rectify,
        )
        normalization.update_moving_averages(mean, variance)
        return outputs if after else self._activate(outputs)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments of the layer."""
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in _PLAIN_VALUES},
            "activation": keras.activations.serialize(self.activation),
            **{name: serialize_object(name, getattr(self, name)) for name in _OBJECTS},
        }
