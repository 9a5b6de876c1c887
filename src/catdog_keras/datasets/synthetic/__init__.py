"""Drawn pictures of cats and dogs: a small data set that needs no network.

Class and number also stand in the grey cells of each picture's lowest rows, so that a test can
check a picture against its label and its file. They are mixed by a cipher before they are painted:
no cell and no sum of cells tells the class, and a classifier has to look at the animal.

A picture depends on its class, its number and the seed alone. Its bytes are the same in every
process; another release of NumPy or Pillow may round differently.
"""

from catdog_keras.datasets.synthetic.identity import PictureIdentity, read_identity
from catdog_keras.datasets.synthetic.pictures import (
    COUNT,
    VERSION,
    draw_picture,
    write_synthetic,
)

__all__ = [
    "COUNT",
    "VERSION",
    "PictureIdentity",
    "draw_picture",
    "read_identity",
    "write_synthetic",
]
