"""The two calls that turn a folder, an archive or nothing into train, validation and test."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from catdog_keras._checks import (
    check_boolean,
    check_choice,
    check_integer,
    check_number,
    check_size,
    describe,
)
from catdog_keras._progress import progress_bar
from catdog_keras.datasets import synthetic
from catdog_keras.datasets.archive import appear, cache_directory, fetch_archive, unpack_archive
from catdog_keras.datasets.index import ImageIndex, Listing, index_image_folder
from catdog_keras.datasets.inspection import PictureFile, ScanReport, inspect_files
from catdog_keras.datasets.pipeline import batched_dataset
from catdog_keras.datasets.splitting import SPLIT_FUNCTIONS, hold_out

if TYPE_CHECKING:
    import tensorflow as tf

CATS_DOGS_URL = "https://storage.googleapis.com/mledu-datasets/cats_and_dogs_filtered.zip"
CATS_DOGS_CLASSES = ("cats", "dogs")
SPLITS = ("train", "validation", "test")
ON_BAD = ("skip", "raise", "quarantine")
HELD_OUT_SHARE = 1 / 3  # the tutorial holds 1,000 of 3,000 pictures out from training

SplitName = Literal["take_skip", "stratified"]
OnBad = Literal["skip", "raise", "quarantine"]


@dataclass(frozen=True)
class ImageSplits:
    """Training, validation and test pictures that never share a file.

    Unpacks into its three datasets: `train, validation, test = splits`.

    Attributes:
        train: `tf.data.Dataset` of batches: float32 pictures in [0, 255] of shape
            `(batch, height, width, 3)`, and int32 labels of shape `(batch,)`.
        validation: The same; every pass yields the order of `files["validation"]`.
        test: The same; every pass yields the order of `files["test"]`.
        class_names: What each label means.
        files: Paths by split.
        labels: int32 arrays by split, side by side with `files`.
        scan: The `ScanReport` of the pictures: which files were odd, left out, or doubled.
    """

    train: "tf.data.Dataset"
    validation: "tf.data.Dataset"
    test: "tf.data.Dataset"
    class_names: tuple[str, ...]
    files: dict[str, tuple[str, ...]]
    labels: dict[str, np.ndarray]
    scan: ScanReport = field(repr=False)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """How many pictures each split holds of each class."""
        return {
            split: {
                name: int(np.count_nonzero(labels == label))
                for label, name in enumerate(self.class_names)
            }
            for split, labels in self.labels.items()
        }

    def __iter__(self) -> Iterator["tf.data.Dataset"]:
        """Yields train, validation and test."""
        return iter((self.train, self.validation, self.test))


@dataclass(frozen=True)
class _Options:
    """The arguments that both public functions share, checked."""

    image_size: tuple[int, int]
    batch_size: int
    shuffle: bool
    seed: int
    split: str
    cache: bool
    on_bad: str
    max_bad_fraction: float

    def __post_init__(self) -> None:
        check_size("image_size", self.image_size)
        check_integer("batch_size", self.batch_size, minimum=1)
        check_boolean("shuffle", self.shuffle)
        check_integer("seed", self.seed, minimum=0)
        check_choice("split", self.split, SPLIT_FUNCTIONS)
        check_boolean("cache", self.cache)
        check_choice("on_bad", self.on_bad, ON_BAD)
        check_number("max_bad_fraction", self.max_bad_fraction, minimum=0, maximum=1)


def load_cats_dogs(
    source: str | os.PathLike[str] | None = None,
    *,
    image_size: tuple[int, int] = (160, 160),
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int = 0,
    split: SplitName = "take_skip",
    cache: bool = False,
    on_bad: OnBad = "skip",
    max_bad_fraction: float = 0.01,
) -> ImageSplits:
    """Loads the tutorial's cats and dogs as train, validation and test.

    A picture stands in the same split in every epoch and every run with the same seed: the files
    are split, not a dataset that reshuffles. On the public archive that gives 2,000 training, 808
    validation and 192 test pictures.

    Args:
        source: None downloads the public archive once, into `$KERAS_HOME/catdog_keras` (or
            `~/.keras/catdog_keras`). `"synthetic"` takes pictures that the package draws itself,
            with no network. A path is a folder or a zip archive that holds `train` and
            `validation`, each with the folders `cats` and `dogs`.
        image_size: (height, width) in pixels to which every picture is resized, bilinearly.
        batch_size: Pictures per batch; the last batch of a pass may be smaller.
        shuffle: Whether the training pictures come in a new order in each pass. Validation and
            test never do.
        seed: An integer of at least 0. Sets the split and the order of every pass.
        split: `"take_skip"`: the validation files are shuffled once and the first fifth of their
            batches is the test, as in the tutorial. `"stratified"`: a fifth of each class.
        cache: Whether to decode all pictures once, into memory as uint8 (77 KB for each at
            160 x 160), instead of anew in each pass.
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
    options = _Options(
        image_size, batch_size, shuffle, seed, split, cache, on_bad, max_bad_fraction
    )
    index = index_image_folder(_find_source(source))
    if index.class_names != CATS_DOGS_CLASSES or "validation" not in index.parts:
        raise ValueError(
            "`source` must hold train and validation folders with the class folders cats and dogs; "
            f"{str(index.root)!r} holds {', '.join(sorted(index.parts))} with the classes "
            f"{', '.join(index.class_names)}. For other layouts and classes use load_image_folder."
        )
    return _load(index, options, HELD_OUT_SHARE)


