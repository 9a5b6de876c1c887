"""Images of an evaluation, read from their files for display."""

from typing import Any

import numpy as np
import numpy.typing as npt

from catdog_keras._image_files.read_file import read_regular_file
from catdog_keras._image_files.thumbnail import decode_thumbnail

SIDE = 640  # pixels: more than a plot shows of one of its images
_REMEDY = "Pass the dataset that was evaluated, as in `plot_top_losses(evaluation, splits.test)`"


def read_image(index: int, file: str | None) -> npt.NDArray[Any]:
    """Returns the image of a file as uint8 (height, width, 3), upright and at most `SIDE` large.

    Transparent images are composited on white, as the loaders do.

    Args:
        index: Index of the image in the evaluation, for the error message.
        file: Path of the file, or None if it is not known.

    Raises:
        ValueError: If there is no file, or it cannot be read.
    """
    if file is None:
        raise ValueError(
            f"`data` must be given if files are not known; received data=None, and image {index} "
            f"has no file. {_REMEDY}, or pass `files` to `evaluate_classifier`."
        )
    try:
        return np.asarray(decode_thumbnail(read_regular_file(file)[0], SIDE))
    except MemoryError:
        raise
    except Exception as error:  # decoders raise various exceptions for damaged files
        raise ValueError(
            f"`data` must be given if files cannot be read; received data=None, and {file!r} could "
            f"not be read as an image: {getattr(error, 'strerror', None) or error}. {_REMEDY}."
        ) from error
