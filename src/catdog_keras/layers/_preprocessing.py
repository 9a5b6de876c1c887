"""Preprocessing of images in [0, 255] for pretrained backbones, and its inverse."""

from collections.abc import Sequence
from typing import Any

import keras

from catdog_keras import _backend
from catdog_keras._backbone_facts import FACTS
from catdog_keras._checks import DataFormat, check_choice, describe
from catdog_keras._preprocessing_schemes import SCHEMES, Scheme
from catdog_keras._suggestions import letters_of
from catdog_keras.layers._argument_names import SCHEME_NAMES, suggests_layer_arguments

# The modes of `preprocess_input` in Keras, and common names.
_HINTS = {
    **dict.fromkeys(("tf", "tensorflow", "[-1, 1]", "-1,1"), "Did you mean 'signed'?"),
    "caffe": "Did you mean 'imagenet_caffe'?",
    **dict.fromkeys(("torch", "pytorch"), "Did you mean 'imagenet_torch'?"),
    "imagenet": "Did you mean 'imagenet_torch' or 'imagenet_caffe'?",
    **dict.fromkeys(("[0, 1]", "0,1", "rescale"), "Did you mean 'unit'?"),
}


@keras.saving.register_keras_serializable(package="catdog_keras")
class Preprocessing(keras.layers.Layer):
    """Scales images in [0, 255] to the value range that a backbone expects.

    The input must be in [0, 255]. If the model already rescales its inputs (as EfficientNet does),
    or after `preprocess_input`, images are preprocessed twice without an error.

    Values are computed in float32 and rounded once to the compute dtype. They equal those of
    `preprocess_input` on a tensor bit for bit; in a compiled model, and on JAX compared with
    `preprocess_input` on an array, the last bit of a division may differ. `training` has no effect.
    The layer runs in a model, in a `tf.data` map with any backend, and on arrays.

    Source: `keras.applications.imagenet_utils.preprocess_input`, with the same order of operations:
    `"signed"` is its mode `"tf"`, `"imagenet_torch"` its `"torch"`, `"imagenet_caffe"` its
    `"caffe"`. The ImageNet means after Simonyan and Zisserman (https://arxiv.org/abs/1409.1556),
    section 2.1.

    Args:
        scheme: One of
            `"unit"`: to [0, 1];
            `"signed"`: to [-1, 1] (MobileNetV2, Xception, Inception);
            `"imagenet_torch"`: to [0, 1], minus the mean color, divided by its standard deviation
            (DenseNet);
            `"imagenet_caffe"`: from RGB to BGR, minus the mean color (ResNet, VGG).
        data_format: `"channels_last"`, `"channels_first"`, or None for
            `keras.config.image_data_format()`.
        **kwargs: Arguments of `keras.layers.Layer`: `name`, `dtype`, `trainable`.

    Input shape:
        `(batch, height, width, channels)` or `(height, width, channels)`, or with the channels
        before height; RGB for the ImageNet schemes. Integer or floating point, in [0, 255].

    Output shape:
        Same as the input, in the compute dtype; values are within `output_range`.

    Raises:
        ValueError: If `scheme` or `data_format` is unknown, or the images do not have the 3
            channels that the scheme requires.

    See Also:
        `transfer_model`: applies the scheme of a named backbone.
        `infer_input_range`: infers the range that a model expects.
        `check_pipeline`: finds images in a wrong range before training.

    Example:
    >>> import catdog_keras, numpy as np
    >>> layer = catdog_keras.layers.Preprocessing("signed")
    >>> float(layer(np.full((1, 1, 1), 255, "uint8"))[0, 0, 0])
    1.0
    """

    @suggests_layer_arguments(SCHEME_NAMES)
    def __init__(
        self, scheme: Scheme, *, data_format: DataFormat | None = None, **kwargs: Any
    ) -> None:
        """Validates and stores the arguments; see the class docstring."""
        super().__init__(**kwargs)
        self.scheme = check_choice("scheme", scheme, tuple(SCHEMES), _hints_for_scheme(scheme))
        self.data_format = _backend.resolve_data_format(data_format)
        # Autocasting would round the images to the compute dtype before the first operation.
        self.autocast = False

    @property
    def input_range(self) -> tuple[float, float]:
        """The lowest and the highest value that input images may have."""
        return 0.0, 255.0

    @property
    def output_range(self) -> tuple[float, float]:
        """The lowest and the highest output value for images in [0, 255]."""
        return SCHEMES[self.scheme].output_range

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Validates `input_shape`; the layer has no weights."""
        self.compute_output_shape(input_shape)
        self.built = True

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Returns `input_shape`.

        Raises:
            ValueError: If it does not have the number of channels that the scheme requires.
        """
        shape = tuple(input_shape)
        needed = SCHEMES[self.scheme].channels
        if needed is not None and shape[self._channel_axis] not in (needed, None):
            requirement = f"of {needed} channels ({self.data_format}) for scheme={self.scheme!r}"
            raise ValueError(describe("input_shape", requirement, shape))
        return shape

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Calls the layer; in a `tf.data` map with any Keras backend."""
        if _backend.is_foreign_tf_tensor(inputs):
            self.compute_output_shape(inputs.shape)
            return self.call(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def call(self, inputs: Any) -> Any:
        """Preprocesses images in [0, 255] for the backbone."""
        scheme, ops = SCHEMES[self.scheme], _backend.ops_for(inputs)
        outputs = ops.cast(inputs, "float32")
        if scheme.reverses_channels:
            outputs = _backend.reverse_axis(outputs, self._channel_axis)
        if scheme.divisor != 1.0:
            outputs = outputs / scheme.divisor
        if any(scheme.mean):
            outputs = outputs - self._per_channel(scheme.mean, ops)
        if len(scheme.deviation) > 1:
            outputs = outputs / self._per_channel(scheme.deviation, ops)
        return ops.cast(outputs, self.compute_dtype)

    def denormalize(self, images: Any) -> Any:
        """Converts preprocessed images back to RGB images in [0, 255], for example for plotting.

        Args:
            images: Output of this layer, a tensor or an array, batched or not; also in a `tf.data`
                map.

        Returns:
            The images in float32, equal to the originals up to rounding; values are not clipped.
        """
        scheme, ops = SCHEMES[self.scheme], _backend.ops_for(images)
        outputs = ops.cast(ops.convert_to_tensor(images), "float32")
        self.compute_output_shape(outputs.shape)
        outputs = outputs * self._per_channel(scheme.deviation, ops)
        outputs = outputs + self._per_channel(scheme.mean, ops)
        outputs = outputs * scheme.divisor
        if scheme.reverses_channels:
            outputs = _backend.reverse_axis(outputs, self._channel_axis)
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments of the layer."""
        return {**super().get_config(), "scheme": self.scheme, "data_format": self.data_format}

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else -3

    def _per_channel(self, values: tuple[float, ...], ops: Any) -> Any:
        tensor = ops.convert_to_tensor(values, "float32")
        return tensor if self._channel_axis == -1 else ops.reshape(tensor, (-1, 1, 1))


def _hints_for_scheme(value: Any) -> dict[str, str]:
    """Returns remedies for values that are not schemes, also if this one is a backbone's name."""
    if not isinstance(value, str):
        return _HINTS
    for name, facts in FACTS.items():
        if letters_of(name) == letters_of(value):
            scheme = (
                f"{name!r} contains its preprocessing."
                if facts.preprocessing is None
                else f"The scheme of {name!r} is {facts.preprocessing!r}."
            )
            hint = f"`transfer_model` preprocesses for its backbone. {scheme}"
            return {**_HINTS, value.lower(): hint}
    return _HINTS
