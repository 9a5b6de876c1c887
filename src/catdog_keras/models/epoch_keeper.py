"""Callback for fine-tuning: early stopping, best weights and checkpoints."""

from collections.abc import Callable
from typing import Any

import keras

from catdog_keras import _backend
from catdog_keras.models.checkpoint import State, values


class EpochKeeper(keras.callbacks.Callback):
    """Updates the training state after each epoch, and stops when the metric stops improving."""

    def __init__(
        self,
        whole: keras.Model,
        state: State,
        epochs: int,
        patience: int | None,
        save: Callable[[State], None],
    ) -> None:
        """Takes the whole model, of which a part is trained, and how to save the state."""
        super().__init__()
        self._whole, self._state, self._epochs = whole, state, epochs
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
        progress.waited += 1
        self.keep_if_best(logs or {})
        progress.epochs[-1] = epoch + 1
        progress.done = progress.epochs[-1] == self._epochs
        if self._patience is not None and progress.waited >= self._patience:
            progress.done = True
            self.model.stop_training = True
        state.variables = values(self._whole.variables)
        state.optimizer = values(self.model.optimizer.variables)
        state.random = _backend.random_state()
        self._save(state)

    def keep_if_best(self, logs: dict[str, Any]) -> None:
        """Stores the weights if these validation metrics are the best so far."""
        progress, score = self._state.progress, _score(logs)
        if score is None:
            progress.waited = 0
        elif progress.best is None or score > progress.best:
            progress.best, progress.waited = score, 0
            self._state.best = values(self._whole.weights)


def _score(logs: dict[str, Any]) -> list[float] | None:
    """Returns the validation score: the accuracy, with ties decided by the loss."""
    if "val_loss" not in logs:
        return None
    accuracies = [name for name in logs if name.startswith("val_") and "acc" in name]
    accuracy = float(logs[accuracies[0]]) if accuracies else 0.0
    return [accuracy, -float(logs["val_loss"])]
