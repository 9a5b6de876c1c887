"""A pretrained backbone, frozen, with a new head: pictures in, logits out."""

import os
from typing import Literal

import keras

from catdog_keras._checks import (
    check_choice,
    check_input_shape,
    check_integer,
    check_layer,
    check_number,
    describe,
)
from catdog_keras.layers import Preprocessing
from catdog_keras.models.backbones import BACKBONES, build_backbone

POOLING = {
    "avg": keras.layers.GlobalAveragePooling2D,
    "max": keras.layers.GlobalMaxPooling2D,
}


def transfer_model(
    backbone: str | keras.Model = "mobilenet_v2",
    input_shape: tuple[int, int, int] = (160, 160, 3),
    num_classes: int = 2,
    *,
    weights: str | os.PathLike[str] | None = "imagenet",
    preprocessing: str | keras.Layer | None = None,
    augmentation: keras.Layer | None = None,
    pooling: Literal["avg", "max"] = "avg",
    dropout: float = 0.2,
) -> keras.Model:
    """Builds a classifier on a frozen backbone.

    The model takes pictures in [0, 255] and scales them itself, as the backbone's weights expect:
    do not call `preprocess_input` before it. The backbone is frozen, so its batch normalisation
    stays in inference mode during training; only the head, one dense layer, is trained.

    Args:
        backbone: A name of the table `catdog_keras.models.BACKBONES`, or any `keras.Model` from
            pictures to features of rank 2 or 4. A model is used as it is, not copied, and frozen.
        input_shape: (height, width, channels) of the pictures.
        num_classes: Number of logits, at least 1.
        weights: For a named backbone: `"imagenet"`, the path of a weights file, or None for random
            ones. Not used for a model, which brings its own.
        preprocessing: For a model: a scheme of `Preprocessing`, or a layer, that brings [0, 255] to
            the range the model expects; None if it takes [0, 255]. A named backbone knows its own.
        augmentation: Layer from pictures in [0, 255] to pictures of the same shape, active in
            training only; None for none.
        pooling: `"avg"` or `"max"`, over height and width of the features.
        dropout: Share of the features dropped in training, from 0 to 1.

    Returns:
        An uncompiled `keras.Model` from `(batch, height, width, channels)` in [0, 255] to float32
        logits `(batch, num_classes)`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the name is not in the table, or a value is out of its range.
        WeightsNotFoundError: If the weights are neither on this machine nor to be downloaded, or
            their file is damaged or another network's; an `OSError` that names the file and the
            place where it is looked for.

    Example:
        >>> import catdog_keras
        >>> model = catdog_keras.transfer_model(input_shape=(96, 96, 3), weights=None)
        >>> [tuple(variable.shape) for variable in model.trainable_variables]
        [(1280, 2), (2,)]
    """
    input_shape = check_input_shape("input_shape", input_shape)
    num_classes = check_integer("num_classes", num_classes, minimum=1)
    check_choice("pooling", pooling, POOLING)
    check_number("dropout", dropout, minimum=0, maximum=1)
    if augmentation is not None:
        check_layer("augmentation", augmentation)
    if isinstance(backbone, keras.Model):
        scaling = _preprocessing(preprocessing)
    else:
        scaling = _check_named(backbone, input_shape, preprocessing)
        backbone = build_backbone(backbone, input_shape, weights)
    backbone.trainable = False

    x = images = keras.Input(input_shape, name="images")
    for layer in (augmentation, scaling):
        x = x if layer is None else layer(x)
    features = backbone(x, training=False)
    if len(features.shape) == 4:
        features = POOLING[pooling](name="pooling")(features)
    features = keras.layers.Dropout(dropout, name="dropout")(features)
    # float32 whatever the policy: a loss computed from 16-bit logits loses its small differences.
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(features)
    return keras.Model(images, logits, name=f"transfer_{backbone.name}")


def _check_named(
    name: str, input_shape: tuple[int, int, int], preprocessing: object
) -> keras.Layer | None:
    """Checks what is asked of a named backbone and returns its own preprocessing."""
    if not isinstance(name, str):
        raise TypeError(describe("backbone", "a name from BACKBONES or a keras.Model", name))
    known = BACKBONES[check_choice("backbone", name, BACKBONES)]
    if preprocessing is not None:
        raise ValueError(
            describe(
                "preprocessing",
                "None for a named backbone, which knows its own",
                preprocessing,
            )
        )
    height, width, channels = input_shape
    if min(height, width) < known.minimum_size or channels != 3:
        raise ValueError(
            describe(
                "input_shape",
                f"at least ({known.minimum_size}, {known.minimum_size}, 3) for {name!r}, "
                "with 3 channels",
                input_shape,
            )
        )
    return _preprocessing(known.preprocessing)


def _preprocessing(wanted: str | keras.Layer | None) -> keras.Layer | None:
    if wanted is None or isinstance(wanted, keras.Layer):
        return wanted
    return Preprocessing(wanted, name="preprocessing")
