"""Which picture files are good, odd or bad, and why."""

import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from catdog_keras._progress import progress_bar
from catdog_keras.datasets.decoding import (
    EXIF_ORIENTATION,
    FORMAT_ENDINGS,
    KERNEL_FORMATS,
    TIFF_BITS,
    TIFF_SAMPLE_FORMAT,
    decode_with_rules,
    kernel_complaint,
    open_picture,
)

if TYPE_CHECKING:
    from PIL import Image

MAX_MEGAPIXELS = 50
TOO_LARGE = f"more than {MAX_MEGAPIXELS} megapixels"
DEEPEST = 16  # bits of a sample; deeper ones, as measurements have, carry no scale
SAMPLE_KINDS = {1: "unsigned", 2: "signed", 3: "floating-point"}  # as a TIFF file numbers them

KERNEL_MODES = ("L", "RGB")
TURNED = range(2, 9)  # the other values mean, or are read as, upright


@dataclass(frozen=True)
class PictureFile:
    """What one picture file turned out to be.

    Attributes:
        path: The file, as it was named to the scan.
        status: `"good"`, `"odd"` (it decodes, yet not as its plain pixels) or `"bad"`.
        reason: Why it is odd or bad; empty for a good one.
        size: Bytes of the file; 0 where they could not be read.
        sha256: Hash of its bytes; empty where they could not be read.
        plain: Whether TensorFlow's own kernels decode it rightly.
    """

    path: str
    status: Literal["good", "odd", "bad"]
    reason: str = ""
    size: int = field(default=0, repr=False)
    sha256: str = field(default="", repr=False)
    plain: bool = field(default=False, repr=False)


@dataclass(frozen=True)
class ScanReport:
    """What `scan_images` found; printed, it names every odd and every bad file.

    Attributes:
        good: Pictures that decode to their plain pixels.
        odd: Pictures that decode after a rule was applied: turned, palette resolved, ...
        bad: Files that are no usable pictures, each with its `reason`.
        duplicates: Groups of paths whose files hold the same bytes.
        near_duplicates: Groups of paths whose pictures look alike, if they were asked for.
    """

    good: list[PictureFile]
    odd: list[PictureFile]
    bad: list[PictureFile]
    duplicates: list[list[str]]
    near_duplicates: list[list[str]] = field(default_factory=list)

    @classmethod
    def of(cls, pictures: Sequence[PictureFile]) -> "ScanReport":
        """Sorts inspected files into a report."""
        same: dict[str, list[str]] = {}
        for picture in pictures:
            if picture.sha256:
                same.setdefault(picture.sha256, []).append(picture.path)
        return cls(
            good=[picture for picture in pictures if picture.status == "good"],
            odd=[picture for picture in pictures if picture.status == "odd"],
            bad=[picture for picture in pictures if picture.status == "bad"],
            duplicates=[paths for paths in same.values() if len(paths) > 1],
        )

    @cached_property
    def by_path(self) -> dict[str, PictureFile]:
        """All inspected files by their path."""
        return {picture.path: picture for picture in (*self.good, *self.odd, *self.bad)}

    def __str__(self) -> str:
        """One line of counts, then a line for each odd and bad file and each set of duplicates."""
        lines = [
            f"{len(self.good)} good, {len(self.odd)} odd, {len(self.bad)} bad, "
            f"{len(self.duplicates)} sets of duplicates"
        ]
        lines += [
            f"{picture.status:<4} {_printable(picture.path)}: {picture.reason}"
            for picture in (*self.bad, *self.odd)
        ]
        lines += ["same " + ", ".join(map(_printable, paths)) for paths in self.duplicates]
        lines += ["like " + ", ".join(map(_printable, paths)) for paths in self.near_duplicates]
        return "\n".join(lines)


