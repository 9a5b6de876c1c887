"""The click group of all commands.

This module and its imports must be fast to load: `--help` and messages about invalid arguments need
neither Keras nor NumPy. Each command imports its dependencies when it runs.
"""

import signal
from typing import Any

import click

from catdog_keras._suggestions import did_you_mean
from catdog_keras.cli import backbones, doctor, evaluate, export, predict, scan, train, tutorial
from catdog_keras.cli.interrupts import MESSAGE, interrupt_status

CTRL_C = 128 + signal.SIGINT

# Names in Keras, scikit-learn and other programs for image classification, and the option here.
SYNONYMS = {
    "--arch": "--backbone",
    "--architecture": "--backbone",
    "--augment": "--augmentation",
    "--batch": "--batch-size",
    "--class-weights": "--class-weight",
    "--classes": "--class-name",
    "--img-size": "--image-size",
    "--imgsz": "--image-size",
    "--input-size": "--image-size",
    "--labels-csv": "--labels",
    "--model": "--backbone",
    "--out": "--output",
    "--output-dir": "--output",
    "--pretrained": "--weights",
    "--random-state": "--seed",
    "--test-size": "--test-fraction",
    "--test-split": "--test-fraction",
    "--val-fraction": "--holdout-fraction",
    "--val-size": "--holdout-fraction",
    "--val-split": "--holdout-fraction",
    "--validation-fraction": "--holdout-fraction",
    "--validation-size": "--holdout-fraction",
    "--validation-split": "--holdout-fraction",
}


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


def _unknown_option(error: click.NoSuchOption) -> str:
    """Returns the message for an unknown option, with those that may have been meant."""
    meant = SYNONYMS.get(error.option_name)
    command = error.ctx.command if error.ctx else None
    known = {name for each in command.params for name in each.opts} if command else set()
    # `--lr` resembles `--help`, which is never meant.
    close = [each for each in error.possibilities or [] if each != "--help"]
    found = [meant] if meant in known else close
    question = f" {did_you_mean([repr(each) for each in found])}" if found else ""
    return f"No such option {error.option_name!r}.{question}"


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
