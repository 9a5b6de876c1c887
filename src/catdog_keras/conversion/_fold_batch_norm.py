"""Batch-normalization folding into adjacent convolutions and dense layers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras

from catdog_keras._backend import contains_batch_norm
from catdog_keras._checks import check_boolean, describe
from catdog_keras._cloning import assign_weights, copy_layer
from catdog_keras._layer_graph import LayerGraph, check_graph, is_plain_graph
from catdog_keras._printable import counted
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.conversion._folded_weights import (
    FOLDS_INPUT,
    FOLDS_OUTPUT,
    folded_weights,
    has_negative_scale,
)
from catdog_keras.layers import BatchNormalization, ConvBlock

MAX_POOLING = (keras.layers.MaxPooling2D, keras.layers.GlobalMaxPooling2D)
# In inference these layers can change places with an affine transformation of each channel.
COMMUTING_LAYERS = (
    *MAX_POOLING,
    keras.layers.AveragePooling2D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.Flatten,
)
TAKES_PADDING = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


@suggests_arguments()
def fold_batch_norm(
    model: keras.Model, *, dtype: str | None = None, strict: bool = False
) -> keras.Model:
    """Folds batch normalization into adjacent layers and returns a new model for inference.

    In inference, batch normalization is an affine transformation of each channel. After a
    convolution or dense layer without activation, its scale and offset are merged into the kernel
    and the bias; the same is done if it precedes a layer that does not pad, even if pooling,
    dropout or flattening lies between them. Before max pooling no scale may be negative. In a
    `ConvBlock`, the normalization is folded into its own convolution if no activation precedes it,
    as with `normalization="before"`, and otherwise into the next layer, as in the tutorial's
    models. A zero-padding layer is merged, too, if the next convolution pads equally with
    `padding="same"`. Nested models are folded recursively. The original model is not changed. The
    new model shares no weights with it and is frozen; do not train its folded layers, which no
    longer normalize.

    Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference" (https://arxiv.org/abs/1712.05877), section 3.2.

    Args:
        model: A built Functional or Sequential model, for example from `keras.applications`.
        dtype: Dtype or dtype policy of the new model's layers, such as `"bfloat16"` or
            `"mixed_bfloat16"`; None keeps that of each layer.
        strict: Whether to raise an error if batch normalization cannot be folded, for example after
            an addition. By default it is kept.

    Returns:
        An uncompiled, frozen Functional model. In float32 its outputs equal
        `model(..., training=False)` to a relative tolerance of 1e-4.

    Raises:
        TypeError: If `model` is not a Keras model.
        ValueError: If the model is not built, is not a graph of layers, contains a layer that
            cannot be rebuilt from its config; if `strict` and batch normalization cannot be folded,
            in which case the message names the layer and the reason; or if `dtype` is neither a
            dtype nor a dtype policy.

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
        >>> folded = catdog_keras.fold_batch_norm(model, dtype="bfloat16")
        >>> [type(layer).__name__ for layer in folded.layers]
        ['InputLayer', 'Conv2D', 'ReLU', 'BatchNormalization']
    """
    check_boolean("strict", strict)
    if dtype is not None:
        check_dtype(dtype)
    not_folded: list[str] = []
    if not is_plain_graph(check_graph(model)):
        remedy = "The new model would not have this method."
        requirement = "a model that does not override `call`"
        raise ValueError(describe("model", requirement, model, remedy))
    folded = _fold_layers(model, dtype, not_folded)
    if not_folded and strict:
        raise ValueError(
            f"{counted(len(not_folded), 'normalization')} of {model.name!r} cannot be folded: "
            f"{'; '.join(not_folded)}. "
            "With strict=False they are kept, and the others are folded."
        )
    folded.trainable = False
    return folded


def fold_if_possible(backbone: keras.Model, dtype: str | None) -> keras.Model:
    """Folds what can be folded; returns the backbone itself if its layers cannot be rebuilt.

    Raises a ValueError if such a backbone should get another dtype.
    """
    if dtype is not None:
        check_dtype(dtype)
    try:
        return fold_batch_norm(backbone, dtype=dtype)
    except (NotImplementedError, TypeError, ValueError) as error:
        if dtype is not None:
            requirement = (
                "None for a backbone with layers that cannot be rebuilt from their configs"
            )
            raise ValueError(describe("dtype", requirement, dtype)) from error
        return backbone


def check_dtype(dtype: Any) -> None:
    """Raises a ValueError if `dtype` of a folded model is neither a dtype nor a dtype policy."""
    try:
        keras.dtype_policies.get(dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(
            describe("dtype", "a dtype or a policy, such as 'mixed_bfloat16', or None", dtype)
        ) from error


def _fold_layers(model: keras.Model, dtype: str | None, not_folded: list[str]) -> keras.Model:
    """Folds a model and its nested models; appends to `not_folded` what it keeps, and why."""
    sequential = isinstance(model, keras.Sequential)
    inputs, outputs = (
        (model.inputs[0], model.outputs[0]) if sequential else (model.input, model.output)
    )
    plain = keras.Model(inputs, outputs, name=model.name)
    layers = {layer.name: layer for layer in plain.layers}
    try:
        graph = LayerGraph.from_model(plain)
    except NotImplementedError as error:
        # Raised by a nested layer; Keras's message does not name it.
        requirement = "a model whose layers all have a config"
        reason = next(line for line in str(error).splitlines() if line)
        raise ValueError(describe("model", requirement, model, f"Keras says: {reason}")) from error
    plan = _FoldingPlan(layers, graph, not_folded)
    for layer in plain.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            plan.place_layer(layer)
        elif type(layer) is ConvBlock and layer.batch_normalization is not None:
            plan.place_block(layer)
        elif not is_plain_graph(layer) and contains_batch_norm(layer):
            kind = type(layer).__name__
            not_folded.append(
                f"the one inside {layer.name!r} ({kind}), which is part of another layer"
            )
    padding = foldable_padding(layers, graph)
    removed = plan.removed | {layer.name for layer in padding.values()}
    copies: list[tuple[keras.Layer, keras.Layer]] = []

    def copy(layer: keras.Layer) -> keras.Layer:
        if is_plain_graph(layer):
            return _fold_layers(layer, dtype, not_folded)
        if not isinstance(layer, keras.Layer):  # a keras.ops operation
            return copy_layer(layer)
        changes: dict[str, Any] = {}
        if dtype is not None and getattr(layer, "quantization_mode", None) is None:
            changes["dtype"] = dtype
        if layer.name in plan.norm_of_input or layer.name in plan.norm_of_output:
            changes["use_bias"] = True
        if layer.name in plan.blocks_without_norm:
            changes["normalization"] = None
        if layer.name in padding:
            changes["padding"] = "same"
        copies.append((layer, copy_layer(layer, **changes)))
        return copies[-1][1]

    def call(layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        return args[0] if layer.name in removed else layer(*args, **kwargs)

    folded = keras.models.clone_model(plain, clone_function=copy, call_function=call)
    for layer, copied in copies:
        if layer.name not in removed:
            assign_weights(copied, plan.weights_of(layer))
    return folded


@dataclass
class _FoldingPlan:
    """Which layer absorbs which batch normalization.

    Attributes:
        layers: The layers of the model by name.
        graph: Their connections.
        not_folded: What cannot be folded, and why.
        norm_of_input: Batch normalization of the input of a layer, by its name.
        norm_of_output: Batch normalization of the output of a layer, or of the convolution of a
            block.
        blocks_without_norm: The blocks whose own batch normalization is folded.
        removed: The batch-normalization layers that are folded.
    """

    layers: dict[str, keras.Layer]
    graph: LayerGraph
    not_folded: list[str]
    norm_of_input: dict[str, keras.Layer] = field(default_factory=dict)
    norm_of_output: dict[str, keras.Layer] = field(default_factory=dict)
    blocks_without_norm: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)

    def place_layer(self, norm: keras.Layer) -> None:
        """Assigns a layer to the one that absorbs it, or records why there is none."""
        sources = self.graph.sources[norm.name]
        source = self.layers.get(sources[0]) if len(sources) == 1 else None
        if type(norm) not in (keras.layers.BatchNormalization, BatchNormalization):
            self.not_folded.append(
                f"{norm.name!r}, which is of a custom class, {type(norm).__name__}"
            )
        elif len(sources) != 1:
            self.not_folded.append(f"{norm.name!r}, which is called {len(sources)} times")
        elif norm.name in self.graph.in_training:
            self.not_folded.append(f"{norm.name!r}, which is called with training=True")
        elif (obstacle_before := _obstacle_before(norm, source, self.graph)) is None:
            self.norm_of_output[sources[0]] = norm
            self.removed.add(norm.name)
        elif (obstacle_after := self._place_after(norm, norm, ())) is None:
            self.removed.add(norm.name)
        else:
            self.not_folded.append(
                f"{norm.name!r} after {sources[0]!r}, {obstacle_before}, and {obstacle_after}"
            )

    def place_block(self, block: ConvBlock) -> None:
        """Same for the batch normalization inside a block."""
        norm, parts = block.batch_normalization, [block.pooling_layer, block.dropout_layer]
        reason = None
        if block.name in self.graph.in_training:
            reason = "which is called with training=True"
        elif block.normalization == "before" or block.activation is keras.activations.linear:
            # No check as in `changed_kernel`: `kernel` includes LoRA weights, and Keras does not
            # quantize Conv2D.
            self.norm_of_output[block.name] = norm
        elif len(self.graph.sources[block.name]) != 1:
            reason = "which is called more than once"
        else:
            obstacle_after = self._place_after(block, norm, [part for part in parts if part])
            if obstacle_after is not None:
                reason = f"which follows the activation of the block, {obstacle_after}"
        if reason is None:
            self.blocks_without_norm.add(block.name)
        else:
            self.not_folded.append(f"the one inside {block.name!r} (ConvBlock), {reason}")

    def _place_after(
        self, start: keras.Layer, norm: keras.Layer, parts: Sequence[keras.Layer]
    ) -> str | None:
        """Assigns a batch normalization to the layer after `start` that absorbs it.

        Args:
            start: The batch normalization, or the block that contains it.
            norm: The batch normalization.
            parts: The parts of the block that follow it.

        Returns:
            Why there is none, or None.
        """
        passed: list[keras.Layer] = []
        place = start.name
        while True:
            users = self.graph.users.get(place, [])
            user = self.layers.get(users[0]) if len(users) == 1 else None
            if user is None:
                return "not before a single layer"
            is_single = self.graph.sources[user.name] == [place]
            if (
                type(user) not in COMMUTING_LAYERS
                or not is_single
                or user.name in self.graph.in_training
            ):
                break
            passed.append(user)
            place = user.name
        obstacle = _obstacle_after(user, [start, *passed])
        if obstacle is None and not is_single:
            obstacle = "which also has other inputs"
        if (
            obstacle is None
            and has_negative_scale(norm)
            and any(map(_is_max_pooling, [*parts, *passed]))
        ):
            obstacle = "with max pooling in between and negative scales"
        if obstacle is not None:
            return f"before {user.name!r}, {obstacle}"
        self.norm_of_input[user.name] = norm
        return None

    def weights_of(self, layer: keras.Layer) -> list[Any]:
        """Returns the weights of the copy of a layer."""
        norms = self.norm_of_input.get(layer.name), self.norm_of_output.get(layer.name)
        if norms == (None, None) and layer.name not in self.blocks_without_norm:
            return list(layer.get_weights())
        if type(layer) is not ConvBlock:
            return folded_weights(layer, *norms)
        own_norm = None if layer.name in self.blocks_without_norm else layer.batch_normalization
        convolution = layer.convolution
        weights = (
            convolution.get_weights()
            if norms == (None, None)
            else folded_weights(convolution, *norms)
        )
        return [*weights, *(own_norm.get_weights() if own_norm else ())]


def _obstacle_before(
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


def _obstacle_after(user: keras.Layer, path: Sequence[keras.Layer]) -> str | None:
    """Returns why a layer cannot absorb the batch normalization at the start of a path to it."""
    absorber = user.convolution if type(user) is ConvBlock else user
    if type(absorber) not in FOLDS_INPUT:
        return "which is not a convolution or dense layer of Keras"
    if (change := changed_kernel(absorber)) is not None:
        return change
    if not _pads_nothing(absorber):
        return "which pads"
    if any(type(each) is keras.layers.AveragePooling2D and each.padding == "same" for each in path):
        return "with padded average pooling in between"
    if len({_channel_position(each) for each in (*path, user)} - {None}) > 1:
        return "which has its channels on another axis"
    return None


def changed_kernel(layer: keras.Layer) -> str | None:
    """Returns why nothing can be folded into a layer's kernel: it is not one float variable."""
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


