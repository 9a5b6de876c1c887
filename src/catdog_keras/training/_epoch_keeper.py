"""Callback that updates and saves the state of a training run after each epoch."""

from collections.abc import Callable
from typing import Any

import keras

from catdog_keras import _backend
from catdog_keras.training._callbacks import restore_callbacks, store_callbacks, validation_score
from catdog_keras.training._training_state import State, values


class EpochKeeper(keras.callbacks.Callback):
    """Updates the training state after each epoch, and stops when the metric stops improving.

    It must come after the callbacks of the user, whose state is a part of the training state.
    """

    def __init__(
        self,
        whole: keras.Model,
        part: keras.Model,
        state: State,
        epochs: int,
        save: Callable[[State], None],
        *,
        callbacks: list[keras.callbacks.Callback],
        keep_best: bool,
        patience: int | None = None,
    ) -> None:
        """Stores the whole model, the part of it that is trained, and how to save the state."""
        super().__init__()
        self._whole, self._part, self._state, self._epochs = whole, part, state, epochs
        self._callbacks, self._keep_best = callbacks, keep_best
        self._patience, self._save = patience, save
        self._unsaved = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Restores the state of the user's callbacks, which they have just reset."""
        del logs
        progress = self._state.progress
        if progress.callbacks and not progress.done:
            restore_callbacks(self._callbacks, self._state)

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
        if self._keep_best:
            self.keep_if_best(logs or {})
        progress.epochs[-1] = epoch + 1
        if self._patience is not None and progress.epochs_since_best >= self._patience:
            self.model.stop_training = True
        progress.done = progress.epochs[-1] == self._epochs or self.model.stop_training
        self._unsaved = True
        if not progress.done:
            self._save_state()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Saves the last state, after callbacks such as `EarlyStopping` have changed the model."""
        del logs
        if self._unsaved:
            self._save_state()

    def keep_if_best(self, logs: dict[str, Any]) -> None:
        """Stores the weights if these validation metrics are the best so far."""
        progress, score = self._state.progress, validation_score(logs)
        if score is None:
            progress.epochs_since_best = 0
        elif progress.best is None or score > progress.best:
            progress.best, progress.epochs_since_best = score, 0
            self._state.best = values(self._whole.weights)

    def _save_state(self) -> None:
        state = self._state
        state.variables = values(self._whole.variables)
        state.optimizer = values(self._part.optimizer.variables)
        state.random = _backend.random_state()
        store_callbacks(self._callbacks, state)
        self._save(state)
        self._unsaved = False
