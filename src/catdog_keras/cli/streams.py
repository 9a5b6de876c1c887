"""Standard output and standard error: names that cannot be encoded, and readers that ended."""

import io
import os
import signal
import sys

# The status that a shell reports for a process that wrote to a closed pipe.
NO_READER = 128 + getattr(signal, "SIGPIPE", 13)


def escape_unprintable() -> None:
    """Makes both streams escape characters that their encoding does not have."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_utf8(text: str) -> None:
    """Prints a text as UTF-8, whatever the encoding of standard output is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(f"{text}\n".encode())


def flush_output(ended: SystemExit) -> None:
    """Flushes standard output; if its reader has ended, changes the exit status of `ended`.

    The rest of the output is discarded: at exit, Python would print a traceback for it.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        ended.code = NO_READER
