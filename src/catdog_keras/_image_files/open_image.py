"""Opens an image of a supported format: reads its header, not its pixels."""

import io
from contextlib import suppress
from typing import TYPE_CHECKING

from catdog_keras._image_files.heif import HEIF, can_open_heif, heif_versions
from catdog_keras._image_files.strip_metadata import without_metadata

if TYPE_CHECKING:
    from PIL import Image

# Supported formats with their extensions. Pillow is restricted to them: by default it tries all
# formats that it supports, and some of those start other programs.
FORMAT_EXTENSIONS = {
    "BMP": (".bmp",),
    "GIF": (".gif",),
    HEIF: (".heic", ".heif"),
    "JPEG": (".jpg", ".jpeg", ".jfif"),
    "MPO": (".jpg", ".jpeg", ".jfif"),
    "PNG": (".png",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "AVIF": (".avif",),  # behind JPEG and PNG: Pillow imports all plugins when it meets this one
}

PNG_BITS = 24  # offset of the bits per sample in a PNG file
TIFF_BITS = 258  # tag of the bits per sample in a TIFF file


def open_image(content: bytes) -> "Image.Image":
    """Reads the header of an image in one of the formats; does not decode the pixels.

    Metadata that Pillow cannot read is ignored, as TensorFlow's kernels do.
    """
    from PIL import Image

    # MPO opens as JPEG, and HEIF is unknown to Pillow until its plugin is registered.
    formats = [name for name in FORMAT_EXTENSIONS if name not in ("MPO", HEIF)]
    if can_open_heif(content):
        formats = [HEIF]
    try:
        return Image.open(io.BytesIO(content), formats=formats)
    except (MemoryError, Image.DecompressionBombError):
        raise
    except Exception:  # various ones, for damaged files
        for less in without_metadata(content):
            with suppress(Exception):
                return Image.open(io.BytesIO(less), formats=formats)
        raise


def decoder_versions() -> dict[str, str]:
    """Returns the versions of the packages that decode images."""
    import PIL
    import tensorflow as tf

    return {"Pillow": PIL.__version__, "tensorflow": tf.__version__, **heif_versions()}
