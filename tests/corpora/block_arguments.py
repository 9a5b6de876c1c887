"""Arguments of `ConvBlock` for property tests, and the stock layers that they describe."""

from typing import Any

import keras
import numpy as np
from hypothesis import strategies as st

CHANNELS = 4
FILTERS = 4
LAYOUTS = {"channels_last": (0, 1, 2, 3), "channels_first": (0, 2, 3, 1)}  # to channels last

sides = st.integers(1, 3)
windows = sides | st.tuples(sides, sides)
regularizers = st.sampled_from([None, "l1", "l2"])
constraints = st.sampled_from([None, "non_neg", "max_norm"])


@st.composite
def block_arguments(draw: st.DrawFn, **fixed: Any) -> dict[str, Any]:
    """Draws arguments that are valid together; `fixed` arguments are not drawn."""
    spaced = draw(st.booleans())  # Keras supports strides or dilation, not both
    arguments = {
        "kernel_size": draw(windows),
        "strides": 1 if spaced else draw(windows),
        "dilation_rate": draw(windows) if spaced else 1,
        "padding": draw(st.sampled_from(["valid", "same", "SAME"])),
        "data_format": draw(st.sampled_from(list(LAYOUTS))),
        "groups": draw(st.sampled_from([1, 1, 2, 4])),
        "activation": draw(
            st.sampled_from([None, "relu", "relu6", "leaky_relu", "gelu", "tanh", "hard_sigmoid"])
        ),
        "use_bias": draw(st.booleans()),
        "kernel_regularizer": draw(regularizers),
        "bias_regularizer": draw(regularizers),
        "kernel_constraint": draw(constraints),
        "bias_constraint": draw(constraints),
        "normalization": draw(st.sampled_from(["after", "before", None])),
        "momentum": draw(st.sampled_from([0.0, 0.6, 0.99])),
        "pool_size": draw(st.none() | windows),
        "pooling": draw(st.sampled_from(["max", "avg"])),
        "dropout": draw(st.sampled_from([0.0, 0.0, 0.3])),
        "seed": draw(st.integers(0, 9)),
    }
    return arguments | fixed


class StockLayers(keras.layers.Layer):
    """The layers of Keras that a block with these arguments stands for, one after the other.

    They compute with channels last, because TensorFlow has no others on a CPU.
    """

    def __init__(self, arguments: dict[str, Any], **options: Any) -> None:
        super().__init__(**options)
        own = {"kernel_size": 3, "activation": "relu", "pool_size": 2} | arguments
        self.to_last = LAYOUTS[own.get("data_format", "channels_last")]
        names = ("use_bias", "kernel_regularizer", "bias_regularizer", "kernel_constraint")
        names += ("kernel_size", "strides", "dilation_rate", "padding", "groups", "bias_constraint")
        conv = {name: own[name] for name in names if name in own}
        last = {"data_format": "channels_last"}
        self.convolution = keras.layers.Conv2D(FILTERS, **conv, **last)
        place = own.get("normalization", "after")
        norm = keras.layers.BatchNormalization(momentum=own.get("momentum", 0.99))
        activation = keras.layers.Activation(own["activation"])
        self.chain = [self.convolution, activation]
        if place is not None:
            self.chain.insert(1 if place == "before" else 2, norm)
        if own["pool_size"] is not None:
            pools = {"max": keras.layers.MaxPooling2D, "avg": keras.layers.AveragePooling2D}
            self.chain.append(pools[own.get("pooling", "max")](own["pool_size"], **last))
        self.dropout = keras.layers.Dropout(own.get("dropout", 0.0), seed=own.get("seed"))

    def call(self, images: Any, training: bool | None = None) -> Any:
        maps = keras.ops.transpose(images, self.to_last)
        for layer in self.chain:
            given = isinstance(layer, keras.layers.BatchNormalization)
            maps = layer(maps, training=training) if given else layer(maps)
        maps = keras.ops.transpose(maps, np.argsort(self.to_last).tolist())
        return self.dropout(maps, training=training)


def images_for(arguments: dict[str, Any], batch: int = 3) -> np.ndarray:
    """Returns random images, large enough for all drawn windows, in the format of the block."""
    images = np.random.default_rng(0).normal(size=(batch, 15, 16, CHANNELS)).astype("float32")
    return images.transpose(np.argsort(LAYOUTS[arguments.get("data_format", "channels_last")]))


def random_weights(shapes: list[tuple[int, ...]], seed: int = 1) -> list[np.ndarray]:
    """Returns weights that no initializer gives: gammas of either sign, positive variances."""
    generator = np.random.default_rng(seed)
    weights = [generator.normal(0, 0.5, shape) for shape in shapes]
    weights[-1] = np.abs(weights[-1]) + 0.5
    return weights
