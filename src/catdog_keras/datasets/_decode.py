"""Decoding of image files, by TensorFlow kernels or, for nonstandard files, by Pillow.

TensorFlow's kernels are faster and stricter: Pillow accepts PNG files with wrong checksums or
missing data, which would end an epoch with an error. The kernel therefore decides whether a file
is valid.
"""

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from catdog_keras._warnings import ignore_warnings_of

if TYPE_CHECKING:
    from PIL import Image

# Supported formats with their extensions. Pillow is restricted to them: by default it tries all
# formats that it supports, and some of those start other programs.
FORMAT_EXTENSIONS = {
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "JPEG": (".jpg", ".jpeg", ".jfif"),
    "MPO": (".jpg", ".jpeg", ".jfif"),
    "PNG": (".png",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}

# Formats whose standard images TensorFlow's kernels decode correctly.
KERNEL_FORMATS = ("JPEG", "PNG")

EXIF_ORIENTATION = 0x0112
TIFF_BITS, TIFF_PHOTOMETRIC, TIFF_SAMPLE_FORMAT = 258, 262, 339
WHITE_IS_ZERO = 0

ALPHA_BACKGROUND = (255, 255, 255)  # background of transparent images


def open_image(content: bytes) -> "Image.Image":
    """Reads the header of an image in one of the formats; does not decode the pixels."""
    from PIL import Image

    formats = [name for name in FORMAT_EXTENSIONS if name != "MPO"]  # MPO opens as JPEG
    return Image.open(io.BytesIO(content), formats=formats)


def decode_tf(content: Any) -> Any:
    """Decodes a standard JPEG or PNG in a dataset: bytes to uint8 (height, width, 3)."""
    import tensorflow as tf

    return tf.io.decode_image(content, channels=3, expand_animations=False)


def tf_decode_error(content: bytes, kind: str) -> str:
    """Returns why TensorFlow's kernel cannot decode a JPEG or PNG file, or an empty string.

    A JPEG file is decoded at an eighth of its size, which still reads the whole stream.
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


def decode_pillow(content: bytes) -> np.ndarray:
    """Decodes an image in any of the formats to RGB.

    EXIF orientation is applied, palettes are resolved, samples of more than 8 bits are scaled to 8,
    CMYK is converted, and transparent images are composited on white. Of several frames the first
    is used.

    Returns:
        uint8 array of shape `(height, width, 3)`.
    """
    from PIL import Image, ImageOps

    with ignore_warnings_of("PIL"), open_image(content) as opened:
        image = ImageOps.exif_transpose(_in_eight_bits(opened, content))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            ground = Image.new("RGBA", image.size, (*ALPHA_BACKGROUND, 255))
            image = Image.alpha_composite(ground, image)
        return np.asarray(image.convert("RGB"))


def _in_eight_bits(opened: "Image.Image", content: bytes) -> "Image.Image":
    """Scales 16-bit samples to 8 bits with rounding, in the cases where Pillow would not.

    Pillow clips 16-bit gray, truncates 16-bit color, and misses some transparent colors of PNG
    files.
    """
    import tensorflow as tf
    from PIL import Image
    from PIL.TiffImagePlugin import TiffImageFile

    if opened.format == "PNG":
        channels = 4 if opened.has_transparency_data else 3
        samples, white = tf.io.decode_png(content, channels, tf.uint16).numpy(), 0xFFFF
    elif isinstance(opened, TiffImageFile) and opened.mode.startswith("I;"):
        samples, white = np.asarray(opened), 2 ** max(opened.tag_v2[TIFF_BITS]) - 1
        if opened.tag_v2[TIFF_PHOTOMETRIC] == WHITE_IS_ZERO:
            samples = white - samples
    else:
        return opened
    scaled = np.rint(samples * np.float32(255 / white)).astype(np.uint8)
    image = Image.fromarray(scaled)
    # Read after decoding, because Pillow rotates TIFF images when it decodes them.
    image.getexif()[EXIF_ORIENTATION] = opened.getexif().get(EXIF_ORIENTATION, 1)
    return image
