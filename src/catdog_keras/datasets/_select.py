"""Inspects an image index, skips bad files, and splits the rest with duplicates together."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from catdog_keras._folder_names import SPLITS
from catdog_keras._message import Message, argument, either, setting
from catdog_keras._printable import count_extensions, counted, first_lines, listed, printable
from catdog_keras._warnings import warn
from catdog_keras.datasets._components import join_files
from catdog_keras.datasets._garbage_collection import collection_paused
from catdog_keras.datasets._index import ImageIndex, Listing, drop_classes
from catdog_keras.datasets._manifest import LabelSource
from catdog_keras.datasets._near_duplicates import near_duplicate_pairs
from catdog_keras.datasets._options import BatchOptions, SplitOptions
from catdog_keras.datasets._perceptual_hash import Gray
from catdog_keras.datasets._scan_report import ScanReport
from catdog_keras.datasets._split import (
    SPLIT_FUNCTIONS,
    ComponentTooLargeError,
    hold_out,
    unite_components,
)
from catdog_keras.datasets._splits import ImageSplits
from catdog_keras.datasets._validate import inspect_files


@dataclass(frozen=True)
class Belonging:
    """Which images belong together, and why.

    Attributes:
        components: Component of each file: files with the same number belong together.
        digests: SHA-256 of each file.
        groups: Group of each file that has one.
    """

    components: Mapping[str, int]
    digests: Mapping[str, str]
    groups: Mapping[str, str]

    def numbers(self, listing: Listing) -> np.ndarray:
        """Returns the component of each image of a listing."""
        return np.array([self.components[file] for file in listing.files], np.int64)

    def names(self, files: Sequence[str]) -> list[str]:
        """Returns the names of the groups of some files."""
        return sorted({self.groups[file] for file in files if file in self.groups})

    def needs_near_duplicates(self, files: Sequence[str]) -> bool:
        """Returns whether only near-duplicates connect some files that belong together."""
        rules = [self.digests] if not self.groups else [self.digests, self.groups]
        return len(set(join_files(files, rules, []).values())) > 1


def load_splits(
    index: ImageIndex, options: SplitOptions, batches: BatchOptions, label_source: LabelSource
) -> ImageSplits:
    """Selects and splits the images of an index, and builds their datasets."""
    selected = select_images(index, options, batches.batch_size, batches.seed)
    return ImageSplits.from_listings(*selected, index.root, batches, label_source)


def select_images(
    index: ImageIndex, options: SplitOptions, batch_size: int, seed: int
) -> tuple[dict[str, Listing], tuple[str, ...], ScanReport, dict[str, int]]:
    """Returns images by split, as absolute paths, the classes, the report, and components by path.

    Args:
        index: The images, in split folders or in one part.
        options: The split method, its fractions, and the handling of bad files.
        batch_size: Images per batch, the unit of `take_skip`.
        seed: Seed of the split.
    """
    groups = _name_groups(index, options)
    parts = {part: listing.below(index.root) for part, listing in index.parts.items()}
    files = [file for listing in parts.values() for file in listing.files]
    ignored = [str(index.root / file) for file in index.ignored]
    skipped = [str(index.root / file) for file in index.skipped]
    thumbnails: dict[str, Gray] | None = {} if options.near_duplicates == "together" else None
    images = inspect_files(files, thumbnails=thumbnails)
    with collection_paused():
        scan = ScanReport.from_files(images, ignored, skipped)
        for note in index.notes:
            warn(note)
        _report_skipped(index)
        _report_ignored(scan)
        _handle_bad_files(scan, options)
        class_names, parts = _usable_images(index, parts, scan)
        usable = [file for listing in parts.values() for file in listing.files]
        pairs: list[tuple[str, str]] = []
        if thumbnails is not None:
            pairs = near_duplicate_pairs([scan.by_path[file] for file in usable], thumbnails)
            scan = scan.with_near_duplicates(pairs)
        digests = {file: scan.by_path[file].sha256 for file in usable}
        rules = [digests] if groups is None else [digests, groups]
        components = join_files(usable, rules, pairs)
        united = parts
        if not options.keeps_folders:
            united, moved = unite_components(parts, components)
            if moved:
                near = join_files(usable, [digests], pairs)
                _report_moved(moved, unite_components(parts, near)[1], united, parts, scan)
        _report_torn(united, scan)
        _check_sizes(united)
        belonging = Belonging(components, digests, groups or {})
        splits = _split(united, options, belonging, batch_size, seed)
        _report_missing_classes(parts, united, splits, class_names, options)
        return splits, class_names, scan, components


def _name_groups(index: ImageIndex, options: SplitOptions) -> dict[str, str] | None:
    """Returns the group of each file by absolute path, or None if no groups are stated."""
    if options.name_groups is None:
        return None
    files = [file for listing in index.parts.values() for file in listing.files]
    groups = options.name_groups(files, index.root)
    paths = [file for listing in index.parts.values() for file in listing.below(index.root).files]
    return {path: groups[file] for path, file in zip(paths, files, strict=True)}


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
        f"{found}\nThey are skipped. "
        + either("`scan.bad` or `catdog-keras scan`", "`catdog-keras scan`")
        + " lists all of them."
    )


def _report_ignored(scan: ScanReport) -> None:
    if scan.ignored:
        warn(
            "Ignored files without a supported image extension: "
            f"{count_extensions(scan.ignored)}. If some are images, convert or rename them."
            + either(" `scan.ignored` lists all of them.", "")
        )


def _report_skipped(index: ImageIndex) -> None:
    folders = [path for path in index.skipped if (index.root / path).is_dir()]
    if folders:
        warn(
            f"Skipped {counted(len(folders), 'folder')} that a system or program created, or links "
            "to folders that are listed already or were not followed:"
            f"{first_lines([printable(path) for path in folders])}\n"
            + either("`scan.skipped`", "`catdog-keras scan`")
            + " lists all of them."
        )


def _report_missing_classes(
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
                _remedy_for_few(parts, options),
            )
        )
    if moved:
        warn(
            f"{len(moved)} of {total} classes have only images in a split that belong together "
            f"with files of an earlier split, to which they were moved:{first_lines(moved)}\n"
            "Remove the duplicates, or add other images."
        )


def _remedy_for_few(parts: Mapping[str, Listing], options: SplitOptions) -> str:
    if options.split != "stratified" and "test" not in parts:
        return "Use " + setting("split", '"stratified"') + ", or add images."
    if "validation" not in parts:
        return "Add images, or increase " + argument("holdout_fraction") + "."
    return "Add images of these classes."


def _report_moved(
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
            _moved_text(
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
            _moved_text(alike, "a near-duplicate of a file of an earlier split")
            + either("`scan.near_duplicates`", "`catdog-keras scan --near-duplicates`")
            + " lists all near-duplicates. To leave them in their splits, use "
            + setting("near_duplicates", '"ignore"')
            + "."
        )
    if grouped:
        warn(
            _moved_text(grouped, "in a group with a file of an earlier split")
            + "The images of a group are in one split. To leave them in their splits, use other "
            + argument("groups")
            + " or none."
        )


def _moved_text(files: Sequence[str], cause: str, purpose: str = "") -> str:
    number, verb = counted(len(files), "file is", "files are"), "was" if len(files) == 1 else "were"
    shown = first_lines([printable(file) for file in files])
    return f"{number} {cause} and {verb} moved to it{purpose}:{shown}\n"


def _report_torn(splits: Mapping[str, Listing], scan: ScanReport) -> None:
    """Warns about identical files of several classes."""
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
    parts: Mapping[str, Listing],
    options: SplitOptions,
    belonging: Belonging,
    batch_size: int,
    seed: int,
) -> dict[str, Listing]:
    """Divides the images of the given parts into train, validation and test.

    Raises:
        ValueError: If there are too few images, or too many belong together.
    """
    divided = dict(parts)
    if "validation" not in parts:
        everything = parts["all"] if "all" in parts else parts["train"]
        components: np.ndarray | None = belonging.numbers(everything)
        if "all" not in parts and options.keeps_folders:
            components = None  # the user of the splits counts all of these images as training
        elif "all" not in parts:
            wanted = "validation images" if "test" in parts else "validation and test images"
            warn(
                f"There is no validation folder: {options.holdout_fraction:.0%} of the training "
                f"images of each class are used as {wanted}.",
            )
        # A component that fits into neither validation nor test is better in train.
        fraction = 0 if "test" in parts else options.test_fraction
        with _components_named(everything, ("train", "validation"), belonging, options):
            train, held_out = hold_out(
                everything.labels,
                options.holdout_fraction,
                seed,
                components,
                max(fraction, 1 - fraction),
            )
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
        with _components_named(held, ("validation", "test"), belonging, options):
            validation, test = divide(
                held.labels, batch_size, seed, options.test_fraction, belonging.numbers(held)
            )
        divided["validation"], divided["test"] = held.take(validation), held.take(test)
    return {split: divided[split] for split in SPLITS}


@contextmanager
def _components_named(
    listing: Listing, splits: tuple[str, str], belonging: Belonging, options: SplitOptions
) -> Iterator[None]:
    """Names the images that belong together and do not fit into one of two splits.

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
    """Returns why some images belong together, and the parts of what to do."""
    names = belonging.names(files)
    separable = options.near_duplicates == "together" and belonging.needs_near_duplicates(files)
    remedies: list[str] = ["Add other images"]
    if len(names) == 1:
        cause = f"group {printable(names[0])!r}"
    elif names:
        cause = f"groups {listed(names)}, connected by {_duplicates(separable)}"
    else:
        cause = _duplicates(separable)
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


def _duplicates(separable: bool) -> str:
    return "identical images or near-duplicates" if separable else "identical images"


def _check_sizes(parts: Mapping[str, Listing]) -> None:
    """Raises if one of the given parts is empty."""
    for part, listing in parts.items():
        if not listing.files:
            raise ValueError(
                f"No image is left for {part}: each of its files belongs together with a file of "
                "an earlier split (it is identical, a near-duplicate or in the same group), or "
                "cannot be read. Remove the duplicates, or add other images."
            )
