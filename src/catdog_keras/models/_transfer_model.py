"""Transfer learning: a frozen pretrained backbone with a new classification head."""

import os
from collections.abc import Sequence
from typing import Any, Literal

import keras

from catdog_keras._checks import (
    check_choice,
    check_class_names,
    check_input_shape,
    check_integer,
    check_number,
    describe,
)
from catdog_keras._input_range import (
    BYTES,
    Range,
    black_and_white,
    find_input_range,
    format_range,
    range_of,
    same_range,
)
from catdog_keras._input_shape import fits_shape
from catdog_keras._layer_graph import is_graph
from catdog_keras._preprocessing_schemes import SCHEMES, Scheme
from catdog_keras._suggestions import suggests_arguments
from catdog_keras._warnings import warn
from catdog_keras.layers import ClassNames, Preprocessing
from catdog_keras.models._argument_names import ARGUMENT_NAMES
from catdog_keras.models._backbone_names import find_backbone_name
from catdog_keras.models._backbones import BACKBONES, PRETRAINED, build_backbone, check_alpha
from catdog_keras.models._check_augmentation import Augmentation, check_augmentation
from catdog_keras.models._hub_backbone import build_hub_backbone, is_hub_name

# By the rank of the features: feature maps (height, width, channels), or the token sequence
# (tokens, channels) of a transformer.
POOLING = {
    "avg": {4: keras.layers.GlobalAveragePooling2D, 3: keras.layers.GlobalAveragePooling1D},
    "max": {4: keras.layers.GlobalMaxPooling2D, 3: keras.layers.GlobalMaxPooling1D},
}
POOLING_HINTS = dict.fromkeys(("average", "gap", "global", "mean"), "Did you mean 'avg'?")
DEFAULT_CLASSES = 2


