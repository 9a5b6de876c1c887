"""Three synthetic classes with unusual names, and a small model that classifies them."""

from pathlib import Path

import keras
import numpy as np
import pytest

from catdog_keras import ClassNames, load_image_folder
from catdog_keras.cli.run_record import TrainingRecord
from tests.cli.image_folders import CLASSES, PER_CLASS, draw
from tests.invoke_command import invoke_command


@pytest.fixture(scope="session")
def run():
    """Runs the command in this process; arguments may be paths."""
    return invoke_command


@pytest.fixture(scope="session")
def drawn(tmp_path_factory) -> Path:
    """A folder of the three classes, with spaces and quotes in every file's name."""
    root = tmp_path_factory.mktemp("drawn images")
    generator = np.random.default_rng(0)
    for index, name in enumerate(CLASSES):
        (root / name).mkdir()
        for number in range(PER_CLASS):
            draw(index, generator).save(root / name / f"image '{number}', \"{number}\" ü.png")
    return root


@pytest.fixture(scope="session")
def model(drawn, tmp_path_factory) -> Path:
    """A model that classifies by the background, with the files that `train` writes next to it."""
    folder = tmp_path_factory.mktemp("model")
    brightness = keras.layers.Dense(3)
    layers = [
        keras.Input((32, 32, 3)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.DepthwiseConv2D(1, depthwise_initializer="ones"),
        keras.layers.GlobalAveragePooling2D(),
        brightness,
        ClassNames(CLASSES),
    ]
    network = keras.Sequential(layers)
    # The middle class is brighter than 0.38 and darker than 0.65, the others are neither.
    steepness = np.array([0, -3, 3])
    brightness.set_weights([np.ones((3, 3)) * steepness, -3 * steepness * [0, 0.38, 0.65]])
    network.save(folder / "model.keras")
    splits = load_image_folder(drawn, image_size=(32, 32), batch_size=4, split="stratified")
    splits.save_manifest(folder / "split.json")
    history = {"loss": [0.9, 0.5], "val_loss": [0.8, 0.6]}
    settings = {"backbone": "of my own", "seed": 17}
    record = TrainingRecord(str(drawn), settings, splits.counts, {}, history, 1.5, {"keras": "3"})
    record.write(folder)
    return folder / "model.keras"
