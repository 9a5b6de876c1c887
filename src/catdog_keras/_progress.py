"""Progress bars with the time left, on standard error, and only where a person is looking."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras


@contextmanager
def progress_bar(
    description: str, total: int | None, unit: str = ""
) -> Iterator[Callable[[int], None]]:
    """Shows a bar while the block runs; yields `advance(count)`.

    A `total` of None is not known beforehand. Nothing is written when standard error is no
    terminal: a log has no use for a moving bar.
    """
    # At first use: an import of the package brings in nothing that it does not need.
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
        disable=not sys.stderr.isatty(),
    ) as progress:
        task = progress.add_task(description, total=total)
        yield lambda count: progress.advance(task, count)


class TrainingProgress(keras.callbacks.Callback):
    """Moves a progress bar on by one with each training step."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        """Takes what `progress_bar` yields."""
        super().__init__()
        self.advance = advance

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called by Keras after each step."""
        del batch, logs
        self.advance(1)
