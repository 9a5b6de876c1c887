"""Validation of the arguments and of the input shape of a block with a convolution."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from catdog_keras._checks import check_window, describe
from catdog_keras._suggestions import Synonyms

Pair = tuple[int, int]
Shape = tuple[int | None, ...]

_LORA = "Call `convolution.enable_lora(rank)` of the block after it is built."
_PLACE = "It is 'after' or 'before' the activation, or None."
_SEPARATE_LAYERS = (
    "Use `keras.layers.Conv2D`, `BatchNormalization`, `keras.layers.MaxPooling2D` and "
    "`keras.layers.Dropout` instead of the block."
)
_RESIDUAL = (
    "Add the inputs with `keras.layers.add([x, block(x)])`, which needs a block with "
    'padding="same" and pool_size=None.'
)
_PASS_PLACE = "Pass 'before' or 'after' the activation, or None for no normalization."
NORMALIZATION_HINTS: dict[Any, str] = dict.fromkeys(
    (True, False, "batch", "batch_norm", "batch_normalization", "batchnorm", "bn", "none"),
    _PASS_PLACE,
)
POOLING_HINTS: dict[Any, str] = {
    **dict.fromkeys((None, False, "none"), "pool_size=None disables pooling."),
    **dict.fromkeys(("average", "mean"), "Did you mean 'avg'?"),
}
CONV_NAMES: Synonyms = {
    "bias": (("use_bias",), ""),
    "dilation": (("dilation_rate",), ""),
    "in_channels": ((), "The number of input channels is that of the inputs."),
    "kernel_init": (("kernel_initializer",), ""),
    "pad": (("padding",), ""),
    "pool_strides": (("pool_size",), "It is also the stride of the pooling."),
    "pool_type": (("pooling",), ""),
    "stride": (("strides",), ""),
    **dict.fromkeys(
        ("act", "act_layer", "activation_fn", "activation_function", "nonlinearity"),
        (("activation",), ""),
    ),
    **dict.fromkeys(
        ("channels", "n_filters", "nb_filters", "num_filters", "out_channels", "units"),
        (("filters",), ""),
    ),
    **dict.fromkeys(("k", "kernel", "ksize"), (("kernel_size",), "")),
    **dict.fromkeys(("max_pool", "maxpool", "pool"), (("pool_size", "pooling"), "")),
    **dict.fromkeys(
        (
            *("batch_norm", "batch_normalization", "batchnorm", "bn", "norm", "norm_layer"),
            *("use_batch_norm", "use_bn", "use_norm"),
        ),
        (("normalization",), _PLACE),
    ),
    **dict.fromkeys(
        ("drop", "dropout_p", "dropout_prob", "dropout_rate", "drop_rate", "p", "rate"),
        (("dropout",), ""),
    ),
    **dict.fromkeys(
        ("l2", "regularizer", "weight_decay"),
        (("kernel_regularizer",), "For example keras.regularizers.L2(1e-4)."),
    ),
    **dict.fromkeys(("residual", "shortcut", "skip"), ((), _RESIDUAL)),
    **dict.fromkeys(("lora_rank", "lora_alpha"), ((), _LORA)),
    **dict.fromkeys(
        (
            *("axis", "epsilon", "center", "scale", "beta_initializer", "gamma_initializer"),
            *("moving_mean_initializer", "moving_variance_initializer", "beta_regularizer"),
            *("gamma_regularizer", "beta_constraint", "gamma_constraint", "renorm"),
            *("renorm_clipping", "renorm_momentum", "synchronized", "noise_shape"),
        ),
        ((), _SEPARATE_LAYERS),
    ),
}
"""Names of related layers and other libraries: the arguments of `ConvBlock`, and a hint."""


def get_object(name: str, value: Any) -> Any:
    """Returns the Keras object for the name, the config or the instance in an argument.

    The kind of the object is the last word of `name`, as in `kernel_initializer`.
    """
    module = name.rpartition("_")[2] + "s"
    try:
        return getattr(keras, module).get(value)
    except (TypeError, ValueError) as error:
        requirement = f"a value that `keras.{module}.get` accepts"
        raise type(error)(describe(name, requirement, value)) from error


def serialize_object(name: str, value: Any) -> Any:
    """Inverse of `get_object`, for the config of a block with a convolution."""
    return getattr(keras, name.rpartition("_")[2] + "s").serialize(value)


def integer_or_tuple(value: int | Sequence[int], pair: Pair) -> int | Pair:
    """Returns an integer argument of a convolution as it is, and everything else as a tuple."""
    return value if isinstance(value, int) else pair


@dataclass(frozen=True)
class ConvBlockWindows:
    """The windows of a convolution and of the pooling after it, each as (height, width).

    Attributes:
        kernel: Size of the convolution window, before dilation.
        strides: Strides of the convolution.
        dilation: Dilation rates of the convolution.
        pool: Size and strides of the pooling window.
        padding: `"valid"` or `"same"`, of the convolution.
    """

    kernel: Pair
    strides: Pair
    dilation: Pair
    pool: Pair
    padding: str

    @classmethod
    def check(
        cls, kernel_size: Any, strides: Any, dilation_rate: Any, pool_size: Any, padding: str
    ) -> "ConvBlockWindows":
        """Validates the arguments; raises if Keras does not support their combination."""
        windows = cls(
            check_window("kernel_size", kernel_size),
            check_window("strides", strides),
            check_window("dilation_rate", dilation_rate),
            (1, 1) if pool_size is None else check_window("pool_size", pool_size),
            padding,
        )
        if max(windows.strides) > 1 and max(windows.dilation) > 1:
            remedy = f"With strides={strides!r}, Keras does not support dilation."
            raise ValueError(
                describe("dilation_rate", "1 if `strides` is not 1", dilation_rate, remedy)
            )
        return windows

    def _borders(self) -> Pair:
        """Returns how many rows and columns the convolution loses without strides."""
        if self.padding == "same":
            return 0, 0
        height, width = (
            rate * (side - 1) for side, rate in zip(self.kernel, self.dilation, strict=True)
        )
        return height, width

    def output_shape(
        self, input_shape: Sequence[int | None], filters: int, data_format: str
    ) -> Shape:
        """Returns the shape of the output of a block.

        Raises:
            ValueError: If `input_shape` does not have four axes, or is smaller than the windows.
        """
        shape = tuple(input_shape)
        first = data_format == "channels_first"
        if len(shape) != 4:
            axes = ("channels", "height", "width") if first else ("height", "width", "channels")
            requirement = f"of four axes (batch, {', '.join(axes)})"
            raise ValueError(describe("input_shape", requirement, shape))
        sides = shape[2:] if first else shape[1:3]
        borders = self._borders()
        axes_of_windows = list(zip(sides, borders, self.strides, self.pool, strict=True))
        for side, border, stride, pool in axes_of_windows:
            if side is not None and side < border + (pool - 1) * stride + 1:
                self._reject_small(shape, data_format)
        new_sides = [
            None if side is None else ((side - border - 1) // stride + 1) // pool
            for side, border, stride, pool in axes_of_windows
        ]
        return (shape[0], filters, *new_sides) if first else (shape[0], *new_sides, filters)

    def _reject_small(self, shape: Shape, data_format: str) -> None:
        height, width = (
            border + (pool - 1) * stride + 1
            for border, pool, stride in zip(self._borders(), self.pool, self.strides, strict=True)
        )
        windows = {"kernel_size": self.kernel, "pool_size": self.pool}
        optional = {"strides": self.strides, "dilation_rate": self.dilation}
        windows |= {name: pair for name, pair in optional.items() if pair != (1, 1)}
        settings = [f"{name}={_shorten_pair(pair)}" for name, pair in windows.items()]
        settings.append(f"padding={self.padding!r}")
        requirement = (
            f"at least {height} pixels high and {width} wide with {', '.join(settings)} and "
            f"data_format={data_format!r}"
        )
        ways = ["Pass larger images", "stack fewer blocks"]
        ways += ["pass pool_size=None"] if self.pool != (1, 1) else []
        ways += ["pass padding='same'"] if self.padding == "valid" else []
        remedy = f"{', '.join(ways[:-1])}, or {ways[-1]}."
        raise ValueError(describe("input_shape", requirement, shape, remedy))


def _shorten_pair(pair: Pair) -> int | Pair:
    """Returns one integer for a convolution's window with equal sides, as users write it."""
    return pair[0] if pair[0] == pair[1] else pair
