"""Check that a model and the files next to it are of one training run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catdog_keras._checksum import sha256_of
from catdog_keras.cli.run_record import (
    MODEL_FILE,
    RECORD_FILE,
    SPLIT_FILE,
    check_file_size,
    read_training_record,
)


@contextmanager
def one_training_run(model: Path) -> Iterator[None]:
    """Raises an error if files of different training runs are, or were, read in the block.

    Raises:
        ValueError: If the files are not those that the training record lists, or the split is too
            large to be read.
        OSError: If another process replaced them during the block.
    """
    before = _identities_of_run_files(model)
    check_file_size(model.parent / SPLIT_FILE)
    _check_recorded_hashes(model)
    yield
    if _identities_of_run_files(model) != before:
        raise OSError(
            f"{str(model)!r} or a file next to it was replaced while it was used. Run the command "
            "again."
        )


def sha256_of_run_files(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of the model and of the split in a folder, by file name."""
    return {name: sha256_of(folder / name) for name in (MODEL_FILE, SPLIT_FILE)}


def _check_recorded_hashes(model: Path) -> None:
    """Raises a ValueError if the model or split file is not that of the recorded run."""
    try:
        record = read_training_record(model)
    except ValueError:  # reported where the record is required
        return
    for name, listed in ({} if record is None else record.sha256).items():
        file = model.parent / name
        if file.is_file() and sha256_of(file) != listed:
            raise ValueError(
                f"{str(file)!r} differs from the file that {RECORD_FILE} describes: it is of "
                "another training run, or was changed later. Train again, or, if the model and "
                f"{SPLIT_FILE} do belong together, remove {RECORD_FILE}."
            )


def _identities_of_run_files(model: Path) -> list[tuple[int, int, int] | None]:
    """Returns the identities of model, split and record, to detect that one was replaced."""
    files = (model, model.parent / SPLIT_FILE, model.parent / RECORD_FILE)
    return [_file_identity(file) for file in files]


def _file_identity(file: Path) -> tuple[int, int, int] | None:
    """Returns inode, time of modification and size of a file of a run, or None if there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
