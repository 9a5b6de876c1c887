"""What a scan says: of each file what it is, of a folder what was found, and how it is printed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath
from typing import Literal

SHOWN = 5  # files that a message names; the report has all


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

    def __str__(self) -> str:
        """Its path and the reason."""
        return f"{printable(self.path)}: {self.reason}"


@dataclass(frozen=True)
class ScanReport:
    """What `scan_images` found; printed, it names every odd and every bad file.

    Attributes:
        good: Pictures that decode to their plain pixels.
        odd: Pictures that decode after a rule was applied: turned, palette resolved, ...
        bad: Files that are no usable pictures. An entry of these three lists has the attributes
            `path`, `status` (the name of its list), `reason` (empty for a good one), `size` in
            bytes, `sha256`, and `plain`, whether TensorFlow's own kernels decode it rightly.
        duplicates: Groups of paths whose files hold the same bytes.
        near_duplicates: Groups of paths whose pictures look alike, if they were asked for.
        passed_over: Paths of files whose names do not end like a picture's.

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
            passed_over=list(passed_over),
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
        lines += [f"{picture.status:<4} {picture}" for picture in (*self.bad, *self.odd)]
        lines += ["same " + ", ".join(map(printable, paths)) for paths in self.duplicates]
        lines += ["like " + ", ".join(map(printable, paths)) for paths in self.near_duplicates]
        if self.passed_over:
            lines.append(
                f"passed over, for they are not called pictures: {endings_of(self.passed_over)}"
            )
        return "\n".join(lines)


def printable(name: str) -> str:
    """A name in which whatever would end the line, or steer a terminal, is written out."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in name
    )


def endings_of(paths: Sequence[str]) -> str:
    """How many files there are with each ending: "3 files (2 .txt, 1 without)"."""
    endings = Counter(PurePath(path).suffix.lower() or "without an ending" for path in paths)
    counts = ", ".join(f"{count} {printable(ending)}" for ending, count in endings.most_common())
    return f"{len(paths)} file{'' if len(paths) == 1 else 's'} ({counts})"


def first_lines(lines: Sequence[object]) -> str:
    """The first lines, each on one of its own, and how many more there are."""
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "".join(f"\n  {line}" for line in [*lines[:SHOWN], *more])