@suggests_arguments(ARGUMENT_NAMES)
def transfer_model(
    backbone: str | keras.Model = "mobilenet_v2",
    input_shape: tuple[int, int, int] | None = None,
    num_classes: int = DEFAULT_CLASSES,
    *,
    weights: str | os.PathLike[str] | None = PRETRAINED,
    preprocessing: Scheme | keras.Layer | None = None,
    augmentation: Augmentation = None,
    pooling: Literal["avg", "max"] = "avg",
    dropout: float = 0.2,
    class_names: Sequence[str] | None = None,
    alpha: float | None = None,
) -> keras.Model:
    """Builds an image classifier on a frozen pretrained backbone.

    The model takes images in [0, 255] and contains the preprocessing that the backbone's weights
    expect: do not call `preprocess_input` on its inputs. The backbone is frozen, so its batch
    normalization runs in inference mode during training. Only the head, one dense layer, is
    trainable; `fit_head` is the fast way to train it. `summary()` lists the frozen and the
    trainable parameters.

    Args:
        backbone: A name in the table `catdog_keras.models.BACKBONES`, in any spelling, such as
            `"mobilenet_v2"` or Keras's `"MobileNetV2"`; a preset of KerasHub, such as
            `"keras_hub:dinov2_small"`, which must be installed and determines the size of the
            images; or any `keras.Model` that maps images to features of shape `(batch, features)`,
            `(batch, tokens, features)` or `(batch, height, width, features)`. A model is used
            directly, not copied, and frozen.
        input_shape: (height, width, channels) of the images. None takes that of a `backbone` that
            is a model for one size, otherwise (160, 160, 3).
        num_classes: Number of logits, at least 1. Defaults to the number of `class_names` if these
            are passed.
        weights: For a named backbone: `"pretrained"`, the weights that `BACKBONES` lists for it
            (`"imagenet"` for all but `synthetic_small`); the path of a weights file, but not for a
            preset; or None for random initialization. Ignored if `backbone` is a model, which has
            its own weights.
        preprocessing: If `backbone` is a model: a scheme of `Preprocessing`, or a layer, that maps
            [0, 255] to the range that the model expects; None if the model expects [0, 255]. A
            choice that contradicts the range that `infer_input_range` finds is warned of; a range
            that cannot be inferred is not checked, so a wrong choice only lowers the accuracy. Must
            be None for a named backbone, whose preprocessing is known.
        augmentation: `"light"`, `"medium"` or `"strong"` for the `augmentation_preset` of this
            name; or a layer that maps images in [0, 255] to images of the same shape and range,
            active only in training. A layer that is known to scale, or to have another
            `value_range`, is rejected. A list of names and layers is applied in order, as by
            `AugmentationPipeline`. None for no augmentation.
        pooling: `"avg"` or `"max"`: global pooling over all positions of the features.
        dropout: Dropout rate in front of the dense layer, from 0 to 1.
        class_names: Name of the class of each logit. The names are saved with the model;
            `get_class_names` returns them.
        alpha: Width of a MobileNet, as in `keras.applications`: a factor for the number of filters
            in each layer. `BACKBONES` lists the widths with published weights. None for 1; must be
            None for other backbones.

    Returns:
        An uncompiled `keras.Model` that maps images `(batch, height, width, channels)` in [0, 255]
        to float32 logits `(batch, num_classes)`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the name is not in the table, or a value is out of its range.
        WeightsNotFoundError: If the weights are not on this machine and cannot be downloaded, or
            the weights file is damaged or belongs to another network. It is an `OSError` whose
            message names the file and the folder that is searched.

    See Also:
        `BACKBONES`: the names, with preprocessing and smallest sizes.
        `fit_head`: trains the head.
        `fine_tune`: then trains the last layers of the backbone.
        `augmentation_preset`: what the names mean, and more options.

    Example:
        Random weights avoid the download in this example; omit `weights` to use the pretrained
        ones:

        >>> import catdog_keras, keras
        >>> model = catdog_keras.transfer_model(input_shape=(96, 96, 3), weights=None)
        >>> [tuple(variable.shape) for variable in model.trainable_variables]
        [(1280, 2), (2,)]

        With augmentation, and class names that are saved with the model:

        >>> model = catdog_keras.transfer_model(
        ...     "synthetic_small",
        ...     (64, 64, 3),
        ...     augmentation="light",
        ...     class_names=["chair", "lamp", "table"],
        ... )
        >>> model.output_shape, catdog_keras.get_class_names(model)
        ((None, 3), ('chair', 'lamp', 'table'))

        On your own backbone, which expects images in [-1, 1]:

        >>> backbone = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(8, 3)])
        >>> model = catdog_keras.transfer_model(backbone, preprocessing="signed")
        >>> [layer.name for layer in model.layers[-3:]]
        ['pooling', 'dropout', 'logits']
    """
    if isinstance(input_shape, (str, keras.Model)):
        remedy = "The backbone is the first argument."
        requirement = "an image's shape of three integers"
        raise TypeError(describe("input_shape", requirement, input_shape, remedy))
    if input_shape is None:
        input_shape = _default_input_shape(backbone)
    input_shape = check_input_shape("input_shape", input_shape)
    num_classes = _number_of_logits(num_classes, class_names)
    check_choice("pooling", pooling, POOLING, POOLING_HINTS)
    check_number("dropout", dropout, minimum=0, maximum=1)
    random_layer = check_augmentation(augmentation, input_shape)
    if isinstance(backbone, keras.Model):
        if alpha is not None:
            requirement = "None if `backbone` is a model"
            raise ValueError(describe("alpha", requirement, alpha))
        scaling = _as_preprocessing_layer(preprocessing)
        _warn_of_preprocessing(backbone, scaling, input_shape)
    else:
        if preprocessing is not None:
            requirement = "None for a named backbone, whose preprocessing is known"
            raise ValueError(describe("preprocessing", requirement, preprocessing))
        backbone, scaling = _build_named_backbone(backbone, input_shape, weights, alpha)
    backbone.trainable = False

    x = images = keras.Input(input_shape, name="images")
    for layer in (random_layer, scaling):
        x = x if layer is None else layer(x)
    _check_backbone_input(backbone, x.shape[1:])
    features = _call_backbone(backbone, x)
    if len(features.shape) > 2:
        features = POOLING[pooling][len(features.shape)](name="pooling")(features)
    features = keras.layers.Dropout(dropout, name="dropout")(features)
    # float32 under any dtype policy: 16-bit logits lose small differences of the loss.
    x = keras.layers.Dense(num_classes, dtype="float32", name="logits")(features)
    if class_names is not None:
        x = ClassNames(class_names, dtype="float32", name="class_names")(x)
    return keras.Model(images, x, name=f"transfer_{backbone.name}")


def _number_of_logits(num_classes: int, class_names: Sequence[str] | None) -> int:
    """Returns a transfer model's number of logits; `num_classes` and `class_names` must agree."""
    num_classes = check_integer("num_classes", num_classes, minimum=1)
    if class_names is None:
        return num_classes
    named = len(check_class_names(class_names))
    if num_classes not in (named, DEFAULT_CLASSES):
        requirement = f"{named}, the number of `class_names`, or the default"
        raise ValueError(describe("num_classes", requirement, num_classes))
    return named


