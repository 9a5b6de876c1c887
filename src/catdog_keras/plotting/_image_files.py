"""Images of an evaluation, read from their files for display."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import Image

SIDE = 640  # pixels: more than a plot shows of one of its images
_REMEDY = "Pass the dataset that was evaluated, as in `plot_top_losses(evaluation, splits.test)`"


def read_file(index: int, file: str | None) -> npt.NDArray[Any]:
    """Returns the image of a file as uint8 (height, width, 3), upright and at most `SIDE` large.

    Transparent images are composited on white, as the loaders do.

    Args:
        index: Index of the image in the evaluation, for the error message.
        file: Path of the file, or None if it is not known.

    Raises:
        ValueError: If there is no file, or it cannot be read.
    """
    from PIL import Image, ImageOps

    if file is None:
        raise ValueError(
            f"`data` must be given if files are not known; received data=None, and image {index} "
            f'has no file. {_REMEDY}, or evaluate with `files=splits.files["test"]`.'
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata and size
            with Image.open(file) as opened:
                opened.draft("RGB", (SIDE, SIDE))  # a large JPEG file is decoded smaller
                image = _to_rgb(ImageOps.exif_transpose(opened))
            image.thumbnail((SIDE, SIDE))
            return np.asarray(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"`data` must be given if files cannot be read; received data=None, and {file!r} could "
            f"not be read as an image. {_REMEDY}."
        ) from error


def _to_rgb(image: "Image.Image") -> "Image.Image":
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits, which `convert` would clip
        image = Image.fromarray((np.asarray(image) // 256).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")
