"""Training, validation and test datasets with their files, labels and scan report."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from catdog_keras._checks import check_integer, check_path, describe
from catdog_keras._printable import counted
from catdog_keras._suggestions import suggests_attributes
from catdog_keras.datasets._attribute_names import SPLITS_ATTRIBUTES
from catdog_keras.datasets._image_index import Listing
from catdog_keras.datasets._manifest import LabelSource, write_manifest
from catdog_keras.datasets._options import BatchOptions
from catdog_keras.datasets._pipeline import batched_dataset
from catdog_keras.datasets._scan_report import ScanReport

if TYPE_CHECKING:
    import tensorflow as tf


@suggests_attributes(SPLITS_ATTRIBUTES)
@dataclass(frozen=True, repr=False)
class ImageSplits:
    """Training, validation and test datasets that share no file and no file content.

    Unpacks into its three datasets: `train, validation, test = splits`. Each of them is built when
    it is used for the first time. `splits["train"]` is `splits.train`.

    Attributes:
        class_names: Name of the class of each label.
        files: Paths by split.
        labels: int32 arrays by split, in the order of `files`, for every `label_mode`.
        scan: The `ScanReport` of the images: nonstandard, skipped and duplicate files.
        root: The folder that contains all files.
        options: The arguments of the loader that control decoding, batching and shuffling, such
            as `options.image_size`, always as (height, width).
        label_source: Where the labels are from: `"folders"`, `"decisions"` (folders, and images
            that were relabeled), `"table"` or `"pattern"`.
        components: int64 arrays by split, in the order of `files`: images with equal numbers are
            identical, near-duplicates or of one group, also by way of others, and so are in the
            same split. Functions of `diagnostics` take such numbers as `groups`.

    Example:
        >>> import catdog_keras
        >>> splits = catdog_keras.load_cats_dogs("synthetic")
        >>> train, validation, test = splits
        >>> splits.class_names, len(splits.files["test"]) == len(splits.labels["test"])
        (('cats', 'dogs'), True)
        >>> splits.num_classes, splits["test"] is test
        (2, True)
    """

    class_names: tuple[str, ...]
    files: dict[str, tuple[str, ...]]
    labels: dict[str, np.ndarray]
    scan: ScanReport
    root: Path
    options: BatchOptions
    label_source: LabelSource
    components: dict[str, np.ndarray]

    @classmethod
    def from_listings(
        cls,
        listings: Mapping[str, Listing],
        class_names: tuple[str, ...],
        scan: ScanReport,
        components: Mapping[str, int],
        root: Path,
        options: BatchOptions,
        label_source: LabelSource,
    ) -> "ImageSplits":
        """Builds the splits from a listing of each one; with a cache, decodes their images.

        `scan` must contain all files, and `components` their components by path.
        """
        options.check_label_mode(class_names)
        splits = cls(
            class_names=class_names,
            files={split: listing.files for split, listing in listings.items()},
            labels={split: listing.labels for split, listing in listings.items()},
            scan=scan,
            root=root,
            options=options,
            label_source=label_source,
            components={
                split: np.array([components[file] for file in listing.files], np.int64)
                for split, listing in listings.items()
            },
        )
        if options.cache is not False:
            tuple(splits)
        return splits

    @cached_property
    def train(self) -> "tf.data.Dataset":
        """`tf.data.Dataset` of the batches of an epoch.

        Images are float32 in [0, 255] of shape `(batch, height, width, channels)`, 3 channels by
        default. Labels are int32 of shape `(batch,)`; with another `label_mode` float32 of shape
        `(batch, num_classes)` (categorical) or `(batch, 1)` (binary). Like each of the three, it
        has the attribute `class_names`.
        """
        return self._build("train", shuffled=self.options.shuffle)

    @cached_property
    def validation(self) -> "tf.data.Dataset":
        """A dataset like `train`, always in the order of `files["validation"]`.

        It has these files in the attribute `files_in_order`, where `evaluate_classifier` finds
        them.
        """
        return self._build("validation")

    @cached_property
    def test(self) -> "tf.data.Dataset":
        """A dataset like `validation` of `files["test"]`; empty if there is no test set."""
        return self._build("test")

    def _build(self, split: str, *, shuffled: bool = False) -> "tf.data.Dataset":
        files = self.files[split]
        dataset = batched_dataset(
            Listing(files, self.labels[split]),
            [self.scan.by_path[file] for file in files],
            self.options,
            shuffled=shuffled,
            num_classes=self.num_classes,
        )
        # As of Keras's `image_dataset_from_directory`: functions read the names from there.
        dataset.class_names = list(self.class_names)
        if not shuffled:
            dataset.files_in_order = files
        return dataset

    def __getitem__(self, split: str) -> "tf.data.Dataset":
        """Returns the dataset `train`, `validation` or `test` by its name."""
        if split not in self.files:
            raise KeyError(
                f"The splits are {', '.join(map(repr, self.files))}; received {split!r}."
            )
        return getattr(self, split)

    @property
    def num_classes(self) -> int:
        """Number of classes, as of `class_names`."""
        return len(self.class_names)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Number of images by split and class."""
        return count_images_by_class(self.labels, self.class_names)

    def __repr__(self) -> str:
        """Returns the number of images by split and class, and of pairs of near-duplicates."""
        parts = [
            f"{split}: " + ", ".join(f"{count:,} {name}" for name, count in counts.items())
            for split, counts in self.counts.items()
        ]
        if self.scan.num_near_duplicate_pairs:
            pairs = counted(self.scan.num_near_duplicate_pairs, "pair")
            parts.append(f"{pairs} of near-duplicates, each in one split")
        return f"ImageSplits({'; '.join(parts)})"

    def __iter__(self) -> Iterator["tf.data.Dataset"]:
        """Yields train, validation and test."""
        return iter((self.train, self.validation, self.test))

    def save_manifest(self, path: str | os.PathLike[str]) -> None:
        """Saves the split of each file, with its size, SHA-256 and component, as JSON.

        `load_manifest` restores the same split on any machine, and raises an error if files have
        changed. The image size and the other options that determine pixels are saved as well. Paths
        are relative to the image folder, so that the folder can be moved.

        Args:
            path: File to write. An existing file is replaced atomically.

        Raises:
            TypeError: If `path` is not a path.
            OSError: If the file cannot be written, or is not a regular file.

        Example:
            >>> import catdog_keras, pathlib, tempfile
            >>> splits = catdog_keras.load_cats_dogs("synthetic")
            >>> manifest = pathlib.Path(tempfile.mkdtemp()) / "split.json"
            >>> splits.save_manifest(manifest)
            >>> catdog_keras.load_manifest(manifest, splits.root).files == splits.files
            True
        """
        write_manifest(
            check_path("path", path),
            self.root,
            self.class_names,
            self._rows(),
            self.options.preparation,
            self.label_source,
        )

    def shard(self, index: int, count: int) -> "ImageSplits":
        """Returns the shard of one of several workers: every `count`-th image of each split.

        The shards of all workers are disjoint and together contain every image, so that each image
        is used once per epoch. Their sizes differ by at most one.

        Args:
            index: Index of the worker, from 0 to `count - 1`.
            count: Number of workers, at most the number of images in the smallest split that is not
                empty.

        Returns:
            `ImageSplits` with only the files of this worker.

        Raises:
            TypeError: If an argument is not an integer.
            ValueError: If there are more workers than images, or `index` is out of range.

        Example:
            >>> import catdog_keras
            >>> splits = catdog_keras.load_cats_dogs("synthetic")
            >>> parts = [splits.shard(index, 2) for index in range(2)]
            >>> sum(len(part.files["train"]) for part in parts) == len(splits.files["train"])
            True
        """
        count = check_integer("count", count, minimum=1)
        index = check_integer("index", index, minimum=0, maximum=count - 1)
        smallest = min(len(files) for files in self.files.values() if files)
        if count > smallest:
            requirement = f"at most {smallest}, the number of images of the smallest split"
            raise ValueError(describe("count", requirement, count))
        parts = {
            split: Listing(files[index::count], self.labels[split][index::count])
            for split, files in self.files.items()
        }
        components = {
            file: component
            for split, files in self.files.items()
            for file, component in zip(files, self.components[split].tolist(), strict=True)
        }
        return ImageSplits.from_listings(
            parts,
            self.class_names,
            self.scan,
            components,
            self.root,
            self.options,
            self.label_source,
        )

    def _rows(self) -> Iterator[tuple[str, str, int, int, str, int]]:
        """Yields split, file, label, size, SHA-256 and component of each image."""
        for split, files in self.files.items():
            columns = (self.labels[split].tolist(), self.components[split].tolist())
            for file, label, component in zip(files, *columns, strict=True):
                image = self.scan.by_path[file]
                yield split, file, label, image.size, image.sha256, component


def count_images_by_class(
    labels: Mapping[str, np.ndarray], class_names: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Returns the number of images by split and class."""
    return {
        split: {
            name: int(np.count_nonzero(of_split == label)) for label, name in enumerate(class_names)
        }
        for split, of_split in labels.items()
    }
