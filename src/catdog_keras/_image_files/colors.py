"""Conversion of decoded images to RGB, grayscale or RGBA, with 8 bits per channel."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

CHANNELS = {"rgb": 3, "grayscale": 1, "rgba": 4}
ALPHA_BACKGROUND = (255, 255, 255)  # background of transparent images


def convert_to_mode(image: "Image.Image", color_mode: str) -> "Image.Image":
    """Converts a decoded image to `color_mode`; transparent pixels become white except in RGBA."""
    if color_mode == "rgba":
        return image.convert("RGBA" if image.has_transparency_data else "RGB").convert("RGBA")
    image = convert_to_rgb(image)
    return image.convert("L") if color_mode == "grayscale" else image


def convert_to_rgb(image: "Image.Image") -> "Image.Image":
    """Converts the colors of a decoded image to RGB; transparent pixels become white."""
    from PIL import Image

    if image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (*ALPHA_BACKGROUND, 255))
        image = Image.alpha_composite(ground, image)
    return image.convert("RGB")


def scale_to_8_bits(samples: np.ndarray, white: int) -> np.ndarray:
    """Scales samples of colors or gray levels to 8 bits with rounding."""
    return np.rint(samples * np.float32(255 / white)).astype(np.uint8)
