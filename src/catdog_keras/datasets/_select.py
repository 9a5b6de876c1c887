"""Inspects an image index, skips bad files, splits the rest and moves duplicates together."""

from collections.abc import Mapping, Sequence

import numpy as np

from catdog_keras._message import Message, argument, setting
from catdog_keras._printable import counted
from catdog_keras._split_names import SPLITS
from catdog_keras._warnings import warn
from catdog_keras.datasets._index import ImageIndex, Listing, drop_classes
from catdog_keras.datasets._manifest import LabelSource
from catdog_keras.datasets._options import BatchOptions, SplitOptions
from catdog_keras.datasets._scan_report import (
    ScanReport,
    count_extensions,
    first_lines,
    listed,
    printable,
)
from catdog_keras.datasets._split import SPLIT_FUNCTIONS, group_duplicates, hold_out
from catdog_keras.datasets._splits import ImageSplits
from catdog_keras.datasets._validate import inspect_files


def load_splits(
    index: ImageIndex, options: SplitOptions, batches: BatchOptions, label_source: LabelSource
) -> ImageSplits:
    """Selects and splits the images of an index, and builds their datasets."""
    listings, names, scan = select_images(index, options, batches.batch_size, batches.seed)
    return ImageSplits.from_listings(listings, names, scan, index.root, batches, label_source)


def select_images(
    index: ImageIndex, options: SplitOptions, batch_size: int, seed: int
) -> tuple[dict[str, Listing], tuple[str, ...], ScanReport]:
    """Returns the usable images by split, as absolute paths, the classes, and the report.

    Args:
        index: The images, in split folders or in one part.
        options: The split method, its fractions, and the handling of bad files.
        batch_size: Images per batch, the unit of `take_skip`.
        seed: Seed of the split.
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
    class_names, parts = _usable_images(index, parts, scan)
    divided = _split(parts, options, batch_size, seed)
    splits, moved = group_duplicates(
        divided, {file: image.sha256 for file, image in scan.by_path.items()}
    )
    _report_duplicates(splits, scan, moved)
    _check_sizes(splits, parts)
    _report_missing_classes(divided, splits, class_names, parts, options)
    return splits, class_names, scan


def _usable_images(
    index: ImageIndex, parts: Mapping[str, Listing], scan: ScanReport
) -> tuple[tuple[str, ...], dict[str, Listing]]:
    """Leaves out bad files, and classes without any other file, with a warning.

    Raises:
        ValueError: If a class without a usable file is stated, or fewer than two classes are left.
    """
    good = dict(parts)
    if bad := {image.path for image in scan.bad}:
        good = {
            part: listing.take(np.flatnonzero([file not in bad for file in listing.files]))
            for part, listing in parts.items()
        }
    first = next(iter(parts))  # the classes are those with images for training
    count = len(index.class_names)
    unusable = sorted(set(range(count)) - set(good[first].labels.tolist()))
    if not unusable:
        return index.class_names, good
    reasons = [
        scan.by_path[file]
        for file, label in zip(parts[first].files, parts[first].labels.tolist(), strict=True)
        if label in unusable
    ]
    names = listed(index.class_names[label] for label in unusable)
    where = "" if first == "all" else f" in {first}"
    found = f"The classes {names} have no usable image{where}:{first_lines(reasons)}"
    if index.stated or count - len(unusable) < 2:
        raise ValueError(f"{found}\nFix these files, or add images.")
    warn(f"{found}\nThese classes are skipped.")
    return drop_classes(index.class_names, good, unusable)


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
            "to folders that are listed already or were not followed:"
            f"{first_lines([printable(path) for path in folders])}\n"
            "`scan.skipped` lists all of them.",
        )


def _report_missing_classes(
    divided: Mapping[str, Listing],
    left: Mapping[str, Listing],
    class_names: Sequence[str],
    parts: Mapping[str, Listing],
    options: SplitOptions,
) -> None:
    """Warns about classes that are not in each split, by cause: few images, or moved duplicates."""
    wanted = [
        split for split in SPLITS if split != "test" or "test" in parts or options.test_fraction
    ]
    before, after = (
        {split: np.bincount(splits[split].labels, minlength=len(class_names)) for split in wanted}
        for splits in (divided, left)
    )
    few, moved = [], []
    for label, name in enumerate(class_names):
        lacking = [split for split in wanted if not before[split][label]]
        if lacking:
            count = sum(int(counts[label]) for counts in before.values())
            images = counted(count, "image")
            few.append(f"{printable(name)}: {images}, none in {' or '.join(lacking)}")
        lost = [split for split in wanted if before[split][label] and not after[split][label]]
        if lost:
            moved.append(f"{printable(name)}: none in {' or '.join(lost)}")
    total = len(class_names)
    if few:
        warn(
            Message(
                f"{len(few)} of {total} classes are not in each split:{first_lines(few)}\n"
                "Metrics of a split do not include the classes that are missing in it. ",
                _remedy_for_few(parts, options),
            )
        )
    if moved:
        warn(
            f"{len(moved)} of {total} classes have only images in a split that are identical to "
            f"files of an earlier split, to which they were moved:{first_lines(moved)}\n"
            "Remove the duplicates, or add other images."
        )


def _remedy_for_few(parts: Mapping[str, Listing], options: SplitOptions) -> str:
    if options.split != "stratified" and "test" not in parts:
        return "Use " + setting("split", '"stratified"') + ", or add images."
    if "validation" not in parts:
        return "Add images, or increase " + argument("holdout_fraction") + "."
    return "Add images of these classes."


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
    if not scan.duplicates:
        return
    labels = {
        file: label
        for listing in splits.values()
        for file, label in zip(listing.files, listing.labels.tolist(), strict=True)
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


def _split(
    parts: Mapping[str, Listing], options: SplitOptions, batch_size: int, seed: int
) -> dict[str, Listing]:
    """Divides the images of the given parts into train, validation and test."""
    divided = dict(parts)
    if "validation" not in parts:
        everything = parts["all"] if "all" in parts else parts["train"]
        if "all" not in parts:
            wanted = "validation images" if "test" in parts else "validation and test images"
            warn(
                f"There is no validation folder: {options.holdout_fraction:.0%} of the training "
                f"images of each class are used as {wanted}.",
            )
        train, held_out = hold_out(everything.labels, options.holdout_fraction, seed)
        if not len(held_out):
            raise ValueError(
                f"{len(everything.files)} usable images are one for each class; at least one class "
                "needs a second image, for validation. Add images."
            )
        divided["train"] = everything.take(train)
        divided["validation"] = everything.take(held_out)
    if "test" not in parts:
        held = divided["validation"]
        divide = SPLIT_FUNCTIONS[options.split]
        validation, test = divide(held.labels, batch_size, seed, options.test_fraction)
        divided["validation"], divided["test"] = held.take(validation), held.take(test)
    return {split: divided[split] for split in SPLITS}


def _check_sizes(splits: Mapping[str, Listing], parts: Mapping[str, Listing]) -> None:
    """Raises if a split is empty; a test set without a folder may be empty."""
    for split, listing in splits.items():
        if not listing.files and (split != "test" or "test" in parts):
            raise ValueError(
                f"No image is left for {split}: each of its files is identical to a file of an "
                "earlier split, or cannot be read. Remove the duplicates, or add other images."
            )
