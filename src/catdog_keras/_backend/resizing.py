"""Resizing of images in TensorFlow: in the datasets, and in the files that models are exported to.

Both call the same function, so that an exported file resizes images as the training did.
"""

from typing import Any

from catdog_keras._checks import MAX_SIDE

WITHIN_RANGE = ("bilinear", "nearest")  # others can return values outside of those of the image


def resize_images(
    images: Any,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
) -> Any:
    """Resizes an image, or a batch, to float32 in [0, 255], with the result of Keras's loader.

    Keras does not limit the result of interpolations that overshoot, such as bicubic.

    Args:
        images: Array or tensor of TensorFlow, `(height, width, channels)` or with a batch axis in
            front; height and width may be unknown.
        size: (height, width) of the result.
        interpolation: Method of `tf.image.resize`, without antialiasing.
        crop_to_aspect_ratio: Whether to crop to the aspect ratio of `size` first.
        pad_to_aspect_ratio: Whether to keep the aspect ratio and fill with zeros.
    """
    import tensorflow as tf

    images = tf.convert_to_tensor(images)
    if pad_to_aspect_ratio:
        images = _resize_with_pad(images, size, interpolation)
    else:
        if crop_to_aspect_ratio:
            images = _central_crop(images, size)
        images = tf.image.resize(images, size, interpolation)
    images = tf.cast(images, tf.float32)
    if interpolation in WITHIN_RANGE:
        return images
    return tf.clip_by_value(images, 0.0, 255.0)


def _resize_with_pad(images: Any, size: tuple[int, int], interpolation: str) -> Any:
    """Does what `tf.image.resize_with_pad` does, with sides of at least one pixel.

    TensorFlow rounds the sides of the resized image down, those of thin images to 0, and raises.
    """
    import tensorflow as tf

    found = tf.shape(images)[-3:-1]
    target, found = tf.cast(_opaque_size(size, found), tf.float32), tf.cast(found, tf.float32)
    fitting = found / tf.reduce_max(found / target)
    sides = tf.maximum(tf.cast(fitting, tf.int32), 1)
    before = tf.cast(tf.maximum(target - fitting, 0) / 2, tf.int32)
    images = tf.image.resize(images, sides, interpolation)
    both = tf.stack([before, tf.constant(size) - before - sides], axis=1)
    others = [[0, 0]] * (images.shape.rank - 3)
    return tf.pad(images, tf.concat([*([others] if others else []), both, [[0, 0]]], axis=0))


def _central_crop(images: Any, size: tuple[int, int]) -> Any:
    """Crops images before resizing: the largest central window with the aspect ratio of `size`."""
    import tensorflow as tf

    found = tf.shape(images)[-3:-1]
    sides = _opaque_size(size, found)
    # In float32 and rounded down, as `keras.preprocessing.image.smart_resize` does.
    fitting = tf.cast(found[::-1] * sides, tf.float32) / tf.cast(sides[::-1], tf.float32)
    window = tf.maximum(tf.minimum(found, tf.cast(fitting, tf.int32)), 1)
    top, left = tf.unstack((found - window) // 2)
    return images[..., top : top + window[0], left : left + window[1], :]


def _opaque_size(size: tuple[int, int], found: Any) -> Any:
    """Returns the size for resizing as a tensor with values unknown to the optimizers of graphs.

    They would replace the division by a constant by a multiplication, which rounds differently.
    """
    import tensorflow as tf

    return tf.minimum(tf.constant(size), found + MAX_SIDE)