def inspect_files(paths: Sequence[str]) -> list[PictureFile]:
    """Inspects files on all cores, in the order given, with a progress bar on long work."""
    with (
        progress_bar("Checking pictures", len(paths), "files") as advance,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        return [_counted(picture, advance) for picture in pool.map(inspect_file, paths)]


def inspect_file(path: str) -> PictureFile:
    """Reads one file whole, decodes it and says what it is."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return PictureFile(path, "bad", "its name is not valid UTF-8")
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
        if not stat.S_ISREG(mode):  # opening a named pipe would wait for ever
            return PictureFile(path, "bad", "not a regular file")
        content = Path(path).read_bytes()
    except OSError as error:
        return PictureFile(path, "bad", f"cannot be read: {error.strerror}")
    if not content:
        return PictureFile(path, "bad", "empty file")
    digest = hashlib.sha256(content).hexdigest()
    try:
        oddities, plain = _decode(path, content)
    except _Unusable as error:
        return PictureFile(path, "bad", str(error), len(content), digest)
    status: Literal["good", "odd"] = "odd" if oddities else "good"
    return PictureFile(path, status, ", ".join(oddities), len(content), digest, plain)


@dataclass(frozen=True)
class _Form:
    """What a decoded picture's header says."""

    kind: str
    mode: str
    bits: int
    samples: str
    orientation: int
    frames: int
    transparent: bool


class _Unusable(Exception):  # noqa: N818 - no error of the program, but what is wrong with a file
    """Why a file is no usable picture."""


def _decode(path: str, content: bytes) -> tuple[list[str], bool]:
    """Decodes a picture by what will read it later; returns its oddities, and whether it is plain.

    Raises:
        _Unusable: If it is bad.
    """
    image, form = _open(content)
    if image.width * image.height > MAX_MEGAPIXELS * 1_000_000:
        raise _Unusable(TOO_LARGE)
    if form.bits > DEEPEST or form.samples != "unsigned":
        samples = f"{form.bits}-bit {form.samples} samples"
        raise _Unusable(f"{samples}, of which no value is known to be white")
    oddities = _oddities(path, form)
    plain = form.kind in KERNEL_FORMATS and form.mode in KERNEL_MODES and not oddities
    complaint = ""
    if plain or form.kind == "PNG":  # Pillow passes over wrong checksums and missing rows
        complaint = kernel_complaint(content, form.kind)
    try:
        if complaint:
            image.load()  # its message is plainer than the kernel's
        elif not plain:
            decode_with_rules(content)
    except Exception as error:  # decoders of damaged files raise whatever their bytes lead to
        complaint = str(error)
    if complaint:
        raise _Unusable(f"does not decode: {complaint}")
    return oddities, plain


def _open(content: bytes) -> "tuple[Image.Image, _Form]":
    """Reads the header of a picture; its pixels are not decoded yet."""
    from PIL import Image, UnidentifiedImageError

    try:
        image = open_picture(content)
        return image, _read_form(image, content)
    except UnidentifiedImageError:
        raise _Unusable("not a picture in any known format") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _Unusable(TOO_LARGE) from None
    except Exception as error:  # decoders of damaged files raise whatever their bytes lead to
        raise _Unusable(f"does not decode: {error}") from error


def _read_form(image: "Image.Image", content: bytes) -> _Form:
    bits, samples = _read_samples(image, content)
    return _Form(
        kind=image.format or "",
        mode=image.mode,
        bits=bits,
        samples=samples,
        orientation=image.getexif().get(EXIF_ORIENTATION, 1),
        frames=getattr(image, "n_frames", 1),
        transparent=image.has_transparency_data,
    )


def _read_samples(image: "Image.Image", content: bytes) -> tuple[int, str]:
    """Bits per sample, and what kind of numbers they are.

    Pillow hands deep colour out as 8-bit, so the header itself has to be asked.
    """
    from PIL.TiffImagePlugin import TiffImageFile

    if isinstance(image, TiffImageFile):
        kind = max(image.tag_v2.get(TIFF_SAMPLE_FORMAT, (1,)))
        return max(image.tag_v2.get(TIFF_BITS, (1,))), SAMPLE_KINDS.get(kind, "unknown")
    return content[24] if image.format == "PNG" else 8, "unsigned"


def _oddities(path: str, form: _Form) -> list[str]:
    endings = FORMAT_ENDINGS.get(form.kind, ())
    rules = (
        (form.orientation in TURNED, "turned by its EXIF orientation"),
        (form.mode in ("P", "PA"), "palette"),
        (form.bits > 8, f"{form.bits} bit"),
        (form.transparent, "transparency"),
        (form.mode in ("CMYK", "YCCK", "LAB", "HSV"), f"{form.mode} colours"),
        (form.frames > 1, f"{form.frames} frames, the first is used"),
        (bool(endings) and not path.lower().endswith(endings), f"content is {form.kind}"),
    )
    return [reason for applies, reason in rules if applies]


def _counted(picture: PictureFile, advance: Callable[[int], None]) -> PictureFile:
    advance(1)
    return picture


def _printable(path: str) -> str:
    return path.encode(errors="backslashreplace").decode()
