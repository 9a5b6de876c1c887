"""Classifies image files as good, nonstandard (converted when decoded) or bad, with a reason."""

import functools
import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from catdog_keras._image_files.decode_pillow import decode_small_pillow
from catdog_keras._image_files.decode_tensorflow import KERNEL_FORMATS, decode_small
from catdog_keras._image_files.limits import (
    InvalidImageError,
    UndecodableImageError,
    open_within_limits,
)
from catdog_keras._image_files.memory import (
    memory_to_decode,
    memory_to_read,
)
from catdog_keras._image_files.open_image import FORMAT_EXTENSIONS, PNG_BITS, TIFF_BITS, open_image
from catdog_keras._image_files.orientation import as_stored, read_orientation
from catdog_keras._image_files.read_file import file_size, read_regular_file
from catdog_keras._progress import progress_bar
from catdog_keras._warnings import ignore_warnings_of
from catdog_keras.datasets._check_cache import folder_prefix, open_check_cache
from catdog_keras.datasets._perceptual_hash import Gray, has_structure, hash_of, shrink
from catdog_keras.datasets._scan_report import ImageFile

if TYPE_CHECKING:
    from PIL import Image

UNREADABLE_FOLDER = "a folder that cannot be read"
LARGE_TEXT = "more text or color profile than Pillow reads, which is ignored"
DEEPEST = 16  # bits per sample; deeper ones, as in scientific images, have no defined scale
TIFF_SAMPLE_FORMAT = 339
SAMPLE_KINDS = {1: "unsigned", 2: "signed", 3: "floating-point"}  # SampleFormat of a TIFF file

MOST_THUMBNAILS = 100_000  # of 1 KB that are kept in memory

KERNEL_MODES = ("L", "RGB")


def inspect_files(
    paths: Sequence[str], *, recheck: bool = False, thumbnails: dict[str, Gray] | None = None
) -> list[ImageFile]:
    """Inspects files in parallel, in the given order, with a progress bar.

    Files that have not changed since an earlier call are not read, unless `recheck` is True; see
    `CheckCache`. For `thumbnails` see `inspect_file`.
    """
    with open_check_cache(paths) as cache:
        found = {} if recheck else cache.find()
        missing = [path for path in paths if path not in found]
        missing.sort(key=folder_prefix)  # the cache saves the results of a folder together
        if missing:
            inspect = functools.partial(inspect_file, thumbnails=thumbnails)
            _inspect_in_parallel(inspect, missing, found, cache.add)
    return [found[path] for path in paths]


