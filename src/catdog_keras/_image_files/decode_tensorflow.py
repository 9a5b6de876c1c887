"""Decoding of standard JPEG and PNG files by TensorFlow's kernels.

The kernels are faster and stricter than Pillow, which accepts PNG files with wrong checksums or
missing data. Such a file would end an epoch with an error, so the kernel decides if it is valid.
"""

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from catdog_keras._image_files.colors import convert_to_rgb
from catdog_keras._image_files.memory import discard_memory

if TYPE_CHECKING:
    from PIL import Image

# Formats whose standard images the kernels decode correctly.
KERNEL_FORMATS = ("JPEG", "PNG")
OPAQUE = np.uint8(255)
SMALL_PIXELS = 2048  # at least, of a JPEG file that is decoded smaller for a thumbnail


def decode_tf(content: Any, color_mode: str = "rgb") -> Any:
    """Decodes a standard JPEG or PNG in a dataset: bytes to uint8 (height, width, channels)."""
    import tensorflow as tf

    gray = color_mode == "grayscale"
    image = tf.io.decode_image(content, channels=1 if gray else 3, expand_animations=False)
    if color_mode == "rgba":  # the kernel does not add this channel to a JPEG
        return tf.concat([image, tf.ones_like(image[..., :1]) * OPAQUE], axis=-1)
    return image


def decode_small(
    content: bytes, kind: str, pixels: int, channels: int = 3
) -> "tuple[Callable[[int, int], Image.Image], tuple[int, int]]":
    """Decodes a JPEG or PNG file by TensorFlow's kernel to 8 bits, a large JPEG file smaller.

    Its smaller size is that of `thumbnail_reduction`; the kernel still reads the whole stream.

    Returns:
        A function from a range of rows to an image of them, and the width and height.

    Raises:
        ValueError: If the kernel cannot decode it.
    """
    import tensorflow as tf
    from PIL import Image

    try:
        if kind == "JPEG":
            decoded = tf.io.decode_jpeg(content, channels, ratio=thumbnail_reduction(pixels))
        else:
            decoded = tf.io.decode_png(content, channels)
    except tf.errors.OpError as error:
        reason = error.message.split("}} ")[-1].split(" [Op:")[0]
        raise ValueError(reason) from error
    samples = samples_of_tensor(decoded)
    height, width, _ = samples.shape

    def rows(top: int, bottom: int) -> "Image.Image":
        strip = Image.fromarray(samples[top:bottom])
        return strip if channels == 3 else convert_to_rgb(strip)

    return rows, (width, height)


def thumbnail_reduction(pixels: int) -> int:
    """Returns by how much TensorFlow's kernel divides a JPEG file's sides for a thumbnail."""
    return next((ratio for ratio in (8, 4, 2) if pixels >= ratio**2 * SMALL_PIXELS), 1)


def samples_of_tensor(image: Any) -> np.ndarray:
    """Returns the values of a tensor that is not used otherwise, without copying them.

    Their memory is returned to the system when the array is deleted.
    """
    samples = np.asarray(memoryview(image))
    weakref.finalize(samples, discard_memory, samples.ctypes.data, samples.nbytes).atexit = False
    return samples