def _call_backbone(backbone: keras.Model, images: Any) -> Any:
    """Calls a backbone in inference mode, by the name of its input if it has a dict input."""
    inputs = getattr(backbone, "input", None)
    if isinstance(inputs, dict) and len(inputs) == 1:
        images = dict.fromkeys(inputs, images)
    features = backbone(images, training=False)
    rank = len(features.shape) if hasattr(features, "shape") else None
    if rank not in (2, 3, 4):
        found = f"of rank {rank}" if rank else f"in the form {type(features).__name__}"
        raise ValueError(
            f"`backbone` must return one tensor of features of rank 2, 3 or 4; received "
            f"{backbone.name!r}, whose outputs are {found}. Select one output: "
            "`keras.Model(backbone.input, ...)`."
        )
    return features


def _build_named_backbone(
    name: Any,
    input_shape: tuple[int, int, int],
    weights: str | os.PathLike[str] | None,
    alpha: float | None,
) -> tuple[keras.Model, keras.Layer | None]:
    """Builds a transfer model's backbone, of the table or KerasHub, and the layer that scales."""
    if is_hub_name(name):
        if alpha is not None:
            raise ValueError(describe("alpha", "None for a KerasHub preset", alpha))
        return build_hub_backbone(name, weights)
    name = check_named_backbone(name, input_shape)
    backbone = build_backbone(name, input_shape, weights, check_alpha(name, alpha, weights))
    return backbone, _as_preprocessing_layer(BACKBONES[name].preprocessing)


def check_named_backbone(name: Any, input_shape: tuple[int, int, int]) -> str:
    """Returns a transfer model's backbone name; raises if it does not fit `input_shape`.

    Raises:
        TypeError: If the name is not a string.
        ValueError: If the name is not in the table, or the images are too small or not RGB.
    """
    name = find_backbone_name(name, BACKBONES)
    data_format, side = keras.config.image_data_format(), BACKBONES[name].minimum_size
    first = data_format == "channels_first"
    channels, *sides = input_shape if first else reversed(input_shape)
    if min(sides) < side or channels != 3:
        smallest = (3, side, side) if first else (side, side, 3)
        requirement = f"at least {smallest} for {name!r}, with 3 channels"
        remedy = f"Keras's image data format is {data_format!r}."
        raise ValueError(describe("input_shape", requirement, input_shape, remedy))
    return name


def _default_input_shape(backbone: Any) -> tuple[int, int, int]:
    """Returns the input shape of a model for images of one size, or that of the tutorial."""
    if isinstance(backbone, keras.Model) and is_graph(backbone) and len(backbone.inputs) == 1:
        shape = tuple(backbone.inputs[0].shape[1:])
        if len(shape) == 3 and None not in shape:
            return shape
    return 160, 160, 3


def _check_backbone_input(backbone: keras.Model, shape: Sequence[int | None]) -> None:
    """Raises an error if a transfer model's backbone does not take images of this shape."""
    if not is_graph(backbone) or len(backbone.inputs) != 1:
        return
    wanted = tuple(backbone.inputs[0].shape[1:])
    if not fits_shape(shape, wanted):
        requirement = f"{wanted}, the input shape of the backbone {backbone.name!r}"
        remedy = f"Keras's image data format is {keras.config.image_data_format()!r}."
        raise ValueError(describe("input_shape", requirement, tuple(shape), remedy))


def _warn_of_preprocessing(
    backbone: keras.Model, scaling: keras.Layer | None, input_shape: tuple[int, int, int]
) -> None:
    """Warns if a transfer model's backbone is known to expect another range than it gets."""
    image = black_and_white(input_shape)
    try:
        expected = find_input_range(backbone)
        found = BYTES if scaling is None else range_of(scaling(image, training=False))
    except Exception:  # the layers cannot be run alone: the range is unknown
        return
    if expected is None or same_range(found, expected):
        return
    ranges: dict[str | None, Range] = {None: BYTES}
    ranges.update((name, scheme.output_range) for name, scheme in SCHEMES.items())
    fits = [name for name, known in ranges.items() if same_range(known, expected)]
    warn(
        f"The backbone {backbone.name!r} expects pixel values in "
        f"{format_range(expected)}, as its layers or its name show, but receives images in "
        f"{format_range(found)}." + (f" Pass preprocessing={fits[0]!r}." if fits else ""),
    )


def _as_preprocessing_layer(wanted: Scheme | keras.Layer | None) -> keras.Layer | None:
    """Returns a transfer model's preprocessing scheme as a layer; a layer and None unchanged."""
    if wanted is None or isinstance(wanted, keras.Layer):
        return wanted
    return Preprocessing(wanted, name="preprocessing")