def _inspect_in_parallel(
    inspect: Callable[[str], ImageFile],
    missing: Sequence[str],
    found: dict[str, ImageFile],
    add: Callable[[str, ImageFile], None],
) -> None:
    """Adds the results of missing files to those that were found."""
    count = len(found) + len(missing)
    with (
        progress_bar("Checking images", count, "files") as advance,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        advance(len(found))
        try:
            for path, image in zip(missing, pool.map(inspect, missing), strict=True):
                found[path] = image
                advance(1)
                add(path, image)
        except BaseException:  # after Ctrl-C, the remaining files are skipped
            pool.shutdown(cancel_futures=True)
            raise


def inspect_file(path: str, thumbnails: dict[str, Gray] | None = None) -> ImageFile:
    """Reads, decodes and classifies one file.

    Adds its thumbnail to `thumbnails`, under the checksum of its content, if the file has a
    perceptual hash and there are not too many.
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        return ImageFile(path, "bad", _why_name_is_no_text(path))
    if os.path.isdir(path):  # noqa: PTH112 - listed in a table, or because it could not be read
        return ImageFile(path, "bad", _why_folder_is_no_image(path))
    with memory_to_read(file_size(path)):
        return _inspect_content(path, thumbnails)


def _why_name_is_no_text(path: str) -> str:
    """Returns why the name of an inspected file has lone surrogates: its bytes, or the locale."""
    try:
        os.fsencode(path).decode("utf-8")
    except UnicodeError:
        return "its name is not valid UTF-8"
    return "its name is not ASCII, which this locale requires; set PYTHONUTF8=1 or a UTF-8 locale"


def _inspect_content(path: str, thumbnails: dict[str, Gray] | None) -> ImageFile:
    """Reads, decodes and classifies one file; see `inspect_file`."""
    try:
        content, stamp = read_regular_file(path)
    except OSError as error:
        reason = f"cannot be read: {error.strerror}" if error.strerror else str(error)
        return ImageFile(path, "bad", reason)
    if not content:
        return ImageFile(path, "bad", "empty file")
    digest = hashlib.sha256(content).hexdigest()
    try:
        with ignore_warnings_of("PIL"):  # they are about metadata that is not used
            oddities, plain, pixels, thumbnail = _decode_and_classify(path, content)
    except InvalidImageError as error:
        lasting = () if isinstance(error, UndecodableImageError) else stamp
        return ImageFile(path, "bad", str(error), len(content), digest, stamp=lasting)
    status: Literal["good", "nonstandard"] = "nonstandard" if oddities else "good"
    reason = ", ".join(oddities)
    found = hash_of(thumbnail) if has_structure(thumbnail) else None
    if thumbnails is not None and found is not None and len(thumbnails) < MOST_THUMBNAILS:
        thumbnails[digest] = thumbnail
    return ImageFile(path, status, reason, len(content), digest, plain, pixels, found, stamp)


def _why_folder_is_no_image(path: str) -> str:
    """Returns why an inspected path that is a folder, perhaps an unreadable one, is bad."""
    try:
        os.scandir(path).close()
    except OSError:
        return UNREADABLE_FOLDER
    return "a folder, not an image file"


@dataclass(frozen=True)
class _Format:
    """Format of an inspected image file, from its header."""

    kind: str
    mode: str
    bits: int
    samples: str
    orientation: int
    animated: bool
    transparent: bool


def _decode_and_classify(path: str, content: bytes) -> tuple[list[str], bool, int, Gray]:
    """Inspects an image by decoding: peculiarities, if it is plain, its pixels and a thumbnail.

    Raises:
        InvalidImageError: If the file is bad.
    """
    image, stripped = open_within_limits(content)
    large_text = stripped is not content
    content, pixels = stripped, image.width * image.height
    with memory_to_decode(image):
        oddities, plain, thumbnail = _decode_thumbnail(path, content, image, large_text=large_text)
        return oddities, plain, pixels, thumbnail


def _decode_thumbnail(
    path: str, content: bytes, image: "Image.Image", *, large_text: bool
) -> tuple[list[str], bool, Gray]:
    """Decodes an image to inspect it and keeps a thumbnail of it; see `_decode_and_classify`."""
    pixels = image.width * image.height
    thumbnail: Gray | None = None
    try:
        form = _read_format(image, content)
        oddities = _nonstandard_reasons(path, form) + ([LARGE_TEXT] if large_text else [])
        plain = form.kind in KERNEL_FORMATS and form.mode in KERNEL_MODES and not oddities
        scalable = form.bits <= DEEPEST and form.samples == "unsigned"
        if scalable and not plain and form.kind != "PNG":
            small = decode_small_pillow(image)
            # Only now: Pillow rotates a TIFF file when it decodes it.
            thumbnail = _upright_thumbnail(*small, read_orientation(image, content))
    except Exception as error:  # decoders raise various exceptions for damaged files
        raise UndecodableImageError(f"could not be decoded: {error}") from error
    if not scalable:
        samples = f"{form.bits}-bit {form.samples} samples"
        raise InvalidImageError(f"{samples}, which have no defined white level")
    image.close()
    del image  # frees the pixels of a PNG file that was decoded for its orientation
    if thumbnail is None:
        channels = 4 if form.transparent else 3
        try:
            small = decode_small(content, form.kind, pixels, channels)
        except ValueError as error:
            reason = _pillow_error(content) or str(error)
            raise UndecodableImageError(f"could not be decoded: {reason}") from error
        thumbnail = _upright_thumbnail(*small, form.orientation)
    return oddities, plain, thumbnail


def _upright_thumbnail(
    rows: "Callable[[int, int], Image.Image]", size: tuple[int, int], orientation: int
) -> Gray:
    """Returns the thumbnail of an inspected image by its rows, turned by its EXIF orientation."""
    return shrink(rows, size, lambda pixels: as_stored(pixels, orientation))


def _pillow_error(content: bytes) -> str:
    """Returns why Pillow cannot decode an inspected image, clearer than the kernel, or nothing."""
    try:
        with open_image(content) as image:
            image.draft(image.mode, (1, 1))
            image.load()
    except Exception as error:  # decoders raise various exceptions for damaged files
        return str(error)
    return ""


def _read_format(image: "Image.Image", content: bytes) -> _Format:
    """Reads from the header of an image to inspect what decides how it is decoded."""
    bits, samples = _read_samples(image, content)
    return _Format(
        kind=image.format or "",
        mode=image.mode,
        bits=bits,
        samples=samples,
        orientation=read_orientation(image, content),
        animated=getattr(image, "is_animated", False),
        transparent=image.has_transparency_data,
    )


def _read_samples(image: "Image.Image", content: bytes) -> tuple[int, str]:
    """Returns the bits per sample of an image to inspect, and their number format.

    Pillow converts 16-bit color to 8 bits, so the header is read directly.
    """
    from PIL.TiffImagePlugin import TiffImageFile

    if isinstance(image, TiffImageFile):
        kind = max(image.tag_v2.get(TIFF_SAMPLE_FORMAT, (1,)))
        return max(image.tag_v2.get(TIFF_BITS, (1,))), SAMPLE_KINDS.get(kind, "unknown")
    return content[PNG_BITS] if image.format == "PNG" else 8, "unsigned"


def _nonstandard_reasons(path: str, form: _Format) -> list[str]:
    """Returns why a file that is inspected is nonstandard, such as a palette; nothing otherwise."""
    endings = FORMAT_EXTENSIONS.get(form.kind, ())
    rules = (
        (form.orientation > 1, "rotated by its EXIF orientation"),
        (form.mode in ("P", "PA"), "palette"),
        (form.bits > 8, f"{form.bits} bit"),
        (form.transparent, "transparency"),
        (form.mode in ("CMYK", "YCCK", "LAB", "HSV"), f"{form.mode} colors"),
        (form.animated, "several frames, the first is used"),
        (bool(endings) and not path.lower().endswith(endings), f"content is {form.kind}"),
    )
    return [reason for applies, reason in rules if applies]
