"""Report of an image-folder scan, and its text form."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, NamedTuple

from catdog_keras._printable import SHOWN, count_extensions, counted, printable
from catdog_keras._suggestions import suggests_attributes
from catdog_keras.datasets._attribute_names import SCAN_ATTRIBUTES
from catdog_keras.datasets._components import connected_components


class ImageFile(NamedTuple):
    """Scan result of one image file.

    Attributes:
        path: Path of the file, as passed to the scan.
        status: `"good"`, `"nonstandard"` (nonstandard: decoded after a conversion) or `"bad"`.
        reason: Why the file is nonstandard or bad; empty for a good one.
        size: Size in bytes; 0 if the file could not be read.
        sha256: SHA-256 of the content; empty if the file could not be read.
        plain: Whether TensorFlow's built-in kernels decode it correctly.
        pixels: Width times height; 0 for a bad file.
        perceptual_hash: 64-bit hash of a good or nonstandard image, which is similar for its
            near-duplicates; None for an image of a single color.
        stamp: Size, times of modification and status change, and inode when the file was read.
            Another stamp means that the file may have changed. Empty if the result may change
            while the file does not: the file could not be read or decoded.
    """

    path: str
    status: Literal["good", "nonstandard", "bad"]
    reason: str = ""
    size: int = 0
    sha256: str = ""
    plain: bool = False
    pixels: int = 0
    perceptual_hash: int | None = None
    stamp: tuple[int, ...] = ()

    def __repr__(self) -> str:
        """Returns the path, the status and the reason, without the measurements."""
        return f"ImageFile(path={self.path!r}, status={self.status!r}, reason={self.reason!r})"

    def __str__(self) -> str:
        """Returns the path and the reason."""
        return f"{printable(self.path)}: {self.reason}"


@suggests_attributes(SCAN_ATTRIBUTES)
@dataclass(frozen=True)
class ScanReport:
    """Result of `scan_images`; printing it lists every bad file, and examples of nonstandard ones.

    Attributes:
        good: Images that decode without a conversion.
        nonstandard: Nonstandard images that decode after a conversion: EXIF rotation, palette, ...
        bad: Files that could not be read as images. Each entry of these three lists has the
            attributes `path`, `status` (the name of its list), `reason` (empty for a good one),
            `size` in bytes, `sha256`, and `plain`: whether TensorFlow's built-in kernels decode it
            correctly.
        duplicates: Groups of paths of byte-identical files.
        near_duplicates: Groups of paths of similar images; empty if not requested.
        num_near_duplicate_pairs: Number of pairs of similar images that were found. Of a group of
            more than 20 images, those that connect it are found, and not all others.
        ignored: Paths of files without a supported image extension.
        skipped: Paths of visible files and folders that systems and programs create, such as
            `@eaDir`, and of links to folders that are listed already, contain the link, or were not
            followed.

    Example:
        >>> import catdog_keras
        >>> splits = catdog_keras.load_cats_dogs("synthetic")
        >>> splits.scan.bad, splits.scan.by_path[splits.files["test"][0]].status
        ([], 'good')
    """

    good: list[ImageFile]
    nonstandard: list[ImageFile]
    bad: list[ImageFile]
    duplicates: list[list[str]]
    near_duplicates: list[list[str]] = field(default_factory=list)
    num_near_duplicate_pairs: int = 0
    ignored: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    @classmethod
    def from_files(
        cls,
        images: Sequence[ImageFile],
        ignored: Sequence[str] = (),
        skipped: Sequence[str] = (),
    ) -> "ScanReport":
        """Builds a report from inspected files."""
        same: dict[str, list[str]] = {}
        for image in images:
            if image.sha256:
                same.setdefault(image.sha256, []).append(image.path)
        return cls(
            good=[image for image in images if image.status == "good"],
            nonstandard=[image for image in images if image.status == "nonstandard"],
            bad=[image for image in images if image.status == "bad"],
            duplicates=[paths for paths in same.values() if len(paths) > 1],
            ignored=list(ignored),
            skipped=list(skipped),
        )

    def with_near_duplicates(self, pairs: Sequence[tuple[str, str]]) -> "ScanReport":
        """Returns the report with these pairs of paths and their groups."""
        names = sorted({path for pair in pairs for path in pair})
        at = {path: place for place, path in enumerate(names)}
        groups = connected_components(len(names), ((at[one], at[other], 1) for one, other in pairs))
        found = [[names[place] for place in group] for group in groups]
        report = replace(self, near_duplicates=found, num_near_duplicate_pairs=len(pairs))
        report.__dict__["by_path"] = self.by_path  # the same images
        return report

    @cached_property
    def by_path(self) -> dict[str, ImageFile]:
        """The entries of `good`, `nonstandard` and `bad` by path."""
        return {image.path: image for image in (*self.good, *self.nonstandard, *self.bad)}

    def __str__(self) -> str:
        """Returns `to_text()`."""
        return self.to_text()

    def to_text(self, *, all_files: bool = False) -> str:
        """Returns the counts, then each bad file and group of duplicates, and nonstandard files.

        Args:
            all_files: True lists every nonstandard file; False lists 5 with the same reason, and
                how many more there are. Nonstandard files are decoded correctly.

        Returns:
            One line for each file or group of files.

        Example:
            >>> import catdog_keras
            >>> splits = catdog_keras.load_cats_dogs("synthetic")
            >>> print(splits.scan.to_text(all_files=True))
            96 good, 0 nonstandard, 0 bad, 0 sets of duplicates
        """
        lines = [
            f"{len(self.good)} good, {len(self.nonstandard)} nonstandard, {len(self.bad)} bad, "
            f"{counted(len(self.duplicates), 'set')} of duplicates"
        ]
        lines += [f"{image.status:<4} {image}" for image in self.bad]
        lines += _nonstandard_lines(self.nonstandard, len(self.nonstandard) if all_files else SHOWN)
        lines += ["same " + ", ".join(map(printable, paths)) for paths in self.duplicates]
        lines += ["like " + ", ".join(map(printable, paths)) for paths in self.near_duplicates]
        if self.ignored:
            lines.append(
                "ignored files without a supported image extension: "
                f"{count_extensions(self.ignored)}"
            )
        lines += [f"skipped {printable(path)}" for path in self.skipped]
        return "\n".join(lines)


def _nonstandard_lines(images: Sequence[ImageFile], limit: int) -> list[str]:
    """Returns the report's lines on nonstandard files: up to `limit` per reason, and the others."""
    by_reason: dict[str, list[ImageFile]] = {}
    for image in images:
        by_reason.setdefault(image.reason, []).append(image)
    lines = []
    for reason, same in by_reason.items():
        lines += [f"nonstandard {image}" for image in same[:limit]]
        if len(same) > limit:
            lines.append(f"nonstandard and {len(same) - limit:,} more: {reason}")
    return lines
