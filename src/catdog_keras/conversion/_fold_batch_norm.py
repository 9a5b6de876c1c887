"""Batch-normalization folding into adjacent convolutions and dense layers."""

from collections.abc import Mapping
from typing import Any

import keras

from catdog_keras._checks import check_boolean, describe
from catdog_keras._cloning import assign_weights, copy_layer
from catdog_keras._layer_graph import LayerGraph, check_graph, contains_batch_norm, is_plain_graph
from catdog_keras.conversion._folded_weights import FOLDS_INPUT, FOLDS_OUTPUT, folded_weights
from catdog_keras.layers import BatchNormalization, ConvBlock


def fold_batch_norm(
    model: keras.Model, *, dtype: str | None = None, partial: bool = False
) -> keras.Model:
    """Folds batch normalization into adjacent layers and returns a new model for inference.

    In inference, batch normalization is an affine transformation of each channel. After a
    convolution or dense layer without activation, its scale and offset are merged into the kernel
    and the bias; the same is done if it precedes a layer that does not pad. In a `ConvBlock` it is
    folded if no activation precedes it, as with `normalization="before"`. A zero-padding layer is
    merged, too, if the next convolution pads equally with `padding="same"`. Nested models are
    folded recursively. The original model is not changed. The new model shares no weights with it
    and is frozen; do not train its folded layers, which no longer normalize.

    Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference" (https://arxiv.org/abs/1712.05877), section 3.2.

    Args:
        model: A built Functional or Sequential model, for example from `keras.applications`.
        dtype: Dtype or dtype policy of the new model's layers, such as `"bfloat16"` or
            `"mixed_bfloat16"`; None keeps that of each layer.
        partial: Whether to keep layers that cannot be folded, such as batch normalization after an
            addition, instead of raising an error.

    Returns:
        An uncompiled, frozen Functional model. In float32 its outputs equal
        `model(..., training=False)` to a relative tolerance of 1e-4.

    Raises:
        TypeError: If `model` is not a Keras model.
        ValueError: If the model is not built, is not a graph of layers, contains a layer that
            cannot be rebuilt from its config, or contains batch normalization that cannot be
            folded. The message names the layer and the reason.

    See Also:
        `strip_augmentation`: removes augmentation layers.
        `use_fused_batch_norm`: faster training instead of faster inference.

    Example:
        >>> import catdog_keras, keras
        >>> model = keras.Sequential([
        ...     keras.Input((32, 32, 3)),
        ...     keras.layers.Conv2D(8, 3),
        ...     keras.layers.BatchNormalization(),
        ...     keras.layers.ReLU(),
        ... ])
        >>> folded = catdog_keras.fold_batch_norm(model)
        >>> [type(layer).__name__ for layer in folded.layers]
        ['InputLayer', 'Conv2D', 'ReLU']

        In bfloat16, of a model with a normalization that cannot be folded and is kept:

        >>> model.add(keras.layers.BatchNormalization())
        >>> folded = catdog_keras.fold_batch_norm(model, dtype="bfloat16", partial=True)
        >>> [type(layer).__name__ for layer in folded.layers]
        ['InputLayer', 'Conv2D', 'ReLU', 'BatchNormalization']
    """
    check_boolean("partial", partial)
    if dtype is not None:
        check_dtype(dtype)
    kept: list[str] = []
    if not is_plain_graph(check_graph(model)):
        remedy = "The new model would not have this method."
        requirement = "a model that does not override `call`"
        raise ValueError(describe("model", requirement, model, remedy))
    folded = _fold(model, dtype, kept)
    if kept and not partial:
        raise ValueError(
            f"{len(kept)} normalizations of {model.name!r} cannot be folded: {'; '.join(kept)}. "
            "Pass partial=True to keep them and fold the others."
        )
    folded.trainable = False
    return folded


