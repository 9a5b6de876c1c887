"""The same calls on two devices and in two processes: the losses of one."""

import json
import os
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest

from catdog_keras import fine_tune, fit_head
from tests.models.fine_tuning_cases import model

BACKEND = keras.backend.backend()
pytestmark = pytest.mark.skipif(
    BACKEND == "torch", reason="Keras divides no batches on its PyTorch backend"
)


def start(*arguments, devices=1):
    environment = {
        **os.environ,
        "KERAS_BACKEND": BACKEND,
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.models.several_devices", str(devices), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def result(process):
    out, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors[-3000:]
    return json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module")
def of_one(tmp_path_factory):
    return result(start(tmp_path_factory.mktemp("one")))


def assert_same_losses(found, expected):
    for name in ("fit", "fit_head", "fine_tune"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-3, err_msg=name)


def test_two_devices_give_the_losses_of_one(of_one, tmp_path):
    """`MirroredStrategy` on TensorFlow, `keras.distribution.DataParallel` on JAX."""
    assert_same_losses(result(start(tmp_path, devices=2)), of_one)


@pytest.mark.skipif(BACKEND != "jax", reason="Keras trains in several processes on JAX alone")
def test_two_processes_give_the_losses_of_one_and_the_first_one_writes(of_one, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    both = [start(number, 2, address, tmp_path) for number in range(2)]
    found = [result(process) for process in both]
    for each in found:
        assert_same_losses(each, of_one)
    assert sorted(found[0]["pictures"] + found[1]["pictures"]) == of_one["pictures"]
    assert [file.name for file in tmp_path.iterdir()] == ["state0"]


@pytest.mark.skipif(BACKEND != "tensorflow", reason="a strategy of TensorFlow")
@pytest.mark.parametrize("train", [fine_tune, fit_head])
def test_several_workers_of_tensorflow_are_refused(train):
    import tensorflow as tf

    with tf.distribute.MultiWorkerMirroredStrategy().scope():
        tested = model()
    data = np.zeros((4, 8, 8, 3)), np.array([0, 1, 0, 1])
    with pytest.raises(
        ValueError, match=r"Keras 3 cannot train under it \(keras#20585\)\. Use Mirr"
    ):
        train(tested, data, epochs=1)
