"""Features of images: the pooled outputs of a pretrained network."""

import itertools
import os
from collections.abc import Iterator
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import to_array, to_tensor_or_numbers
from catdog_keras._batches import BATCH_SIZE
from catdog_keras._checks import check_choice, check_integer, describe, describe_received
from catdog_keras._input_shape import fits_shape
from catdog_keras._message import argument
from catdog_keras._prediction import check_inputs, predict_batches
from catdog_keras._printable import counted
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.conversion._fold_batch_norm import check_dtype, fold_if_possible
from catdog_keras.diagnostics._argument_names import FEATURE_NAMES
from catdog_keras.models import transfer_model
from catdog_keras.models._backbones import PRETRAINED
from catdog_keras.models._predict_probabilities import iterate_images
from catdog_keras.models._transfer_model import POOLING


@suggests_arguments(FEATURE_NAMES)
def extract_features(
    images: Any,
    backbone: str | keras.Model = "mobilenet_v2",
    *,
    weights: str | os.PathLike[str] | None = PRETRAINED,
    pooling: Literal["avg", "max"] = "avg",
    dtype: str | None = None,
    batch_size: int = BATCH_SIZE,
) -> npt.NDArray[np.float32]:
    """Computes the features of images: the pooled outputs of a pretrained network.

    Images of similar content have similar features, so that simple methods work on them:
    `find_label_issues`, `learning_curve`, a nearest-neighbor search or scikit-learn. Batch
    normalization is folded into the convolutions, which makes it faster. No progress is stored;
    save the array with `np.save`.

    The rows are in the order of the images. A dataset that is shuffled, such as the training images
    of `load_image_folder`, has another order than its files: load the files with `load_images`.

    Args:
        images: The `LabeledImages` of `load_images`; a dataset of batches `images` or
            `(images, labels)` that keeps its order; or an array of shape
            `(images, height, width, channels)`.
        backbone: A name in the table `catdog_keras.models.BACKBONES`, for images in [0, 255]. Or a
            `keras.Model` that maps images in the range that they have to features of shape
            `(batch, features)`, `(batch, tokens, features)` or `(batch, height, width, features)`.
            Of a model with a classification head, pass the part in front of the head.
        weights: For a named backbone, as for `transfer_model`. Ignored for a model.
        pooling: `"avg"` or `"max"`: global pooling over all positions, if there are positions.
        dtype: Dtype of the layers; None keeps that of the model. `"bfloat16"` is faster on
            processors with instructions for it.
        batch_size: Images per step if `images` is an array, at least 1.

    Returns:
        A float32 array of shape (images, features).

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If there is no image, the images do not fit the backbone, or features are not
            finite.
        WeightsNotFoundError: If the weights are not on this machine and cannot be downloaded.

    See Also:
        `transfer_model`: a classifier with the same features.
        `find_label_issues`: finds wrong labels with them.

    Example:
        >>> import catdog_keras, keras
        >>> files = catdog_keras.load_cats_dogs("synthetic").files["test"][:3]
        >>> images = catdog_keras.load_images(files, class_names=["cats", "dogs"])
        >>> catdog_keras.diagnostics.extract_features(images, "synthetic_small").shape
        (3, 128)

        With the features of a trained classifier:

        >>> model = catdog_keras.transfer_model("synthetic_small", (160, 160, 3))
        >>> front = keras.Model(model.input, model.get_layer("pooling").output)
        >>> catdog_keras.diagnostics.extract_features(images, front).shape
        (3, 128)
    """
    check_choice("pooling", pooling, POOLING)
    check_integer("batch_size", batch_size, minimum=1)
    if dtype is not None:
        check_dtype(dtype)
    if not isinstance(backbone, (str, keras.Model)):
        remedy = "The images are the first argument."
        requirement = "a name from BACKBONES or a keras.Model"
        raise TypeError(describe("backbone", requirement, backbone, remedy))
    if isinstance(images, (str, os.PathLike)) or _are_image_paths(images):
        remedy = "Load the files first: `load_images(paths)`."
        raise TypeError(describe("images", "images, or a dataset of them", images, remedy))
    if hasattr(images, "dataset") and hasattr(images, "scan"):  # LabeledImages, without TensorFlow
        images = images.dataset
    batches = iterate_images(images, batch_size)
    first = next(batches, None)
    shape = () if first is None else to_tensor_or_numbers("images", "images", first).shape
    if first is None or (shape and not shape[0]):
        raise ValueError(argument("images") + " must hold at least one image; received none.")
    if len(shape) != 4:
        requirement = "batches of images of shape (images, height, width, channels)"
        raise ValueError(describe_received("images", requirement, f"shape {tuple(shape)}"))
    model = _build_extractor(backbone, tuple(shape[1:]), weights, pooling, dtype)
    parts = predict_batches(
        model, _check_batches(model, itertools.chain([first], batches)), "images"
    )
    features = np.concatenate([to_array(outputs) for outputs, _ in parts]).astype(np.float32)
    _check_features_finite(features)
    return features


