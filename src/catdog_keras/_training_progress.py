"""Keras callbacks that show the progress of a training."""

from collections.abc import Callable
from typing import Any

import keras


class TrainingProgress(keras.callbacks.Callback):
    """Keras callback that advances a progress bar by one for each training step."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        """Stores the function that `progress_bar` yields."""
        super().__init__()
        self.advance = advance

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        del batch, logs
        self.advance(1)


class EpochTable(keras.callbacks.Callback):
    """Keras callback that shows the progress: a line of losses and accuracies per epoch."""

    COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy")

    def __init__(self, stage: str, write: Callable[[str], None]) -> None:
        """Stores the name of this part of the training, and the function that writes a line."""
        super().__init__()
        self.stage = stage
        self.write = write
        self.headings: dict[str, str] = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        values = logs or {}
        if not self.headings:
            known = (name for name in self.COLUMNS if name in values)
            self.headings = {name: f"{name.replace('val_', 'validation '):>10}" for name in known}
            self.write("  ".join([f"{self.stage:<11} epoch", *self.headings.values()]))
        cells = (f"{values[name]:>{len(heading)}.4f}" for name, heading in self.headings.items())
        self.write("  ".join([f"{epoch + 1:>17}", *cells]))
