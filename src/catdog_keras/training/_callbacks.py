"""Callbacks of a training in which only a part of a model is fitted."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, TypeAlias

import keras

from catdog_keras._batches import iterate, split_batch
from catdog_keras._checks import describe
from catdog_keras._compile import build_metrics

Callbacks: TypeAlias = keras.callbacks.Callback | Sequence[keras.callbacks.Callback] | None
Verbose: TypeAlias = Literal["auto", 0, 1, 2]

# Callbacks that set the learning rate, in place of the schedule of `fine_tune`.
OF_LEARNING_RATE = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)


def callbacks_for_part(
    model: keras.Model,
    part: keras.Model,
    callbacks: list[keras.callbacks.Callback],
    *,
    train: Any,
    verbose: Verbose,
    epochs: int,
    steps: int | None,
) -> keras.callbacks.CallbackList:
    """Returns callbacks for `part.fit` that get the whole model, and can stop the training.

    Args:
        model: The whole model, which shares its weights and its optimizer with the part.
        part: The model that is fitted.
        callbacks: The callbacks, in their order.
        train: The batches for `part.fit`.
        verbose: Verbosity, as in `keras.Model.fit`.
        epochs: Number of epochs, for progress bars.
        steps: Number of batches in an epoch, for progress bars.
    """
    if any(hasattr(each, "monitor") for each in callbacks):
        _, labels, _ = split_batch("train", next(iterate(train)), "batches (images, labels)")
        build_metrics(model, labels)
    check = partial(_check_model_unchanged, model, model.optimizer, model.trainable_variables)
    found = keras.callbacks.CallbackList(
        [_UpdateWhole(model, check), *callbacks, _UpdatePart(model, part, check)],
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


class _UpdateWhole(keras.callbacks.Callback):
    """Updates the whole model before other callbacks read it."""

    def __init__(self, whole: keras.Model, check: Callable[[], None]) -> None:
        super().__init__()
        self._whole, self._check = whole, check

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        del logs
        self._whole.stop_evaluating = False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        del epoch, logs
        self._check()


class _UpdatePart(keras.callbacks.Callback):
    """Copies what the other callbacks changed in the whole model to the fitted part.

    It does not use `self.model`, which takes time in each batch on JAX; see `synced_with_part`.
    """

    def __init__(self, whole: keras.Model, part: keras.Model, check: Callable[[], None]) -> None:
        super().__init__()
        self._whole, self._part, self._check = whole, part, check

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        del epoch, logs
        self._check()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        del batch, logs
        self._part.stop_training = self._whole.stop_training

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        del batch, logs
        self._part.stop_evaluating = self._whole.stop_evaluating

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        del epoch, logs
        self._part.stop_training = self._whole.stop_training


def _check_model_unchanged(model: keras.Model, optimizer: Any, trained: list[Any]) -> None:
    """Raises a ValueError if callbacks made a change that the fitted part would not use."""
    if model.optimizer is not optimizer:
        raise ValueError(
            "`callbacks` must not replace the optimizer or compile the model: the layers "
            "that are trained would not use it."
        )
    if list(map(id, model.trainable_variables)) != list(map(id, trained)):
        raise ValueError(
            "`callbacks` must not freeze or unfreeze layers: the layers to train are selected "
            "before the training. To unfreeze layers step by step, pass several values as "
            "`unfreeze` of `fine_tune`, such as `unfreeze=(0.1, 0.3)`."
        )


def check_callback_types(callbacks: Callbacks) -> list[keras.callbacks.Callback]:
    """Returns the callbacks of a call as a list; raises if one is invalid or has no effect."""
    found: list[keras.callbacks.Callback] = []
    for each in keras.tree.flatten(callbacks or []):
        found += each.callbacks if isinstance(each, keras.callbacks.CallbackList) else [each]
    for callback in found:
        if not isinstance(callback, keras.callbacks.Callback):
            is_class = isinstance(callback, type) and issubclass(callback, keras.callbacks.Callback)
            remedy = f"Create an instance: `{callback.__name__}(...)`." if is_class else ""
            requirement = "a Keras callback, a list of callbacks or None"
            raise TypeError(describe("callbacks", requirement, callbacks, remedy))
        name = type(callback).__name__
        if isinstance(callback, keras.callbacks.BackupAndRestore):
            remedy = "It restores the model, but not the epoch. Pass `backup` instead."
            raise TypeError(
                describe("callbacks", "callbacks without BackupAndRestore", name, remedy)
            )
    return found
