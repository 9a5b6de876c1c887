"""The command that a report shows, to repeat the run that wrote it."""

import os
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from catdog_keras._printable import shell_command

PATHS = ("data", "decisions", "labels", "output", "report", "weights")


def recorded_command(**resolved: Any) -> str:
    """Returns the present command with its arguments and the options that were given.

    Of a path it has the last part, and of MODEL also the folder: the folders above stay private. It
    runs in a folder that contains these.

    Args:
        **resolved: Values that the command uses instead of those that were given, or of defaults.
    """
    context = click.get_current_context()
    words = ["catdog-keras", context.info_name or ""]
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if name in resolved or source is not ParameterSource.DEFAULT:
            words += _parameter_words(parameter, resolved.get(name, context.params.get(name)))
    return shell_command(words)


def path_in_report(path: Path) -> str:
    """Returns what the recorded command shows of a path: its last part; folders stay private."""
    return Path(os.path.realpath(path)).name


def _parameter_words(parameter: click.Parameter, value: Any) -> list[str]:
    """Returns the words of the command line that set a parameter to a value."""
    if isinstance(parameter, click.Option):
        name = max(parameter.opts, key=len)
        if parameter.is_flag:
            return [name] if value else parameter.secondary_opts[:1]
        if parameter.multiple:
            return [word for each in value for word in (name, each)]
        return [name, _value_word(parameter.name, value)]
    return [_value_word(parameter.name, value)]


def _value_word(name: str | None, value: Any) -> str:
    """Returns a parameter's value as a word of the recorded command; of a path the part to show."""
    if name == "model":
        path = Path(value)
        return _path_word(str(Path(path_in_report(path.parent), path.name)))
    if name in PATHS and value is not None:
        return _path_word(path_in_report(Path(value)))
    return str(value)  # "None" for random initialization


def _path_word(path: str) -> str:
    """Returns a path as a word of the recorded command; click does not parse it as an option."""
    return f"./{path}" if path.startswith("-") else path
