"""State of a training run: everything that an identical continuation needs."""

from dataclasses import dataclass, field, fields
from typing import Any

import keras
import numpy as np

from catdog_keras import _backend
from catdog_keras.training._validation_score import validation_score

Arrays = list[np.ndarray[Any, np.dtype[Any]]]

LISTS = ("variables", "seeds", "optimizer", "best", "random", "callback_weights")


@dataclass
class StageProgress:
    """Progress of a training in stages, without the values of variables.

    Attributes:
        seed: Seed of the batch order in every stage.
        epochs: Number of completed epochs of each stage that has started.
        done: Whether the last of these stages is complete.
        epochs_since_best: Number of epochs of this stage since the best one.
        best: Score of the best weights over all stages; None without validation data.
        history: A list of values per metric, over all stages.
        callbacks: State of each callback in `_callback_state.STATE_ATTRIBUTES`, in this stage.
    """

    seed: int
    epochs: list[int] = field(default_factory=list)
    done: bool = False
    epochs_since_best: int = 0
    best: list[float] | None = None
    history: dict[str, list[float]] = field(default_factory=dict)
    callbacks: list[dict[str, Any]] = field(default_factory=list)

    def begin_stage(self) -> None:
        """Starts the next stage."""
        self.epochs.append(0)
        self.done, self.epochs_since_best, self.callbacks = False, 0, []

    def is_over(self, stage: int) -> bool:
        """Returns whether a stage that has started is complete."""
        return stage < len(self.epochs) - 1 or self.done

    def best_epoch(self) -> int | None:
        """Returns the place of the best epoch in the history; None if it is not known.

        It is unknown if the initial weights are the best, or if not every epoch was validated.
        """
        columns = list(self.history.values())
        if len(set(map(len, columns))) != 1:
            return None
        epochs = (dict(zip(self.history, row, strict=True)) for row in zip(*columns, strict=True))
        scores = [validation_score(epoch) for epoch in epochs]
        return scores.index(self.best) if self.best in scores else None

    @classmethod
    def from_json(cls, content: Any) -> "StageProgress":
        """Creates a progress from a parsed file; raises a ValueError for a wrong key or type."""
        names = {each.name for each in fields(cls)}
        if not isinstance(content, dict) or set(content) != names:
            raise ValueError(f"Its progress must have the keys {', '.join(sorted(names))}.")
        counts, history = content["epochs"], content["history"]
        valid = {
            "seed": _is_nonnegative_integer(content["seed"]),
            "epochs": isinstance(counts, list)
            and counts
            and all(map(_is_nonnegative_integer, counts)),
            "done": isinstance(content["done"], bool),
            "epochs_since_best": _is_nonnegative_integer(content["epochs_since_best"]),
            "best": content["best"] is None or _is_list_of_numbers(content["best"], 2),
            "history": isinstance(history, dict)
            and all(map(_is_list_of_numbers, history.values())),
            "callbacks": isinstance(content["callbacks"], list)
            and all(isinstance(each, dict) for each in content["callbacks"])
            and all(
                value is None or _is_list_of_numbers([value])
                for each in content["callbacks"]
                for value in each.values()
            ),
        }
        for name, is_valid in valid.items():
            if not is_valid:
                raise ValueError(f"The value {name!r} of its progress is invalid.")
        return cls(**content)


@dataclass
class TrainingState:
    """The content of a checkpoint.

    Attributes:
        progress: Counts, scores and history.
        variables: Values of all variables of the model.
        seeds: Values of the model's non-weight variables at the start of the stage.
        optimizer: Values of the optimizer's variables.
        best: The best weights, which may be the initial ones; empty if they are not kept.
        random: Random state of the backend, if it has one.
        callback_weights: Weights that callbacks keep, such as the best ones.
    """

    progress: StageProgress
    variables: Arrays = field(default_factory=list)
    seeds: Arrays = field(default_factory=list)
    optimizer: Arrays = field(default_factory=list)
    best: Arrays = field(default_factory=list)
    random: Arrays = field(default_factory=list)
    callback_weights: Arrays = field(default_factory=list)

    def check_values(self, model: keras.Model, kept: list[Any]) -> None:
        """Raises a ValueError if the arrays are not finite, or do not fit the model.

        Args:
            model: The model.
            kept: The weights of which the best values are kept.
        """
        if not self.is_finite():
            raise ValueError("It contains weights that are not finite.")
        check_arrays_fit("variables", self.variables, model.variables)
        check_arrays_fit("seeds", self.seeds, seeds_of(model))
        if self.best:
            check_arrays_fit("best", self.best, kept)
        check_arrays_fit("random", self.random, _backend.random_state())
        count = len(model.weights)
        for start in range(0, len(self.callback_weights), max(count, 1)):
            check_arrays_fit(
                "callback_weights", self.callback_weights[start : start + count], model.weights
            )

    def is_finite(self) -> bool:
        """Returns whether no array contains NaN or infinity."""
        return all(
            bool(np.isfinite(array).all())
            for name in LISTS
            for array in getattr(self, name)
            if array.dtype.kind == "f"
        )


def check_arrays_fit(name: str, arrays: Arrays, variables: list[Any]) -> None:
    """Raises a ValueError unless a state has an array of the right shape and type per variable."""
    if len(arrays) != len(variables):
        raise ValueError(f"Its list {name!r} has {len(arrays)} arrays instead of {len(variables)}.")
    for number, (array, variable) in enumerate(zip(arrays, variables, strict=True)):
        shape = tuple(variable.shape)
        kind = keras.backend.standardize_dtype(variable.dtype).rstrip("0123456789")
        kind = {"bfloat": "float"}.get(kind, kind)
        if array.shape != shape or array.dtype.name.rstrip("0123456789") != kind:
            raise ValueError(
                f"Array {number} of its list {name!r} has shape {array.shape} and dtype "
                f"{array.dtype} instead of {shape} and {kind}."
            )


def seeds_of(model: keras.Model) -> list[Any]:
    """Returns the variables of a training state that are not weights: those of random layers."""
    weights = {id(weight) for weight in model.weights}
    return [each for each in model.variables if id(each) not in weights]


def read_values(variables: list[Any]) -> Arrays:
    """Returns copies of a state's variables as arrays; bfloat16 is converted to float32 exactly."""
    # Copies, because PyTorch arrays share memory with the variables.
    arrays = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    return [
        array.astype(np.float32) if array.dtype.name == "bfloat16" else array for array in arrays
    ]


def assign_values(variables: list[Any], arrays: Arrays) -> None:
    """Assigns the values of a training state to variables."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def _is_nonnegative_integer(value: Any) -> bool:
    """Returns whether a value in a saved state is an integer from 0, not a boolean."""
    return type(value) is int and value >= 0


def _is_list_of_numbers(value: Any, length: int | None = None) -> bool:
    """Returns whether a value in a saved state is a list of numbers, of this length."""
    return (
        isinstance(value, list)
        and length in (None, len(value))
        and all(isinstance(each, int | float) for each in value)
    )


def draw_seed() -> int:
    """Samples a seed from Keras's global random state, like the rest of a training."""
    return int(keras.random.randint((), 0, 2**31 - 1, dtype="int32"))
