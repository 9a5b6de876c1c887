"""How a file becomes pixels: by TensorFlow's kernels, or by rules where those would read it wrong.

The kernels are the fast way, and the strict one: PNG files whose checksums do not fit, or that end
too early, pass Pillow and would end an epoch. So a kernel has the last word on whether it decodes.
"""

import os
from typing import Any

import numpy as np

# Formats whose plain pictures TensorFlow's own kernels decode, and decode rightly.
KERNEL_FORMATS = ("JPEG", "PNG")


def decode_by_kernel(file: Any) -> Any:
    """Reads a plain JPEG or PNG file inside a dataset: a path in, uint8 (height, width, 3) out."""
    import tensorflow as tf

    return tf.io.decode_image(tf.io.read_file(file), channels=3, expand_animations=False)


def kernel_complaint(content: bytes, kind: str) -> str:
    """Why TensorFlow's kernel does not decode a JPEG or PNG file; empty if it does.

    A JPEG file is decoded at an eighth of its size: its whole stream is read all the same.
    """
    import tensorflow as tf

    try:
        if kind == "JPEG":
            tf.io.decode_jpeg(content, channels=3, ratio=8)
        else:
            tf.io.decode_png(content, channels=3)
    except tf.errors.OpError as error:
        return error.message.split("}} ")[-1].split(" [Op:")[0]
    return ""


ALPHA_BACKGROUND = (255, 255, 255)  # what shines through where a picture is transparent


def decode_with_rules(path: str | os.PathLike[str]) -> np.ndarray:
    """Decodes any picture that Pillow knows into plain RGB.

    EXIF orientation is applied, a palette resolved, 16 bits scaled to 8, CMYK converted,
    transparency laid over white, and of several frames the first is taken.

    Returns:
        uint8 array of shape `(height, width, 3)`.
    """
    from PIL import Image, ImageOps

    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I"):  # 16 bits in one channel; Pillow's own convert() clips them
            samples = np.asarray(image, dtype=np.float64) / 257
            image = Image.fromarray(np.clip(np.rint(samples), 0, 255).astype(np.uint8))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            ground = Image.new("RGBA", image.size, (*ALPHA_BACKGROUND, 255))
            image = Image.alpha_composite(ground, image)
        return np.asarray(image.convert("RGB"))
