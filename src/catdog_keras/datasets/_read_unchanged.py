"""Reads an image file that has not changed since it was inspected."""

import hashlib

from catdog_keras._image_files.read_file import read_regular_file
from catdog_keras._printable import printable
from catdog_keras.datasets._scan_report import ImageFile


def read_unchanged(image: ImageFile) -> bytes:
    """Reads an image file that was inspected before.

    Raises:
        ValueError: If the file is missing, cannot be read or has changed; the message names it.
    """
    try:
        content, stamp = read_regular_file(image.path)
    except OSError as error:
        raise ValueError(describe_change(image, error.strerror or str(error))) from error
    if len(content) != image.size:
        raise ValueError(describe_change(image, f"{len(content)} bytes, not {image.size}"))
    if stamp != image.stamp and hashlib.sha256(content).hexdigest() != image.sha256:
        raise ValueError(describe_change(image, "other content of the same size"))
    return content


def describe_change(image: ImageFile, reason: str) -> str:
    """Describes an image that cannot be read: it has changed since it was checked."""
    return (
        f"{printable(image.path)!r} has changed since it was checked: {reason}. "
        "Restore the file, or load the dataset again."
    )
