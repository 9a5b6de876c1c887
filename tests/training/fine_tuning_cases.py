"""A small model to train, and a program that trains it and is killed on the way.

As a program: `python -m tests.training.fine_tuning_cases CASE CHECKPOINT EPOCH MOMENT FOLDER` ends
itself by SIGKILL at one of `MOMENTS` while it writes its checkpoint after an epoch.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from catdog_keras import (
    FineTuneConfig,
    RandomAffine,
    fine_tune,
    fit_head,
    load_image_folder,
    transfer_model,
)
from catdog_keras.training import _checkpoint as checkpoint

SHAPE = (8, 8, 3)
LAYERS = ["conv0", "norm0", "relu0", "conv1", "norm1", "relu1", "conv2", "norm2", "add2"]
CASES = {
    "kept": {"unfreeze": "conv1"},
    "num_views": {"unfreeze": "conv2", "options": FineTuneConfig(num_views=2, patience=1)},
    "whole": {"unfreeze": "conv1", "options": FineTuneConfig(num_views=None)},
    "plateau": {"unfreeze": "conv1", "callbacks": ["ReduceLROnPlateau"]},
    "stages": {"unfreeze": ("conv2", "conv0")},
    "head": {"num_views": 2, "callbacks": ["EarlyStopping", "ReduceLROnPlateau"]},
}
# Before a checkpoint is renamed, between its two renamings, and after them.
MOMENTS = ("before", "between", "after")


def labeled_images(count: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Returns random images of two classes, which differ in their red channel, and the labels."""
    generator = np.random.default_rng(0)
    labels = np.arange(count) % 2
    images = generator.uniform(0, 255, (count, *SHAPE))
    images[..., 0] = images[..., 0] / 2 + 100 * labels[:, None, None]
    return images.astype("float32"), labels


def backbone() -> keras.Model:
    """Three convolutions, the last of them with a way around it."""
    x = inputs = keras.Input(SHAPE)
    for number in range(3):
        before = x
        x = keras.layers.Conv2D(4, 3, padding="same", name=f"conv{number}")(x)
        x = keras.layers.BatchNormalization(name=f"norm{number}")(x)
        if number < 2:
            x = keras.layers.ReLU(name=f"relu{number}")(x)
    return keras.Model(inputs, keras.layers.Add(name="add2")([before, x]), name="small")


def model(**arguments) -> keras.Model:
    """The backbone with a head, from the same seed each time, augmentation and dropout in it."""
    keras.utils.set_random_seed(0)
    arguments = {"augmentation": RandomAffine("horizontal"), **arguments}
    built = transfer_model(backbone(), SHAPE, preprocessing="signed", **arguments)
    keras.utils.set_random_seed(1)
    return built


def make_callbacks(names) -> list[keras.callbacks.Callback]:
    """Callbacks that change the training, at other epochs if their state is lost."""
    made = {
        "EarlyStopping": keras.callbacks.EarlyStopping(
            "val_loss", mode="max", patience=3, restore_best_weights=True
        ),
        "ReduceLROnPlateau": keras.callbacks.ReduceLROnPlateau(
            "val_loss", mode="max", factor=0.5, patience=2
        ),
    }
    return [made[name] for name in names]


def run(case: str, file: str | os.PathLike[str] | None, folder: str | os.PathLike[str]):
    """Trains the model on the images of a folder."""
    splits = load_image_folder(folder, image_size=SHAPE[:2], batch_size=6, cache=True)
    trained = model()
    arguments = dict(CASES[case])
    callbacks = make_callbacks(arguments.pop("callbacks", []))
    history = (fit_head if case == "head" else fine_tune)(
        trained,
        splits.train,
        validation_data=splits.validation,
        epochs=4,
        backup=file,
        callbacks=callbacks,
        verbose=0,
        **arguments,
    )
    return trained, history


def interrupted_replace(epoch: int, moment: str, interrupt: Callable[[], None]):
    """Returns a `Path.replace` that calls `interrupt` when the checkpoint of an epoch is written.

    A checkpoint is written by two calls: the file before it gets another name, then the new one
    gets its name.
    """
    calls = 0
    replace = Path.replace

    def cut(self, target):
        nonlocal calls
        calls += 1
        at_epoch = (calls + 1) // 2 == epoch
        if at_epoch and moment == ("before" if calls % 2 else "between"):
            interrupt()
        replace(self, target)
        if at_epoch and calls % 2 == 0 and moment == "after":
            interrupt()

    return cut


if __name__ == "__main__":
    case, file, epoch, moment, folder = sys.argv[1:]
    checkpoint.Path.replace = interrupted_replace(
        int(epoch), moment, lambda: os.kill(os.getpid(), signal.SIGKILL)
    )
    run(case, file, folder)
