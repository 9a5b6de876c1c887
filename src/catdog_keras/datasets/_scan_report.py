"""Report of an image-folder scan, and its text form."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath
from typing import Literal

SHOWN = 5  # files that a message lists; the report contains all


@dataclass(frozen=True)
class PictureFile:
    """Scan result of one image file.

    Attributes:
        path: Path of the file, as passed to the scan.
        status: `"good"`, `"odd"` (nonstandard: decoded after a conversion) or `"bad"`.
        reason: Why the file is odd or bad; empty for a good one.
        size: Size in bytes; 0 if the file could not be read.
        sha256: SHA-256 of the content; empty if the file could not be read.
        plain: Whether TensorFlow's built-in kernels decode it correctly.
    """

    path: str
    status: Literal["good", "odd", "bad"]
    reason: str = ""
    size: int = field(default=0, repr=False)
    sha256: str = field(default="", repr=False)
    plain: bool = field(default=False, repr=False)

    def __str__(self) -> str:
        """Returns the path and the reason."""
        return f"{printable(self.path)}: {self.reason}"


@dataclass(frozen=True)
class ScanReport:
    """Result of `scan_images`; printing it lists every odd and every bad file.

    Attributes:
        good: Images that decode without a conversion.
        odd: Nonstandard images that decode after a conversion: EXIF rotation, palette, ...
        bad: Files that could not be read as images. Each entry of these three lists has the
            attributes `path`, `status` (the name of its list), `reason` (empty for a good one),
            `size` in bytes, `sha256`, and `plain`: whether TensorFlow's built-in kernels decode it
            correctly.
        duplicates: Groups of paths of byte-identical files.
        near_duplicates: Groups of paths of similar images; empty if not requested.
        passed_over: Paths of files without a supported image extension.

    Example:
        >>> import catdog_keras
        >>> splits = catdog_keras.load_cats_dogs("synthetic")
        >>> splits.scan.bad, splits.scan.by_path[splits.files["test"][0]].status
        ([], 'good')
    """

    good: list[PictureFile]
    odd: list[PictureFile]
    bad: list[PictureFile]
    duplicates: list[list[str]]
    near_duplicates: list[list[str]] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, pictures: Sequence[PictureFile], passed_over: Sequence[str] = ()) -> "ScanReport":
        """Builds a report from inspected files."""
        same: dict[str, list[str]] = {}
        for picture in pictures:
            if picture.sha256:
                same.setdefault(picture.sha256, []).append(picture.path)
        return cls(
            good=[picture for picture in pictures if picture.status == "good"],
            odd=[picture for picture in pictures if picture.status == "odd"],
            bad=[picture for picture in pictures if picture.status == "bad"],
            duplicates=[paths for paths in same.values() if len(paths) > 1],
            passed_over=list(passed_over),
        )

    @cached_property
    def by_path(self) -> dict[str, PictureFile]:
        """The entries of `good`, `odd` and `bad` by path."""
        return {picture.path: picture for picture in (*self.good, *self.odd, *self.bad)}

    def __str__(self) -> str:
        """Returns a line of counts, and a line per odd file, bad file and group of duplicates."""
        lines = [
            f"{len(self.good)} good, {len(self.odd)} odd, {len(self.bad)} bad, "
            f"{len(self.duplicates)} sets of duplicates"
        ]
        lines += [f"{picture.status:<4} {picture}" for picture in (*self.bad, *self.odd)]
        lines += ["same " + ", ".join(map(printable, paths)) for paths in self.duplicates]
        lines += ["like " + ", ".join(map(printable, paths)) for paths in self.near_duplicates]
        if self.passed_over:
            lines.append(
                f"passed over, for they are not called pictures: {endings_of(self.passed_over)}"
            )
        return "\n".join(lines)


def printable(name: str) -> str:
    """Escapes line breaks and control characters in a file name, for output to a terminal."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in name
    )


def endings_of(paths: Sequence[str]) -> str:
    """Formats file counts by extension, such as "3 files (2 .txt, 1 without)"."""
    endings = Counter(PurePath(path).suffix.lower() or "without an ending" for path in paths)
    counts = ", ".join(f"{count} {printable(ending)}" for ending, count in endings.most_common())
    return f"{len(paths)} file{'' if len(paths) == 1 else 's'} ({counts})"


def first_lines(lines: Sequence[object]) -> str:
    """Formats the first items, one per line, and the number of the remaining ones."""
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "".join(f"\n  {line}" for line in [*lines[:SHOWN], *more])
