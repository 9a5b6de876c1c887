"""Checkpoint files: the two most recent states of a training run, each with a checksum.

A file is replaced only by a complete one, and the file before it is kept with the suffix
`.previous`. If the newer file is damaged or missing, the older one is used: the run then repeats an
epoch, with an identical result.
"""

import hashlib
import io
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from catdog_keras import _backend
from catdog_keras._checks import describe
from catdog_keras._scratch import scratch_folder
from catdog_keras._signals import interrupts_deferred
from catdog_keras._warnings import warn
from catdog_keras.training._callback_state import check_callback_state
from catdog_keras.training._training_state import (
    LISTS,
    Arrays,
    StageProgress,
    TrainingState,
    check_arrays_fit,
)

MAGIC = b"catdog-keras checkpoint\n"
DIGEST_BYTES = 32
VERSION = 2  # incremented when checkpoints of an older version become unreadable


class Checkpoint:
    """The checkpoint files of one call of a training function."""

    def __init__(self, file: Path, call: Mapping[str, Any]) -> None:
        """Checks that the file can be written, and removes incomplete files of killed processes.

        Args:
            file: Path of the newer file.
            call: The arguments of the call as JSON values, by name. A checkpoint of a call with
                other arguments is rejected.

        Raises:
            OSError: If the folder does not exist, or the file cannot be written.
        """
        self._file = file
        self._older = file.with_name(f"{file.name}.previous")
        self._call: dict[str, Any] = json.loads(json.dumps({"version": VERSION, **call}))
        self._keep_older = False  # whether the file at `_file` must not replace the older one
        if not file.parent.is_dir():
            raise FileNotFoundError(
                describe("backup", "a file in an existing folder", str(file), "Create it.")
            )
        if file.exists() and not file.is_file():
            raise self._unwritable("It is not a regular file.")
        if _backend.is_first_process():
            self._write(b"", publish=False)

    def read(
        self,
        model: keras.Model,
        callbacks: Iterable[keras.callbacks.Callback],
        kept: list[Any] | None = None,
    ) -> TrainingState | None:
        """Reads the newest intact state of this model; returns None if there is no file.

        Args:
            model: The model.
            callbacks: The callbacks of the user.
            kept: The weights of which the best values are kept; None for all of the model.

        Raises:
            ValueError: If no file is intact, or it was written by a call with other arguments; the
                message names the differences.
        """
        problems: dict[Path, str] = {}
        for file in (self._file, self._older):
            try:
                call, state = _decode_checkpoint(file.read_bytes())
                if call == self._call:
                    state.check_values(model, model.weights if kept is None else kept)
                    check_callback_state(callbacks, state)
            except FileNotFoundError:
                problems[file] = "It does not exist."
            except PermissionError:
                problems[file] = "It cannot be read: Permission denied."
            except Exception as error:  # NumPy, zipfile and json raise various exceptions
                problems[file] = str(error) if isinstance(error, ValueError) else f"{error!r}."
            else:
                self._check_call(file, call)
                if problems:
                    self._keep_older = True
                    warn(
                        f"The checkpoint {str(self._file)!r} cannot be used. "
                        f"{problems[self._file]} The training resumes from the one before, "
                        f"{str(file)!r}, after epoch {sum(state.progress.epochs)}."
                    )
                return state
        if not any(file.exists() for file in problems):
            return None
        file = self._file if self._file.exists() else self._older
        raise self._invalid(file, problems[file])

    def write(self, state: TrainingState) -> None:
        """Writes a state; after an interruption at any moment an intact file exists.

        States that are not finite are not written.

        Raises:
            OSError: If the file cannot be written.
        """
        if not state.is_finite():
            warn(
                f"The checkpoint {str(self._file)!r} is not updated: after epoch "
                f"{sum(state.progress.epochs)} there are weights that are not finite."
            )
            return
        metadata = {"call": self._call, "progress": asdict(state.progress)}
        arrays: dict[str, Any] = {"metadata": np.array(json.dumps(metadata))}
        for name in LISTS:
            arrays |= {f"{name}{n}": array for n, array in enumerate(getattr(state, name))}
        payload = io.BytesIO()
        np.savez(payload, **arrays)
        content = payload.getvalue()
        self._write(MAGIC + hashlib.sha256(content).digest() + content, publish=True)

    def check_optimizer(self, arrays: Arrays, variables: list[Any]) -> None:
        """Raises a ValueError if the state of an optimizer does not fit its variables."""
        try:
            check_arrays_fit("optimizer", arrays, variables)
        except ValueError as error:
            raise self._invalid(self._file, str(error)) from error

    def _write(self, content: bytes, *, publish: bool) -> None:
        """Writes a temporary file, and gives it its final name or removes it."""
        try:
            with scratch_folder(self._file.parent) as scratch:
                complete = scratch / self._file.name
                with complete.open("xb") as stream:
                    stream.write(content)
                    stream.flush()
                    # A power failure may otherwise leave an empty renamed file.
                    os.fsync(stream.fileno())
                if publish:
                    with interrupts_deferred():
                        self._publish(complete)
        except OSError as error:
            raise self._unwritable(f"{error.strerror or error}.") from error

    def _publish(self, complete: Path) -> None:
        if not self._keep_older:
            with suppress(FileNotFoundError):
                self._file.replace(self._older)
        complete.replace(self._file)
        self._keep_older = False

    def _check_call(self, file: Path, call: dict[str, Any]) -> None:
        names = [*self._call, *(name for name in call if name not in self._call)]
        differ = [name for name in names if self._call.get(name) != call.get(name)]
        if differ:
            listed = "; ".join(
                f"{name} was {call.get(name)!r}, is {self._call.get(name)!r}" for name in differ
            )
            remedy = (
                f"The checkpoint was written with other arguments: {listed}. Delete it, and "
                f"{self._older.name!r} in the same folder, or use another path."
            )
            requirement = "a checkpoint of the same call"
            raise ValueError(describe("backup", requirement, str(file), remedy))

    def _invalid(self, file: Path, reason: str) -> ValueError:
        requirement = "an intact checkpoint, or a path that does not exist"
        return ValueError(describe("backup", requirement, str(file), reason))

    def _unwritable(self, reason: str) -> OSError:
        return OSError(describe("backup", "the path of a writable file", str(self._file), reason))


