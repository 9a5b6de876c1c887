"""Three drawn classes with odd names, and a small model that tells them apart."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from catdog_keras import ClassNames, cli, load_image_folder
from catdog_keras.cli.training_record import TrainingRecord
from tests.cli.drawn import CLASSES, PER_CLASS, draw


@pytest.fixture(scope="session")
def run():
    """Runs the command in this process; arguments may be paths."""
    return lambda *arguments: CliRunner().invoke(cli.main, [os.fspath(str(a)) for a in arguments])


@pytest.fixture(scope="session")
def drawn(tmp_path_factory) -> Path:
    """A folder of the three classes, with spaces and quotes in every file's name."""
    root = tmp_path_factory.mktemp("drawn pictures")
    generator = np.random.default_rng(0)
    for index, name in enumerate(CLASSES):
        (root / name).mkdir()
        for number in range(PER_CLASS):
            draw(index, generator).save(root / name / f"picture '{number}', \"{number}\" ü.png")
    return root


@pytest.fixture(scope="session")
def model(drawn, tmp_path_factory) -> Path:
    """A model that knows grounds apart, with what the command's training leaves beside it."""
    folder = tmp_path_factory.mktemp("model")
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((32, 32, 3)),
        keras.layers.Rescaling(1 / 50),
        keras.layers.Conv2D(8, 3, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(3),
        ClassNames(CLASSES),
    ]
    keras.Sequential(layers).save(folder / "model.keras")
    splits = load_image_folder(drawn, image_size=(32, 32), batch_size=4, split="stratified")
    splits.save_manifest(folder / "split.json")
    history = {"loss": [0.9, 0.5], "val_loss": [0.8, 0.6]}
    settings = {"backbone": "of my own", "seed": 17}
    record = TrainingRecord(str(drawn), settings, splits.counts, {}, history, 1.5, {"keras": "3"})
    record.write(folder)
    return folder / "model.keras"