def load_image_folder(
    directory: str | os.PathLike[str],
    *,
    validation_fraction: float = HELD_OUT_SHARE,
    image_size: tuple[int, int] = (160, 160),
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int = 0,
    split: SplitName = "take_skip",
    cache: bool = False,
    on_bad: OnBad = "skip",
    max_bad_fraction: float = 0.01,
) -> ImageSplits:
    """Loads any folder of class folders as train, validation and test.

    The class folders may lie in `train` and `validation` (or `val`), with or without a `test`
    beside them, or directly in `directory`. What is there is kept: a test folder is the test;
    without one it is taken from validation; without validation, that is held out from all.

    Args:
        directory: Folder, or zip archive of one.
        validation_fraction: Between 0 and 1: the share of each class that is held out from
            training for validation and test together. Used only where the class folders lie
            directly in `directory`. A third by default, the tutorial's share.
        image_size: As for `load_cats_dogs`, like all arguments below.
        batch_size: Pictures per batch.
        shuffle: Whether the training pictures come in a new order in each pass.
        seed: Sets the split and the order of every pass.
        split: `"take_skip"` or `"stratified"`.
        cache: Whether to decode all pictures once, into memory.
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
        >>> catdog_keras.load_image_folder(folder).class_names
        ('cats', 'dogs')
    """
    options = _Options(
        image_size, batch_size, shuffle, seed, split, cache, on_bad, max_bad_fraction
    )
    check_number("validation_fraction", validation_fraction, minimum=0, maximum=1)
    return _load(
        index_image_folder(_find_folder("directory", directory)), options, validation_fraction
    )


def _find_source(source: str | os.PathLike[str] | None) -> Path:
    if source is None:
        downloads = cache_directory() / "downloads"
        return unpack_archive(
            fetch_archive(CATS_DOGS_URL, downloads), cache_directory() / "unpacked"
        )
    if source == "synthetic":
        return _synthetic_directory()
    return _find_folder("source", source)


def _find_folder(name: str, source: str | os.PathLike[str]) -> Path:
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(describe(name, "a path", source))
    path = Path(source).expanduser()
    if not path.exists():
        raise FileNotFoundError(
            describe(name, "an existing folder or zip archive", str(source), "Check the path.")
        )
    if path.is_dir():
        return path
    return unpack_archive(path, cache_directory() / "unpacked")


