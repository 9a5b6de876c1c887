"""The same calls on two devices and in two processes: the losses of one."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from catdog_keras import fine_tune, fit_head
from tests.fenced_code import fenced_blocks
from tests.training.fine_tuning_cases import model

BACKEND = keras.backend.backend()
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "several-devices.md"
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
        [
            sys.executable,
            "-m",
            "tests.training.several_devices",
            str(devices),
            *map(str, arguments),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def result(process):
    out, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors[-3000:]
    return json.loads(out.splitlines()[-1])


def free_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture(scope="module")
def single_device_result(tmp_path_factory):
    """The losses of the trainings on one device, with which others are compared."""
    return result(start(tmp_path_factory.mktemp("one")))


def assert_same_losses(found, expected):
    for name in ("fit", "fit_head", "fit_head with arrays", "fine_tune"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-3, err_msg=name)


@pytest.mark.slow
def test_two_devices_give_same_losses_as_one(single_device_result, tmp_path):
    """`MirroredStrategy` on TensorFlow, `keras.distribution.DataParallel` on JAX."""
    assert_same_losses(result(start(tmp_path, devices=2)), single_device_result)


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "jax", reason="Keras trains in several processes on JAX alone")
def test_two_processes_match_one_and_only_first_writes_checkpoint(single_device_result, tmp_path):
    address = free_address()
    both = [start(number, 2, address, tmp_path) for number in range(2)]
    found = [result(process) for process in both]
    for each in found:
        assert_same_losses(each, single_device_result)
    assert sorted(found[0]["images"] + found[1]["images"]) == single_device_result["images"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["state0", "state0.previous"]


@pytest.mark.skipif(BACKEND != "tensorflow", reason="a strategy of TensorFlow")
@pytest.mark.parametrize("train", [fine_tune, fit_head])
def test_training_rejects_multi_worker_mirrored_strategy(train):
    import tensorflow as tf

    with tf.distribute.MultiWorkerMirroredStrategy().scope():
        tested = model()
    data = np.zeros((4, 8, 8, 3)), np.array([0, 1, 0, 1])
    with pytest.raises(ValueError, match=r"Keras 3 does not support it \(keras#20585\)\. Use Mirr"):
        train(tested, data, epochs=1)


@pytest.fixture
def run_docs_program(drawn_synthetic, tmp_path):
    """Runs a command of the page with this Python, in a folder with `train.py`."""
    del drawn_synthetic  # is where "synthetic" is looked for

    def run(program, command):
        (tmp_path / "train.py").write_text(program.replace("127.0.0.1:9876", free_address()))
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            check=True,
            timeout=240,
        )

    return run


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "tensorflow", reason="a strategy of TensorFlow")
def test_docs_program_runs_on_two_tensorflow_devices(drawn_synthetic, forked):
    del drawn_synthetic  # is where "synthetic" is looked for
    (program,), devices = fenced_blocks(PAGE, "python"), fenced_blocks(PAGE, "py")[0]
    named = re.search(r'MirroredStrategy\(\["CPU:0", "CPU:1"\]\)', PAGE.read_text("utf-8"))[0]
    program = program.replace("MirroredStrategy()", named)
    assert named in program
    two = "assert strategy.num_replicas_in_sync == 2"
    ended = forked.run("-c", f"{devices}{program}{two}")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "jax", reason="devices and processes of JAX")
def test_docs_programs_run_on_two_jax_devices_and_in_two_processes(run_docs_program):
    (program,) = fenced_blocks(PAGE, 'py title="train.py"')
    top = fenced_blocks(PAGE, "py")[1]
    two_devices, two_processes = fenced_blocks(PAGE, "bash")
    two = "assert keras.distribution.distribution().device_mesh.shape == (2,)\n"
    run_docs_program(program + two, two_devices)
    run_docs_program(top + program + two, two_processes)
