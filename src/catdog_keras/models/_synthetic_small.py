"""A small residual network, pretrained on synthetic images: a backbone that needs no download."""

from importlib import resources
from typing import Any

import keras
import numpy as np

WEIGHTS_FILE = "_synthetic_small.npz"
STEM_FILTERS = 32
STAGE_FILTERS = (48, 80, 128)  # each stage halves height and width


def build_synthetic_small(input_shape: tuple[int, int, int], weights: str | None) -> keras.Model:
    """Builds the backbone: a stem convolution and three residual stages, without a classifier.

    The weights were trained by `scripts/train_synthetic_small.py` on images of
    `catdog_keras.datasets.synthetic` to predict species, pose, coat pattern and coat color. They
    are useful for synthetic images only: on photographs use a backbone with ImageNet weights.

    Source: He et al., "Deep Residual Learning for Image Recognition"
    (https://arxiv.org/abs/1512.03385), section 3.3; projection shortcuts (option B).

    Args:
        input_shape: (height, width, channels) of images in [-1, 1].
        weights: `"synthetic"` loads the packaged weights; None keeps random ones.

    Returns:
        A `keras.Model` from images to feature maps `(batch, height / 16, width / 16, 128)`.
    """
    x = images = keras.Input(input_shape, name="images")
    x = _add_convolution(x, STEM_FILTERS, 3, strides=2, name="stem")
    x = keras.layers.ReLU(name="stem_relu")(x)
    for number, filters in enumerate(STAGE_FILTERS, start=1):
        x = _add_residual_stage(x, filters, f"stage{number}")
    model = keras.Model(images, x, name="synthetic_small")
    if weights is not None:
        model.set_weights(read_packaged_weights())
    return model


def read_packaged_weights() -> list[np.ndarray]:
    """Returns the weights of `synthetic_small`, packaged in float16, in Keras's order."""
    with (
        resources.files("catdog_keras.models").joinpath(WEIGHTS_FILE).open("rb") as file,
        np.load(file, allow_pickle=False) as stored,
    ):
        return [stored[f"arr_{index}"].astype("float32") for index in range(len(stored.files))]


def _add_convolution(x: Any, filters: int, kernel_size: int, *, strides: int, name: str) -> Any:
    """Adds a convolution of `synthetic_small` without bias, and its batch normalization."""
    x = keras.layers.Conv2D(
        filters, kernel_size, strides=strides, padding="same", use_bias=False, name=f"{name}_conv"
    )(x)
    axis = 1 if keras.config.image_data_format() == "channels_first" else -1
    return keras.layers.BatchNormalization(axis=axis, momentum=0.9, name=f"{name}_bn")(x)


def _add_residual_stage(x: Any, filters: int, name: str) -> Any:
    """Adds a residual stage of `synthetic_small` that halves height and width."""
    shortcut = _add_convolution(x, filters, 1, strides=2, name=f"{name}_shortcut")
    x = _add_convolution(x, filters, 3, strides=2, name=f"{name}_1")
    x = keras.layers.ReLU(name=f"{name}_relu")(x)
    x = _add_convolution(x, filters, 3, strides=1, name=f"{name}_2")
    x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
    return keras.layers.ReLU(name=f"{name}_out")(x)
