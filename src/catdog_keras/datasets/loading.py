"""The two calls that turn a folder, an archive or nothing into train, validation and test."""

import numbers
import os
from pathlib import Path

from catdog_keras._checks import check_path, describe
from catdog_keras.datasets.image_splits import ImageSplits
from catdog_keras.datasets.index import ImageIndex, index_image_folder, picture_root
from catdog_keras.datasets.inspection import inspect_files
from catdog_keras.datasets.manifest import Manifest, read_manifest
from catdog_keras.datasets.options import BatchOptions, OnBad, SplitName, SplitOptions
from catdog_keras.datasets.scan_report import ScanReport, first_lines, printable
from catdog_keras.datasets.selection import select_pictures
from catdog_keras.datasets.source import discard_unpacked, find_cats_dogs, find_folder

CATS_DOGS_CLASSES = ("cats", "dogs")
HELD_OUT_SHARE = 1 / 3  # the tutorial holds 1,000 of 3,000 pictures out from training


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
    max_bad_fraction: float = 0.01,
) -> ImageSplits:
    """Loads the tutorial's cats and dogs as train, validation and test.

    A picture stands in the same split in every epoch and every run with the same seed: the files
    are split, not a dataset that reshuffles. Files with the same bytes are never in two splits:
    they join the first of train, validation and test, with a warning. On the public archive that
    gives 2,000 training, 808 validation and 192 test pictures.

    Args:
        source: None or `"public"` downloads the public archive once, into
            `$KERAS_HOME/catdog_keras` (or `~/.keras/catdog_keras`). `"synthetic"` takes pictures
            that the package draws itself, with no network. A path is a folder or a zip archive
            that holds `train` and `validation`, each with the folders `cats` and `dogs`.
        image_size: (height, width) in pixels to which every picture is resized, bilinearly.
        batch_size: Pictures per batch; the last batch of a pass may be smaller.
        shuffle: Whether the training pictures come in a new order in each pass. Validation and
            test never do.
        seed: An integer of at least 0. Sets the split and the order of every pass.
        split: `"take_skip"`: the validation files are shuffled once and the first fifth of their
            batches is the test, as in the tutorial. `"stratified"`: a fifth of each class.
        cache: Whether to decode all pictures once, as uint8 (77 KB for each at 160 x 160), instead
            of anew in each pass. True: into memory. A path: into files in that folder, which
            later runs and other processes find again; a changed picture is decoded anew. It lies
            outside of the pictures' folder, or its name begins with a dot.
        on_bad: What to do about files that are no usable pictures. `"skip"` leaves them out with
            a warning, and raises when they are more than `max_bad_fraction`; `"raise"` raises;
            `"quarantine"` leaves them out however many they are. Files are never touched; the
            list is in `scan.bad`.
        max_bad_fraction: From 0 to 1; see `on_bad`.

    Returns:
        `ImageSplits`, which unpacks into `train, validation, test`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument has a wrong value, the layout is another, too many pictures are
            bad, or too few remain to be split.
        OSError: If `source` does not exist or the download fails.

    Example:
        >>> import catdog_keras
        >>> train, validation, test = catdog_keras.load_cats_dogs("synthetic")
        >>> images, labels = next(iter(train))
        >>> images.shape, labels.shape
        (TensorShape([32, 160, 160, 3]), TensorShape([32]))
    """
    batches = BatchOptions(image_size, batch_size, shuffle, seed, cache)
    options = SplitOptions(split, on_bad, max_bad_fraction)
    wanted = "a folder or zip archive with train and validation, each with cats and dogs"
    folder = find_cats_dogs(source)
    batches.check_apart(folder)
    index = _index(folder, "source", source, wanted)
    if index.class_names != CATS_DOGS_CLASSES or "validation" not in index.parts:
        where = "train and validation" if "validation" in index.parts else "no split folders"
        found = f"It holds the classes {', '.join(index.class_names)} in {where}."
        remedy = f"{found} `catdog_keras.load_image_folder` takes other classes and layouts."
        raise ValueError(describe("source", wanted, str(source), remedy))
    listings, scan = select_pictures(index, options, batch_size, seed, HELD_OUT_SHARE)
    return ImageSplits.of(listings, index.class_names, scan, index.root, batches)


