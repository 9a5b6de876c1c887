"""Error messages of the command: one sentence and an exit status, without a traceback."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click


@contextmanager
def user_errors(**names: str) -> Iterator[None]:
    """Converts user errors to one message and exit status 2, and warnings to single lines.

    The library raises these exception types only for invalid arguments and files; a traceback would
    hide the message.

    Args:
        **names: Command-line name of each argument that has a different name in the library.
    """

    def show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
        click.echo(f"Warning: {with_options(str(message), **names)}", err=True)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = show_warning
            yield
    except (OSError, TypeError, ValueError) as error:
        raise InputError(with_options(_wording(error), **names)) from error


def with_options(message: str, **names: str) -> str:
    """Returns the message with the command-line name of each Python argument."""
    for parameter in click.get_current_context().command.params:
        written = max(parameter.opts, key=len)
        if isinstance(parameter, click.Argument):
            written = parameter.human_readable_name
        names.setdefault(parameter.name or "", written)
    for name, written in names.items():
        place = r"(?:\[\d+\])?"  # an index, for an element of a list
        message = re.sub(rf"\b{name}(?={place}=)|(?<=`){name}(?={place}`)", written, message)
    return message


class InputError(click.ClickException):
    """Error that the user can fix, printed without a traceback."""

    exit_code = 2


def _wording(error: Exception) -> str:
    """Returns the library's message, or a full sentence for an error of the operating system."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{str(error.filename)!r}: {error.strerror}. Check the path and permissions."
    return str(error)