def _synthetic_directory() -> Path:
    """Draws the embedded set once; the folder appears when it is complete."""
    target = cache_directory() / f"synthetic-{synthetic.VERSION}"
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=".synthetic-", dir=target.parent) as scratch,
            progress_bar("Drawing cats and dogs", synthetic.COUNT, "pictures") as advance,
        ):
            drawn = Path(scratch) / target.name
            synthetic.write_synthetic(drawn, progress=advance)
            appear(drawn, target)
    return target


def _load(index: ImageIndex, options: _Options, validation_fraction: float) -> ImageSplits:
    parts, scan, plain = _leave_out_bad(index, options)
    listings = _split(parts, options, validation_fraction)
    datasets = {
        split: batched_dataset(
            listing,
            np.array([file in plain for file in listing.files]),
            image_size=options.image_size,
            batch_size=options.batch_size,
            shuffle_seed=options.seed if split == "train" and options.shuffle else None,
            cache=options.cache,
        )
        for split, listing in listings.items()
    }
    return ImageSplits(
        **datasets,
        class_names=index.class_names,
        files={split: listing.files for split, listing in listings.items()},
        labels={split: listing.labels for split, listing in listings.items()},
        scan=scan,
    )


def _leave_out_bad(
    index: ImageIndex, options: _Options
) -> tuple[dict[str, Listing], ScanReport, set[str]]:
    """Inspects every picture; returns what is usable, the report, and the plainly decodable."""
    absolute = {
        part: replace(listing, files=tuple(str(index.root / file) for file in listing.files))
        for part, listing in index.parts.items()
    }
    pictures: list[PictureFile] = inspect_files(
        [file for listing in absolute.values() for file in listing.files]
    )
    scan = ScanReport.of(pictures)
    _judge_bad(scan, len(pictures), options)
    bad = {picture.path for picture in scan.bad}
    usable = {
        part: listing.take(np.array([file not in bad for file in listing.files]).nonzero()[0])
        for part, listing in absolute.items()
    }
    for part, listing in usable.items():
        _check_classes_left(part, listing, index.class_names)
    return usable, scan, {picture.path for picture in pictures if picture.plain}


def _judge_bad(scan: ScanReport, count: int, options: _Options) -> None:
    if not scan.bad:
        return
    shown = "".join(f"\n  {picture.path}: {picture.reason}" for picture in scan.bad[:5])
    more = f"\n  and {len(scan.bad) - 5} more" if len(scan.bad) > 5 else ""
    found = f"{len(scan.bad)} of {count} files are no usable pictures:{shown}{more}"
    if options.on_bad == "raise":
        raise ValueError(f'{found}\nMend or remove them, or use on_bad="skip".')
    if options.on_bad == "skip" and len(scan.bad) > options.max_bad_fraction * count:
        raise ValueError(
            f"{found}\nThat is more than max_bad_fraction={options.max_bad_fraction:g}. Mend or "
            'remove them, raise max_bad_fraction, or use on_bad="quarantine".'
        )
    warnings.warn(f"{found}\nThey are left out; `scan.bad` lists them.", stacklevel=5)


def _check_classes_left(part: str, listing: Listing, class_names: tuple[str, ...]) -> None:
    for label, name in enumerate(class_names):
        if not np.any(listing.labels == label):
            where = "" if part == "all" else f" in {part}"
            raise ValueError(f"No usable picture of the class {name!r} is left{where}.")


def _split(
    parts: dict[str, Listing], options: _Options, validation_fraction: float
) -> dict[str, Listing]:
    if "all" in parts:
        everything = parts["all"]
        train, held_out = hold_out(everything.labels, validation_fraction, options.seed)
        parts = {"train": everything.take(train), "validation": everything.take(held_out)}
    if "test" not in parts:
        held = parts["validation"]
        validation, test = SPLIT_FUNCTIONS[options.split](
            held.labels, options.batch_size, options.seed
        )
        parts = {**parts, "validation": held.take(validation), "test": held.take(test)}
    count = len(parts["train"].files)
    if options.batch_size > count:
        raise ValueError(
            describe(
                "batch_size",
                f"at most the number of training pictures, {count}",
                options.batch_size,
            )
        )
    return {split: parts[split] for split in SPLITS}
