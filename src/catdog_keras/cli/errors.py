"""Error messages of the command: one sentence and an exit status, without a traceback."""

import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from catdog_keras._image_errors import message_about_image
from catdog_keras._message import Message, message_of
from catdog_keras._printable import printable, printable_lines, shorten
from catdog_keras.cli.interrupts import interrupted

LONGEST_MESSAGE = 3000  # characters
MAX_REASON = 300  # characters

FRAMEWORKS = {"h5py", "jax", "jaxlib", "keras", "tensorflow", "torch"}


@contextmanager
def user_errors(**names: str) -> Iterator[None]:
    """Converts user errors to one message and exit status 2, and warnings to single lines.

    A traceback would hide the message about an invalid argument or file. It is kept for all other
    errors, which are faults of this package or of a framework.

    Args:
        **names: Command-line name of each argument that has a different name in the library.
    """
    # Read here, because click's context belongs to this thread and other threads can warn as well.
    options = _OptionNames.of_command(names)

    def show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
        click.echo(f"Warning: {options.rendered(message_of(message))}", err=True)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = show_warning
            yield
    except Exception as error:
        if _is_argument_error(error):
            raise InputError(options.rendered(_argument_error_message(error))) from error
        # TensorFlow converts an interrupt of a Python function to its own error.
        if interrupted() or not _is_framework_failure(error):
            raise
        raise InputError(options.rendered(_framework_error_message(error))) from error


def with_option_names(message: str) -> str:
    """Returns an error message with the command-line name of each Python argument."""
    return _OptionNames.of_command({}).rendered(message)


@dataclass(frozen=True)
class _OptionNames:
    """Command-line names of the current command's arguments, for its error messages.

    Attributes:
        names: Command-line name of each Python argument, and of each setting that is a switch.
        given: Python names of the arguments that have a value, from the user or by default.
    """

    names: Mapping[str, str]
    given: frozenset[str]

    @classmethod
    def of_command(cls, other_names: Mapping[str, str]) -> "_OptionNames":
        context = click.get_current_context()
        names = {
            parameter.name or "": parameter.human_readable_name
            if isinstance(parameter, click.Argument)
            else max(parameter.opts, key=len)
            for parameter in context.command.params
        }
        given = {name for name in names if context.params.get(name) not in (None, ())}
        switches = {
            f"{option.name}={value}": option_names[0]
            for option in context.command.params
            for value, option_names in ((True, option.opts), (False, option.secondary_opts))
            if getattr(option, "is_flag", False) and option_names
        }
        return cls({**names, **switches, **other_names}, frozenset(given | other_names.keys()))

    def rendered(self, message: str) -> str:
        """Returns a message for the terminal: with the names of options, of limited length."""
        if isinstance(message, Message):
            names = dict(self.names)
            # A value that was received for an option without a value is one of something else.
            if message.about in names and message.about not in self.given:
                del names[message.about]
            message = message.with_names(names)
        return printable_lines(shorten(message, LONGEST_MESSAGE))


class InputError(click.ClickException):
    """Error that the user can fix, printed without a traceback."""

    exit_code = 2


def _argument_error_message(error: Exception) -> str:
    """Returns the library's message, or a full sentence for an error of the operating system."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{str(error.filename)!r}: {error.strerror}. Check the path and permissions."
    if isinstance(error, FileNotFoundError) and error.filename is None and not _has_folder():
        return "The working folder does not exist any more. Change to another folder."
    return message_of(error)


def _has_folder() -> bool:
    """Returns whether the working folder exists; otherwise relative paths cause an error."""
    try:
        os.getcwd()  # noqa: PTH109 - Path.cwd raises as well
    except OSError:
        return False
    return True


def _is_argument_error(error: Exception) -> bool:
    """Returns whether the library raised the error about an argument or a file.

    Python raises some types for a fault of a program too; one about an argument has a `Message`.
    """
    if isinstance(error, (TypeError, ModuleNotFoundError)):
        return isinstance(message_of(error), Message)
    return isinstance(error, (OSError, ValueError))


def _is_framework_failure(error: Exception) -> bool:
    """Returns whether an error is a framework's, about a failure of the machine or of the data.

    It does so by its own types, or by a plain RuntimeError or Exception. Other built-in types, such
    as AttributeError, are faults of a program, even from a framework: their traceback is needed.
    """
    if isinstance(error, MemoryError):
        return True
    if "Traceback (most recent call last)" in str(error):  # of a function that TensorFlow called
        return message_about_image(error) is not None
    module = type(error).__module__
    if type(error) in (RuntimeError, Exception):
        module = module_that_raised(error)
    return module.partition(".")[0] in FRAMEWORKS


def module_that_raised(error: Exception) -> str:
    """Returns the name of the module that raised an error."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return "" if frame is None else str(frame.tb_frame.f_globals.get("__name__"))


def first_line_of(error: BaseException) -> str:
    """Returns the first line of an error's message without its period, or else the error's type."""
    lines = str(error).strip().splitlines()
    return printable(lines[0] if lines else type(error).__name__).removesuffix(".")


def short_reason(error: BaseException) -> str:
    """Returns an error's message as one short sentence; Keras's contain configs and colors."""
    text = str(error).rsplit("Exception encountered: ")[-1]
    words = printable(" ".join(re.sub(r"\x1b\[[\d;]*m", "", text).split())) or type(error).__name__
    return words.removesuffix(".") + "." if len(words) <= MAX_REASON else words[:MAX_REASON] + "..."


def _framework_error_message(error: Exception) -> str:
    """Returns the message of the library if there is one, or the line that states the reason."""
    if (about_image := message_about_image(error)) is not None:
        return about_image
    message = str(error)
    lines = [line.strip() for line in message.split("\n\t [[")[0].splitlines() if line.strip()]
    graph = lines and lines[0].startswith("Graph execution error")
    reason = (lines[-1] if graph else lines[0]) if lines else "no message"
    return f"{type(error).__name__}: {reason}"