def load_image_folder(
    directory: str | os.PathLike[str],
    *,
    validation_fraction: float = HELD_OUT_SHARE,
    image_size: tuple[int, int] = (160, 160),
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int = 0,
    split: SplitName = "take_skip",
    cache: bool | str | os.PathLike[str] = False,
    on_bad: OnBad = "skip",
    max_bad_fraction: float = 0.01,
) -> ImageSplits:
    """Loads any folder of class folders as train, validation and test.

    The class folders may lie in `train` and `validation`, with or without a `test` beside them, or
    directly in `directory`. What is there is kept: a test folder is the test; without one it is
    taken from validation. `train` and `validation` go together; without them both are taken from
    all. `training`, `val`, `valid` and `testing` are known as names of split folders too, in
    capitals or not.

    Args:
        directory: Folder, or zip archive of one.
        validation_fraction: Between 0 and 1: the share of each class that is held out from
            training for validation and test together. Used only where the class folders lie
            directly in `directory`; on either side at least one picture stays. A third by
            default, the tutorial's share.
        image_size: As for `load_cats_dogs`, like all arguments below.
        batch_size: Pictures per batch.
        shuffle: Whether the training pictures come in a new order in each pass.
        seed: Sets the split and the order of every pass.
        split: `"take_skip"` or `"stratified"`.
        cache: Whether to decode all pictures once, into memory, or a folder for them.
        on_bad: `"skip"`, `"raise"` or `"quarantine"`.
        max_bad_fraction: From 0 to 1; see `on_bad`.

    Returns:
        `ImageSplits`, which unpacks into `train, validation, test`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If an argument has a wrong value, there are fewer than two classes, a class is
            empty, too many pictures are bad, or too few remain to be split.
        OSError: If `directory` does not exist.

    Example:
        >>> import catdog_keras, pathlib
        >>> files = catdog_keras.load_cats_dogs("synthetic").files["train"]
        >>> folder = pathlib.Path(files[0]).parents[1]
        >>> catdog_keras.load_image_folder(folder, batch_size=4).class_names
        ('cats', 'dogs')
    """
    batches = BatchOptions(image_size, batch_size, shuffle, seed, cache)
    options = SplitOptions(split, on_bad, max_bad_fraction)
    share = _check_share(validation_fraction)
    wanted = "a folder or zip archive of class folders, with or without train and validation above"
    folder = find_folder("directory", directory)
    batches.check_apart(folder)
    index = _index(folder, "directory", directory, wanted)
    listings, scan = select_pictures(index, options, batch_size, seed, share)
    return ImageSplits.of(listings, index.class_names, scan, index.root, batches)


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
    """Loads the split that `ImageSplits.save_manifest` wrote down, and no other.

    Every file must be there with the content that it had. Files that the manifest does not name
    are left alone: a folder may have grown since.

    Args:
        path: The manifest.
        directory: Folder with the pictures, or zip archive of it, as it was loaded then.
        image_size: As for `load_cats_dogs`, like all arguments below.
        batch_size: Pictures per batch.
        shuffle: Whether the training pictures come in a new order in each pass.
        seed: Sets the order of every pass; the split is the manifest's.
        cache: Whether to decode all pictures once, into memory, or a folder for them.

    Returns:
        `ImageSplits`, which unpacks into `train, validation, test`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the file is no manifest, or pictures are missing or have changed: they are
            named.
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
    batches.check_apart(folder)
    root = picture_root(folder)
    listings = {split: listing.below(root) for split, listing in manifest.splits.items()}
    files = [file for listing in listings.values() for file in listing.files]
    scan = ScanReport.of(inspect_files(files))
    _check_unchanged(manifest, root, scan)
    return ImageSplits.of(listings, manifest.class_names, scan, root, batches)


def _check_share(fraction: float) -> float:
    requirement = "a number above 0 and below 1"
    if isinstance(fraction, bool) or not isinstance(fraction, numbers.Real):
        raise TypeError(describe("validation_fraction", requirement, fraction))
    if not 0 < fraction < 1:
        raise ValueError(describe("validation_fraction", requirement, fraction))
    return float(fraction)


def _check_unchanged(manifest: Manifest, root: Path, scan: ScanReport) -> None:
    differing = []
    for file, content in manifest.contents.items():
        picture = scan.by_path[str(root / file)]
        if (picture.size, picture.sha256) != content:
            differing.append(
                f"{printable(file)}: {'has changed' if picture.sha256 else picture.reason}"
            )
    if differing:
        raise ValueError(
            f"{len(differing)} of {len(manifest.contents)} files below {str(root)!r} are not what "
            f"the manifest says:{first_lines(differing)}\nBring them back, or split anew."
        )


def _index(
    folder: Path, name: str, source: str | os.PathLike[str] | None, wanted: str
) -> ImageIndex:
    """Indexes what a source led to; messages name places as the user does."""
    try:
        return index_image_folder(folder)
    except ValueError as error:
        if source is not None and not check_path("source", source).is_dir():
            discard_unpacked(folder)  # of an archive with another layout nobody has any use
        found = str(error).replace(str(folder), str(source))
        raise ValueError(describe(name, wanted, str(source), found)) from error
