"""Selection of the images for `catdog-keras evaluate`, and their role in the training."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from catdog_keras._message import message_of
from catdog_keras._printable import counted, printable
from catdog_keras.cli.load_model import ModelFile
from catdog_keras.cli.model_classes import list_class_names
from catdog_keras.cli.preparation import find_preparation, recorded_preparation
from catdog_keras.cli.run_record import SPLIT_FILE

if TYPE_CHECKING:
    from catdog_keras.datasets._manifest import Manifest
    from catdog_keras.datasets._scan_report import ScanReport

Part = Literal["test", "validation", "train", "all"]
NOT_OF_THE_TRAINING = "not part of the training run"
LABELS_OF_FOLDERS = (
    "--split all uses the names of folders as labels, but those of the training are from a "
    "table, file names or decisions. Use --split train, validation or test for its images."
)


@dataclass(frozen=True)
class EvaluationData:
    """Images to evaluate on.

    Attributes:
        part: Which part of DATA is used.
        dataset: Batches of images and labels.
        files: File of each image.
        names: Files relative to the folder of DATA, the same on every machine.
        counts: Number of images by class and, if it is known, by split of the training.
        seen: Number of these images in each split of the training, if the split is known.
        ignored: Reason for each ignored file that could not be read as an image, by file name.
        sha256: Hash of the hashes and names of all images, in the format of `sha256sum`.
        preparation: Arguments of `load_images` that prepare the images in the same way.
        has_test_set: Whether the training has a test set that can be used instead.
    """

    part: Part
    dataset: Any
    files: tuple[str, ...]
    names: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]
    seen: Mapping[str, int]
    ignored: Mapping[str, str]
    sha256: str
    preparation: Mapping[str, Any]
    has_test_set: bool = True

    @property
    def note(self) -> str:
        """Caveat shown before the metrics if images were, or may have been, trained on."""
        if not self.seen:
            return (
                f"No split is known, because no {SPLIT_FILE} is next to MODEL: if some of these "
                "images were used for training, the metrics are optimistic."
            )
        trained, chose = self.seen.get("train", 0), self.seen.get("validation", 0)
        used = []
        if trained:
            used.append(f"{counted(trained, 'was', 'were')} used for training")
        if chose:
            used.append(f"{chose:,} selected the epoch")
        if not used:
            return ""
        remedy = "Use --split test for an unbiased estimate."
        if not self.has_test_set:
            remedy = "The training run has no test set; use other images for an unbiased estimate."
        return (
            f"Of {'this' if len(self.files) == 1 else 'these'} "
            f"{counted(len(self.files), 'image')} {' and '.join(used)}: the metrics are "
            f"optimistic. {remedy}"
        )


def choose_evaluation_images(
    loaded: ModelFile,
    model: Path,
    data: str,
    part: Part | None,
    batch_size: int,
    stated: Mapping[str, bool],
) -> EvaluationData:
    """Returns the images of one part of the training's split, or all images.

    Args:
        loaded: The model.
        model: Its file.
        data: Folder or archive of the images.
        part: The part, or None for the test set, if there is one.
        batch_size: Images per batch.
        stated: Preparation of the images, in place of what is recorded next to the model.

    Raises:
        ValueError: If the part does not exist, or the images differ from those of the training.
    """
    manifest = model.parent / SPLIT_FILE
    if manifest.is_file():
        part = part or _default_part(manifest)
    if part in (None, "all"):
        return _load_all_images(loaded, data, manifest, batch_size, find_preparation(model, stated))
    if not manifest.is_file():
        raise ValueError(
            f"--split must be all if there is no {SPLIT_FILE} of the training run next to MODEL; "
            f"received --split={part}."
        )
    prepared = {**recorded_preparation(manifest), **stated}
    return _load_split_part(loaded, data, manifest, part, batch_size, prepared)


def _default_part(manifest: Path) -> Part:
    """Returns the part of a split that is evaluated without --split: test, if it has images."""
    from catdog_keras.datasets._manifest import read_manifest

    return "test" if read_manifest(manifest).splits["test"].files else "validation"


def _load_split_part(
    loaded: ModelFile,
    data: str,
    manifest: Path,
    part: Part,
    batch_size: int,
    prepared: Mapping[str, Any],
) -> EvaluationData:
    """Loads the images to evaluate: one part of the training's split, as its split file lists them.

    Raises:
        ValueError: If images are missing or changed, or the model has other classes than the split.
    """
    from catdog_keras.datasets._load_manifest import load_manifest_split

    try:
        split = load_manifest_split(
            manifest, data, part, image_size=loaded.image_size, batch_size=batch_size, **prepared
        )
    except ValueError as error:
        raise ValueError(
            message_of(error) + f" {SPLIT_FILE} next to MODEL lists the images of the training: if "
            "DATA has other images, use --split all."
        ) from error
    if split.class_names != loaded.class_names:
        raise ValueError(
            f"The classes of {str(manifest)!r} are {_list_classes(split.class_names)}, "
            f"those of MODEL {_list_classes(loaded.class_names)}. "
            "Use --split all if DATA has the classes of this model."
        )
    return EvaluationData(
        part=part,
        dataset=split.dataset,
        files=split.files,
        names=_names_below(split.root, split.files),
        counts=split.counts,
        seen={part: len(split.files)},
        ignored={},
        sha256=_sha256_of_images(split.scan, split.root, split.files),
        preparation=prepared,
        has_test_set=any(split.counts["test"].values()),
    )


def _list_classes(names: Sequence[str]) -> str:
    """Lists class names for a message about evaluation data, with the number of further ones."""
    shown = list_class_names(names)
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"


def _load_all_images(
    loaded: ModelFile, data: str, manifest: Path, batch_size: int, prepared: Mapping[str, Any]
) -> EvaluationData:
    """Loads all images of DATA; a split file, if there is one, states which were used in training.

    Raises:
        ValueError: If images are in folders that are not of the classes, or were trained on with
            other labels than those of their folders.
    """
    from catdog_keras.datasets._inspect_files import UNREADABLE_FOLDER
    from catdog_keras.datasets._load_images import load_labeled_images
    from catdog_keras.datasets._manifest import read_manifest, relative_posix_path
    from catdog_keras.datasets._source import find_folder

    names = loaded.class_names
    recorded = read_manifest(manifest) if manifest.is_file() else None
    try:
        found = load_labeled_images(
            data, names, image_size=loaded.image_size, batch_size=batch_size, **prepared
        )
    except ValueError as error:
        if recorded is None or recorded.label_source == "folders":
            raise
        raise ValueError(message_of(error) + " " + LABELS_OF_FOLDERS) from error
    root = find_folder("DATA", data)
    locked = [bad.path for bad in found.scan.bad if bad.reason == UNREADABLE_FOLDER]
    if locked:  # the metrics of the other classes would be taken for those of all
        raise ValueError(
            f"{printable(locked[0])!r} is {UNREADABLE_FOLDER}. Change its permissions."
        )
    labels = found.labels.tolist() if found.labels is not None else []
    splits = ["all"] * len(labels)
    seen: dict[str, int] = {}
    if recorded is not None:
        splits = _training_splits(recorded, found.scan, found.files)
        if recorded.label_source != "folders":
            _check_folder_labels(
                recorded, found.scan, found.files, [names[label] for label in labels]
            )
        seen = {split: splits.count(split) for split in ("train", "validation", "test")}
    shown = ("train", "validation", "test", NOT_OF_THE_TRAINING, "all")
    pairs = list(zip(splits, labels, strict=True))
    return EvaluationData(
        part="all",
        dataset=found.dataset,
        files=found.files,
        names=_names_below(root, found.files),
        counts={
            split: {name: pairs.count((split, index)) for index, name in enumerate(names)}
            for split in shown
            if split in splits
        },
        seen=seen,
        ignored={relative_posix_path(root, bad.path): bad.reason for bad in found.scan.bad},
        sha256=_sha256_of_images(found.scan, root, found.files),
        preparation=prepared,
        has_test_set=not seen or seen["test"] > 0,
    )


def _check_folder_labels(
    manifest: "Manifest", scan: "ScanReport", files: Sequence[str], folders: Sequence[str]
) -> None:
    """Raises a ValueError if evaluated images of the training are in folders of other classes."""
    classes = {
        manifest.contents[file][1]: manifest.class_names[label]
        for listing in manifest.splits.values()
        for file, label in zip(listing.files, listing.labels.tolist(), strict=True)
    }
    wrong = [
        file
        for file, folder in zip(files, folders, strict=True)
        if classes.get(scan.by_path[file].sha256, folder) != folder
    ]
    if wrong:
        count = counted(len(wrong), "image is", "images are")
        raise ValueError(
            f"{count} in the folder of another class than in the training, such as "
            f"{printable(wrong[0])}. {LABELS_OF_FOLDERS}"
        )


def _training_splits(manifest: "Manifest", scan: "ScanReport", files: Sequence[str]) -> list[str]:
    """Returns the training split of each evaluated image, matched by content, not by path."""
    split_of = {
        manifest.contents[file][1]: split
        for split, listing in manifest.splits.items()
        for file in listing.files
    }
    return [split_of.get(scan.by_path[file].sha256, NOT_OF_THE_TRAINING) for file in files]


def _names_below(root: Path, files: Sequence[str]) -> tuple[str, ...]:
    """Returns the path of each file relative to the folder of DATA, as the report shows it."""
    from catdog_keras.datasets._manifest import relative_posix_path

    return tuple(relative_posix_path(root, file) for file in files)


def _sha256_of_images(scan: "ScanReport", root: Path, files: Sequence[str]) -> str:
    """Returns the hash that identifies the evaluated images, by their contents and names."""
    digest = hashlib.sha256()
    for name, file in zip(_names_below(root, files), files, strict=True):
        digest.update(f"{scan.by_path[file].sha256}  {name}\n".encode())
    return digest.hexdigest()
