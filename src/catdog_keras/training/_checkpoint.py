"""Checkpoints of a fine-tuning run, and the callback that writes them."""

import io
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from catdog_keras import _backend
from catdog_keras._checks import describe
from catdog_keras.training._callbacks import validation_score

Arrays = list[np.ndarray[Any, np.dtype[Any]]]

LISTS = ("variables", "seeds", "optimizer", "best", "random")
VERSION = 1  # incremented when checkpoints of an older version become unreadable


@dataclass
class Progress:
    """Progress of a training in stages, without the values of variables.

    Attributes:
        seed: Seed of the batch order in every stage.
        epochs: Number of completed epochs of each stage that has started.
        done: Whether the last of these stages is complete.
        epochs_since_best: Number of epochs of this stage since the best one.
        best: Score of the best weights over all stages; None without validation data.
        history: A list of values per metric, over all stages.
    """

    seed: int
    epochs: list[int] = field(default_factory=list)
    done: bool = False
    epochs_since_best: int = 0
    best: list[float] | None = None
    history: dict[str, list[float]] = field(default_factory=dict)

    def begin_stage(self) -> None:
        """Starts the next stage."""
        self.epochs.append(0)
        self.done, self.epochs_since_best = False, 0

    def is_over(self, stage: int) -> bool:
        """Returns whether a stage that has started is complete."""
        return stage < len(self.epochs) - 1 or self.done


@dataclass
class State:
    """The content of a checkpoint.

    Attributes:
        progress: Counts, scores and history.
        variables: Values of all variables of the model.
        seeds: Values of the model's non-weight variables at the start of the stage.
        optimizer: Values of the optimizer's variables.
        best: The best weights, which may be the initial ones; empty without validation data.
        random: Random state of the backend, if it has one.
    """

    progress: Progress
    variables: Arrays = field(default_factory=list)
    seeds: Arrays = field(default_factory=list)
    optimizer: Arrays = field(default_factory=list)
    best: Arrays = field(default_factory=list)
    random: Arrays = field(default_factory=list)


def values(variables: list[Any]) -> Arrays:
    """Returns copies of the values of variables; bfloat16 is converted to float32 exactly."""
    # Copies, because PyTorch arrays share memory with the variables.
    arrays = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    return [
        array.astype(np.float32) if array.dtype.name == "bfloat16" else array for array in arrays
    ]


def assign(variables: list[Any], arrays: Arrays) -> None:
    """Assigns values to variables."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def write_checkpoint(file: Path, call: dict[str, Any], state: State) -> None:
    """Writes a checkpoint atomically: after an interruption the previous file is intact.

    Raises:
        OSError: If the file cannot be written.
    """
    metadata = {"version": VERSION, "call": call, "progress": asdict(state.progress)}
    arrays: dict[str, Any] = {"metadata": np.array(json.dumps(metadata))}
    for name in LISTS:
        arrays |= {f"{name}{n}": array for n, array in enumerate(getattr(state, name))}
    unfinished = file.with_name(f".unfinished-{file.name}")
    try:
        with unfinished.open("wb") as stream:
            np.savez(stream, **arrays)
            stream.flush()
            os.fsync(stream.fileno())  # a power failure may otherwise leave an empty renamed file
        unfinished.replace(file)
    except OSError as error:
        requirement = "the path of a writable file"
        raise OSError(
            describe("checkpoint", requirement, str(file), f"{error.strerror}.")
        ) from error


def read_checkpoint(file: Path, call: dict[str, Any]) -> State | None:
    """Reads the checkpoint of a call with the same arguments; returns None if there is no file.

    Raises:
        ValueError: If the file is not a checkpoint, or was written by a call with other arguments;
            the message names the differences.
    """
    try:
        content = io.BytesIO(file.read_bytes())
    except FileNotFoundError:
        return None
    try:
        with np.load(content, allow_pickle=False) as stored:
            metadata = json.loads(str(stored["metadata"]))
            lists = {
                name: [stored[f"{name}{n}"] for n in range(_count(stored.files, name))]
                for name in LISTS
            }
    except Exception as error:  # NumPy, zipfile and json raise various exceptions
        requirement = "a checkpoint of `fine_tune`, or a path that does not exist"
        raise ValueError(describe("checkpoint", requirement, str(file), f"{error}")) from error
    before = {"version": metadata["version"], **metadata["call"]}
    now = json.loads(json.dumps({"version": VERSION, **call}))
    differ = [name for name in now if now[name] != before.get(name)]
    if differ:
        listed = "; ".join(f"{name} was {before.get(name)!r}, is {now[name]!r}" for name in differ)
        remedy = (
            f"The checkpoint was written with other arguments: {listed}. Delete it or use "
            "another path."
        )
        raise ValueError(describe("checkpoint", "a checkpoint of the same call", str(file), remedy))
    return State(Progress(**metadata["progress"]), **lists)


def _count(names: list[str], prefix: str) -> int:
    return sum(name.startswith(prefix) for name in names)


class EpochKeeper(keras.callbacks.Callback):
    """Updates the training state after each epoch, and stops when the metric stops improving."""

    def __init__(
        self,
        whole: keras.Model,
        part: keras.Model,
        state: State,
        epochs: int,
        patience: int | None,
        save: Callable[[State], None],
    ) -> None:
        """Stores the whole model, the part of it that is trained, and how to save the state."""
        super().__init__()
        self._whole, self._part, self._state, self._epochs = whole, part, state, epochs
        self._patience, self._save = patience, save

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Restores the backend's random state, so that a resumed run continues identically."""
        del epoch, logs
        if self._state.random:
            _backend.set_random_state(self._state.random)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Records the metrics, keeps the best weights, and saves the state."""
        state, progress = self._state, self._state.progress
        for name, value in (logs or {}).items():
            progress.history.setdefault(name, []).append(float(value))
        progress.epochs_since_best += 1
        self.keep_if_best(logs or {})
        progress.epochs[-1] = epoch + 1
        progress.done = progress.epochs[-1] == self._epochs
        if self._patience is not None and progress.epochs_since_best >= self._patience:
            progress.done = True
            self.model.stop_training = True
        state.variables = values(self._whole.variables)
        state.optimizer = values(self._part.optimizer.variables)
        state.random = _backend.random_state()
        self._save(state)

    def keep_if_best(self, logs: dict[str, Any]) -> None:
        """Stores the weights if these validation metrics are the best so far."""
        progress, score = self._state.progress, validation_score(logs)
        if score is None:
            progress.epochs_since_best = 0
        elif progress.best is None or score > progress.best:
            progress.best, progress.epochs_since_best = score, 0
            self._state.best = values(self._whole.weights)
