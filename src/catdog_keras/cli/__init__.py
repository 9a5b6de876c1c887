"""The command `catdog-keras`: the library's functions, from a shell."""

import os
import signal
import sys

from catdog_keras.cli.interrupts import INTERRUPTED, exit_at_once

__all__ = ["main"]


def main(prog_name: str | None = None) -> None:
    """Runs the command line and ends the process with its status.

    Args:
        prog_name: The name of the command in its help; by default that of the script.
    """
    # A shell starts background jobs with SIGINT ignored; they stay that way.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, exit_at_once)
    from catdog_keras.cli.commands import commands

    try:
        commands(prog_name=prog_name)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            # Threads of TensorFlow may still call Python: a regular exit could wait for them or
            # crash. The unfinished files were removed before.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(INTERRUPTED)
        # The work is done. At exit Python restores the default handler, which would kill the
        # process and hide the status.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise
