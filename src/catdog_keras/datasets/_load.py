"""Loading of labeled image folders as training, validation and test datasets."""

import numbers
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from catdog_keras._checks import check_class_names, describe
from catdog_keras._message import message_of
from catdog_keras._printable import counted
from catdog_keras.datasets._index import ImageIndex, image_root, index_image_folder
from catdog_keras.datasets._manifest import Manifest, read_manifest, relative_posix_path
from catdog_keras.datasets._options import BatchOptions, OnBad, SplitName, SplitOptions
from catdog_keras.datasets._pipeline import batched_dataset
from catdog_keras.datasets._scan_report import ScanReport, first_lines, printable
from catdog_keras.datasets._select import select_images
from catdog_keras.datasets._source import find_cats_dogs, find_folder
from catdog_keras.datasets._splits import ImageSplits, count_classes
from catdog_keras.datasets._validate import inspect_files

if TYPE_CHECKING:
    import tensorflow as tf

CATS_DOGS_CLASSES = ("cats", "dogs")
HELD_OUT_SHARE = 1 / 3  # the tutorial holds out 1,000 of 3,000 images


def load_cats_dogs(
    source: str | os.PathLike[str] | None = None,
    *,
    image_size: tuple[int, int] = (160, 160),
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int = 0,
    split: SplitName = "take_skip",
    cache: bool | str | os.PathLike[str] = False,
    on_bad: OnBad = "skip",
    max_bad_fraction: float = 1.0,
) -> ImageSplits:
    """Loads the tutorial's cats-and-dogs images as training, validation and test datasets.

    The split is made by file and is the same in every epoch and every run with the same seed.
    Byte-identical files are never in two splits: they are moved to the first of train, validation
    and test that contains one of them, with a warning. For the public archive this gives 2,000
    training, 808 validation and 192 test images.

    Args:
        source: None or `"public"` downloads the public archive once, to
            `$KERAS_HOME/catdog_keras` (or `~/.keras/catdog_keras`). `"synthetic"` uses synthetic
            images that the package renders, without network access. A path is a folder or a zip
            archive with `train` and `validation` folders, each with the folders `cats` and `dogs`.
        image_size: (height, width) in pixels; every image is resized to it with bilinear
            interpolation.
        batch_size: Images per batch; the last batch of an epoch may be smaller.
        shuffle: Whether to reshuffle the training images in each epoch. Validation and test are
            never shuffled. Reading only the first batch, as `next(iter(train))` does, does not
            change the order of later epochs.
        seed: An integer >= 0. Determines the split and the order of every epoch.
        split: `"take_skip"`: the validation files are shuffled once and the first fifth of their
            batches becomes the test set, as in the tutorial. `"stratified"`: a fifth of the
            validation files of each class.
        cache: Whether to decode all images once, as uint8 (77 KB per image at 160 x 160), instead
            of in each epoch. True caches in memory. A path is a folder for cache files, which later
            runs and other processes reuse; images that have changed are decoded again. The folder
            must be outside of the image folder, or its name must begin with a dot.
        on_bad: How to handle files that cannot be read as images. `"skip"` skips them with a
            warning; `"raise"` raises an error. Files are never modified; `scan.bad` lists the
            skipped ones.
        max_bad_fraction: Largest fraction of such files that is skipped, from 0 to 1; more of them
            are an error.

    Returns:
        `ImageSplits`, which unpacks into `train, validation, test`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range, the folder layout is different, too many files
            are bad, or too few images remain for the split.
        OSError: If `source` does not exist or the download fails.

    See Also:
        `load_image_folder`: the same for any folder of classes.
        `ImageSplits`: what is returned: datasets, files, labels, counts.
        `plot_images`: shows images with their labels.

    Example:
        >>> import catdog_keras
        >>> train, validation, test = catdog_keras.load_cats_dogs("synthetic")
        >>> images, labels = next(iter(train))
        >>> images.shape, labels.shape
        (TensorShape([32, 160, 160, 3]), TensorShape([32]))

        Smaller images, and a test set of a fifth of the validation images of each class. The result
        also contains files, labels and counts:

        >>> splits = catdog_keras.load_cats_dogs(
        ...     "synthetic", image_size=(96, 96), batch_size=16, split="stratified"
        ... )
        >>> splits.class_names
        ('cats', 'dogs')
        >>> len(splits.files["test"]) == sum(splits.counts["test"].values())
        True
    """
    batches = BatchOptions(image_size, batch_size, shuffle, seed, cache)
    options = SplitOptions(split, on_bad, max_bad_fraction)
    wanted = "a folder or zip archive with train and validation, each with cats and dogs"
    folder = find_cats_dogs(source)
    batches.check_outside(folder)
    index = _index(folder, "source", source, wanted)
    if index.class_names != CATS_DOGS_CLASSES or "validation" not in index.parts:
        where = "no split folders" if "all" in index.parts else " and ".join(index.parts)
        names = ", ".join(map(printable, index.class_names))
        found = f"It holds the classes {names} in {where}."
        remedy = f"{found} `catdog_keras.load_image_folder` supports other classes and layouts."
        raise ValueError(describe("source", wanted, str(source), remedy))
    listings, scan = select_images(index, options, batch_size, seed, HELD_OUT_SHARE)
    return ImageSplits.from_listings(listings, index.class_names, scan, index.root, batches)


def load_image_folder(
    directory: str | os.PathLike[str],
    *,
    class_names: Sequence[str] | None = None,
    holdout_fraction: float = HELD_OUT_SHARE,
    image_size: tuple[int, int] = (160, 160),
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int = 0,
    split: SplitName = "stratified",
    cache: bool | str | os.PathLike[str] = False,
    on_bad: OnBad = "skip",
    max_bad_fraction: float = 1.0,
) -> ImageSplits:
    """Loads a folder of class folders as training, validation and test datasets.

    The class folders can be directly in `directory`, or in split folders: `train` and optionally
    `validation` and `test`. Existing splits are kept: without a test folder, the test set is taken
    from validation; without a validation folder, validation is held out from train with a warning.
    Other common names of split folders are recognized, in upper or lower case, with other words
    and numbers, and repeated by a folder inside: `training_set/training_set`, `val2017` or
    `seg_test`.
    A folder that contains images itself is a class, also if it is named `train`.

    Images in subfolders of a class folder have its class. A structure with several possible
    meanings is an error, also images in a folder `test` next to class folders; `class_names` states
    which folders are the classes. Folders that are named like copies of a class, as `cats - Copy`
    or `cats_masks`, or like results, as `output`, are classes too, with a warning; so are the
    images in a folder such as `cats/rejected`. Hidden files and folders, and those that systems and
    programs create, such as `@eaDir`, are skipped.

    Args:
        directory: The folder, or a zip archive of it.
        class_names: None to use all folders, sorted by name, or the names of the class folders, in
            the order of their labels. Images in other folders next to them are ignored with a
            warning.
        holdout_fraction: Fraction of each class that is held out from training, for validation
            and test together, between 0 and 1. Not used if there is a validation folder; with
            a test folder only, all of it is for validation. Training and holdout get at least one
            image of each class. Defaults to a third, as in the tutorial.
        image_size: (height, width) in pixels. This and all further arguments are as for
            `load_cats_dogs`.
        batch_size: Images per batch.
        shuffle: Whether to reshuffle the training images in each epoch.
        seed: Determines the split and the order of every epoch.
        split: `"stratified"`: a fifth of each held-out class becomes the test set.
            `"take_skip"`: as for `load_cats_dogs`, whose default it is.
        cache: Whether to decode all images once: True for in memory, or a folder for cache files.
        on_bad: `"skip"` or `"raise"`.
        max_bad_fraction: From 0 to 1; see `on_bad`.

    Returns:
        `ImageSplits`, which unpacks into `train, validation, test`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument is out of range, there are fewer than two classes, a class is
            empty, the structure has several meanings, too many files are bad, or too few images
            remain for the split.
        OSError: If `directory` does not exist.

    See Also:
        `load_cats_dogs`: the tutorial's data and layout.
        `load_images`: one labeled or unlabeled set, without a split.
        `load_manifest`: restores a saved split.
        `scan_images`: checks the files without loading them.

    Example:
        >>> import catdog_keras, pathlib
        >>> files = catdog_keras.load_cats_dogs("synthetic").files["train"]
        >>> folder = pathlib.Path(files[0]).parents[1]  # contains the folders cats and dogs
        >>> splits = catdog_keras.load_image_folder(folder, image_size=(96, 96))
        >>> splits.class_names
        ('cats', 'dogs')

        With the classes in another order, so that the label of dogs is 0, and 80 % of the images
        for training:

        >>> splits = catdog_keras.load_image_folder(
        ...     folder, class_names=["dogs", "cats"], holdout_fraction=0.2
        ... )
        >>> splits.class_names
        ('dogs', 'cats')
    """
    batches = BatchOptions(image_size, batch_size, shuffle, seed, cache)
    options = SplitOptions(split, on_bad, max_bad_fraction)
    share = _check_share(holdout_fraction)
    names = None if class_names is None else check_class_names(class_names)
    if names is not None and len(names) < 2:
        raise ValueError(describe("class_names", "a list of at least two class names", class_names))
    wanted = "a folder or zip archive of class folders, optionally inside train and validation"
    folder = find_folder("directory", directory)
    batches.check_outside(folder)
    index = _index(folder, "directory", directory, wanted, names)
    listings, scan = select_images(index, options, batch_size, seed, share)
    return ImageSplits.from_listings(listings, index.class_names, scan, index.root, batches)


