"""State of callbacks as a part of checkpoints: stored, checked and restored."""

import itertools
import math
from collections.abc import Iterable
from typing import Any

import keras

from catdog_keras.training._training_state import TrainingState, read_values

# Callbacks whose state is a part of checkpoints, and the public attributes that hold it.
STATE_ATTRIBUTES = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "cooldown_counter", "best"),
    keras.callbacks.ModelCheckpoint: ("best",),
}


def stateful_callbacks(callbacks: Iterable[Any]) -> list[tuple[Any, tuple[str, ...]]]:
    """Returns the callbacks whose state is a part of checkpoints, with its attributes."""
    return [
        (callback, attributes)
        for callback in callbacks
        for kind, attributes in STATE_ATTRIBUTES.items()
        if isinstance(callback, kind)
    ]


def store_callback_state(callbacks: Iterable[Any], state: TrainingState) -> None:
    """Copies the state of callbacks to the state of the training."""
    stored: list[dict[str, Any]] = []
    state.callback_weights = []
    for callback, attributes in stateful_callbacks(callbacks):
        found = {name: getattr(callback, name) for name in attributes}
        stored.append({name: v if v is None else float(v) for name, v in found.items()})
        weights = getattr(callback, "best_weights", None)
        stored[-1]["weights"] = 0 if weights is None else len(weights)
        state.callback_weights += read_values(weights or [])
    state.progress.callbacks = stored


def restore_callback_state(callbacks: Iterable[Any], state: TrainingState) -> None:
    """Copies the state of the training to callbacks, which are those of the stored call."""
    weights = iter(state.callback_weights)
    for (callback, attributes), stored in zip(
        stateful_callbacks(callbacks), state.progress.callbacks, strict=True
    ):
        for name in attributes:
            value = stored[name]
            # Counters are integers, `best` is a metric.
            setattr(callback, name, value if value is None or name == "best" else int(value))
        if stored["weights"]:
            callback.best_weights = list(itertools.islice(weights, int(stored["weights"])))


def check_callback_state(callbacks: Iterable[Any], state: TrainingState) -> None:
    """Raises a ValueError if the state of a training does not fit the callbacks of the call."""
    stored, count = state.progress.callbacks, 0
    expected = [{*attributes, "weights"} for _, attributes in stateful_callbacks(callbacks)]
    valid = [set(each) for each in stored] == expected
    for each in stored:
        counters = [value for name, value in each.items() if name != "best"]
        valid = valid and all(v is not None and math.isfinite(v) and v >= 0 for v in counters)
        count += int(each["weights"]) if valid else 0
    if not valid or count != len(state.callback_weights):
        raise ValueError("The state of its callbacks is incomplete or invalid.")
