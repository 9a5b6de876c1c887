"""Check of the settings of Keras, which it reads while it is imported: `keras.json` and variables.

Keras reports a wrong value without the name of the file, raises errors of Python for other types,
and waits forever for the content of a FIFO.
"""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from catdog_keras._printable import LONGEST_NAME, shorten
from catdog_keras.cli.errors import InputError

MAX_BYTES = 2**20  # Keras writes about 100

BACKENDS = ("tensorflow", "jax", "torch", "numpy", "openvino")
BACKEND_VARIABLE = "KERAS_BACKEND"
COUNT_VARIABLES = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")


def check_keras_config() -> None:
    """Raises an InputError if Keras cannot read its settings, or they have wrong values."""
    for name in COUNT_VARIABLES:
        _check_count_variable(name)
    file = _config_file()
    if not os.path.lexists(file):
        return
    config = _read_config(file)
    for name, (requirement, is_allowed) in _SETTINGS.items():
        if name == "backend" and os.environ.get(BACKEND_VARIABLE):
            continue  # it has priority
        if name in config and not is_allowed(config[name]):
            received = shorten(repr(config[name]), LONGEST_NAME)
            raise _config_error(file, f"{name} must be {requirement}; received {received}")


def _config_file() -> Path:
    """Returns the path of the file as Keras composes it."""
    home = os.environ.get("KERAS_HOME")
    if home is None:
        base = os.path.expanduser("~")  # noqa: PTH111 - Path.expanduser raises a RuntimeError
        home = str(Path(base if os.access(base, os.W_OK) else "/tmp", ".keras"))
    return Path(os.path.expanduser(home)) / "keras.json"  # noqa: PTH111 - the same


def _read_config(file: Path) -> dict[str, Any]:
    """Returns the settings in `keras.json`; raises an InputError if they cannot be read."""
    try:
        if not file.is_file():  # reading a FIFO would block
            file.stat()  # raises the reason, such as a link to itself
            raise _config_error(file, "it is not a regular file")
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:  # a link to nothing, or another process removed the file
        return {}
    except OSError as error:
        raise _config_error(file, error.strerror or str(error)) from error
    if len(content) > MAX_BYTES:
        raise _config_error(file, f"it has more than {MAX_BYTES:,} bytes")
    if not content.strip():  # another process is writing it, and Keras uses its defaults
        return {}
    try:
        config = json.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _config_error(file, "it is not UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise _config_error(file, f"it is not valid JSON: {error}") from error
    if not isinstance(config, dict):
        raise _config_error(
            file, f"it is not a JSON object, but {shorten(repr(config), LONGEST_NAME)}"
        )
    return config


def _config_error(file: Path, reason: str) -> InputError:
    """Returns the error about a `keras.json` that cannot be used, with its path and the fix."""
    return InputError(
        f"{str(file)!r}, the settings of Keras, cannot be used: {reason}. Correct the file, or "
        "remove it; Keras then writes a new one."
    )


def _check_count_variable(name: str) -> None:
    """Raises an InputError if a variable that limits Keras's training is not an integer."""
    value = os.environ.get(name)
    if value is None:
        return
    try:
        int(value)
    except ValueError as error:
        received = shorten(repr(value), LONGEST_NAME)
        raise InputError(
            f"The environment variable {name} must be an integer; received {received}."
        ) from error


def _is_one_of(*values: str) -> Callable[[Any], bool]:
    """Returns a check of a setting in `keras.json` that allows these strings only."""
    return lambda value: isinstance(value, str) and value in values


# As Keras checks them, and, in addition, values with which it would compute nonsense.
_SETTINGS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "floatx": (
        "'float16', 'float32' or 'float64'",
        _is_one_of("float16", "float32", "float64"),
    ),
    "epsilon": (
        "a number with a decimal point between 0 and 1, such as 1e-07",
        lambda value: isinstance(value, float) and math.isfinite(value) and 0 < value < 1,
    ),
    "image_data_format": (
        "'channels_last' or 'channels_first'",
        _is_one_of("channels_last", "channels_first"),
    ),
    "backend": (
        f"one of {', '.join(map(repr, BACKENDS))}",
        _is_one_of(*BACKENDS),
    ),
    "nnx_enabled": ("true or false", lambda value: isinstance(value, bool)),
}
