"""A small model to fine-tune, and a program that fine-tunes it and is killed on the way.

As a program: `python -m tests.training.fine_tuning_cases CASE CHECKPOINT WRITES FOLDER` ends itself by
SIGKILL when it writes its checkpoint for the time WRITES: while it writes it (an odd number of
WRITES) or right after it is written (an even one).
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import keras

from catdog_keras import FineTuneConfig, RandomAffine, fine_tune, load_image_folder, transfer_model
from catdog_keras.training import _checkpoint as checkpoint

SHAPE = (8, 8, 3)
LAYERS = ["conv0", "norm0", "relu0", "conv1", "norm1", "relu1", "conv2", "norm2", "add2"]
CASES = {
    "kept": {"unfreeze": "conv1"},
    "num_views": {"unfreeze": "conv2", "options": FineTuneConfig(num_views=2, patience=1)},
    "whole": {"unfreeze": "conv1", "options": FineTuneConfig(num_views=None)},
    "stages": {"unfreeze": ("conv2", "conv0")},
}


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


def run(case: str, file: str | os.PathLike[str] | None, folder: str | os.PathLike[str]):
    """Fine-tunes the model on the images of a folder."""
    splits = load_image_folder(folder, image_size=SHAPE[:2], batch_size=6, cache=True)
    tuned = model()
    history = fine_tune(
        tuned,
        splits.train,
        validation_data=splits.validation,
        epochs=4,
        checkpoint=file,
        **CASES[case],
    )
    return tuned, history


def interrupted_replace(writes: int, interrupt: Callable[[], None]) -> Callable[..., None]:
    """Returns a `Path.replace` that calls `interrupt` at the checkpoint of the number `writes`.

    An odd number interrupts before the file has its final name, an even one right after.
    """
    left = [writes]
    replace = Path.replace

    def cut(self, target):
        left[0] -= 1
        if left[0] == 0 and writes % 2:
            interrupt()
        replace(self, target)
        if left[0] == 0:
            interrupt()

    return cut


if __name__ == "__main__":
    checkpoint.Path.replace = interrupted_replace(
        int(sys.argv[3]), lambda: os.kill(os.getpid(), signal.SIGKILL)
    )
    run(sys.argv[1], sys.argv[2], sys.argv[4])
