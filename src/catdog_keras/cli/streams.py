"""Standard output and standard error: names that cannot be encoded, and writes that fail."""

import io
import os
import signal
import sys
from typing import Any

# The status that a shell reports for a process that wrote to a closed pipe.
NO_READER = 128 + getattr(signal, "SIGPIPE", 13)
OUTPUT_LOST = 3


class _ErrorKeepingStream(io.FileIO):
    """Standard stream that keeps the first error of a write, and discards what follows.

    An exception would end a training whose results are not written yet, because a line about them
    could not be printed. `report_lost_output` reports the error when the work is done.
    """

    error: OSError | None = None

    def write(self, data: Any) -> int:
        if self.error is None:
            try:
                return super().write(data)
            except OSError as error:
                self.error = error
        return memoryview(data).nbytes


def open_streams() -> None:
    """Makes both streams keep their errors, and escape characters that their encoding lacks."""
    _occupy_closed_descriptors()
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None:  # closed
            raw = io.BufferedWriter(_ErrorKeepingStream(number, "w", closefd=False))
            setattr(sys, name, io.TextIOWrapper(raw, "utf-8", "backslashreplace"))
        elif isinstance(stream, io.TextIOWrapper) and isinstance(_raw_stream(stream), io.FileIO):
            setattr(sys, name, _reopen_stream(stream, stream.fileno()))


def redirect_stream(name: str, number: int) -> None:
    """Makes a standard stream of Python write to another descriptor; others are unchanged."""
    stream = getattr(sys, name)
    if isinstance(stream, io.TextIOWrapper) and isinstance(_raw_stream(stream), io.FileIO):
        setattr(sys, name, _reopen_stream(stream, number))


def _occupy_closed_descriptors() -> None:
    """Opens the null device for each closed stream, whose number the next file would get.

    Libraries would print into that file. Writes to standard output still fail, with the error of a
    closed descriptor.
    """
    for number, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # gets the lowest number that is free


def _reopen_stream(stream: io.TextIOWrapper, number: int) -> io.TextIOWrapper:
    """Returns a copy of a standard stream that writes to a descriptor and keeps an error."""
    stream.flush()
    raw = _ErrorKeepingStream(number, "w", closefd=False)
    unbuffered = _raw_stream(stream) is stream.buffer  # python -u
    return io.TextIOWrapper(
        raw if unbuffered else io.BufferedWriter(raw),
        stream.encoding,
        "backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _raw_stream(stream: Any) -> Any:
    """Returns the file below a text stream, also without buffers (`python -u`)."""
    buffer = getattr(stream, "buffer", None)
    return getattr(buffer, "raw", buffer)


def print_utf8(text: str) -> None:
    """Prints a text to the stream of standard output as UTF-8, whatever its encoding is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(f"{text}\n".encode())


def report_lost_output(ended: SystemExit) -> None:
    """Reports that the output stream could not be written, and changes the exit status of `ended`.

    The status of a command that failed is kept. A reader that ended, as `head` does, has what it
    wanted, so nothing is reported.
    """
    sys.stdout.flush()
    error = getattr(_raw_stream(sys.stdout), "error", None)
    if error is None or ended.code not in (None, 0, 1):
        return
    if isinstance(error, BrokenPipeError):
        ended.code = NO_READER
        return
    print(
        f"Error: standard output: {error.strerror}. What the command prints is lost or incomplete; "
        "the files that it writes are complete.",
        file=sys.stderr,
    )
    ended.code = OUTPUT_LOST
