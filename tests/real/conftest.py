"""Real images and real weights, from where the environment says they are."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_images() -> Path:
    """The tutorial's zip archive, named by CATDOG_KERAS_DATA."""
    path = os.environ.get("CATDOG_KERAS_DATA")
    if not path:
        pytest.skip("CATDOG_KERAS_DATA is not set to the path of the tutorial's zip archive")
    return Path(path)


@pytest.fixture(scope="session")
def real_weights() -> Path:
    """The folder models/ under KERAS_HOME, with MobileNetV2's ImageNet weights."""
    models = Path(os.environ["KERAS_HOME"]) / "models"
    if not list(models.glob("mobilenet_v2_weights*_160_no_top.h5")):
        pytest.skip("KERAS_HOME/models holds no ImageNet weights of MobileNetV2 for 160 pixels")
    return models
