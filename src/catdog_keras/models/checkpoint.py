"""Where a training stands, in one file that is either the old one or the new one."""

import io
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from catdog_keras._checks import describe

Arrays = list[np.ndarray[Any, np.dtype[Any]]]

LISTS = ("variables", "seeds", "optimizer", "best", "random")
VERSION = 1  # rises when a checkpoint of an older version can no longer be read


@dataclass
class Progress:
    """What a training in stages has come to, beside the values of variables.

    Attributes:
        seed: What the batches of every stage are drawn from.
        epochs: Epochs done of each stage that has begun.
        done: Whether the last of these stages needs no more epochs.
        waited: Epochs of this stage since the best one.
        best: Score of the best weights of all stages; None without validation.
        history: One list of values per metric, over all stages.
    """

    seed: int
    epochs: list[int] = field(default_factory=list)
    done: bool = False
    waited: int = 0
    best: list[float] | None = None
    history: dict[str, list[float]] = field(default_factory=dict)

    def begin_stage(self) -> None:
        """Goes on to the next stage."""
        self.epochs.append(0)
        self.done, self.waited = False, 0

    def is_over(self, stage: int) -> bool:
        """Whether a stage that has begun needs no more epochs."""
        return stage < len(self.epochs) - 1 or self.done


@dataclass
class State:
    """All that a checkpoint holds.

    Attributes:
        progress: Counts, scores and history.
        variables: Values of all variables of the model.
        seeds: The model's variables that are no weights, as its stage began.
        optimizer: Values of the optimizer's variables.
        best: The best weights, be they those before the first epoch; empty without validation.
        random: The backend's own state of random numbers, where it draws from one.
    """

    progress: Progress
    variables: Arrays = field(default_factory=list)
    seeds: Arrays = field(default_factory=list)
    optimizer: Arrays = field(default_factory=list)
    best: Arrays = field(default_factory=list)
    random: Arrays = field(default_factory=list)


def values(variables: list[Any]) -> Arrays:
    """Returns the values of variables; those of 16 bits as float32, which holds them exactly."""
    # Copies: those of PyTorch would change with the variables.
    arrays = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    return [
        array.astype(np.float32) if array.dtype.name == "bfloat16" else array for array in arrays
    ]


def assign(variables: list[Any], arrays: Arrays) -> None:
    """Gives variables their values back."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def write_checkpoint(file: Path, call: dict[str, Any], state: State) -> None:
    """Writes a checkpoint; a process that ends meanwhile leaves the one before as it is.

    Raises:
        OSError: If the file cannot be written.
    """
    told = {"version": VERSION, "call": call, "progress": asdict(state.progress)}
    arrays: dict[str, Any] = {"told": np.array(json.dumps(told))}
    for name in LISTS:
        arrays |= {f"{name}{n}": array for n, array in enumerate(getattr(state, name))}
    unfinished = file.with_name(f".unfinished-{file.name}")
    try:
        with unfinished.open("wb") as stream:
            np.savez(stream, **arrays)
            stream.flush()
            os.fsync(stream.fileno())  # or a power cut may leave the new name without its content
        unfinished.replace(file)
    except OSError as error:
        requirement = "the path of a file that can be written"
        raise OSError(
            describe("checkpoint", requirement, str(file), f"{error.strerror}.")
        ) from error


def read_checkpoint(file: Path, call: dict[str, Any]) -> State | None:
    """Reads a checkpoint of the same call; None where there is no file.

    Raises:
        ValueError: If the file is no checkpoint, or one of another call, with what differs.
    """
    try:
        content = io.BytesIO(file.read_bytes())
    except FileNotFoundError:
        return None
    try:
        with np.load(content, allow_pickle=False) as stored:
            told = json.loads(str(stored["told"]))
            lists = {
                name: [stored[f"{name}{n}"] for n in range(_count(stored.files, name))]
                for name in LISTS
            }
    except Exception as error:  # whatever NumPy, zipfile and json find wrong with it
        requirement = "a checkpoint of `fine_tune`, or a path where no file is"
        raise ValueError(describe("checkpoint", requirement, str(file), f"{error}")) from error
    before = {"version": told["version"], **told["call"]}
    now = json.loads(json.dumps({"version": VERSION, **call}))
    differ = [name for name in now if now[name] != before.get(name)]
    if differ:
        listed = "; ".join(f"{name} was {before.get(name)!r}, is {now[name]!r}" for name in differ)
        remedy = f"There {listed}. Delete the file, or name another one."
        raise ValueError(describe("checkpoint", "one of the same call", str(file), remedy))
    return State(Progress(**told["progress"]), **lists)


def _count(names: list[str], prefix: str) -> int:
    return sum(name.startswith(prefix) for name in names)
