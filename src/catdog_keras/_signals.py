"""Signals that ask a process to end, and their delay during steps that must not be separated."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Ctrl-C, `kill`, and a closed terminal, which Windows does not have.
ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Delays the signals SIGINT (Ctrl-C), SIGTERM and SIGHUP until the block has ended.

    Python handles signals only in the main thread: in other threads nothing is delayed. The same is
    true for a handler that was not installed from Python, because it could not be restored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in ENDING}
    received: list[int] = []

    def record(number: int, _: Any) -> None:
        received.append(number)

    try:
        for number, handler in handlers.items():
            if handler is not None:
                signal.signal(number, record)
        yield
    finally:
        for number, handler in handlers.items():
            if handler is not None:
                signal.signal(number, handler)
        if received:
            signal.raise_signal(received[0])
