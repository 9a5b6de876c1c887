"""Constants in the config of a model file, which Keras would allocate."""

import json

import pytest

from catdog_keras.cli.model_config import check_config


def config_with(constant):
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
