"""Random affine augmentation: flip, zoom, shear, rotation and translation in one resampling."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import keras

from catdog_keras import _backend
from catdog_keras._checks import DataFormat, check_choice, describe
from catdog_keras.layers._affine_arguments import (
    Span,
    check_fill_channels,
    check_fill_value,
    check_rotation,
    check_shear,
    check_translation,
    check_zoom,
)
from catdog_keras.layers._affine_matrix import (
    PARAMETERS,
    affine_matrix,
    check_parameter_count,
    check_parameter_names,
)
from catdog_keras.layers._argument_names import AFFINE_NAMES, suggests_layer_arguments
from catdog_keras.layers._base_augmentation import BaseAugmentation, Seed, SeededLayer
from catdog_keras.layers._bounding_boxes import BoxFormat, check_box_format, transform_boxes

Flip: TypeAlias = Literal["horizontal", "vertical", "horizontal_and_vertical"]
FillMode: TypeAlias = Literal["constant", "nearest", "wrap", "reflect"]
Interpolation: TypeAlias = Literal["nearest", "bilinear", "bicubic"]
FLIPS = (None, *get_args(Flip))
_FLIP_HINTS: dict[Any, str] = {
    **dict.fromkeys((True, "h", "left_right"), "Did you mean 'horizontal'?"),
    **dict.fromkeys(("v", "up_down"), "Did you mean 'vertical'?"),
    **dict.fromkeys(("both", "hv"), "Did you mean 'horizontal_and_vertical'?"),
    **dict.fromkeys((False, "none"), "Pass None for no flip."),
}
FILL_MODES = get_args(FillMode)
INTERPOLATIONS = get_args(Interpolation)
ARGUMENTS = (
    "flip",
    "rotation_degrees",
    "zoom",
    "translation",
    "shear_degrees",
    "fill_mode",
    "interpolation",
    "fill_value",
    "data_format",
    "bounding_box_format",
)


@keras.saving.register_keras_serializable(package="catdog_keras")
class RandomAffine(SeededLayer, BaseAugmentation):
    """Randomly flips, zooms, shears, rotates and translates images, in one resampling.

    `rotation_degrees` is in degrees; the factor of `keras.layers.RandomRotation` is a fraction of a
    full turn. The layer augments when it is called, also in a `tf.data` map, unless it is called
    with `training=False`. Inside a model it is active in `fit` only: `predict`, `evaluate` and
    `model(images)` leave the images unchanged.

    Parameters are drawn independently for each image. The image is flipped, zoomed, sheared and
    rotated about its center, in this order, and then translated. All steps are combined in one
    matrix, so an image is interpolated once instead of once per step, and regions that one step
    moves out of the image are not lost to later steps.

    A dictionary with `images` is transformed as a whole: `segmentation_masks` by the nearest pixel,
    in their dtype, and `bounding_boxes` (a dictionary with `boxes` and `labels`) to the smallest
    boxes around the transformed ones, clipped to the image, with the label -1 if nothing is left.
    All other entries, such as `labels`, are returned unchanged. The dictionary itself is not
    modified. `get_random_transformation` draws the parameters and the `transform_` methods apply
    them, to transform other data with the same parameters.

    The layer runs in a model, compiled or not, and in a `tf.data` map with any Keras backend:
    `dataset.map(lambda images, labels: (layer(images), labels))`. In a map the random numbers are
    TensorFlow's, from the same seed; with `num_parallel_calls` each image still has its own
    transformation, but their order depends on thread timing. On TensorFlow the resampling is
    compiled for each image size that is known in a graph. Uncompiled code rounds coordinates
    differently, which changes images of 160 x 160 in [0, 255] by less than 0.01.

    Source: the composition follows `keras.layers.RandomRotation`, `RandomZoom` and
    `RandomTranslation` and keeps their directions, but avoids their separate resamplings. Boxes
    fit the transformed pixels; those of Keras's rotation and zoom are up to a pixel beside them.

    Args:
        flip: None, `"horizontal"` (swaps left and right), `"vertical"`, or
            `"horizontal_and_vertical"`; each with probability 1/2, independently.
        rotation_degrees: Number r, for an angle from [-r, r], or a pair (low, high); in degrees,
            from -360 to 360. Positive angles rotate counterclockwise.
        zoom: Number z, for a zoom from [-z, z], or a pair (low, high), from -0.9 to 9. The result
            shows `1 + zoom` times the height and width of the image: positive values zoom out, as
            in `keras.layers.RandomZoom`. The aspect ratio is kept. A pair of scales around 1, such
            as (0.8, 1.2), would shrink every image, and a warning proposes the pair to pass.
        translation: Number t, for a translation from [-t, t], or a pair (low, high), from -1 to 1;
            a fraction of the height and, drawn independently, of the width. Positive values move
            the image down and to the right.
        shear_degrees: Number s, for an angle from [-s, s], or a pair (low, high); in degrees, from
            -80 to 80. Vertical lines are tilted by this angle; positive angles move their upper
            ends to the right.
        fill_mode: How points outside the image are filled: `"reflect"` (`d c b a | a b c d | d c b
            a`), `"nearest"` (`a a a a | a b c d | d d d d`), `"wrap"` (`a b c d | a b c d | a b c
            d`) or `"constant"` (`fill_value`).
        interpolation: `"nearest"`, `"bilinear"` or `"bicubic"`, the cubic convolution of Keys
            (1981) with a = -0.5, as in Pillow's and TensorFlow's resizing. It is sharper and slower
            than `"bilinear"`. Masks are always resampled by `"nearest"`.
        fill_value: Number, in the value range of the images, for `fill_mode="constant"`; or a
            sequence of one number for each channel. Masks are filled with the same number, as in
            Keras, or with 0 for a sequence.
        seed: Integer from 0 to 2147483647, a `keras.random.SeedGenerator`, which may be shared by
            several layers, or None for a random seed. The same seed draws the same transformation,
            call by call, on the same backend.
        data_format: `"channels_last"`, `"channels_first"`, or None for
            `keras.config.image_data_format()`.
        bounding_box_format: Format of `boxes`, by Keras's names: `"xyxy"`, `"yxyx"`, `"xywh"`,
            `"center_xywh"` or `"center_yxhw"` in pixels; `"rel_xyxy"`, `"rel_yxyx"`, `"rel_xywh"`
            or `"rel_center_xywh"` in fractions of the width and height. None if there are no boxes.
        **kwargs: Arguments of `keras.layers.Layer`: `name`, `dtype`, `trainable`.

    Input shape:
        `(batch, height, width, channels)` or `(height, width, channels)`, or with the channels
        before height. Integer or floating point, any range. Or a dictionary with them as `images`.

    Output shape:
        Same as the input, in the compute dtype. Values stay in the range of the input (and of
        `fill_value`), up to rounding; `"bicubic"` may exceed it next to sharp edges.

    Raises:
        TypeError: If an argument has the wrong type or is unknown. For names of Keras's and
            torchvision's arguments, the message contains that of this layer.
        ValueError: If an argument has a value that is not allowed, the images have a height of 1 or
            3 pixels and more than four channels (their channels are on the other side), or there
            are boxes and `bounding_box_format` is None.

    See Also:
        `augmentation_preset`: tested combinations with this layer.
        `AugmentationPipeline`: applies several layers as one.
        `plot_augmentation`: shows images before and after.

    Example:
    >>> import catdog_keras, numpy as np
    >>> layer = catdog_keras.RandomAffine("horizontal", 30, 0.2, bounding_box_format="xyxy", seed=0)
    >>> images = np.random.uniform(0, 255, (1, 32, 48, 3))
    >>> boxes = {"boxes": [[[8, 4, 20, 16]]], "labels": [[1]]}
    >>> tuple(layer({"images": images, "bounding_boxes": boxes})["bounding_boxes"]["boxes"].shape)
    (1, 1, 4)
    """

    @suggests_layer_arguments(AFFINE_NAMES)
    def __init__(
        self,
        flip: Flip | None = None,
        rotation_degrees: Span = 0,
        zoom: Span = 0,
        translation: Span = 0,
        shear_degrees: Span = 0,
        *,
        fill_mode: FillMode = "reflect",
        interpolation: Interpolation = "bilinear",
        fill_value: Span = 0.0,
        seed: Seed = None,
        data_format: DataFormat | None = None,
        bounding_box_format: BoxFormat | None = None,
        **kwargs: Any,
    ) -> None:
        """Validates and stores the arguments; see the class docstring."""
        super().__init__(**kwargs)
        self.flip = check_choice("flip", flip, FLIPS, _FLIP_HINTS)
        shift = check_translation(translation)
        self._spans = {
            "zoom": check_zoom(zoom),
            "shear_degrees": check_shear(shear_degrees),
            "rotation_degrees": check_rotation(rotation_degrees),
            "translation_height": shift,
            "translation_width": shift,
        }
        self.rotation_degrees = _list_as_tuple(rotation_degrees)
        self.zoom = _list_as_tuple(zoom)
        self.translation = _list_as_tuple(translation)
        self.shear_degrees = _list_as_tuple(shear_degrees)
        self.fill_mode = check_choice("fill_mode", fill_mode, FILL_MODES)
        self.interpolation = check_choice("interpolation", interpolation, INTERPOLATIONS)
        self.fill_value = check_fill_value(fill_value)
        self.data_format = _backend.resolve_data_format(data_format)
        self.bounding_box_format = check_box_format(bounding_box_format)
        self._init_seed(seed)

    def _check_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Returns the shape as a tuple; raises if its channels are evidently on the other side."""
        shape = super()._check_shape(input_shape)
        first, middle, last = shape[-3:]
        channels, side = (first, last) if self.data_format == "channels_first" else (last, first)
        # An image of 1 or 3 pixels in height, with more channels than any usual format.
        if side in (1, 3) and all(n is not None and n > 4 for n in (middle, channels)):
            other = "channels_last" if self.data_format == "channels_first" else "channels_first"
            requirement = f"the shape of images in {self.data_format!r}"
            remedy = f"For images with channels on the other side pass data_format={other!r}."
            raise ValueError(describe("input_shape", requirement, shape, remedy))
        return shape

    def _check_annotations(self, inputs: Any) -> None:
        if isinstance(inputs, dict) and "bounding_boxes" in inputs:
            self._box_format()

    def _box_format(self) -> BoxFormat:
        if self.bounding_box_format is None:
            requirement = "the format of `bounding_boxes`"
            remedy = "For boxes (left, top, right, bottom) in pixels pass 'xyxy'."
            raise ValueError(describe("bounding_box_format", requirement, None, remedy))
        return self.bounding_box_format

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
        images = self._resample(images, transformation, self.interpolation, self.fill_value)
        return _backend.ops_for(images).cast(images, self.compute_dtype)

    def transform_segmentation_masks(
        self,
        segmentation_masks: Any,
        transformation: Mapping[str, Any],
        image_size: tuple[Any, Any] | None = None,
    ) -> Any:
        """Transforms masks with the given parameters, by the nearest pixel.

        Args:
            segmentation_masks: Masks of any size with a channel axis, batched or not.
            transformation: Dictionary returned by `get_random_transformation` for the same number
                of masks.
            image_size: (height, width) of the images in pixels; None for the aspect ratio of the
                masks.

        Returns:
            The transformed masks, in their dtype. Points outside are filled as in the images; with
            0 if `fill_value` has a number for each channel.

        Raises:
            ValueError: As for `transform_images`.
        """
        ops = _backend.ops_for(segmentation_masks)
        masks = ops.convert_to_tensor(segmentation_masks)
        fill_value = 0.0 if isinstance(self.fill_value, tuple) else self.fill_value
        outputs = self._resample(masks, transformation, "nearest", fill_value, image_size)
        return ops.cast(outputs, masks.dtype)

    def transform_bounding_boxes(
        self,
        bounding_boxes: Mapping[str, Any],
        transformation: Mapping[str, Any],
        image_size: tuple[Any, Any],
    ) -> dict[str, Any]:
        """Transforms bounding boxes with the given parameters.

        Args:
            bounding_boxes: Dictionary with `boxes` of shape `(batch, boxes, 4)` in
                `bounding_box_format` and `labels` of shape `(batch, boxes)`.
            transformation: Dictionary returned by `get_random_transformation` for the same batch.
            image_size: (height, width) of the images in pixels.

        Returns:
            The smallest boxes around the transformed boxes, clipped to the image. Boxes that are
            outside have no area and the label -1, as in Keras.

        Raises:
            ValueError: If `bounding_box_format` is None.
        """
        box_format = self._box_format()
        ops = _backend.ops_for(bounding_boxes["boxes"])
        height, width = (ops.cast(ops.convert_to_tensor(side), "float32") for side in image_size)
        matrix = affine_matrix(self._as_tensors(transformation, ops), height, width, ops)
        return transform_boxes(dict(bounding_boxes), matrix, (height, width), box_format, ops)

    def transform_batch(
        self, batch: dict[str, Any], transformation: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Transforms a batch of `images`, `segmentation_masks` and `bounding_boxes` together."""
        images = batch["images"]
        outputs = {"images": self.transform_images(images, transformation)}
        shape = _backend.ops_for(images).shape(images)
        size = (shape[1], shape[2]) if self.data_format == "channels_last" else (shape[2], shape[3])
        if "segmentation_masks" in batch:
            masks = batch["segmentation_masks"]
            outputs["segmentation_masks"] = self.transform_segmentation_masks(
                masks, transformation, size
            )
        if "bounding_boxes" in batch:
            boxes = batch["bounding_boxes"]
            outputs["bounding_boxes"] = self.transform_bounding_boxes(boxes, transformation, size)
        return outputs

    def _as_tensors(self, transformation: Mapping[str, Any], ops: Any) -> dict[str, Any]:
        check_parameter_names(transformation)
        return {name: ops.convert_to_tensor(transformation[name], "float32") for name in PARAMETERS}

    def _resample(
        self,
        images: Any,
        transformation: Mapping[str, Any],
        interpolation: str,
        fill_value: Any,
        image_size: tuple[Any, Any] | None = None,
    ) -> Any:
        """Returns the transformed images in float32, or masks of images of another size."""
        ops = _backend.ops_for(images)
        # Integers cannot be interpolated, and half precision is too coarse for the pixel weights.
        images = ops.cast(ops.convert_to_tensor(images), "float32")
        self.compute_output_shape(images.shape)
        alone, first = len(images.shape) == 3, self.data_format == "channels_first"
        images = ops.expand_dims(images, 0) if alone else images
        images = ops.transpose(images, (0, 2, 3, 1)) if first else images
        check_fill_channels(fill_value, images.shape[3])
        tensors = self._as_tensors(transformation, ops)
        check_parameter_count(tensors, images.shape[0], alone=alone)
        shape = ops.shape(images)  # in a `tf.data` map a tensor, which cannot be unpacked
        height, width = ops.cast(shape[1], "float32"), ops.cast(shape[2], "float32")
        pixel_shape = 1.0
        if image_size is not None:
            down, across = (ops.cast(ops.convert_to_tensor(side), "float32") for side in image_size)
            pixel_shape = (down / height) / (across / width)
        outputs = _backend.resample(
            images,
            affine_matrix(tensors, height, width, ops, pixel_shape=pixel_shape),
            interpolation=interpolation,
            fill_mode=self.fill_mode,
            fill_value=fill_value if self.fill_mode == "constant" else 0.0,
        )
        outputs = ops.transpose(outputs, (0, 3, 1, 2)) if first else outputs
        return ops.squeeze(outputs, 0) if alone else outputs

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments of the layer."""
        arguments = {name: getattr(self, name) for name in ARGUMENTS}
        return {**super().get_config(), **arguments, "seed": self._seed_config()}


def _list_as_tuple(span: Span) -> Span:
    """Converts a list for `RandomAffine` to a tuple, because Keras wraps lists in attributes."""
    return tuple(span) if isinstance(span, list) else span