def load_manifest(
    path: str | os.PathLike[str],
    directory: str | os.PathLike[str],
    *,
    image_size: tuple[int, int] = (160, 160),
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int = 0,
    cache: bool | str | os.PathLike[str] = False,
) -> ImageSplits:
    """Loads the exact split that was saved by `ImageSplits.save_manifest`.

    Every file in the manifest must exist with unchanged content. Files that are not in the
    manifest, such as images that were added later, are ignored.

    Args:
        path: The manifest file.
        directory: The folder with the images, or a zip archive of it, that was loaded when the
            manifest was saved. It may have been moved.
        image_size: (height, width) in pixels. This and all further arguments are as for
            `load_cats_dogs`.
        batch_size: Images per batch.
        shuffle: Whether to reshuffle the training images in each epoch.
        seed: Determines the order of every epoch; the split is that of the manifest.
        cache: Whether to decode all images once: True for in memory, or a folder for cache files.

    Returns:
        `ImageSplits`, which unpacks into `train, validation, test`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the file is not a manifest, or images are missing or have changed; the
            message lists them.
        OSError: If `path` or `directory` does not exist.

    Example:
        >>> import catdog_keras, pathlib, tempfile
        >>> splits = catdog_keras.load_cats_dogs("synthetic")
        >>> manifest = pathlib.Path(tempfile.mkdtemp()) / "split.json"
        >>> splits.save_manifest(manifest)
        >>> catdog_keras.load_manifest(manifest, splits.root).files == splits.files
        True
    """
    batches = BatchOptions(image_size, batch_size, shuffle, seed, cache)
    manifest = read_manifest(path)
    folder = find_folder("directory", directory)
    batches.check_outside(folder)
    root = image_root(folder)
    listings = {split: listing.below(root) for split, listing in manifest.splits.items()}
    files = [file for listing in listings.values() for file in listing.files]
    scan = ScanReport.from_files(inspect_files(files))
    _check_unchanged(manifest, root, scan)
    return ImageSplits.from_listings(listings, manifest.class_names, scan, root, batches)


@dataclass(frozen=True)
class ManifestSplit:
    """One split of a manifest.

    Attributes:
        dataset: Batches of images and labels, in the order of `files`.
        files: Paths of the images.
        scan: Report of these files.
        root: The folder that contains all files.
        class_names: Name of the class of each label.
        counts: Number of images by split and class, of all splits of the manifest.
    """

    dataset: "tf.data.Dataset"
    files: tuple[str, ...]
    scan: ScanReport
    root: Path
    class_names: tuple[str, ...]
    counts: dict[str, dict[str, int]]


def load_manifest_split(
    path: str | os.PathLike[str],
    directory: str | os.PathLike[str],
    split: str,
    *,
    image_size: tuple[int, int],
    batch_size: int,
) -> ManifestSplit:
    """Loads one split of a manifest; the files of the other splits are not read.

    Raises:
        ValueError: If the file is not a manifest, or images of the split are missing or have
            changed.
        OSError: If `path` or `directory` does not exist.
    """
    manifest = read_manifest(path)
    root = image_root(find_folder("directory", directory))
    listing = manifest.splits[split].below(root)
    scan = ScanReport.from_files(inspect_files(listing.files))
    _check_unchanged(manifest, root, scan)
    options = BatchOptions(image_size, batch_size, shuffle=False, seed=0, cache=False)
    images = [scan.by_path[file] for file in listing.files]
    return ManifestSplit(
        dataset=batched_dataset(listing, images, options, shuffled=False),
        files=listing.files,
        scan=scan,
        root=root,
        class_names=manifest.class_names,
        counts=count_classes(
            {name: each.labels for name, each in manifest.splits.items()}, manifest.class_names
        ),
    )


def _check_share(fraction: float) -> float:
    requirement = "a number above 0 and below 1"
    if isinstance(fraction, bool) or not isinstance(fraction, numbers.Real):
        raise TypeError(describe("holdout_fraction", requirement, fraction))
    if not 0 < fraction < 1:
        raise ValueError(describe("holdout_fraction", requirement, fraction))
    return float(fraction)


def _check_unchanged(manifest: Manifest, root: Path, scan: ScanReport) -> None:
    """Raises an error if a scanned file differs from its entry in the manifest."""
    differing = []
    for path, image in scan.by_path.items():
        file = relative_posix_path(root, path)
        if (image.size, image.sha256) != manifest.contents[file]:
            differing.append(
                f"{printable(file)}: {'has changed' if image.sha256 else image.reason}"
            )
    if differing:
        raise ValueError(
            f"{len(differing)} of {counted(len(scan.by_path), 'file')} in {str(root)!r} do not "
            f"match the manifest:{first_lines(differing)}\n"
            "Restore the files, or create a new split."
        )


def _index(
    folder: Path,
    name: str,
    source: str | os.PathLike[str] | None,
    wanted: str,
    class_names: Sequence[str] | None = None,
) -> ImageIndex:
    """Indexes a folder; error messages contain the path as the user passed it."""
    try:
        return index_image_folder(folder, class_names)
    except ValueError as error:
        found = message_of(error).replace(str(folder), str(source))
        if name == "source":  # of `load_cats_dogs`, which has fixed classes
            found = str(found).replace("`class_names`", "`class_names` to `load_image_folder`")
        raise ValueError(describe(name, wanted, str(source), found)) from error
