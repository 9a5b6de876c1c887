"""What the command says when something is wrong: one sentence and an exit status, no traceback."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click


@contextmanager
def plain_messages(**names: str) -> Iterator[None]:
    """Turns what a user can mend into one message and exit status 2, and warnings into lines.

    The library raises these types only for what it was given; a traceback would hide the message.

    Args:
        **names: What the command calls an argument that has another name in the library.
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
    """The message with each argument of Python under the name that it has on the command line."""
    for parameter in click.get_current_context().command.params:
        written = max(parameter.opts, key=len)
        if isinstance(parameter, click.Argument):
            written = parameter.human_readable_name
        names.setdefault(parameter.name or "", written)
    for name, written in names.items():
        place = r"(?:\[\d+\])?"  # of one in a list
        message = re.sub(rf"\b{name}(?={place}=)|(?<=`){name}(?={place}`)", written, message)
    return message


class InputError(click.ClickException):
    """What a user can mend: printed without a traceback."""

    exit_code = 2


def _wording(error: Exception) -> str:
    """The library's own words, or, for an error that comes from the system, a sentence of it."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{str(error.filename)!r}: {error.strerror}. Check place and rights."
    return str(error)
