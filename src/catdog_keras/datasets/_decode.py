"""Decoding of image files, by TensorFlow kernels or, for nonstandard files, by Pillow.

TensorFlow's kernels are faster and stricter: Pillow accepts PNG files with wrong checksums or
missing data, which would end an epoch with an error. The kernel therefore decides whether a file
is valid.
"""

import io
import math
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from catdog_keras._warnings import ignore_warnings_of
from catdog_keras.datasets._heif import HEIF, can_open_heif, describe_avif, heif_versions
from catdog_keras.datasets._jpeg_scans import has_separate_scans
from catdog_keras.datasets._memory import discard
from catdog_keras.datasets._metadata import without_metadata, without_pixels
from catdog_keras.datasets._options import CHANNELS, BatchOptions
from catdog_keras.datasets._png_text import without_large_text

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

# Formats whose standard images TensorFlow's kernels decode correctly.
KERNEL_FORMATS = ("JPEG", "PNG")

EXIF_ORIENTATION = 0x0112
TIFF_BITS, TIFF_PHOTOMETRIC, TIFF_SAMPLE_FORMAT = 258, 262, 339
TIFF_ROWS_PER_STRIP, TIFF_TILE_WIDTH, TIFF_TILE_LENGTH = 278, 322, 323
WHITE_IS_ZERO = 0

ORIENTATIONS = range(1, 9)
TRANSPOSED = range(5, 9)  # orientations that exchange width and height
PNG_BITS = 24  # offset of the bits per sample
# Chunks and keywords that can hold an orientation. Pillow decodes a PNG file to search for them.
PNG_ORIENTATION = (b"eXIf", b"Raw profile type", b"XML:com.adobe.xmp")
STRIP_PIXELS = 2**19
ALIGNMENT = 64  # bytes, of the memory of a tensor
SMALL_PIXELS = 2048  # at least, of a JPEG file that is decoded smaller for a thumbnail

OPAQUE = np.uint8(255)
ALPHA_BACKGROUND = (255, 255, 255)  # background of transparent images


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


def open_described(content: bytes) -> "Image.Image":
    """Opens an image as `open_image` does, and adds to `info` what determines its memory.

    These are `bit_depth` and `chroma` of an AVIF file, `bit_depth` of a PNG file, `rotated` of a
    TIFF file, which Pillow copies to rotate it, and `several_scans` of a JPEG file, of which
    libjpeg holds all coefficients until the last scan.
    """
    from PIL.JpegImagePlugin import JpegImageFile

    image = open_image(content)
    if image.format == "AVIF":
        image.info.update(describe_avif(content))
    elif image.format == "PNG":
        image.info["bit_depth"] = content[PNG_BITS]
    elif image.format == "TIFF":
        image.info["rotated"] = read_orientation(image, content) > 1
    elif isinstance(image, JpegImageFile):
        separate = has_separate_scans(content, len(image.layer))
        image.info["several_scans"] = separate or "progressive" in image.info
    return image


def decoder_versions() -> dict[str, str]:
    """Returns the versions of the packages that decode images."""
    import PIL
    import tensorflow as tf

    return {"Pillow": PIL.__version__, "tensorflow": tf.__version__, **heif_versions()}


def decode_tf(content: Any, color_mode: str = "rgb") -> Any:
    """Decodes a standard JPEG or PNG in a dataset: bytes to uint8 (height, width, channels)."""
    import tensorflow as tf

    gray = color_mode == "grayscale"
    image = tf.io.decode_image(content, channels=1 if gray else 3, expand_animations=False)
    if color_mode == "rgba":  # the kernel does not add this channel to a JPEG
        return tf.concat([image, tf.ones_like(image[..., :1]) * OPAQUE], axis=-1)
    return image


def resize(image: Any, options: BatchOptions) -> Any:
    """Resizes an image to float32 in [0, 255], with the result of Keras's directory loader."""
    from catdog_keras._backend import resize_images  # imports Keras, which a scan does not need

    return resize_images(
        image,
        options.image_shape[:2],
        options.interpolation,
        options.crop_to_aspect_ratio,
        options.pad_to_aspect_ratio,
    )


def decode_small(
    content: bytes, kind: str, pixels: int, channels: int = 3
) -> "tuple[Callable[[int, int], Image.Image], tuple[int, int]]":
    """Decodes a JPEG or PNG file by TensorFlow's kernel to 8 bits, a large JPEG file smaller.

    Its smaller size is that of `reduction_of`; the kernel still reads the whole stream.

    Returns:
        A function from a range of rows to an image of them, and the width and height.

    Raises:
        ValueError: If the kernel cannot decode it.
    """
    import tensorflow as tf
    from PIL import Image

    try:
        if kind == "JPEG":
            decoded = tf.io.decode_jpeg(content, channels, ratio=reduction_of(pixels))
        else:
            decoded = tf.io.decode_png(content, channels)
    except tf.errors.OpError as error:
        reason = error.message.split("}} ")[-1].split(" [Op:")[0]
        raise ValueError(reason) from error
    samples = samples_of(decoded)
    height, width, _ = samples.shape

    def rows(top: int, bottom: int) -> "Image.Image":
        strip = Image.fromarray(samples[top:bottom])
        return strip if channels == 3 else to_rgb(strip)

    return rows, (width, height)


