"""Command-line interface `catdog-keras`."""

import os
import signal
import sys

from catdog_keras.cli.interrupts import INTERRUPTED, exit_at_once

__all__ = ["main"]


def main(prog_name: str | None = None) -> None:
    """Runs the command line and exits the process with its status.

    Args:
        prog_name: Name of the command in its help; defaults to the name of the script.
    """
    # Shells start background jobs with SIGINT ignored; keep it ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, exit_at_once)
    from catdog_keras.cli.group import commands

    try:
        commands(prog_name=prog_name)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            # TensorFlow threads may still call Python, so a regular exit could wait for them or
            # crash. Unfinished files were already removed.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(INTERRUPTED)
        # The work is done. At exit Python restores the default handler, which would kill the
        # process and hide the exit status.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise
