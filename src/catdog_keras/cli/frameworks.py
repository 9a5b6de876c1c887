"""Import of Keras and TensorFlow without TensorFlow's startup messages.

TensorFlow's libraries print messages about oneDNN and CUDA while they are loaded.
TF_CPP_MIN_LOG_LEVEL does not apply to these, because TensorFlow reads it later.
"""

import importlib
import logging
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from catdog_keras._keras_home import set_keras_home
from catdog_keras._printable import printable
from catdog_keras._signals import ENDING
from catdog_keras.cli.errors import InputError
from catdog_keras.cli.keras_config import check_keras_config

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
FATAL_ONLY = "3"

# "I0000 00:00:1795852615.666165    4497 port.cc:153] ..." and, as earlier versions write it,
# "2025-09-17 14:44:05.157831: I external/local_xla/xla/tsl/cuda/cudart_stub.cc:32] ...". Fatal
# errors (F) are not among them.
_LOG_LINE = re.compile(
    rb"[IWE]\d{4} \d\d:\d\d:[\d.]+ +\d+ [\w/.-]+:\d+\] "
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:[\d.]+: [IWE] [\w/.-]+:\d+\] "
    rb"|WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR"
    rb"|To enable the following instructions: "
)


def import_frameworks() -> None:
    """Imports TensorFlow and Keras. If the user sets TF_CPP_MIN_LOG_LEVEL, nothing is removed.

    Raises:
        InputError: If the settings of Keras are wrong, or it cannot be imported.
    """
    set_keras_home()
    check_keras_config()
    if LEVEL in os.environ:
        _import()
        return
    os.environ[LEVEL] = FATAL_ONLY
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    loaded = "tensorflow" in sys.modules
    if loaded or sys.stderr is None or not hasattr(os, "fork"):  # nothing to filter, or no way to
        _import()
        return
    with _log_lines_removed():
        _import()


def _import() -> None:
    try:
        importlib.import_module("tensorflow")  # the loaders use tf.data with every backend
        importlib.import_module("keras")
    except Exception as error:  # incompatible or incomplete packages raise various errors
        lines = str(error).strip().splitlines()
        reason = printable(lines[0] if lines else type(error).__name__).removesuffix(".")
        raise InputError(
            f"Keras could not be imported: {reason}. Install the missing package, or set "
            f"KERAS_BACKEND to another backend; received {os.environ.get('KERAS_BACKEND')!r}."
        ) from error


@contextmanager
def _log_lines_removed() -> Iterator[None]:
    """Removes TensorFlow's log lines from standard error while the block runs.

    A child process filters the lines, so that the last output before a crash is still written.
    """
    sys.stderr.flush()
    original = os.dup(2)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _filter_and_exit(reader, writer, original)
    os.close(reader)
    os.dup2(writer, 2)
    os.close(writer)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(original, 2)  # closes the last write end of the pipe, which ends the child
        os.close(original)
        os.waitpid(child, 0)


def _filter_and_exit(reader: int, writer: int, output: int) -> None:
    """Runs in the child: copies all other lines until the pipe is closed."""
    status = 1
    try:
        for number in ENDING:  # signals to the process group reach both processes
            signal.signal(number, signal.SIG_IGN)
        for unused in (writer, 0, 1, 2):
            os.close(unused)
        with os.fdopen(reader, "rb") as lines, os.fdopen(output, "wb", buffering=0) as rest:
            copy_other_lines(lines, rest)
        status = 0
    finally:
        os._exit(status)


def copy_other_lines(lines: BinaryIO, rest: BinaryIO) -> None:
    """Copies all lines except TensorFlow's log lines."""
    for line in lines:
        if not _LOG_LINE.match(line):
            rest.write(line)
