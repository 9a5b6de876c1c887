"""Images whose pixels equal the number of the image, and the numbers that a figure shows."""

import numpy as np


def consecutive_images(first, count=2, shape=(4, 6, 3)):
    """Returns uint8 images with the numbers `first`, `first + 1` and so on."""
    numbers = first + np.arange(count, dtype="uint8").reshape(-1, 1, 1, 1)
    return np.broadcast_to(numbers, (count, *shape)).copy()


def numbered_images(labels, shape=(4, 6, 3)):
    """Returns images numbered from 0, one for each label, and the labels as an array."""
    return consecutive_images(0, len(labels), shape), np.asarray(labels)


def shown_numbers(figure):
    """Returns the numbers of the images in each axes of a figure."""
    return [[int(image.get_array()[0, 0, 0]) for image in ax.images] for ax in figure.axes]
