"""Loading of a split that was saved as a manifest."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catdog_keras._printable import counted, first_lines, printable
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.datasets._argument_names import MANIFEST_NAMES
from catdog_keras.datasets._image_root import image_root
from catdog_keras.datasets._image_splits import ImageSplits, count_images_by_class
from catdog_keras.datasets._inspect_files import inspect_files
from catdog_keras.datasets._manifest import Manifest, read_manifest, relative_posix_path
from catdog_keras.datasets._options import (
    BatchOptions,
    ColorMode,
    ImageSize,
    Interpolation,
    LabelMode,
)
from catdog_keras.datasets._pipeline import batched_dataset
from catdog_keras.datasets._scan_report import ScanReport
from catdog_keras.datasets._source import find_folder

if TYPE_CHECKING:
    import tensorflow as tf

DEFAULT_SIZE = (160, 160)  # of a manifest without the image size


@suggests_arguments(MANIFEST_NAMES)
def load_manifest(
    path: str | os.PathLike[str],
    directory: str | os.PathLike[str],
    *,
    image_size: ImageSize | None = None,
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int = 0,
    label_mode: LabelMode = "int",
    color_mode: ColorMode | None = None,
    interpolation: Interpolation | None = None,
    crop_to_aspect_ratio: bool | None = None,
    pad_to_aspect_ratio: bool | None = None,
    cache: bool | str | os.PathLike[str] = False,
) -> ImageSplits:
    """Loads the exact split that was saved by `ImageSplits.save_manifest`.

    Every file in the manifest must exist with unchanged content. Files that are not in the
    manifest, such as images that were added later, are ignored.

    Args:
        path: The manifest file.
        directory: The folder with the images, or a zip archive of it, that was loaded when the
            manifest was saved. It may have been moved.
        image_size: (height, width) in pixels, or an integer for both. By default as recorded in the
            manifest, like the other options that determine pixels. All arguments from here on are
            those of `load_cats_dogs`.
        batch_size: Images per batch.
        shuffle: Whether to reshuffle the training images in each epoch.
        seed: Determines the order of every epoch; the split is that of the manifest.
        label_mode: `"int"`, `"categorical"` or `"binary"`.
        color_mode: None as recorded, or `"rgb"`, `"grayscale"` or `"rgba"`.
        interpolation: None as recorded, or the interpolation of the resizing.
        crop_to_aspect_ratio: None as recorded, or whether to crop to the aspect ratio.
        pad_to_aspect_ratio: None as recorded, or whether to fill up to the aspect ratio.
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
    given = {
        "image_size": image_size,
        "color_mode": color_mode,
        "interpolation": interpolation,
        "crop_to_aspect_ratio": crop_to_aspect_ratio,
        "pad_to_aspect_ratio": pad_to_aspect_ratio,
    }
    rest: dict[str, Any] = {
        "batch_size": batch_size,
        "shuffle": shuffle,
        "seed": seed,
        "label_mode": label_mode,
        "cache": cache,
    }
    BatchOptions(**_merge_preparation({}, given), **rest)  # reports errors before any work
    manifest = read_manifest(path)
    batches = BatchOptions(**_merge_preparation(manifest.preparation, given), **rest)
    folder = find_folder("directory", directory)
    batches.check_outside(folder)
    root = _root_of_manifest(manifest, folder)
    listings = {split: listing.below(root) for split, listing in manifest.splits.items()}
    files = [file for listing in listings.values() for file in listing.files]
    scan = ScanReport.from_files(inspect_files(files))
    _check_files_match_manifest(manifest, root, scan)
    relative = [file for listing in manifest.splits.values() for file in listing.files]
    components = {
        path: manifest.components[file] for path, file in zip(files, relative, strict=True)
    }
    return ImageSplits.from_listings(
        listings, manifest.class_names, scan, components, root, batches, manifest.label_source
    )


def _merge_preparation(recorded: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Returns the options that determine pixels: as given, as in the manifest, or the default."""
    stated = {name: value for name, value in given.items() if value is not None}
    # Only one of them is possible: the one that is stated replaces the other, recorded one.
    exclusive = {"crop_to_aspect_ratio", "pad_to_aspect_ratio"}
    replaced = {
        name for name in exclusive - stated.keys() if any(stated.get(each) for each in exclusive)
    }
    kept = {name: value for name, value in recorded.items() if name not in replaced}
    return {"image_size": DEFAULT_SIZE, **kept, **stated}


def _root_of_manifest(manifest: Manifest, folder: Path) -> Path:
    """Returns the folder that the paths in a manifest are relative to."""
    in_class_folders = manifest.label_source in ("folders", "decisions")
    return image_root(folder) if in_class_folders else folder


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
    **prepared: Any,
) -> ManifestSplit:
    """Loads one split of a manifest; the files of the other splits are not read.

    The images are prepared as stated in `prepared`, not as recorded.

    Raises:
        ValueError: If the file is not a manifest, or images of the split are missing or have
            changed.
        OSError: If `path` or `directory` does not exist.
    """
    manifest = read_manifest(path)
    if not manifest.splits[split].files:
        raise ValueError(f"{str(path)!r} lists no {split} image: the split has no {split} set.")
    root = _root_of_manifest(manifest, find_folder("directory", directory))
    listing = manifest.splits[split].below(root)
    scan = ScanReport.from_files(inspect_files(listing.files))
    _check_files_match_manifest(manifest, root, scan)
    options = BatchOptions.in_order(image_size, batch_size, **prepared)
    images = [scan.by_path[file] for file in listing.files]
    return ManifestSplit(
        dataset=batched_dataset(listing, images, options, shuffled=False),
        files=listing.files,
        scan=scan,
        root=root,
        class_names=manifest.class_names,
        counts=count_images_by_class(
            {name: each.labels for name, each in manifest.splits.items()}, manifest.class_names
        ),
    )


def _check_files_match_manifest(manifest: Manifest, root: Path, scan: ScanReport) -> None:
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