def reduction_of(pixels: int) -> int:
    """Returns by how much to divide the sides of a JPEG file of which a thumbnail is needed."""
    return next((ratio for ratio in (8, 4, 2) if pixels >= ratio**2 * SMALL_PIXELS), 1)


def decode_pillow(content: bytes, color_mode: str = "rgb", *, every: int = 1) -> np.ndarray:
    """Decodes an image in any of the formats to RGB, gray or RGBA.

    EXIF orientation is applied, palettes are resolved, samples of more than 8 bits are scaled to 8,
    CMYK is converted, and transparent images are composited on white, except in RGBA. Of several
    frames the first is used. Only each `every`-th row and column is returned.

    Returns:
        uint8 array of shape `(height, width, channels)`.
    """
    content = without_large_text(content)
    with ignore_warnings_of("PIL"), open_image(content) as opened:
        rows = _open_rows(opened, content)
        orientation = read_orientation(opened, content)
        width, height = (-(-side // every) for side in opened.size)
        channels = CHANNELS[color_mode]
        pixels = np.empty((height, width, channels), np.uint8)
        if orientation in TRANSPOSED:
            pixels = pixels.reshape(width, height, channels)
        stored = as_stored(pixels, orientation)
        for top, strip in _strips(rows, *opened.size):
            kept = np.asarray(_to_mode(strip, color_mode))[-top % every :: every, ::every]
            first = -(-top // every)
            stored[first : first + len(kept)] = kept.reshape(len(kept), -1, channels)
        return pixels


def decode_channels(content: bytes, color_mode: str, use: Callable[[Any], Any]) -> list[Any]:
    """Decodes an image as `decode_pillow` does, one channel after another, in less memory.

    Args:
        content: The file.
        color_mode: `"rgb"`, `"grayscale"` or `"rgba"`.
        use: Called with each channel, a uint8 tensor of shape `(height, width, 1)`. The next one
            overwrites its values.

    Returns:
        The results of `use`.
    """
    content = without_large_text(content)
    with ignore_warnings_of("PIL"), open_image(content) as opened:
        rows = _open_rows(opened, content)
        orientation = read_orientation(opened, content)
        width, height = opened.size
        sides = (width, height) if orientation in TRANSPOSED else (height, width)
        pixels, tensor = _shared_memory((*sides, 1))
        stored = as_stored(pixels[..., 0], orientation)
        results = []
        for channel in range(CHANNELS[color_mode]):
            for top, strip in _strips(rows, width, height):
                only = _to_mode(strip, color_mode).getchannel(channel)
                stored[top : top + strip.height] = np.asarray(only)
            results.append(use(tensor))
        return results


def _shared_memory(shape: tuple[int, ...]) -> tuple[np.ndarray, Any]:
    """Returns an array and a tensor of the same uint8 values; a conversion would copy them."""
    import tensorflow as tf

    size = math.prod(shape)
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    array = memory[start : start + size].reshape(shape)
    return array, tf.experimental.dlpack.from_dlpack(array.__dlpack__())


def decode_gray(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Decodes an image to gray, in less memory than `decode_pillow` would take for its colors.

    Returns:
        uint8 array of shape `(height, width)`, upright, and the mean of red, green and blue.
    """
    content = without_large_text(content)
    with ignore_warnings_of("PIL"), open_image(content) as opened:
        width, height = opened.size
        if opened.format == "PNG" and content[PNG_BITS] > 8:  # 8 bits suffice for gray levels
            channels = 4 if opened.has_transparency_data else 3
            rows, _ = decode_small(content, "PNG", width * height, channels)
        else:
            rows = _open_rows(opened, content)
        # Only now: Pillow rotates a TIFF file when it decodes it.
        orientation = read_orientation(opened, content)
        width, height = opened.size
        pixels = np.empty((height, width), np.uint8)
        if orientation in TRANSPOSED:
            pixels = pixels.reshape(width, height)
        stored = as_stored(pixels, orientation)
        sums = np.zeros(3)
        for top, strip in _strips(rows, width, height):
            colors = to_rgb(strip)
            stored[top : top + strip.height] = np.asarray(colors.convert("L"))
            sums += np.asarray(colors).reshape(-1, 3).sum(0, dtype=np.int64)
        return pixels, sums / (width * height)


def _strips(
    rows: "Callable[[int, int], Image.Image]", width: int, height: int
) -> "Iterator[tuple[int, Image.Image]]":
    """Yields strips with their first rows, because conversions need several times the memory."""
    step = max(1, STRIP_PIXELS // width)
    for top in range(0, height, step):
        yield top, rows(top, min(top + step, height))


def decode_small_pillow(
    image: "Image.Image",
) -> "tuple[Callable[[int, int], Image.Image], tuple[int, int]]":
    """Decodes an image of another format than PNG, a large JPEG file smaller; see `decode_small`.

    Raises:
        Exception: Various types, if the image is damaged, or its colors cannot be converted.
    """
    ratio = reduction_of(image.width * image.height)
    image.draft(image.mode, (max(1, image.width // ratio), max(1, image.height // ratio)))
    rows = _rows_of_image(image)  # reads the whole stream
    to_rgb(rows(0, 1))
    return lambda top, bottom: to_rgb(rows(top, bottom)), image.size


def read_orientation(image: "Image.Image", content: bytes) -> int:
    """Returns the EXIF orientation from 1 to 8; of a PNG file without any, without decoding it.

    It is 1 if it cannot be read or has another value: viewers show such images as they are stored.
    """
    if image.format == "PNG" and not any(name in content for name in PNG_ORIENTATION):
        return 1
    try:
        found = _read_exif(image, content).get(EXIF_ORIENTATION)
        return next((turn for turn in ORIENTATIONS if turn == found), 1)
    except MemoryError:
        raise
    except Exception:  # Pillow raises various exceptions for damaged metadata
        return 1


def _read_exif(image: "Image.Image", content: bytes) -> "Image.Exif":
    """Returns the EXIF data of an image; of a PNG file without its pixels.

    Pillow would decode them to search for EXIF data behind them.
    """
    from PIL import Image

    if image.format != "PNG":
        return image.getexif()
    with open_image(without_pixels(content)) as opened:
        return Image.Image.getexif(opened)


def _open_rows(opened: "Image.Image", content: bytes) -> "Callable[[int, int], Image.Image]":
    """Decodes an image and returns a function from a range of rows to an 8-bit image of them.

    The samples of a PNG file come from TensorFlow: Pillow truncates 16-bit color and misses some
    transparent colors.
    """
    import tensorflow as tf
    from PIL import Image

    if opened.format != "PNG":
        return _rows_of_image(opened)
    channels = 4 if opened.has_transparency_data else 3
    deep = content[PNG_BITS] > 8
    decoded = tf.io.decode_png(content, channels, tf.uint16 if deep else tf.uint8)
    samples = samples_of(decoded)

    def rows(top: int, bottom: int) -> "Image.Image":
        strip = samples[top:bottom]
        return Image.fromarray(_in_eight_bits(strip, 0xFFFF) if deep else strip)

    return rows


def _rows_of_image(opened: "Image.Image") -> "Callable[[int, int], Image.Image]":
    """Decodes an image by Pillow; see `_open_rows`. Pillow clips 16-bit gray."""
    from PIL import Image
    from PIL.TiffImagePlugin import TiffImageFile

    opened.load()
    if not isinstance(opened, TiffImageFile) or not opened.mode.startswith("I;"):
        return lambda top, bottom: opened.crop((0, top, opened.width, bottom))
    samples, white = np.asarray(opened), 2 ** max(opened.tag_v2[TIFF_BITS]) - 1
    inverted = opened.tag_v2[TIFF_PHOTOMETRIC] == WHITE_IS_ZERO

    def rows(top: int, bottom: int) -> "Image.Image":
        strip = samples[top:bottom]
        return Image.fromarray(_in_eight_bits(white - strip if inverted else strip, white))

    return rows


def samples_of(image: Any) -> np.ndarray:
    """Returns the values of a tensor that is not used otherwise, without copying them.

    Their memory is returned to the system when the array is deleted.
    """
    samples = np.asarray(memoryview(image))
    weakref.finalize(samples, discard, samples.ctypes.data, samples.nbytes).atexit = False
    return samples


def _in_eight_bits(samples: np.ndarray, white: int) -> np.ndarray:
    """Scales samples to 8 bits with rounding."""
    return np.rint(samples * np.float32(255 / white)).astype(np.uint8)


def _to_mode(image: "Image.Image", color_mode: str) -> "Image.Image":
    if color_mode == "rgba":
        return image.convert("RGBA" if image.has_transparency_data else "RGB").convert("RGBA")
    image = to_rgb(image)
    return image.convert("L") if color_mode == "grayscale" else image


def to_rgb(image: "Image.Image") -> "Image.Image":
    from PIL import Image

    if image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (*ALPHA_BACKGROUND, 255))
        image = Image.alpha_composite(ground, image)
    return image.convert("RGB")


def as_stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """Returns the view of an upright image in which the rows are those of the file."""
    views = {
        2: lambda: upright[:, ::-1],
        3: lambda: upright[::-1, ::-1],
        4: lambda: upright[::-1],
        5: lambda: upright.swapaxes(0, 1),
        6: lambda: np.rot90(upright),
        7: lambda: upright.swapaxes(0, 1)[::-1, ::-1],
        8: lambda: np.rot90(upright, -1),
    }
    return views.get(orientation, lambda: upright)()
