"""The click group of all commands.

This module and its imports must be fast to load: `--help` and messages about invalid arguments need
neither Keras nor NumPy. Each command imports its dependencies when it runs.
"""

import signal
from typing import Any

import click

from catdog_keras._suggestions import did_you_mean, find_meant
from catdog_keras.cli import backbones, doctor, evaluate, export, predict, scan, train, tutorial
from catdog_keras.cli.interrupts import MESSAGE, interrupt_status
from catdog_keras.cli.option_names import COMMAND_NAMES, OPTION_NAMES

CTRL_C = 128 + signal.SIGINT


class _Commands(click.Group):
    """Group whose commands print one line and exit with the signal's status when interrupted."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            raise click.UsageError(_unknown_option(error), error.ctx) from None
        except KeyboardInterrupt:
            status = interrupt_status() or CTRL_C
        except BaseException:
            # TensorFlow converts an interrupt of a Python function to its own error.
            interrupt = interrupt_status()
            if interrupt is None:
                raise
            status = interrupt
        # The exception is released here, and with it the frames that kept unfinished work alive.
        click.echo(MESSAGE, err=True)
        return ctx.exit(status)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Returns the command of the arguments; suggests commands for an unknown one."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            meant, hint = find_meant(args[0], self.commands, COMMAND_NAMES, cutoff=0.6)
            question = did_you_mean([repr(each) for each in meant]) if meant else ""
            unknown = f"No such command {args[0]!r}."
            ctx.fail(" ".join(filter(None, [unknown, question, hint])))
        return super().resolve_command(ctx, args)


def _unknown_option(error: click.NoSuchOption) -> str:
    """Returns the message of the group for an unknown option, with those that may be meant."""
    parameters = error.ctx.command.params if error.ctx else []
    names = [name for each in parameters for name in (*each.opts, *each.secondary_opts)]
    own = {name.lstrip("-"): name for name in names if name.startswith("-")}
    meant, hint = find_meant(error.option_name.lstrip("-"), own, OPTION_NAMES, cutoff=0.6)
    question = did_you_mean([repr(own[each]) for each in meant]) if meant else ""
    return " ".join(filter(None, [f"No such option {error.option_name!r}.", question, hint]))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="catdog-keras")
def commands() -> None:
    """Train, evaluate and use image classifiers with Keras, on any folder of classes."""


commands.add_command(tutorial.tutorial)
commands.add_command(doctor.doctor)
commands.add_command(train.train)
commands.add_command(evaluate.evaluate)
commands.add_command(predict.predict)
commands.add_command(export.export)
commands.add_command(scan.scan)
commands.add_command(backbones.backbones)
