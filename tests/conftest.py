"""What every test runs under: hypothesis profiles and a quiet, seeded, window-less process."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")

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
