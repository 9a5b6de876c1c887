"""Train, validation and test, put together from an index of pictures."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
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
from catdog_keras.datasets.index import ImageIndex, Listing
from catdog_keras.datasets.inspection import PictureFile, ScanReport, inspect_files
from catdog_keras.datasets.pipeline import batched_dataset
from catdog_keras.datasets.splitting import SPLIT_FUNCTIONS, hold_out

if TYPE_CHECKING:
    import tensorflow as tf

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
class SplitOptions:
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
        """Raises if an argument has another type or value than it may have."""
        check_size("image_size", self.image_size)
        check_integer("batch_size", self.batch_size, minimum=1)
        check_boolean("shuffle", self.shuffle)
        check_integer("seed", self.seed, minimum=0)
        check_choice("split", self.split, SPLIT_FUNCTIONS)
        check_boolean("cache", self.cache)
        check_choice("on_bad", self.on_bad, ON_BAD)
        check_number("max_bad_fraction", self.max_bad_fraction, minimum=0, maximum=1)


def make_splits(
    index: ImageIndex, options: SplitOptions, validation_fraction: float
) -> ImageSplits:
    """Inspects, splits and batches the pictures of an index.

    Args:
        index: The pictures, in split folders or in one part.
        options: What the user asked for.
        validation_fraction: Share held out from training where there are no split folders.
    """
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
    index: ImageIndex, options: SplitOptions
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


def _judge_bad(scan: ScanReport, count: int, options: SplitOptions) -> None:
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
    warnings.warn(
        f"{found}\nThey are left out. `scan.bad`, or the command `catdog-keras scan`, lists all.",
        stacklevel=5,
    )


def _check_classes_left(part: str, listing: Listing, class_names: tuple[str, ...]) -> None:
    for label, name in enumerate(class_names):
        if not np.any(listing.labels == label):
            where = "" if part == "all" else f" in {part}"
            raise ValueError(f"No usable picture of the class {name!r} is left{where}.")


def _split(
    parts: dict[str, Listing], options: SplitOptions, validation_fraction: float
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