def _channel_position(layer: keras.Layer) -> str | None:
    """Returns the axis of a layer's channels for folding: "first", "last", another; None if any."""
    if isinstance(layer, (keras.layers.BatchNormalization, keras.layers.Dense)):
        rank = len(layer.input.shape)
        axis = layer.axis % rank if hasattr(layer, "axis") else rank - 1
        return None if rank == 2 else {1: "first", rank - 1: "last"}.get(axis, f"axis {axis}")
    data_format = getattr(layer, "data_format", None)
    return None if data_format is None else data_format.removeprefix("channels_")


def _is_max_pooling(layer: keras.Layer) -> bool:
    """Returns whether a layer takes maxima, which folding a negative scale would turn to minima."""
    return isinstance(layer, MAX_POOLING)


def _pads_nothing(layer: keras.Layer) -> bool:
    """Returns whether a layer reads no padding, to which folding would have to add an offset."""
    if isinstance(layer, keras.layers.Dense) or layer.padding == "valid":
        return True
    return all(side == 1 for side in layer.kernel_size)


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
            and _same_padding(layer.input.shape, user) == _integer_pairs(layer.padding)
        ):
            found[user.name] = layer
    return found


def _same_padding(
    input_shape: tuple[int | None, ...], convolution: keras.Layer
) -> list[tuple[int, int]] | None:
    """Returns the padding of `"same"` of a layer to fold, per axis; None if a size is unknown."""
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


def _integer_pairs(padding: tuple[tuple[int, int], tuple[int, int]]) -> list[tuple[int, int]]:
    """Returns the padding of a zero-padding layer to fold as a list, as `_same_padding` does."""
    return [(int(before), int(after)) for before, after in padding]
