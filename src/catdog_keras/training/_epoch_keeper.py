"""Callback that updates and saves the state of a training run after each epoch."""

import math
from collections.abc import Callable
from typing import Any

import keras

from catdog_keras import _backend
from catdog_keras._warnings import warn
from catdog_keras.training._callback_state import restore_callback_state, store_callback_state
from catdog_keras.training._ema import uses_ema
from catdog_keras.training._training_state import (
    Arrays,
    TrainingState,
    assign_values,
    read_values,
)
from catdog_keras.training._validation_score import validation_score


class EpochKeeper(keras.callbacks.Callback):
    """Updates the training state after each epoch, and stops when the metric stops improving.

    It must come after the callbacks of the user, whose state is a part of the training state.
    """

    def __init__(
        self,
        whole: keras.Model,
        part: keras.Model,
        state: TrainingState,
        epochs: int,
        save: Callable[[TrainingState], None] | None,
        *,
        callbacks: list[keras.callbacks.Callback],
        kept: list[Any] | None,
        patience: int | None = None,
        first_epoch: int = 0,
    ) -> None:
        """Creates the callback.

        Args:
            whole: The whole model.
            part: The part of it that is trained.
            state: The state of the training, which is updated.
            epochs: Number of epochs of the stage.
            save: Saves the state; None if there is no checkpoint.
            callbacks: The callbacks of the user.
            kept: The weights of which the best values are kept; None to keep none.
            patience: Number of epochs without improvement after which the training stops.
            first_epoch: Number of the first epoch of the stage.
        """
        super().__init__()
        self._whole, self._part, self._state, self._epochs = whole, part, state, epochs
        self._callbacks, self._kept = callbacks, kept
        self._patience, self._save, self._first_epoch = patience, save, first_epoch
        self._unsaved = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Restores the state of the user's callbacks, which they have just reset."""
        del logs
        progress = self._state.progress
        if progress.callbacks and not progress.done:
            restore_callback_state(self._callbacks, self._state)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Restores the backend's random state, so that a resumed run continues identically."""
        del epoch, logs
        if self._state.random:
            _backend.set_random_state(self._state.random)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Records the metrics, keeps the best weights, and saves the state."""
        progress = self._state.progress
        for name, value in (logs or {}).items():
            progress.history.setdefault(name, []).append(float(value))
        progress.epochs_since_best += 1
        self.keep_if_best(logs or {})
        progress.epochs[-1] = epoch + 1 - self._first_epoch
        if self._patience is not None and progress.epochs_since_best >= self._patience:
            self.model.stop_training = True
        progress.done = progress.epochs[-1] == self._epochs or self.model.stop_training
        self._unsaved = True
        if not progress.done:
            self._save_state()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Saves the last state, after callbacks such as `EarlyStopping` have changed the model.

        Warns if the training has diverged.
        """
        del logs
        losses = self._state.progress.history.get("loss", [])
        diverged = [number for number, loss in enumerate(losses, 1) if not math.isfinite(loss)]
        if diverged:
            warn(
                f"The training has diverged: its loss is {losses[diverged[0] - 1]} from epoch "
                f"{diverged[0]} on. Use a lower learning rate."
            )
        if self._unsaved:
            self._save_state()

    def keep_if_best(self, logs: dict[str, Any], *, is_trained: bool = True) -> None:
        """Stores the weights if these validation metrics are the best so far."""
        progress, score = self._state.progress, validation_score(logs)
        if score is None:
            if progress.best is None:
                progress.epochs_since_best = 0
        elif progress.best is None or score > progress.best:
            progress.best, progress.epochs_since_best = score, 0
            if self._kept is not None:
                read = self._averaged_values if is_trained else read_values
                self._state.best = read(self._kept)

    def _averaged_values(self, weights: list[Any]) -> Arrays:
        """Returns the values with which Keras ends a training: moving averages, if there are any.

        `SwapEMAWeights(swap_on_epoch=True)` has already put them into the weights.
        """
        optimizer = self._part.optimizer
        if not uses_ema(optimizer) or any(
            isinstance(each, keras.callbacks.SwapEMAWeights) and each.swap_on_epoch
            for each in self._callbacks
        ):
            return read_values(weights)
        current = read_values(self._part.trainable_variables)
        optimizer.finalize_variable_values(self._part.trainable_variables)
        averaged = read_values(weights)
        assign_values(self._part.trainable_variables, current)
        return averaged

    def _save_state(self) -> None:
        if self._save is None:
            return
        state = self._state
        state.variables = read_values(self._whole.variables)
        state.optimizer = read_values(self._part.optimizer.variables)
        state.random = _backend.random_state()
        store_callback_state(self._callbacks, state)
        self._save(state)
        self._unsaved = False
