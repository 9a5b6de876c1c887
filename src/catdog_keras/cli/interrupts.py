"""Handling of Ctrl-C: one line and exit status 130 in every phase of a command.

Before the work begins there is nothing to clean up, and the process exits immediately: an exception
could be swallowed during an import, or be printed with a traceback. During the work SIGINT raises
KeyboardInterrupt, so that unfinished files are removed.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT  # the status that a shell reports for a process ended by Ctrl-C
MESSAGE = "Interrupted."
RETRY_SECONDS = 0.01

_received = False


def exit_at_once(_: int, __: FrameType | None) -> None:
    """Handles SIGINT while there is nothing to clean up."""
    try:
        if not _received:
            os.write(2, f"{MESSAGE}\n".encode())
    finally:
        os._exit(INTERRUPTED)


def interrupted() -> bool:
    """Returns whether SIGINT was received during the work."""
    return _received


@contextmanager
def handle_interrupts() -> Iterator[None]:
    """Makes SIGINT raise KeyboardInterrupt in the block, if `main` handles it outside."""
    if signal.getsignal(signal.SIGINT) is not exit_at_once:
        yield
        return
    hook = sys.unraisablehook
    alarm = signal.signal(signal.SIGALRM, _raise)
    sys.unraisablehook = _raise_later
    signal.signal(signal.SIGINT, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, exit_at_once)
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = hook
        signal.signal(signal.SIGALRM, alarm)


def _raise(_: int, __: FrameType | None) -> None:
    global _received
    _received = True
    raise KeyboardInterrupt


def _raise_later(unraisable: "sys.UnraisableHookArgs") -> None:
    """Repeats an interrupt that arrived where Python ignores exceptions, as in a destructor."""
    if unraisable.exc_type is KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, RETRY_SECONDS)
    else:
        sys.__unraisablehook__(unraisable)
