"""What happens after each epoch of fine-tuning: judge, remember the best, write it down."""

from collections.abc import Callable
from typing import Any

import keras

from catdog_keras import _backend
from catdog_keras.models.checkpoint import State, values


class EpochKeeper(keras.callbacks.Callback):
    """Keeps the state of a training, and ends it when it gets no better."""

    def __init__(
        self,
        whole: keras.Model,
        state: State,
        epochs: int,
        patience: int | None,
        save: Callable[[State], None],
    ) -> None:
        """Takes the model whose part is trained, and what to do with the state after an epoch."""
        super().__init__()
        self._whole, self._state, self._epochs = whole, state, epochs
        self._patience, self._save = patience, save

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Called by Keras before each epoch: random numbers go on as they did without a kill."""
        del epoch, logs
        if self._state.random:
            _backend.set_random_state(self._state.random)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Called by Keras after each epoch, with its metrics."""
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
        """Keeps the weights, if by these metrics of validation they are the best so far."""
        progress, score = self._state.progress, _score(logs)
        if score is None:
            progress.waited = 0
        elif progress.best is None or score > progress.best:
            progress.best, progress.waited = score, 0
            self._state.best = values(self._whole.weights)


def _score(logs: dict[str, Any]) -> list[float] | None:
    """How good the weights are on validation: the accuracy, among equals the loss."""
    if "val_loss" not in logs:
        return None
    accuracies = [name for name in logs if name.startswith("val_") and "acc" in name]
    accuracy = float(logs[accuracies[0]]) if accuracies else 0.0
    return [accuracy, -float(logs["val_loss"])]
