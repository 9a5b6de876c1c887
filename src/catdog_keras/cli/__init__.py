"""Command-line interface `catdog-keras`."""

import signal

from catdog_keras._signals import ENDING
from catdog_keras.cli.interrupts import exit_interrupted, install_handlers, interrupt_status
from catdog_keras.cli.streams import open_streams, report_lost_output
from catdog_keras.cli.utf8_mode import ensure_utf8_names

__all__ = ["main"]


def main(prog_name: str | None = None) -> None:
    """Runs the command line and exits the process with its status.

    Args:
        prog_name: Name of the command in its help; defaults to the name of the script.
    """
    ensure_utf8_names()
    install_handlers()
    open_streams()
    from catdog_keras.cli.group import commands

    try:
        commands(prog_name=prog_name)
    except SystemExit as ended:
        interrupted = interrupt_status()
        if interrupted is not None and ended.code == interrupted:
            exit_interrupted(interrupted)
        # The work is done. At exit Python restores the default handlers, which would kill the
        # process and hide the exit status.
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        report_lost_output(ended)
        raise
