"""What an odd picture becomes: the rules by which Pillow decodes what TensorFlow reads wrongly."""

import os

import numpy as np

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
