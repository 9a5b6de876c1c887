"""Warnings and errors of a split: files that are left out or moved, and classes without images."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from catdog_keras._folder_names import SPLITS
from catdog_keras._message import Message, argument, either, setting
from catdog_keras._printable import SHOWN, count_extensions, counted, first_lines, listed, printable
from catdog_keras._warnings import warn
from catdog_keras.datasets._belonging import Belonging
from catdog_keras.datasets._image_index import ImageIndex, Listing
from catdog_keras.datasets._options import SplitOptions
from catdog_keras.datasets._scan_report import ScanReport
from catdog_keras.datasets._split_methods import ComponentTooLargeError


def report_skipped_folders(index: ImageIndex) -> None:
    """Warns that a split leaves out folders of systems and programs, and links to folders."""
    folders = [path for path in index.skipped if (index.root / path).is_dir()]
    if folders:
        warn(
            f"Skipped {counted(len(folders), 'folder')} that a system or program created, or links "
            "to folders that are listed already or were not followed:"
            f"{first_lines([printable(path) for path in folders])}\n"
            + either("`scan.skipped`", "`catdog-keras scan`")
            + " lists all of them."
        )


def report_ignored_files(scan: ScanReport) -> None:
    """Warns that a split leaves out files in class folders, for lack of an image extension."""
    if scan.ignored:
        warn(
            "Ignored files without a supported image extension: "
            f"{count_extensions(scan.ignored)}. If some are images, convert or rename them."
            + either(" `scan.ignored` lists all of them.", "")
        )


def report_bad_files(scan: ScanReport, options: SplitOptions) -> None:
    """Warns that a split leaves out files that could not be read as images.

    Raises:
        ValueError: If there are some and `on_bad` is `"raise"`, or more than `max_bad_fraction`.
    """
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
    sources = either("`scan.bad` or `catdog-keras scan`", "`catdog-keras scan`")
    more: Message | str = " " + sources + " lists all of them." if len(scan.bad) > SHOWN else ""
    warn(f"{found}\nThey are skipped." + more)


def report_moved_images(
    moved: Sequence[str],
    near: Sequence[str],
    united: Mapping[str, Listing],
    parts: Mapping[str, Listing],
    scan: ScanReport,
) -> None:
    """Warns about images that were moved to another split, by cause.

    `near` are those that near-duplicates and identical files move without the groups.
    """
    first: dict[str, str] = {}
    for part, listing in parts.items():
        for file in listing.files:
            first.setdefault(scan.by_path[file].sha256, part)
    home = {file: part for part, listing in united.items() for file in listing.files}
    same = [file for file in moved if first[scan.by_path[file].sha256] == home[file]]
    alike = sorted(set(moved) & set(near) - set(same))
    grouped = sorted(set(moved) - set(near) - set(same))
    if same:
        warn(
            _describe_moved_images(
                same,
                "identical to a file of an earlier split",
                ", so that no image is in two splits",
            )
            + either(
                "`scan.duplicates` lists all duplicates.",
                "`catdog-keras scan` lists all duplicates.",
            )
        )
    if alike:
        warn(
            _describe_moved_images(alike, "a near-duplicate of a file of an earlier split")
            + either("`scan.near_duplicates`", "`catdog-keras scan --near-duplicates`")
            + " lists all near-duplicates. To leave them in their splits, use "
            + setting("near_duplicates", '"ignore"')
            + "."
        )
    if grouped:
        warn(
            _describe_moved_images(grouped, "in a group with a file of an earlier split")
            + "The images of a group are in one split. To leave them in their splits, use other "
            + argument("groups")
            + " or none."
        )


def _describe_moved_images(files: Sequence[str], cause: str, purpose: str = "") -> str:
    """Formats the list of images that were moved to another split for the same cause."""
    number, verb = counted(len(files), "file is", "files are"), "was" if len(files) == 1 else "were"
    shown = first_lines([printable(file) for file in files])
    return f"{number} {cause} and {verb} moved to it{purpose}:{shown}\n"


def report_contradicting_labels(splits: Mapping[str, Listing], scan: ScanReport) -> None:
    """Warns that a split has identical files in several classes, so that a label is wrong."""
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


def report_missing_classes(
    parts: Mapping[str, Listing],
    united: Mapping[str, Listing],
    splits: Mapping[str, Listing],
    class_names: Sequence[str],
    options: SplitOptions,
) -> None:
    """Warns about classes that are not in each split, by cause: few images, or moved ones."""
    wanted = [
        split for split in SPLITS if split != "test" or "test" in parts or options.test_fraction
    ]
    if options.keeps_folders and "all" not in parts:
        wanted = [split for split in SPLITS if split in parts]
    counts, before, after = (
        {part: np.bincount(of.labels, minlength=len(class_names)) for part, of in found.items()}
        for found in (splits, parts, united)
    )
    few, moved = [], []
    for label, name in enumerate(class_names):
        lost = [part for part in parts if before[part][label] and not after[part][label]]
        lacking = [split for split in wanted if not counts[split][label] and split not in lost]
        if lacking:
            count = sum(int(of_split[label]) for of_split in counts.values())
            images = counted(count, "image")
            few.append(f"{printable(name)}: {images}, none in {' or '.join(lacking)}")
        if lost:
            moved.append(f"{printable(name)}: none in {' or '.join(lost)}")
    total = len(class_names)
    if few:
        warn(
            Message(
                f"{len(few)} of {total} classes are not in each split:{first_lines(few)}\n"
                "Metrics of a split do not include the classes that are missing in it. ",
                _remedy_for_missing_classes(parts, options),
            )
        )
    if moved:
        warn(
            f"{len(moved)} of {total} classes have only images in a split that belong together "
            f"with files of an earlier split, to which they were moved:{first_lines(moved)}\n"
            "Remove the duplicates, or add other images."
        )


def _remedy_for_missing_classes(parts: Mapping[str, Listing], options: SplitOptions) -> str:
    """Returns what a user can do about classes that are not in each split."""
    if options.split != "stratified" and "test" not in parts:
        return "Use " + setting("split", '"stratified"') + ", or add images."
    if "validation" not in parts:
        return "Add images, or increase " + argument("holdout_fraction") + "."
    return "Add images of these classes."


@contextmanager
def component_errors_explained(
    listing: Listing, splits: tuple[str, str], belonging: Belonging, options: SplitOptions
) -> Iterator[None]:
    """Converts an error of a split to one that names the images that must stay together.

    Raises:
        ValueError: In place of a `ComponentTooLargeError`.
    """
    try:
        yield
    except ComponentTooLargeError as error:
        files = listing.take(error.positions).files
        second, first = error.sizes
        sizes = f"{splits[0]} is to have {first} and {splits[1]} {second} of {len(listing.files)}"
        cause, remedies = _explain_component(files, belonging, options)
        if len(files) > max(error.sizes):
            found = f"{len(files)} images belong in one split ({cause}), but {sizes}"
        else:
            found = f"{sizes}, but the smallest set of images that must stay together has "
            found += f"{len(files)} ({cause})"
        shown = first_lines([printable(file) for file in files])
        raise ValueError(Message(f"{found}:{shown}\n", *remedies)) from None


def _explain_component(
    files: Sequence[str], belonging: Belonging, options: SplitOptions
) -> tuple[str, list[str]]:
    """Returns why a split keeps some images together, and the parts of what to do."""
    names = belonging.names(files)
    separable = options.near_duplicates == "together" and belonging.needs_near_duplicates(files)
    remedies: list[str] = ["Add other images"]
    if len(names) == 1:
        cause = f"group {printable(names[0])!r}"
    elif names:
        cause = f"groups {listed(names)}, connected by {_connecting_duplicates(separable)}"
    else:
        cause = _connecting_duplicates(separable)
    if names:
        remedies = ["Use smaller groups"]
    elif not separable:
        remedies = ["Remove the copies, add other images"]
    if options.sets_fractions:
        fractions = argument("holdout_fraction"), " or ", argument("test_fraction")
        remedies += [", change " if separable else ", or change ", *fractions]
    if separable:
        remedies += [", or, if near-duplicates may be separated, use "]
        remedies += [setting("near_duplicates", '"ignore"')]
    return cause, [*remedies, "."]


def _connecting_duplicates(separable: bool) -> str:
    """Returns what connects images in a split; near-duplicates only if an option separates them."""
    return "identical images or near-duplicates" if separable else "identical images"
