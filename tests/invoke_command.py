"""The command `catdog-keras` in the process of the test."""

from click.testing import CliRunner, Result

from catdog_keras.cli.group import commands


def invoke_command(*arguments: object) -> Result:
    """Runs the command; arguments may be paths or numbers. An exception becomes a part of it."""
    return CliRunner().invoke(commands, [str(argument) for argument in arguments])