def _decode_checkpoint(content: bytes) -> tuple[dict[str, Any], TrainingState]:
    """Returns the arguments of the call and the state in a file; raises if it is not intact."""
    start = len(MAGIC) + DIGEST_BYTES
    if not content:
        raise ValueError("The file is empty.")
    if not content.startswith(MAGIC):
        raise ValueError("The file is not a checkpoint, or its first bytes are damaged.")
    digest, payload = content[len(MAGIC) : start], content[start:]
    if hashlib.sha256(payload).digest() != digest:
        raise ValueError("Its checksum does not match: the file is damaged or incomplete.")
    with np.load(io.BytesIO(payload), allow_pickle=False) as stored:
        if any(member.compress_type for member in stored.zip.infolist()):
            raise ValueError("Its arrays are compressed.")  # they could expand to any size
        metadata = json.loads(str(stored["metadata"]))
        call = dict(metadata["call"])
        # Before the progress, whose keys depend on the version.
        if call.get("version") != VERSION:
            raise ValueError(f"Its version is {call.get('version')!r}, not {VERSION}.")
        progress = StageProgress.from_json(metadata["progress"])
        lists = {
            name: [stored[f"{name}{n}"] for n in range(_count_arrays(stored.files, name))]
            for name in LISTS
        }
    return call, TrainingState(progress, **lists)


def _count_arrays(names: list[str], prefix: str) -> int:
    """Returns the number of arrays of a list in a checkpoint; raises if one is missing."""
    numbers = {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
    if numbers != {str(n) for n in range(len(numbers))}:
        raise ValueError(f"Arrays of its list {prefix!r} are missing.")
    return len(numbers)