def check_dtype(dtype: Any) -> None:
    """Raises a ValueError if `dtype` is neither a dtype nor a dtype policy."""
    try:
        keras.dtype_policies.get(dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(
            describe("dtype", "a dtype or a policy, such as 'mixed_bfloat16', or None", dtype)
        ) from error


def _fold(model: keras.Model, dtype: str | None, kept: list[str]) -> keras.Model:
    """Folds a model and its nested models; appends what cannot be folded, and why, to `kept`."""
    sequential = isinstance(model, keras.Sequential)
    inputs, outputs = (
        (model.inputs[0], model.outputs[0]) if sequential else (model.input, model.output)
    )
    plain = keras.Model(inputs, outputs, name=model.name)
    layers = {layer.name: layer for layer in plain.layers}
    try:
        graph = LayerGraph.from_model(plain)
    except NotImplementedError as error:  # of a nested layer, which Keras does not name
        requirement = "a model whose layers all have a config"
        reason = next(line for line in str(error).splitlines() if line)
        raise ValueError(describe("model", requirement, model, f"Keras says: {reason}")) from error
    before: dict[str, keras.Layer] = {}  # layer -> batch normalization of its input
    after: dict[str, keras.Layer] = {}  # layer -> batch normalization of its output
    inside: dict[str, keras.Layer] = {}  # block -> batch normalization in it
    for layer in plain.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            _place(layer, layers, graph, before, after, kept)
        elif type(layer) is ConvBlock and layer.batch_normalization is not None:
            if (obstacle := _obstacle_inside(layer, graph)) is None:
                inside[layer.name] = layer.batch_normalization
            else:
                kept.append(f"the one inside {layer.name!r} (ConvBlock), {obstacle}")
        elif not is_plain_graph(layer) and contains_batch_norm(layer):
            kind = type(layer).__name__
            kept.append(f"the one inside {layer.name!r} ({kind}), which is part of another layer")
    padding = foldable_padding(layers, graph)
    gone = {layer.name for layer in (*before.values(), *after.values(), *padding.values())}
    copies: list[tuple[keras.Layer, keras.Layer]] = []

    def copy(layer: keras.Layer) -> keras.Layer:
        if is_plain_graph(layer):
            return _fold(layer, dtype, kept)
        if not isinstance(layer, keras.Layer):  # a keras.ops operation
            return copy_layer(layer)
        changes: dict[str, Any] = {}
        if dtype is not None and getattr(layer, "quantization_mode", None) is None:
            changes["dtype"] = dtype
        if layer.name in before or layer.name in after or layer.name in inside:
            changes["use_bias"] = True
        if layer.name in inside:
            changes["normalization"] = None
        if layer.name in padding:
            changes["padding"] = "same"
        copies.append((layer, copy_layer(layer, **changes)))
        return copies[-1][1]

    def call(layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        return args[0] if layer.name in gone else layer(*args, **kwargs)

    folded = keras.models.clone_model(plain, clone_function=copy, call_function=call)
    for layer, copied in copies:
        weights = layer.get_weights()
        if layer.name in before or layer.name in after:
            weights = folded_weights(layer, before.get(layer.name), after.get(layer.name))
        elif layer.name in inside:
            weights = folded_weights(layer.convolution, None, inside[layer.name])
        if layer.name not in gone:
            assign_weights(copied, weights)
    return folded


def _place(
    norm: keras.Layer,
    layers: dict[str, keras.Layer],
    graph: LayerGraph,
    before: dict[str, keras.Layer],
    after: dict[str, keras.Layer],
    kept: list[str],
) -> None:
    """Assigns a batch normalization to the adjacent layer that absorbs it, or records why not."""
    sources, users = graph.sources[norm.name], graph.users.get(norm.name, [])
    source = layers.get(sources[0]) if len(sources) == 1 else None
    user = layers.get(users[0]) if len(users) == 1 else None
    if type(norm) not in (keras.layers.BatchNormalization, BatchNormalization):
        kept.append(f"{norm.name!r}, which is of a custom class, {type(norm).__name__}")
    elif len(sources) != 1:
        kept.append(f"{norm.name!r}, which is called {len(sources)} times")
    elif norm.name in graph.in_training:
        kept.append(f"{norm.name!r}, which is called with training=True")
    elif (behind := _obstacle_behind(norm, source, graph)) is None:
        after[sources[0]] = norm
    elif (ahead := _obstacle_ahead(norm, user, graph)) is None:
        before[users[0]] = norm
    else:
        kept.append(f"{norm.name!r} after {sources[0]!r}, {behind}, and {ahead}")


def _obstacle_behind(
    norm: keras.Layer, source: keras.Layer | None, graph: LayerGraph
) -> str | None:
    """Returns why the preceding layer cannot absorb a batch normalization, or None if it can."""
    if source is None or type(source) not in FOLDS_OUTPUT:
        return "which is not a convolution or dense layer of Keras"
    if source.activation is not keras.activations.linear:
        return "which has an activation"
    if (change := changed_kernel(source)) is not None:
        return change
    if len(graph.sources[source.name]) != 1:
        return "which is called more than once"
    if graph.users[source.name] != [norm.name]:
        return "whose output is also used elsewhere"
    return None if _same_channels(norm, source) else "which has its channels on another axis"


def _obstacle_ahead(norm: keras.Layer, user: keras.Layer | None, graph: LayerGraph) -> str | None:
    """Returns why the following layer cannot absorb a batch normalization, or None if it can."""
    if user is None:
        return "not before a single layer"
    place = f"before {user.name!r}, which "
    if type(user) not in FOLDS_INPUT:
        return place + "is not a convolution or dense layer of Keras"
    if (change := changed_kernel(user)) is not None:
        return f"before {user.name!r}, {change}"
    if graph.sources[user.name] != [norm.name]:
        return place + "also has other inputs"
    if not _pads_nothing(user):
        return place + "pads"
    return None if _same_channels(norm, user) else place + "has its channels on another axis"


def _obstacle_inside(block: ConvBlock, graph: LayerGraph) -> str | None:
    """Returns why a block's convolution cannot absorb its normalization, or None if it can."""
    if block.normalization == "after" and block.activation is not keras.activations.linear:
        return "which follows the activation of the block"
    if block.name in graph.in_training:
        return "which is called with training=True"
    return None  # LoRA weights are part of the kernel that is folded, and Keras quantizes no Conv2D


def changed_kernel(layer: keras.Layer) -> str | None:
    """Returns why a layer's kernel cannot be replaced: it is not stored in one float variable."""
    if getattr(layer, "lora_enabled", False):
        return "which has LoRA weights"
    if getattr(layer, "quantization_mode", None) is not None:
        return f"which is quantized to {layer.quantization_mode}"
    return None


def _same_channels(norm: keras.Layer, layer: keras.Layer) -> bool:
    """Returns whether the batch normalization's axis is the layer's channel axis."""
    rank = len(norm.input.shape)
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    return bool(norm.axis % rank == (1 if first else rank - 1))


def _pads_nothing(layer: keras.Layer) -> bool:
    if isinstance(layer, keras.layers.Dense) or layer.padding == "valid":
        return True
    return all(side == 1 for side in layer.kernel_size)


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
