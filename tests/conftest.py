"""What every test runs under: hypothesis profiles and a quiet, seeded, window-less process."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")
if "KERAS_HOME" not in os.environ:  # the user's own ~/.keras is not for tests to fill
    _keras_home = tempfile.TemporaryDirectory(prefix="keras-home-")
    os.environ["KERAS_HOME"] = _keras_home.name

import hypothesis
import pytest

# Compiling a model or drawing a figure takes longer than hypothesis's default deadline; how long
# a test takes is measured in benchmarks, not here.
hypothesis.settings.register_profile("dev", max_examples=15, deadline=None)
hypothesis.settings.register_profile(
    "ci", max_examples=25, deadline=None, derandomize=True, print_blob=True
)
hypothesis.settings.register_profile("deep", max_examples=500, deadline=None)
hypothesis.settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev")
)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Starts each test from the same Keras, NumPy and Python seeds, whatever ran before it."""
    import keras

    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def drawn_synthetic() -> Path:
    """A small embedded set where `load_cats_dogs("synthetic")` looks for the whole one."""
    from catdog_keras.datasets import synthetic
    from catdog_keras.datasets.archive import cache_directory

    folder = cache_directory() / f"synthetic-{synthetic.VERSION}"
    if not folder.exists():
        synthetic.write_synthetic(folder, train_per_class=40, validation_per_class=80)
    return folder
