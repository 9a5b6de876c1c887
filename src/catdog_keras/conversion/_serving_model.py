"""The model that is exported: from images of any size to class probabilities."""

from dataclasses import asdict, dataclass
from typing import Any

import keras

from catdog_keras import _backend

IMAGES, PROBABILITIES = "images", "probabilities"


@dataclass(frozen=True)
class Preparation:
    """How images are prepared before the model, with the arguments of the loaders.

    Attributes:
        size: (height, width) to which images are resized.
        interpolation: Interpolation of the resizing.
        crop_to_aspect_ratio: Whether images are cropped to the aspect ratio of `size` first.
        pad_to_aspect_ratio: Whether images are filled with black up to it.
    """

    size: tuple[int, int]
    interpolation: str = "bilinear"
    crop_to_aspect_ratio: bool = False
    pad_to_aspect_ratio: bool = False

    def apply(self, images: Any) -> Any:
        """Resizes an image or a batch, a tensor of TensorFlow, to float32 in [0, 255]."""
        return _backend.resize_images(images, **asdict(self))


class _Resize(keras.layers.Layer):
    """Resizes images in the serving model as the training did. Keras never saves it."""

    def __init__(self, preparation: Preparation) -> None:
        super().__init__(dtype="float32", name="resize")
        self.preparation = preparation

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], *self.preparation.size, input_shape[-1])

    def call(self, inputs: Any) -> Any:
        resized = self.preparation.apply(keras.ops.cast(inputs, "float32"))
        # Converters do not infer the size of padded images.
        return keras.ops.reshape(resized, (-1, *self.preparation.size, inputs.shape[-1]))


def build_serving_model(
    model: keras.Model, preparation: Preparation, *, from_logits: bool, input_dtype: str = "uint8"
) -> keras.Model:
    """Adds the resizing in front of a model, and the probabilities behind it.

    Args:
        model: Model of one batch of images `(batch, height, width, 3)` in [0, 255], in float32. A
            single output is that of the second of two classes.
        preparation: How images are prepared.
        from_logits: Whether the model returns logits.
        input_dtype: Dtype of the images, `"uint8"` or `"float32"`.

    Returns:
        A model of images `(batch, any height, any width, 3)` in [0, 255], which returns a dict with
        the float32 `probabilities`, `(batch, classes)`.
    """
    images = keras.Input((None, None, 3), dtype=input_dtype, name=IMAGES)
    outputs = keras.tree.flatten(model(_Resize(preparation)(images)))[0]
    if outputs.shape[-1] == 1:  # sigmoid(x) is the softmax of (0, x)
        other = keras.ops.zeros_like(outputs) if from_logits else 1 - outputs
        outputs = keras.ops.concatenate([other, outputs], axis=-1)
    if from_logits:
        outputs = keras.ops.softmax(outputs)
    return keras.Model(images, {PROBABILITIES: outputs}, name="serving")
