"""Removal of log lines that libraries in C write to standard error.

TensorFlow prints messages about oneDNN and CUDA while it is loaded: TF_CPP_MIN_LOG_LEVEL does not
apply to these, because TensorFlow reads it later. libjpeg prints a line without a file name for
each JPEG file with superfluous bytes, each time that it is decoded. LiteRT prints a line when it is
used.
"""

import os
import re
import signal
import sys
from contextlib import suppress
from typing import BinaryIO

from catdog_keras._signals import ENDING
from catdog_keras.cli.streams import redirect_stream

# "I0000 00:00:1795852615.666165    4497 port.cc:153] ..." and, as earlier versions write it,
# "2025-09-17 14:44:05.157831: I external/local_xla/xla/tsl/cuda/cudart_stub.cc:32] ...". Fatal
# errors (F) are not among them. The last lines are all warnings of libjpeg about the content of a
# file; its errors become exceptions.
_LOG_LINE = re.compile(
    rb"([IWE])\d{4} \d\d:\d\d:[\d.]+ +\d+ [\w/.-]+:\d+\] "
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:[\d.]+: ([IWE]) [\w/.-]+:\d+\] "
    rb"|WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR"
    rb"|To enable the following instructions: "
    rb"|INFO: Created TensorFlow Lite XNNPACK delegate for CPU"
    rb"|Corrupt JPEG data: "
    rb"|Premature end of JPEG file"
    rb"|Warning: unknown JFIF revision number "
    rb"|Unknown Adobe color transform code "
    rb"|Inconsistent progression sequence for component "
    rb"|Invalid SOS parameters for sequential JPEG"
)


def filter_stderr(shown: str = "") -> None:
    """Removes log lines of TensorFlow, libjpeg and LiteRT from standard error until the end.

    Log lines of TensorFlow with one of the letters `shown` stay.

    A child process filters the lines, so that the last output before a crash is still written. What
    Python writes to `sys.stderr` does not pass through it, so that a terminal is still recognized.
    Windows cannot fork a process, so that the lines stay.
    """
    if sys.platform == "win32":
        return
    sys.stderr.flush()
    original = os.dup(2)
    reader, writer = os.pipe()
    if os.fork() == 0:
        _filter_and_exit(reader, writer, original, shown)
    os.close(reader)
    os.dup2(writer, 2)  # the only write end of the pipe, whose end ends the child
    os.close(writer)
    redirect_stream("stderr", original)


def _filter_and_exit(reader: int, writer: int, output: int, shown: str) -> None:
    """Runs in the child: copies all other lines until the pipe is closed."""
    status = 1
    try:
        for number in ENDING:  # signals to the process group reach both processes
            signal.signal(number, signal.SIG_IGN)
        for unused in (writer, 0, 1, 2):
            os.close(unused)
        with os.fdopen(reader, "rb") as lines, os.fdopen(output, "wb", buffering=0) as rest:
            copy_other_lines(lines, rest, shown)
        status = 0
    finally:
        os._exit(status)


def copy_other_lines(lines: BinaryIO, rest: BinaryIO, shown: str = "") -> None:
    """Copies lines of standard error, except the filtered log lines without a letter in `shown`."""
    for line in lines:
        found = _LOG_LINE.match(line)
        letter = found and (found[1] or found[2])
        if not found or (letter and letter.decode() in shown):
            with suppress(OSError):  # full, or without a reader: the process must not wait
                rest.write(line)
