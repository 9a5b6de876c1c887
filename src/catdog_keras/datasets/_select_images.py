"""Inspects an image index, skips bad files, and splits the rest with duplicates together."""

from collections.abc import Mapping

import numpy as np

from catdog_keras._folder_names import SPLITS
from catdog_keras._printable import first_lines, listed
from catdog_keras._warnings import warn
from catdog_keras.datasets._belonging import Belonging
from catdog_keras.datasets._components import join_files
from catdog_keras.datasets._garbage_collection import collection_paused
from catdog_keras.datasets._image_index import ImageIndex, Listing, drop_classes
from catdog_keras.datasets._image_splits import ImageSplits
from catdog_keras.datasets._inspect_files import inspect_files
from catdog_keras.datasets._manifest import LabelSource
from catdog_keras.datasets._near_duplicates import near_duplicate_pairs
from catdog_keras.datasets._options import BatchOptions, SplitOptions
from catdog_keras.datasets._perceptual_hash import Gray
from catdog_keras.datasets._scan_report import ScanReport
from catdog_keras.datasets._split_messages import (
    component_errors_explained,
    report_bad_files,
    report_contradicting_labels,
    report_ignored_files,
    report_missing_classes,
    report_moved_images,
    report_skipped_folders,
)
from catdog_keras.datasets._split_methods import SPLIT_FUNCTIONS, hold_out, unite_components


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
    groups = _groups_by_path(index, options)
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
        report_skipped_folders(index)
        report_ignored_files(scan)
        report_bad_files(scan, options)
        class_names, parts = _drop_bad_files(index, parts, scan)
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
                report_moved_images(moved, unite_components(parts, near)[1], united, parts, scan)
        report_contradicting_labels(united, scan)
        _check_parts_not_empty(united)
        belonging = Belonging(components, digests, groups or {})
        splits = _divide_parts(united, options, belonging, batch_size, seed)
        report_missing_classes(parts, united, splits, class_names, options)
        return splits, class_names, scan, components


def _groups_by_path(index: ImageIndex, options: SplitOptions) -> dict[str, str] | None:
    """Returns the group of each file to select from by its path, or None if none are stated."""
    if options.name_groups is None:
        return None
    files = [file for listing in index.parts.values() for file in listing.files]
    groups = options.name_groups(files, index.root)
    paths = [file for listing in index.parts.values() for file in listing.below(index.root).files]
    return {path: groups[file] for path, file in zip(paths, files, strict=True)}


def _drop_bad_files(
    index: ImageIndex, parts: Mapping[str, Listing], scan: ScanReport
) -> tuple[tuple[str, ...], dict[str, Listing]]:
    """Selects the files that are not bad, and classes with such a file; warns about the others.

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


def _divide_parts(
    parts: Mapping[str, Listing],
    options: SplitOptions,
    belonging: Belonging,
    batch_size: int,
    seed: int,
) -> dict[str, Listing]:
    """Divides the selected images of the given parts into train, validation and test.

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
        with component_errors_explained(everything, ("train", "validation"), belonging, options):
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
        with component_errors_explained(held, ("validation", "test"), belonging, options):
            validation, test = divide(
                held.labels, batch_size, seed, options.test_fraction, belonging.numbers(held)
            )
        divided["validation"], divided["test"] = held.take(validation), held.take(test)
    return {split: divided[split] for split in SPLITS}


def _check_parts_not_empty(parts: Mapping[str, Listing]) -> None:
    """Raises if no image was selected for one of the parts."""
    for part, listing in parts.items():
        if not listing.files:
            raise ValueError(
                f"No image is left for {part}: each of its files belongs together with a file of "
                "an earlier split (it is identical, a near-duplicate or in the same group), or "
                "cannot be read. Remove the duplicates, or add other images."
            )
