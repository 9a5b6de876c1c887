"""Measurements of image files and their pixels, made in one pass for all checks of data."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from catdog_keras._checks import describe
from catdog_keras._image_files.decode_pillow import decode_gray
from catdog_keras._image_files.limits import InvalidImageError, open_within_limits
from catdog_keras._image_files.memory import memory_to_decode, memory_to_read
from catdog_keras._image_files.orientation import read_orientation
from catdog_keras._image_files.read_file import file_size, read_regular_file
from catdog_keras._progress import progress_bar
from catdog_keras._warnings import ignore_warnings_of
from catdog_keras.datasets._perceptual_hash import Signature, signature_of
from catdog_keras.datasets._read_unchanged import read_unchanged
from catdog_keras.datasets._scan_report import ImageFile
from catdog_keras.diagnostics._image_inputs import Pixels
from catdog_keras.diagnostics._jpeg_quality import jpeg_quality

if TYPE_CHECKING:
    from PIL import Image

THUMBNAIL_SIDE = 64
SHARPNESS_SIDE = 256  # larger images are reduced, because blur counts relative to the image
DETAIL_SIDE = 512  # the center of this size is enough, and keeps large images fast
DARK_SHARE = 95  # percentile that dark images keep low
LEVELS_OF_NOISE = 4.0  # standard deviation that compression adds to lines of one color
DEEPEST_MARGIN = 4  # margins are searched up to the fourth part of a side
SMALLEST_ENERGY = 1e-3


@dataclass(frozen=True)
class FileFacts:
    """What the header of an image file states."""

    size: int
    kind: str
    exif_bytes: int
    orientation: int
    quality: int


@dataclass(frozen=True)
class ImageMeasurements:
    """Measurements of one image.

    Attributes:
        signature: Perceptual hash and the pixels of which it was computed.
        thumbnail: Grayscale image of 64 x 64 pixels, uint8.
        width: Width in pixels, after the EXIF rotation.
        height: Height in pixels, after the EXIF rotation.
        brightness: Mean gray level, from 0 to 255.
        highlight: Gray level that 95% of the pixels do not exceed.
        contrast: Standard deviation of the gray levels.
        color: Mean difference of red and green, and of blue and the mean of both, in levels.
        sharpness: Variance of the Laplacian divided by the variance of the gray levels, of the
            image at up to 256 pixels.
        detail: Energies of the three finest octaves, in squared levels.
        margins: Depth of the lines of one color at the top, bottom, left and right, in pixels.
        file: Facts of the file; None for an array.
    """

    signature: Signature
    thumbnail: Pixels
    width: int
    height: int
    brightness: float
    highlight: float
    contrast: float
    color: tuple[float, float]
    sharpness: float
    detail: tuple[float, float, float]
    margins: tuple[int, int, int, int]
    file: FileFacts | None


def measure_images(
    name: str, images: tuple[str, ...] | tuple[Pixels, ...] | tuple[ImageFile, ...]
) -> list[ImageMeasurements]:
    """Decodes and measures images in parallel: those of `check_image_list`, or checked files.

    Raises:
        ValueError: If a file cannot be read as an image, or has changed since it was checked.
    """

    def measure(place: int) -> ImageMeasurements:
        image = images[place]
        if isinstance(image, np.ndarray):
            return measure_pixels(image, None)
        return _measure_file(f"{name}[{place}]", image)

    return _measure_in_parallel(measure, images)


def _measure_in_parallel(
    measure: Callable[[int], ImageMeasurements], items: Sequence[object]
) -> list[ImageMeasurements]:
    """Measures each item by a function of its index, in threads and with a progress bar."""
    with (
        progress_bar("Measuring images", len(items), "images") as advance,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        found = []
        try:
            for each in pool.map(measure, range(len(items))):
                found.append(each)
                advance(1)
        except BaseException:  # after Ctrl-C or an error, the remaining images are skipped
            pool.shutdown(cancel_futures=True)
            raise
        return found


def _measure_file(name: str, file: str | ImageFile) -> ImageMeasurements:
    """Reads and measures a file."""
    path = file if isinstance(file, str) else file.path
    with memory_to_read(file_size(path)):
        return _measure_content(name, path, None if isinstance(file, str) else read_unchanged(file))


def _measure_content(name: str, path: str, checked: bytes | None) -> ImageMeasurements:
    """Measures an image file, or its bytes `checked`; raises with the reason if it is damaged."""
    try:
        content = read_regular_file(path)[0] if checked is None else checked
        with ignore_warnings_of("PIL"):
            image, content = open_within_limits(content)
            facts = FileFacts(
                size=len(content),
                kind=image.format or "",
                exif_bytes=len(image.info.get("exif") or b""),  # None in a HEIC file
                orientation=read_orientation(image, content),
                quality=jpeg_quality(image),
            )
        with memory_to_decode(image):
            return _measure_gray(*decode_gray(content), facts)
    except MemoryError:
        raise
    except Exception as error:  # decoders raise various exceptions for damaged files
        expected = isinstance(error, (OSError, InvalidImageError))
        reason = getattr(error, "strerror", None) or str(error)
        reason = reason if expected else f"could not be decoded: {reason}"
        remedy = f"It is not: {reason}. Fix or remove it; `scan_images` lists all such files."
        raise ValueError(describe(name, "a file that can be read as an image", path, remedy)) from (
            error
        )


def measure_pixels(pixels: Pixels, facts: FileFacts | None) -> ImageMeasurements:
    """Measures one image of 3 channels or 1 channel, or of shape `(height, width)`."""
    from PIL import Image

    if pixels.ndim == 2 or pixels.shape[2] == 1:
        gray = pixels.reshape(pixels.shape[:2])
        return _measure_gray(gray, np.full(3, gray.mean()), facts)
    colors = pixels.reshape(-1, 3).mean(0)
    return _measure_gray(np.asarray(Image.fromarray(pixels).convert("L")), colors, facts)


def _measure_gray(
    levels: Pixels, colors: npt.NDArray[np.float64], facts: FileFacts | None
) -> ImageMeasurements:
    """Measures an image by its gray levels and its mean color.

    Sources: Pech-Pacheco et al. (2000), Diatom autofocusing in brightfield microscopy: a
    comparative study, for the variance of the Laplacian as sharpness; Mallat (1989), A theory for
    multiresolution signal decomposition: the wavelet representation, for energies by octave.
    """
    from PIL import Image

    gray = Image.fromarray(np.ascontiguousarray(levels))
    red, green, blue = colors.tolist()
    thumbnail = np.asarray(gray.resize((THUMBNAIL_SIDE,) * 2, Image.Resampling.BOX))
    counts = np.array(gray.histogram(), np.float64) / (gray.width * gray.height)
    values = np.arange(256)
    brightness = float(counts @ values)
    return ImageMeasurements(
        signature=signature_of(gray),
        thumbnail=thumbnail,
        width=gray.width,
        height=gray.height,
        brightness=brightness,
        highlight=float(np.searchsorted(counts.cumsum(), DARK_SHARE / 100)),
        contrast=float(counts @ (values - brightness) ** 2) ** 0.5,
        color=(red - green, blue - (red + green) / 2),
        sharpness=_sharpness(gray),
        detail=_octave_energies(gray),
        margins=_uniform_margins(levels),
        file=facts,
    )


def _sharpness(gray: "Image.Image") -> float:
    """Returns the variance of the Laplacian, relative to that of the image."""
    from PIL import Image

    scale = min(1.0, SHARPNESS_SIDE / max(gray.size))
    width, height = (max(1, round(side * scale)) for side in gray.size)
    levels = np.asarray(gray.resize((width, height), Image.Resampling.BOX), np.float32)
    if min(levels.shape) < 3:
        return 0.0
    neighbors = levels[:-2, 1:-1] + levels[2:, 1:-1] + levels[1:-1, :-2] + levels[1:-1, 2:]
    variance = float((neighbors - 4 * levels[1:-1, 1:-1]).var())
    return variance / max(float(levels.var()), 1.0)


def _octave_energies(gray: "Image.Image") -> tuple[float, float, float]:
    """Measures the energies of the Haar coefficients of three octaves, the finest one first."""
    width, height = (min(side, DETAIL_SIDE) for side in gray.size)
    left, top = (gray.width - width) // 2, (gray.height - height) // 2
    levels = np.asarray(gray.crop((left, top, left + width, top + height)), np.float32)
    energies = []
    for _ in range(3):
        rows, columns = (side // 2 * 2 for side in levels.shape)
        if not rows or not columns:
            energies.append(0.0)
            continue
        upper, lower = levels[:rows:2, :columns], levels[1:rows:2, :columns]
        added, difference = upper + lower, upper - lower
        across = added[:, ::2] - added[:, 1::2]
        energies.append(float((across**2).mean() + 2 * (difference**2).mean()) / 4)
        levels = ((added[:, ::2] + added[:, 1::2]) / 4).astype(np.float32)
    return energies[0], energies[1], energies[2]


def _uniform_margins(levels: Pixels) -> tuple[int, int, int, int]:
    """Measures how many lines of an image at the top, bottom, left and right have one color."""
    rows, columns = (max(1, side // DEEPEST_MARGIN) for side in levels.shape)
    return (
        _uniform_margin(levels[:rows]),
        _uniform_margin(levels[::-1][:rows]),
        _uniform_margin(levels[:, :columns].T),
        _uniform_margin(levels[:, ::-1][:, :columns].T),
    )


def _uniform_margin(lines: Pixels) -> int:
    """Measures how many lines of an image, from the first on, have the color of the first one."""
    if lines[0].std() >= LEVELS_OF_NOISE:  # nearly always, so that the others are not computed
        return 0
    color = lines[0].mean(dtype=np.float32)
    other = (n for n, line in enumerate(lines) if np.abs(line - color).mean() >= LEVELS_OF_NOISE)
    return next(other, len(lines))
