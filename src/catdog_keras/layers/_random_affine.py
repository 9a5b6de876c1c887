"""Random affine augmentation: flip, zoom, shear, rotation and translation in one resampling."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import keras

from catdog_keras import _backend
from catdog_keras._checks import (
    DataFormat,
    check_choice,
    check_finite,
    check_range,
    describe,
)
from catdog_keras._warnings import warn
from catdog_keras.layers._affine_matrix import PARAMETERS, affine_matrix, check_count, check_names
from catdog_keras.layers._base_augmentation import BaseAugmentation, SeededLayer

Flip: TypeAlias = Literal["horizontal", "vertical", "horizontal_and_vertical"]
FillMode: TypeAlias = Literal["constant", "nearest", "wrap", "reflect"]
FLIPS = (None, *get_args(Flip))
FILL_MODES = get_args(FillMode)
INTERPOLATIONS = ("nearest", "bilinear")
ARGUMENTS = (
    "flip",
    "rotation_degrees",
    "zoom",
    "translation",
    "shear_degrees",
    "fill_mode",
    "interpolation",
    "fill_value",
    "seed",
    "data_format",
)

Span = float | Sequence[float]


@keras.saving.register_keras_serializable(package="catdog_keras")
class RandomAffine(SeededLayer, BaseAugmentation):
    """Randomly flips, zooms, shears, rotates and translates images, in one resampling.

    `rotation_degrees` is in degrees; the factor of `keras.layers.RandomRotation` is a fraction of a
    full turn. The layer is active only with `training=True`; otherwise images are returned
    unchanged.

    Parameters are drawn independently for each image. The image is flipped, zoomed, sheared and
    rotated about its center, in this order, and then translated. All steps are combined in one
    matrix, so an image is interpolated once instead of once per step, and regions that one step
    moves out of the image are not lost to later steps.

    `get_random_transformation` draws the parameters and `transform_images` applies them. Call them
    separately to transform an image and its mask with the same parameters.

    The layer runs in a model, compiled or not, and in a `tf.data` map with any Keras backend:
    `dataset.map(lambda images, labels: (layer(images, training=True), labels))`. In a map the
    random numbers are TensorFlow's, from the same seed; with `num_parallel_calls` each image still
    has its own transformation, but their order depends on thread timing. On TensorFlow the
    resampling is compiled for each image size that is known in a graph. Uncompiled code rounds
    coordinates differently, which changes images of 160 x 160 in [0, 255] by less than 0.01.

    Source: the composition follows `keras.layers.RandomRotation`, `RandomZoom` and
    `RandomTranslation` and keeps their directions, but avoids their separate resamplings.

    Args:
        flip: None, `"horizontal"` (swaps left and right), `"vertical"`, or
            `"horizontal_and_vertical"`; each with probability 1/2, independently.
        rotation_degrees: Number r, for an angle from [-r, r], or a pair (low, high); in degrees,
            from -360 to 360. Positive angles rotate counterclockwise.
        zoom: Number z, for a zoom from [-z, z], or a pair (low, high), from -0.9 to 9. The result
            shows `1 + zoom` times the height and width of the image: positive values zoom out, as
            in `keras.layers.RandomZoom`. The aspect ratio is kept.
        translation: Number t, for a translation from [-t, t], or a pair (low, high), from -1 to 1;
            a fraction of the height and, drawn independently, of the width. Positive values move
            the image down and to the right.
        shear_degrees: Number s, for an angle from [-s, s], or a pair (low, high); in degrees, from
            -80 to 80. Vertical lines are tilted by this angle; positive angles move their upper
            ends to the right.
        fill_mode: How points outside the image are filled: `"reflect"` (`d c b a | a b c d | d c b
            a`), `"nearest"` (`a a a a | a b c d | d d d d`), `"wrap"` (`a b c d | a b c d | a b c
            d`) or `"constant"` (`fill_value`).
        interpolation: `"bilinear"` or `"nearest"`.
        fill_value: Number, in the value range of the images, for `fill_mode="constant"`.
        seed: Integer from 0 to 2147483647, or None for a random seed. The same seed draws the same
            transformation, call by call, on the same backend.
        data_format: `"channels_last"`, `"channels_first"`, or None for
            `keras.config.image_data_format()`.
        **kwargs: Arguments of `keras.layers.Layer`: `name`, `dtype`, `trainable`.

    Input shape:
        `(batch, height, width, channels)` or `(height, width, channels)`, or with the channels
        before height. Integer or floating point, any range.

    Output shape:
        Same as the input, in the compute dtype. Values stay in the range of the input (and of
        `fill_value`), up to rounding.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument has a value that is not allowed, or the images have a height of 1
            or 3 pixels and more than four channels: their channels are on the other side.

    See Also:
        `augmentation_preset`: tested combinations with this layer.
        `AugmentationPipeline`: applies several layers as one.
        `plot_augmentation`: shows images before and after.

    Example:
    >>> import catdog_keras, numpy as np
    >>> layer = catdog_keras.layers.RandomAffine("horizontal", 30, 0.2, seed=0)
    >>> images = np.random.uniform(0, 255, (8, 32, 48, 3))
    >>> tuple(layer(images, training=True).shape)
    (8, 32, 48, 3)
    """

    def __init__(
        self,
        flip: Flip | None = None,
        rotation_degrees: Span = 0,
        zoom: Span = 0,
        translation: Span = 0,
        shear_degrees: Span = 0,
        *,
        fill_mode: FillMode = "reflect",
        interpolation: Literal["bilinear", "nearest"] = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        """Validates and stores the arguments; see the class docstring."""
        super().__init__(**kwargs)
        self.flip = check_choice("flip", flip, FLIPS)
        shift = check_range("translation", translation, minimum=-1, maximum=1)
        self._spans = {
            "zoom": check_range("zoom", zoom, minimum=-0.9, maximum=9),
            "shear_degrees": check_range("shear_degrees", shear_degrees, minimum=-80, maximum=80),
            "rotation_degrees": check_range(
                "rotation_degrees", rotation_degrees, minimum=-360, maximum=360
            ),
            "translation_height": shift,
            "translation_width": shift,
        }
        self.rotation_degrees = _as_given(rotation_degrees)
        self.zoom = _as_given(zoom)
        self.translation = _as_given(translation)
        self.shear_degrees = _as_given(shear_degrees)
        self.fill_mode = check_choice("fill_mode", fill_mode, FILL_MODES)
        self.interpolation = check_choice("interpolation", interpolation, INTERPOLATIONS)
        self.fill_value = check_finite("fill_value", fill_value)
        self.data_format = _backend.resolve_data_format(data_format)
        self._init_seed(seed)
        self._warn_of_fraction()

    def _warn_of_fraction(self) -> None:
        largest = max(map(abs, self._spans["rotation_degrees"]))
        if 0 < largest < 1:
            warn(
                f"`rotation_degrees` is in degrees; received "
                f"rotation_degrees={self.rotation_degrees!r}, less than one degree. The factor of "
                f"keras.layers.RandomRotation is a fraction of a full turn: for the same rotation "
                f"multiply it by 360.",
            )

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Returns `input_shape`.

        Raises:
            ValueError: If it does not have three or four axes, or has its channels evidently on the
                other side.
        """
        shape = super().compute_output_shape(input_shape)
        first, middle, last = shape[-3:]
        channels, side = (first, last) if self.data_format == "channels_first" else (last, first)
        # An image of 1 or 3 pixels in height, with more channels than any usual format.
        if side in (1, 3) and all(n is not None and n > 4 for n in (middle, channels)):
            other = "channels_last" if self.data_format == "channels_first" else "channels_first"
            requirement = f"the shape of images in {self.data_format!r}"
            remedy = f"For images with channels on the other side pass data_format={other!r}."
            raise ValueError(describe("input_shape", requirement, shape, remedy))
        return shape

    def get_random_transformation(self, batch_size: Any) -> dict[str, Any]:
        """Draws random transformation parameters for `batch_size` images.

        Args:
            batch_size: Integer, or a scalar integer tensor; number of images.

        Returns:
            A dictionary of float32 tensors of shape `(batch_size,)`: `flip_horizontal` and
            `flip_vertical` (1 where flipped, otherwise 0), `zoom`, `shear_degrees`,
            `rotation_degrees`, `translation_height` and `translation_width` (fractions).
        """
        units = self._random_uniform((batch_size, len(PARAMETERS)))
        ops = _backend.ops_for(units)
        drawn = {name: units[:, column] for column, name in enumerate(PARAMETERS)}
        for name, (low, high) in self._spans.items():
            drawn[name] = low + (high - low) * drawn[name]
        for direction in ("horizontal", "vertical"):
            name = f"flip_{direction}"
            chance = 0.5 if self.flip and direction in self.flip else 0.0
            drawn[name] = ops.cast(drawn[name] < chance, "float32")
        return drawn

    def transform_images(self, images: Any, transformation: Mapping[str, Any]) -> Any:
        """Transforms images with the given parameters.

        Args:
            images: Images, batched or not.
            transformation: Dictionary returned by `get_random_transformation` for the same number
                of images.

        Returns:
            The transformed images, in the compute dtype.

        Raises:
            ValueError: If the images do not have three or four axes, or the parameters are for
                another number of images.
        """
        ops = _backend.ops_for(images)
        # Integers cannot be interpolated, and half precision is too coarse for the pixel weights.
        images = ops.cast(ops.convert_to_tensor(images), "float32")
        self.compute_output_shape(images.shape)
        alone, first = len(images.shape) == 3, self.data_format == "channels_first"
        images = ops.expand_dims(images, 0) if alone else images
        images = ops.transpose(images, (0, 2, 3, 1)) if first else images
        check_names(transformation)
        tensors = {
            name: ops.convert_to_tensor(transformation[name], "float32") for name in PARAMETERS
        }
        check_count(tensors, images.shape[0], alone=alone)
        shape = ops.shape(images)  # in a `tf.data` map a tensor, which cannot be unpacked
        height, width = ops.cast(shape[1], "float32"), ops.cast(shape[2], "float32")
        outputs = _backend.resample(
            images,
            affine_matrix(tensors, height, width, ops),
            interpolation=self.interpolation,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
        )
        outputs = ops.transpose(outputs, (0, 3, 1, 2)) if first else outputs
        return ops.cast(ops.squeeze(outputs, 0) if alone else outputs, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments of the layer."""
        return {**super().get_config(), **{name: getattr(self, name) for name in ARGUMENTS}}


def _as_given(span: Span) -> Span:
    """Converts a list to a tuple, because Keras wraps lists that are assigned to attributes."""
    return tuple(span) if isinstance(span, list) else span
