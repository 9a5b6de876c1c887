"""Callbacks of a training in which only a part of a model is fitted."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import keras

Callbacks: TypeAlias = keras.callbacks.Callback | Sequence[keras.callbacks.Callback] | None
Verbose: TypeAlias = Literal["auto", 0, 1, 2]


def callbacks_for_part(
    model: keras.Model,
    part: keras.Model,
    callbacks: Callbacks,
    *,
    verbose: Verbose,
    epochs: int,
    steps: int | None,
) -> keras.callbacks.CallbackList:
    """Returns callbacks for `part.fit` that get the whole model, and can stop the training.

    Args:
        model: The whole model, which shares its weights with the part.
        part: The model that is fitted.
        callbacks: A callback, a list of callbacks or None.
        verbose: Verbosity, as in `keras.Model.fit`.
        epochs: Number of epochs, for progress bars.
        steps: Number of batches in an epoch, for progress bars.
    """
    found = keras.callbacks.CallbackList(
        [*keras.tree.flatten(callbacks or []), _Stop(part)],
        add_history=True,
        add_progbar=verbose != 0,
        model=model,
        verbose=verbose,
        epochs=epochs,
        steps=steps,
    )
    part.history = model.history
    model.stop_training = False
    return found


class _Stop(keras.callbacks.Callback):
    """Copies `stop_training` from the whole model, which callbacks set, to the part."""

    def __init__(self, part: keras.Model) -> None:
        super().__init__()
        self._part = part

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        del batch, logs
        self._part.stop_training = self.model.stop_training

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        del epoch, logs
        self._part.stop_training = self.model.stop_training


def validation_score(logs: Mapping[str, Any]) -> list[float] | None:
    """Returns the score that selects the best epoch: the accuracy, with ties decided by the loss.

    None if there are no validation metrics.
    """
    if "val_loss" not in logs:
        return None
    accuracies = [name for name in logs if name.startswith("val_") and "acc" in name]
    accuracy = float(logs[accuracies[0]]) if accuracies else 0.0
    return [accuracy, -float(logs["val_loss"])]
