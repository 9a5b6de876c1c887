"""How the bytes of a file become pixels: by TensorFlow's kernels, or by rules where they misread.

The kernels are the fast way, and the strict one: PNG files whose checksums do not fit, or that end
too early, pass Pillow and would end an epoch. So a kernel has the last word on whether it decodes.
"""

import io
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

# The formats that are read, each with its endings. Pillow is held to them: left alone it tries all
# that it knows, and some of those start other programs.
FORMAT_ENDINGS = {
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "JPEG": (".jpg", ".jpeg", ".jfif"),
    "MPO": (".jpg", ".jpeg", ".jfif"),
    "PNG": (".png",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}

# Formats whose plain pictures TensorFlow's own kernels decode, and decode rightly.
KERNEL_FORMATS = ("JPEG", "PNG")

EXIF_ORIENTATION = 0x0112
TIFF_BITS, TIFF_PHOTOMETRIC, TIFF_SAMPLE_FORMAT = 258, 262, 339
WHITE_IS_ZERO = 0

ALPHA_BACKGROUND = (255, 255, 255)  # what shines through where a picture is transparent


def open_picture(content: bytes) -> "Image.Image":
    """Reads the header of a picture in one of the formats; its pixels are not decoded yet."""
    from PIL import Image

    formats = [name for name in FORMAT_ENDINGS if name != "MPO"]  # opened as the JPEG that it is
    return Image.open(io.BytesIO(content), formats=formats)


def decode_by_kernel(content: Any) -> Any:
    """Decodes a plain JPEG or PNG file inside a dataset: bytes in, (height, width, 3) uint8 out."""
    import tensorflow as tf

    return tf.io.decode_image(content, channels=3, expand_animations=False)


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


def decode_with_rules(content: bytes) -> np.ndarray:
    """Decodes a picture in any of the formats into plain RGB.

    EXIF orientation is applied, a palette resolved, more than 8 bits scaled to 8, CMYK converted,
    transparency laid over white, and of several frames the first is taken.

    Returns:
        uint8 array of shape `(height, width, 3)`.
    """
    from PIL import Image, ImageOps

    with open_picture(content) as opened:
        image = ImageOps.exif_transpose(_in_eight_bits(opened, content))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            ground = Image.new("RGBA", image.size, (*ALPHA_BACKGROUND, 255))
            image = Image.alpha_composite(ground, image)
        return np.asarray(image.convert("RGB"))


def _in_eight_bits(opened: "Image.Image", content: bytes) -> "Image.Image":
    """The picture in samples of 8 bits, each of them rounded, where Pillow itself would not do so.

    It clips deep grey and cuts deep colour off; of PNG files it misses some colours called clear.
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
    # Asked for only now: Pillow turns TIFF pictures by itself as it decodes them.
    image.getexif()[EXIF_ORIENTATION] = opened.getexif().get(EXIF_ORIENTATION, 1)
    return image
