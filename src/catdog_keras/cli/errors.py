"""Error messages of the command: one sentence and an exit status, without a traceback."""

import re
import warnings
from collections.abc import Iterator, Mapping
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
    # Read here, because click's context belongs to this thread and other threads can warn as well.
    names = {**_option_names(), **names}

    def show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
        click.echo(f"Warning: {_rename(str(message), names)}", err=True)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = show_warning
            yield
    except (OSError, TypeError, ValueError) as error:
        raise InputError(_rename(_wording(error), names)) from error


def with_options(message: str) -> str:
    """Returns the message with the command-line name of each Python argument."""
    return _rename(message, _option_names())


def _option_names() -> dict[str, str]:
    """Maps the Python name of each argument of the current command to its command-line name."""
    return {
        parameter.name or "": parameter.human_readable_name
        if isinstance(parameter, click.Argument)
        else max(parameter.opts, key=len)
        for parameter in click.get_current_context().command.params
    }


def _rename(message: str, names: Mapping[str, str]) -> str:
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
