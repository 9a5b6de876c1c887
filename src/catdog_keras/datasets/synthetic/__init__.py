"""Synthetic images of cats and dogs: a small data set that needs no network.

An image depends only on its class, its number and the seed. Its bytes are the same in every
process; another release of NumPy or Pillow may round differently.
"""

from catdog_keras.datasets.synthetic._images import (
    COUNT,
    VERSION,
    ImageAttributes,
    draw_image,
    draw_with_attributes,
    write_synthetic,
)

__all__ = [
    "COUNT",
    "VERSION",
    "ImageAttributes",
    "draw_image",
    "draw_with_attributes",
    "write_synthetic",
]
