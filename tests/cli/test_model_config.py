"""Constants and kernels in the config of a model file, which need memory."""

import json
import subprocess
import sys

import pytest

from catdog_keras.cli.model_config import check_config


def config_with(constant):
    """Returns the config of a model with one layer."""
    return json.dumps(
        {"module": "keras", "class_name": "Sequential", "config": {"layers": [constant]}}
    ).encode()


@pytest.mark.parametrize("kind", ["__numpy__", "__tensor__"])
def test_constant_of_text_is_refused_before_keras_allocates_it(kind):
    """Six values of the second one would take 9 GB."""
    check_config(config_with({"class_name": kind, "config": {"value": [1], "dtype": "float32"}}))
    for dtype in ("S1500000000", "U8", "object", "V2000000000", 5, None):
        constant = {"class_name": kind, "config": {"value": ["a"] * 6, "dtype": dtype}}
        with pytest.raises(ValueError, match="a constant of the dtype"):
            check_config(config_with(constant))
    with pytest.raises(ValueError, match="a constant of the dtype"):
        check_config(config_with({"class_name": kind, "config": [1]}))


@pytest.mark.parametrize("size", [[570, 570], 570, [100_000], [26, 26, 26], 129.0])
def test_kernel_that_needs_much_memory_is_refused(size):
    """TensorFlow takes 4 GB for the first one in a depthwise convolution of one small image."""
    with pytest.raises(ValueError, match="positions; allowed: 16,384"):
        check_config(config_with({"kernel_size": size}))


@pytest.mark.parametrize("size", [[128, 128], [51, 5], [25, 25, 25], 7, "7", None, [None], ["a"]])
def test_other_kernels_are_left_to_keras(size):
    check_config(config_with({"kernel_size": size}))


@pytest.mark.slow
def test_optimizer_of_fine_tuned_models_is_known_to_commands_that_do_not_train():
    """Only a new process has not imported it."""
    optimizer = {"class_name": "LayerwiseAdam", "registered_name": "catdog_keras>LayerwiseAdam"}
    program = (
        "import sys, catdog_keras.evaluation\n"
        "from catdog_keras.cli.model_config import check_config\n"
        "assert 'catdog_keras.training' not in sys.modules\n"
        f"check_config({config_with(optimizer)!r})"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
