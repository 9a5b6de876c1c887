"""Merges zero-padding layers into the convolutions that follow them."""

from collections.abc import Mapping

import keras

from catdog_keras._layer_graph import LayerGraph

TAKES_PADDING = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


def foldable_padding(
    layers: Mapping[str, keras.Layer], graph: LayerGraph
) -> dict[str, keras.Layer]:
    """Finds the zero-padding layers that equal `padding="same"` of the next convolution.

    Networks ported from other frameworks often have a padding layer before each convolution with
    stride 2. It costs a copy of the feature map; `"same"` does not.

    Returns:
        The padding layer by the name of the convolution that replaces it.
    """
    found = {}
    for layer in layers.values():
        users = graph.users.get(layer.name, [])
        user = layers.get(users[0]) if len(users) == 1 else None
        if (
            type(layer) is keras.layers.ZeroPadding2D
            and len(graph.sources[layer.name]) == 1
            and user is not None
            and type(user) in TAKES_PADDING
            and graph.sources[user.name] == [layer.name]
            and user.padding == "valid"
            and user.data_format == layer.data_format
            and set(user.dilation_rate) == {1}
            and _same_padding(layer.input.shape, user) == _pairs(layer.padding)
        ):
            found[user.name] = layer
    return found


def _same_padding(
    input_shape: tuple[int | None, ...], convolution: keras.Layer
) -> list[tuple[int, int]] | None:
    """Returns the padding of `"same"` on each side, per axis; None if a size is unknown."""
    first = convolution.data_format == "channels_first"
    sides = input_shape[2:] if first else input_shape[1:3]
    added = []
    for side, kernel, stride in zip(
        sides, convolution.kernel_size, convolution.strides, strict=True
    ):
        if side is None:
            return None
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        added.append((total // 2, total - total // 2))
    return added


def _pairs(padding: tuple[tuple[int, int], tuple[int, int]]) -> list[tuple[int, int]]:
    return [(int(before), int(after)) for before, after in padding]
