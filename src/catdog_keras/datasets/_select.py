"""Inspects an image index, skips bad files, splits the rest and moves duplicates together."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from catdog_keras._message import argument, setting
from catdog_keras._printable import counted
from catdog_keras._split_names import SPLITS
from catdog_keras._warnings import warn
from catdog_keras.datasets._index import ImageIndex, Listing
from catdog_keras.datasets._options import SplitOptions
from catdog_keras.datasets._scan_report import ScanReport, count_extensions, first_lines, printable
from catdog_keras.datasets._split import SPLIT_FUNCTIONS, group_duplicates, hold_out
from catdog_keras.datasets._validate import inspect_files


def select_images(
    index: ImageIndex,
    options: SplitOptions,
    batch_size: int,
    seed: int,
    holdout_fraction: float,
) -> tuple[dict[str, Listing], ScanReport]:
    """Returns the usable images by split, as absolute paths, and the report of all files.

    Args:
        index: The images, in split folders or in one part.
        options: The split method and the handling of bad files.
        batch_size: Images per batch, the unit of `take_skip`.
        seed: Seed of the split.
        holdout_fraction: Fraction held out from training if there are no split folders.
    """
    parts = {part: listing.below(index.root) for part, listing in index.parts.items()}
    files = [file for listing in parts.values() for file in listing.files]
    ignored = [str(index.root / file) for file in index.ignored]
    skipped = [str(index.root / file) for file in index.skipped]
    scan = ScanReport.from_files(inspect_files(files), ignored, skipped)
    for note in index.notes:
        warn(note)
    _report_skipped(index)
    _report_ignored(scan)
    _handle_bad_files(scan, options)
    bad = {image.path for image in scan.bad}
    for part, listing in parts.items():
        good = np.array([file not in bad for file in listing.files])
        _check_classes_left(part, listing, good, index.class_names, scan)
        parts[part] = listing.take(good.nonzero()[0])
    divided = _split(parts, index.class_names, options, batch_size, seed, holdout_fraction)
    splits, moved = group_duplicates(
        divided, {file: image.sha256 for file, image in scan.by_path.items()}
    )
    _report_duplicates(splits, scan, moved)
    _check_sizes(splits)
    for split, listing in splits.items():
        _report_missing_classes(split, divided[split], listing, index.class_names)
    return splits, scan


def _handle_bad_files(scan: ScanReport, options: SplitOptions) -> None:
    if not scan.bad:
        return
    count = len(scan.by_path)
    files = counted(count, "file")
    found = f"{len(scan.bad)} of {files} could not be read as images:{first_lines(scan.bad)}"
    if options.on_bad == "raise":
        use = setting("on_bad", '"skip"')
        raise ValueError(f"{found}\nFix or remove them, or use " + use + ".")
    if len(scan.bad) > options.max_bad_fraction * count:
        raise ValueError(
            f"{found}\nThat is more than "
            + setting("max_bad_fraction", f"{options.max_bad_fraction:g}")
            + ". Fix or remove them, or increase "
            + argument("max_bad_fraction")
            + "."
        )
    warn(
        f"{found}\nThey are skipped. `scan.bad` or `catdog-keras scan` lists all of them.",
    )


def _report_ignored(scan: ScanReport) -> None:
    if scan.ignored:
        warn(
            "Ignored files without a supported image extension: "
            f"{count_extensions(scan.ignored)}. If some are images, convert or rename them. "
            "`scan.ignored` lists all of them.",
        )


def _report_skipped(index: ImageIndex) -> None:
    folders = [path for path in index.skipped if (index.root / path).is_dir()]
    if folders:
        warn(
            f"Skipped {counted(len(folders), 'folder')} that a system or program created, or links "
            "to folders that are listed already:"
            f"{first_lines([printable(path) for path in folders])}\n"
            "`scan.skipped` lists all of them.",
        )


def _report_missing_classes(
    split: str, divided: Listing, left: Listing, class_names: Sequence[str]
) -> None:
    """Warns about classes without an image, by cause: the split method, or moved duplicates."""
    before, after = (set(listing.labels.tolist()) for listing in (divided, left))
    labels = set(range(len(class_names)))
    remedies = (
        (labels - before - after, 'Use split="stratified", or add images.'),
        (
            before - after,
            f"Each of their {split} images is identical to a file of an earlier split and was "
            "moved to it. Remove the duplicates, or add other images.",
        ),
    )
    for missing, remedy in remedies:
        if missing:
            names = [printable(class_names[label]) for label in sorted(missing)]
            warn(
                f"{len(names)} of {len(class_names)} classes have no {split} image:"
                f"{first_lines(names)}\n{remedy}",
            )


def _report_duplicates(splits: Mapping[str, Listing], scan: ScanReport, moved: list[str]) -> None:
    if moved:
        files = counted(len(moved), "file is", "files are")
        verb = "was" if len(moved) == 1 else "were"
        warn(
            f"{files} identical to a file of an earlier split and {verb} moved to it, "
            "so that no image is in two splits:"
            f"{first_lines([printable(file) for file in moved])}\n"
            "`scan.duplicates` lists all duplicates.",
        )
    labels = {
        file: int(label)
        for listing in splits.values()
        for file, label in zip(listing.files, listing.labels, strict=True)
    }
    torn = [
        ", ".join(map(printable, files))
        for files in scan.duplicates
        if len({labels[file] for file in files if file in labels}) > 1
    ]
    if torn:
        warn(
            f"Identical files are in more than one class, {counted(len(torn), 'time')}:"
            f"{first_lines(torn)}\nOne of the labels is wrong: remove these files.",
        )


def _check_classes_left(
    part: str,
    listing: Listing,
    good: npt.NDArray[np.bool_],
    class_names: tuple[str, ...],
    scan: ScanReport,
) -> None:
    for label, name in enumerate(class_names):
        if not np.any(good & (listing.labels == label)):
            where = "" if part == "all" else f" in {part}"
            files = [listing.files[i] for i in np.flatnonzero(listing.labels == label)]
            reasons = first_lines([scan.by_path[file] for file in files])
            raise ValueError(f"The class {name!r} has no usable image{where}:{reasons}")


def _split(
    parts: dict[str, Listing],
    class_names: tuple[str, ...],
    options: SplitOptions,
    batch_size: int,
    seed: int,
    holdout_fraction: float,
) -> dict[str, Listing]:
    found = list(parts.values())
    remedy: str = " to validation, or a test folder"
    if "validation" not in parts:
        remedy = ", or increase " + argument("holdout_fraction")
        everything = parts["all"] if "all" in parts else parts["train"]
        if "all" not in parts:
            wanted = "validation images" if "test" in parts else "validation and test images"
            warn(
                f"There is no validation folder: {holdout_fraction:.0%} of the training images of "
                f"each class are used as {wanted}.",
            )
        _check_two_of_each(everything, found, class_names, "training and held-out images")
        train, held_out = hold_out(everything.labels, holdout_fraction, seed)
        parts = {
            **parts,
            "train": everything.take(train),
            "validation": everything.take(held_out),
        }
    if "test" not in parts:
        held = parts["validation"]
        if options.split == "stratified":
            _check_two_of_each(held, found, class_names, "validation and test", remedy)
        validation, test = SPLIT_FUNCTIONS[options.split](held.labels, batch_size, seed)
        parts = {**parts, "validation": held.take(validation), "test": held.take(test)}
    return {split: parts[split] for split in SPLITS}


def _check_two_of_each(
    listing: Listing,
    found: Sequence[Listing],
    class_names: tuple[str, ...],
    sides: str,
    remedy: str = "",
) -> None:
    """Raises if a class has fewer than two images and cannot be divided between two sides.

    Args:
        listing: The images to divide.
        found: All images.
        class_names: Name of the class of each label.
        sides: Names of the two sides.
        remedy: What helps besides more images, if the class has enough of them in total.
    """
    for label, name in enumerate(class_names):
        here = np.count_nonzero(listing.labels == label)
        if here < 2:
            count = sum(np.count_nonzero(part.labels == label) for part in found)
            raise ValueError(
                f"The class {name!r} has {counted(int(count), 'usable image')}; {here} would "
                f"be split into {sides}, but at least two are required. Add images"
                + (remedy if count > 2 else "")
                + "."
            )


def _check_sizes(splits: Mapping[str, Listing]) -> None:
    for split, listing in splits.items():
        if not listing.files:
            raise ValueError(
                f"No image is left for {split}: each of its files is identical to a file of an "
                "earlier split. Remove the duplicates, or add other images."
            )
