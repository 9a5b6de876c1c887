"""Progress bars on standard error, shown only in a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras


@contextmanager
def progress_bar(
    description: str, total: int | None, unit: str = ""
) -> Iterator[Callable[[int], None]]:
    """Shows a progress bar while the block runs; yields `advance(count)`.

    If `total` is None, the length is unknown. Nothing is written if standard error is not a
    terminal, because a log file has no use for a moving bar.
    """
    # Imported at first use, so that importing the package imports only what it needs.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit + ","),
        TimeElapsedColumn(),
        TextColumn("gone,"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=Console(stderr=True),
        transient=True,
        disable=sys.stderr is None or not sys.stderr.isatty(),  # None: closed
    ) as progress:
        task = progress.add_task(description, total=total)
        yield lambda count: progress.advance(task, count)


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
    """Keras callback that writes a line with losses and accuracies after each epoch."""

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
