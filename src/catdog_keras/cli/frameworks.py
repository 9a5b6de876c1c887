"""Import of Keras, TensorFlow and Matplotlib, without their log lines."""

import importlib
import logging
import os
import sys

from catdog_keras._keras_home import set_keras_home
from catdog_keras.cli.errors import InputError, first_line_of
from catdog_keras.cli.figures import import_matplotlib
from catdog_keras.cli.keras_config import check_keras_config
from catdog_keras.cli.stderr_filter import filter_stderr

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
FATAL_ONLY = "3"
# Letters of the log lines that each level shows. TensorFlow prints the first ones before it reads
# the level.
SHOWN = {"1": "WE", "2": "E", FATAL_ONLY: ""}


def import_frameworks() -> None:
    """Imports TensorFlow, Keras and Matplotlib.

    Log lines of TensorFlow and libjpeg are removed until the process ends, unless the user sets
    TF_CPP_MIN_LOG_LEVEL to 0. With 1 or 2, warnings or errors of TensorFlow stay. Warnings of its
    Python code, which does not read the level, are removed as well unless it is 0 or 1.

    Raises:
        InputError: If the settings of Keras or Matplotlib are wrong, or one cannot be imported.
    """
    set_keras_home()
    check_keras_config()
    shown = SHOWN.get(os.environ.setdefault(LEVEL, FATAL_ONLY))
    if shown is not None and "W" not in shown:
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
    loaded = "tensorflow" in sys.modules
    if shown is not None and not loaded and sys.stderr is not None and hasattr(os, "fork"):
        filter_stderr(shown)  # before there are threads
    import_matplotlib()
    _import_keras()


def _import_keras() -> None:
    """Imports the frameworks; raises an InputError if TensorFlow or Keras cannot be imported."""
    try:
        importlib.import_module("tensorflow")  # the loaders use tf.data with every backend
        importlib.import_module("keras")
    except Exception as error:  # incompatible or incomplete packages raise various errors
        raise InputError(
            f"Keras could not be imported: {first_line_of(error)}. Install the missing package, "
            "or set KERAS_BACKEND to another backend; received "
            f"{os.environ.get('KERAS_BACKEND')!r}."
        ) from error
