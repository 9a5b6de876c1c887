"""From pictures in [0, 255] to the values that a backbone was trained on, and back."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras

from catdog_keras import _backend
from catdog_keras._checks import check_choice, describe


class Scheme(NamedTuple):
    """One way to prepare pictures: `(picture / divisor - mean) / deviation`, channel by channel."""

    divisor: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    deviation: tuple[float, ...] = (1.0,)
    reverses_channels: bool = False

    @property
    def channels(self) -> int | None:
        """Number of channels that the scheme is for; None for any."""
        return len(self.mean) if len(self.mean) > 1 else None


SCHEMES = {
    "unit": Scheme(divisor=255.0),
    "signed": Scheme(divisor=127.5, mean=(1.0,)),
    "imagenet_torch": Scheme(
        divisor=255.0, mean=(0.485, 0.456, 0.406), deviation=(0.229, 0.224, 0.225)
    ),
    "imagenet_caffe": Scheme(mean=(103.939, 116.779, 123.68), reverses_channels=True),
}


@keras.saving.register_keras_serializable(package="catdog_keras")
class Preprocessing(keras.layers.Layer):
    """Brings pictures in [0, 255] to the value range that a backbone expects.

    The input must still be in [0, 255]: this layer in front of a model that rescales by itself
    (EfficientNet does), or after `preprocess_input`, prepares pictures twice, and no error tells.

    The values are computed in float32 and rounded once to the compute dtype. They are those of
    `preprocess_input` on a tensor, bit for bit; in a compiled model, and on JAX beside
    `preprocess_input` on an array, the last bit of a division may differ. `training` changes
    nothing. The layer works in a model, in a `tf.data` map on any backend, and on arrays.

    Source: `keras.applications.imagenet_utils.preprocess_input`, with the same order of
    operations: `"signed"` is its mode `"tf"`, `"imagenet_torch"` its `"torch"`,
    `"imagenet_caffe"` its `"caffe"`. The ImageNet means after Simonyan and Zisserman
    (https://arxiv.org/abs/1409.1556), section 2.1.

    Args:
        scheme: One of
            `"unit"`: to [0, 1];
            `"signed"`: to [-1, 1] (MobileNetV2, Xception, Inception);
            `"imagenet_torch"`: to [0, 1], minus the mean colour, over its deviation (DenseNet);
            `"imagenet_caffe"`: from RGB to BGR, minus the mean colour (ResNet, VGG).
        data_format: `"channels_last"`, `"channels_first"`, or None for Keras's own setting.
        **kwargs: Arguments of `keras.layers.Layer`: `name`, `dtype`, `trainable`.

    Input shape:
        `(batch, height, width, channels)` or `(height, width, channels)`, or with the channels
        before height; RGB for the ImageNet schemes. Integer or floating point, in [0, 255].

    Output shape:
        That of the input, in the compute dtype, within `output_range`.

    Raises:
        ValueError: If `scheme` or `data_format` is not a known one, or the pictures have other
            than the scheme's 3 channels.

    Example:
    >>> import catdog_keras, numpy as np
    >>> layer = catdog_keras.layers.Preprocessing("signed")
    >>> float(layer(np.full((1, 1, 1), 255, "uint8"))[0, 0, 0])
    1.0
    """

    def __init__(self, scheme: str, *, data_format: str | None = None, **kwargs: Any) -> None:
        """Checks and keeps the arguments; the class tells what they mean."""
        super().__init__(**kwargs)
        self.scheme = check_choice("scheme", scheme, tuple(SCHEMES))
        self.data_format = _backend.resolve_data_format(data_format)
        # Keras would round the pictures to the compute dtype before the first operation.
        self.autocast = False

    @property
    def input_range(self) -> tuple[float, float]:
        """The lowest and the highest value of the pictures that the layer takes."""
        return 0.0, 255.0

    @property
    def output_range(self) -> tuple[float, float]:
        """The lowest and the highest value that pictures in [0, 255] become."""
        divisor, mean, deviation, _ = SCHEMES[self.scheme]
        ends = [
            (value / divisor - center) / width
            for value in (0.0, 255.0)
            for center, width in zip(mean, deviation * (len(mean) // len(deviation)), strict=True)
        ]
        return min(ends), max(ends)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Checks `input_shape`; the layer has no weights."""
        self.compute_output_shape(input_shape)
        self.built = True

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Returns `input_shape`.

        Raises:
            ValueError: If it has not the number of channels that the scheme is for.
        """
        shape = tuple(input_shape)
        needed = SCHEMES[self.scheme].channels
        if needed is not None and shape[self._channel_axis] not in (needed, None):
            requirement = f"of {needed} channels ({self.data_format}) for scheme={self.scheme!r}"
            raise ValueError(describe("input_shape", requirement, shape))
        return shape

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Returns the prepared pictures, in a `tf.data` map whatever Keras's backend is."""
        if _backend.is_foreign(inputs):
            self.compute_output_shape(inputs.shape)
            return self.call(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def call(self, inputs: Any) -> Any:
        """Returns pictures in [0, 255] prepared for the backbone."""
        scheme, ops = SCHEMES[self.scheme], _backend.operations_for(inputs)
        outputs = ops.cast(inputs, "float32")
        if scheme.reverses_channels:
            outputs = _backend.reverse(outputs, self._channel_axis)
        if scheme.divisor != 1.0:
            outputs = outputs / scheme.divisor
        if any(scheme.mean):
            outputs = outputs - self._per_channel(scheme.mean, ops)
        if len(scheme.deviation) > 1:
            outputs = outputs / self._per_channel(scheme.deviation, ops)
        return ops.cast(outputs, self.compute_dtype)

    def inverse(self, images: Any) -> Any:
        """Turns prepared pictures back into RGB pictures in [0, 255], for plotting.

        Args:
            images: Tensor or array that this layer made, of either input shape; also in a
                `tf.data` map.

        Returns:
            The pictures in float32, up to rounding; values are not clipped.
        """
        scheme, ops = SCHEMES[self.scheme], _backend.operations_for(images)
        outputs = ops.cast(ops.convert_to_tensor(images), "float32")
        self.compute_output_shape(outputs.shape)
        outputs = outputs * self._per_channel(scheme.deviation, ops)
        outputs = outputs + self._per_channel(scheme.mean, ops)
        outputs = outputs * scheme.divisor
        if scheme.reverses_channels:
            outputs = _backend.reverse(outputs, self._channel_axis)
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make this layer again."""
        return {**super().get_config(), "scheme": self.scheme, "data_format": self.data_format}

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else -3

    def _per_channel(self, values: tuple[float, ...], ops: Any) -> Any:
        tensor = ops.convert_to_tensor(values, "float32")
        return tensor if self._channel_axis == -1 else ops.reshape(tensor, (-1, 1, 1))
