"""Handling of Ctrl-C, SIGTERM and SIGHUP: one line and the signal's exit status in every phase.

Before the work begins there is nothing to clean up, and the process exits immediately: an exception
could be swallowed during an import, or be printed with a traceback. During the work a signal raises
KeyboardInterrupt, so that unfinished files are removed.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from catdog_keras._signals import ENDING

MESSAGE = "Interrupted."
RETRY_SECONDS = 0.01
AUTOGRAPH_PREFIX = "__autograph_generated_file"  # of TensorFlow's modules and temporary files

_received: int | None = None


def install_handlers() -> None:
    """Makes interrupting signals exit at once, unless they are ignored or have another handler.

    Shells start background jobs with SIGINT ignored, and `nohup` ignores SIGHUP; both stay ignored.
    """
    sys.unraisablehook = _report_unless_interrupted
    for number in ENDING:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, exit_at_once)


def _report_unless_interrupted(unraisable: "sys.UnraisableHookArgs") -> None:
    """Reports an exception that Python ignores, as in a destructor, unless a signal was received.

    The destructor of an object that was interrupted in its constructor raises such exceptions.
    """
    if _received is None:
        sys.__unraisablehook__(unraisable)


def exit_at_once(number: int, _: FrameType | None) -> None:
    """Handles an interrupting signal while there is nothing to clean up."""
    try:
        if _received is None:
            os.write(_stderr_number(), f"{MESSAGE}\n".encode())
    finally:
        os._exit(interrupt_status() or _shell_status(number))


def _stderr_number() -> int:
    """Returns the descriptor for the line of an interrupt: maybe not 2, see `filter_stderr`."""
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # closed, or replaced by an object in memory
        return 2


def interrupted() -> bool:
    """Returns whether a signal was received during the work."""
    return _received is not None


def interrupt_status() -> int | None:
    """Returns the exit status if a signal was received during the work, otherwise None."""
    return None if _received is None else _shell_status(_received)


def _shell_status(number: int) -> int:
    """Returns the status that a shell reports for a process that a signal interrupted."""
    return 128 + number


@contextmanager
def handle_interrupts() -> Iterator[None]:
    """Makes signals raise KeyboardInterrupt in the block, if `main` handles it outside."""
    handled = [number for number in ENDING if signal.getsignal(number) is exit_at_once]
    if not handled:
        yield
        return
    with _lost_interrupts_repeated():
        for number in handled:
            signal.signal(number, _raise_interrupt)
        try:
            yield
        finally:
            for number in handled:
                signal.signal(number, exit_at_once)


@contextmanager
def _lost_interrupts_repeated() -> Iterator[None]:
    """Repeats interrupts that arrive where Python ignores exceptions, as in a destructor.

    Windows has no timer that could repeat them.
    """
    if sys.platform == "win32":
        yield
        return

    def repeat_later(unraisable: "sys.UnraisableHookArgs") -> None:
        if unraisable.exc_type is KeyboardInterrupt:
            signal.setitimer(signal.ITIMER_REAL, RETRY_SECONDS)
        else:
            _report_unless_interrupted(unraisable)

    hook, alarm = sys.unraisablehook, signal.signal(signal.SIGALRM, _raise_lost_interrupt)
    sys.unraisablehook = repeat_later
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = hook
        signal.signal(signal.SIGALRM, alarm)


def exit_interrupted(status: int) -> None:
    """Exits without waiting for other threads.

    TensorFlow's threads may still call Python, so that a regular exit could wait for them or crash.
    Unfinished files were already removed, except those that TensorFlow removes at a regular exit.
    """
    _remove_autograph_files()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or without a reader
            stream.flush()
    os._exit(status)


def _remove_autograph_files() -> None:
    """Removes the temporary files into which TensorFlow translated functions of this process."""
    for name, module in list(sys.modules.items()):
        if name.startswith(AUTOGRAPH_PREFIX) and module.__file__:
            with suppress(OSError):
                Path(module.__file__).unlink()


def _raise_interrupt(number: int, _: FrameType | None) -> None:
    """Handles a signal during the work; the exit status is that of the first one."""
    global _received
    if _received is None:
        _received = number
    raise KeyboardInterrupt


def _raise_lost_interrupt(_: int, __: FrameType | None) -> None:
    """Handles the timer that repeats an interrupt which Python ignored."""
    raise KeyboardInterrupt