def _are_image_paths(images: Any) -> bool:
    """Returns whether `extract_features` received paths of images in place of images."""
    listed = isinstance(images, (list, tuple)) and len(images) > 0
    return listed and isinstance(images[0], (str, os.PathLike))


def _check_batches(model: keras.Model, batches: Iterator[Any]) -> Iterator[Any]:
    """Yields nonempty batches to extract features from; raises if they do not fit the model."""
    for batch in batches:
        images = check_inputs("images", model, batch)
        if len(images):
            yield images


def _build_extractor(
    backbone: str | keras.Model,
    image_shape: tuple[int, ...],
    weights: str | os.PathLike[str] | None,
    pooling: Literal["avg", "max"],
    dtype: str | None,
) -> keras.Model:
    """Returns a model of float32 features with folded batch normalization."""
    if isinstance(backbone, keras.Model):
        front = _pool_features(backbone, image_shape, pooling)
    else:
        height, width, channels = image_shape
        classifier = transfer_model(
            backbone, (height, width, channels), weights=weights, pooling=pooling
        )
        front = keras.Model(classifier.input, classifier.get_layer("dropout").input)
    front = fold_if_possible(front, dtype)
    inputs = keras.Input(image_shape)
    return keras.Model(inputs, keras.ops.cast(front(inputs, training=False), "float32"))


def _pool_features(
    backbone: keras.Model, image_shape: tuple[int, ...], pooling: Literal["avg", "max"]
) -> keras.Model:
    """Appends global pooling to a model of feature maps or tokens."""
    shape = getattr(backbone, "input_shape", None)  # a model with an own `call` may have none
    expected = shape[1:] if isinstance(shape, tuple) else (None, None, None)
    if not fits_shape(image_shape, expected):
        requirement = f"images of shape {expected}, the input of `backbone`"
        raise ValueError(describe_received("images", requirement, f"shape {image_shape}"))
    inputs = keras.Input(image_shape)
    features = backbone(inputs, training=False)
    rank = len(features.shape) if hasattr(features, "shape") else None
    if rank == 2:
        return backbone
    if rank not in (3, 4):
        remedy = "Select one output: `keras.Model(backbone.input, ...)`."
        requirement = "a model with one output of features, of rank 2, 3 or 4"
        raise ValueError(describe("backbone", requirement, backbone, remedy))
    return keras.Model(inputs, POOLING[pooling][rank]()(features))


def _check_features_finite(features: npt.NDArray[np.float32]) -> None:
    """Raises a ValueError that names the first image with NaN or infinite features."""
    bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if bad.size:
        raise ValueError(
            argument("images") + " must have finite features; received NaN or infinite values for "
            f"{counted(len(bad), 'image')}, the first at index {bad[0]}. Check its pixels and the "
            "weights. Layers in float16 overflow above 65504."
        )
