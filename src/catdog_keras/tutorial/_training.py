"""Training of the tutorial's models: the same optimizer, schedule and selection for all."""

from typing import Any

import keras
import numpy as np

from catdog_keras._compile import build_for_fit
from catdog_keras._progress import progress_bar
from catdog_keras._training_progress import TrainingProgress
from catdog_keras.datasets import ImageSplits
from catdog_keras.training._validation_score import validation_score

LEARNING_RATE = 2e-3
WARMUP = 0.1  # fraction of the steps in which the learning rate rises
WEIGHT_DECAY = 0.01


def train_to_best(
    name: str, model: keras.Model, splits: ImageSplits, epochs: int
) -> tuple[dict[str, list[float]], int]:
    """Trains a model and restores the weights of the epoch with the best validation accuracy.

    Of several epochs with this accuracy, the one with the lowest validation loss is taken.

    The optimizer is AdamW; the learning rate rises linearly to 0.002 in the first tenth of the
    steps and then falls to zero along a cosine.

    Returns:
        The history of `fit`, and the number of the best epoch, counted from 1.
    """
    steps = epochs * int(splits.train.cardinality().numpy())
    warmup = max(1, int(WARMUP * steps))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup), warmup_target=LEARNING_RATE, warmup_steps=warmup
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    build_for_fit(model, np.zeros(1, int))
    best = BestEpoch()
    with progress_bar(f"Training {name}", steps, "steps") as advance:
        history = model.fit(
            splits.train,
            validation_data=splits.validation,
            epochs=epochs,
            callbacks=[best, TrainingProgress(advance)],
            shuffle=False,  # the dataset reshuffles itself
            verbose=0,
        )
    return history.history, best.epoch + 1


class BestEpoch(keras.callbacks.Callback):
    """Restores the weights of the best epoch after training.

    `keras.callbacks.EarlyStopping` takes the first epoch of those with the same accuracy; where a
    model soon classifies all validation images correctly, its loss is still high then.
    """

    def __init__(self) -> None:
        """Starts without a best epoch."""
        super().__init__()
        self.epoch = 0
        self._score: list[float] | None = None
        self._weights: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keeps the weights if the epoch is the best one so far."""
        score = validation_score(logs or {})
        if score is not None and (self._score is None or score > self._score):
            self.epoch, self._score, self._weights = epoch, score, self.model.get_weights()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Restores the weights of the best epoch."""
        del logs
        self.model.set_weights(self._weights)
