"""Checkpoints of `catdog-keras train`, kept in its output folder until the training is complete."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catdog_keras._checksum import sha256_of
from catdog_keras._printable import listed
from catdog_keras.cli.run_record import SPLIT_FILE

if TYPE_CHECKING:
    from catdog_keras.datasets import ImageSplits

FOLDER = "training-checkpoint"
RUN_FILE, HEAD, FINE_TUNE = "run.json", "head", "fine_tune"


def open_checkpoints(
    output: str, settings: Mapping[str, Any], splits: "ImageSplits", *, resume: bool
) -> Path:
    """Returns the folder of the checkpoints from which this training can be resumed.

    Args:
        output: Folder of the results.
        settings: Options of the training.
        splits: Images of the training.
        resume: True to keep the checkpoints of an interrupted training, if there are any; False to
            remove them.

    Raises:
        ValueError: If the interrupted training had other options, images, weights or versions.
    """
    import keras

    import catdog_keras
    from catdog_keras._write_files import atomic_write_text
    from catdog_keras.report._environment import BACKEND_PACKAGES, package_version

    folder, backend = Path(output).absolute() / FOLDER, keras.backend.backend()
    if folder.is_symlink():  # the end of the training would remove the link alone
        raise ValueError(f"{str(folder)!r} is a link. Remove it, or use another output folder.")
    run = {
        **settings,
        "catdog_keras": catdog_keras.__version__,
        "keras": keras.__version__,
        "backend version": package_version(BACKEND_PACKAGES.get(backend, backend)),
        "backend": backend,
        "floatx": keras.config.floatx(),
        "image_data_format": keras.config.image_data_format(),
    }
    weights = settings["weights"]
    if weights is not None and Path(weights).is_file():
        run["SHA-256 of weights"] = sha256_of(Path(weights))
    run = json.loads(json.dumps(run))
    if not (resume and (folder / RUN_FILE).exists()):
        _remove_checkpoints(folder)
        folder.mkdir()
        try:
            splits.save_manifest(folder / SPLIT_FILE)
            atomic_write_text(folder / RUN_FILE, json.dumps(run, indent=2))
        except BaseException:  # an interrupt as well: nothing was trained
            _remove_checkpoints(folder)
            raise
        return folder
    before = _read_run_options(folder / RUN_FILE)
    differ = [name for name in {**before, **run} if before.get(name) != run.get(name)]
    if differ:
        listed = "; ".join(
            f"{name} was {before.get(name)!r}, is {run.get(name)!r}" for name in differ
        )
        raise _checkpoint_error(folder, f"was written with other options or versions: {listed}")
    if not _is_file_with_content(folder / SPLIT_FILE):
        raise _checkpoint_error(folder, f"is damaged: {SPLIT_FILE} is missing or empty")
    if not _is_split_saved(splits, folder / SPLIT_FILE):
        raise _checkpoint_error(folder, "was written for other images")
    return folder


def _is_file_with_content(file: Path) -> bool:
    """Returns whether a path is a file that is not empty."""
    return file.is_file() and file.stat().st_size > 0


def _is_split_saved(splits: "ImageSplits", file: Path) -> bool:
    """Returns whether a file has the manifest of this split, so that the run can be resumed."""
    from catdog_keras._scratch import scratch_folder

    # A run that is killed here leaves a scratch folder, which the next one removes.
    with scratch_folder(file.parent) as scratch:
        splits.save_manifest(scratch / SPLIT_FILE)
        return (scratch / SPLIT_FILE).read_bytes() == file.read_bytes()


def _remove_checkpoints(folder: Path) -> None:
    """Removes the checkpoints of an earlier training, which is not resumed.

    Raises:
        ValueError: If the folder also contains other files. They would be lost at the end of the
            training, with the folder. Nothing is removed.
    """
    from catdog_keras._scratch import remove_abandoned

    if not folder.exists():
        return
    remove_abandoned(folder)
    names = (RUN_FILE, SPLIT_FILE, HEAD, FINE_TUNE)
    known = {*names, *(f"{name}.previous" for name in names)}
    found = sorted(file.name for file in folder.iterdir())
    others = [name for name in found if name not in known or not (folder / name).is_file()]
    if others:
        raise ValueError(
            f"{str(folder)!r} is used for the checkpoints of a training, but contains other "
            f"files: {listed(others)}. Move them to another folder."
        )
    for name in found:
        (folder / name).unlink()
    folder.rmdir()


def _read_run_options(file: Path) -> dict[str, Any]:
    """Returns the options and versions of the interrupted training that is to be resumed.

    Raises:
        ValueError: If the file is damaged.
    """
    try:
        content = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise _checkpoint_error(file.parent, "is damaged")
    return content


def _checkpoint_error(folder: Path, reason: str) -> ValueError:
    """Returns the error about checkpoints that this command cannot resume from, with the fix."""
    return ValueError(
        f"The checkpoint in {str(folder)!r} {reason}. Restore what the interrupted training used, "
        "or run the command without --resume to start again."
    )
