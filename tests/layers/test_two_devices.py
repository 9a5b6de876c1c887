"""On two devices at once, a ConvBlock trains as the stock layers do."""

import os
import subprocess
import sys

import keras
import pytest


@pytest.mark.slow  # another process, whose devices are made before TensorFlow or JAX is used
@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="Keras divides no batches on its PyTorch backend"
)
def test_conv_block_trained_on_two_devices_matches_keras_layers():
    """`MirroredStrategy` on TensorFlow, `keras.distribution.DataParallel` on JAX."""
    environment = {**os.environ, "KERAS_BACKEND": keras.backend.backend()}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.layers.two_devices"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    apart, moved = map(float, ended.stdout.split())
    assert moved > 0.01
    assert apart < 1e-4
