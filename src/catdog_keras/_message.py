"""Messages that name arguments, which the command line prints as options."""

import re
from collections.abc import Mapping
from typing import SupportsIndex


class Message(str):
    """Text in which names of arguments are marked, so that they can be replaced.

    In Python it is the plain text. It is passed to exceptions and warnings, which keep it in
    `args[0]`; f-strings and `str.join` return plain texts, so that parts are added with `+`.

    Attributes:
        parts: The parts of the text; names of arguments are of type `_Name`, those with a value
            of type `_Setting`, texts that differ on the command line of type `_Either`.
        about: Name of the argument whose value the message is about, if there is one.
    """

    parts: tuple[str, ...]
    about: str | None

    def __new__(cls, *parts: str, about: str | None = None) -> "Message":
        """Joins the parts; those of other messages stay marked."""
        flat = [
            each
            for part in parts
            for each in (part.parts if isinstance(part, Message) else (part,))
        ]
        message = super().__new__(cls, "".join(flat))
        message.parts, message.about = tuple(flat), about
        return message

    def __add__(self, other: str) -> "Message":
        """Appends a text or a message."""
        return Message(self, other, about=self.about)

    def __radd__(self, other: str) -> "Message":
        """Prepends a text."""
        return Message(other, self, about=self.about)

    def replace(self, old: str, new: str, /, count: SupportsIndex = -1) -> "Message":
        """Replaces a text within the parts between the names, and within values."""
        parts = (
            part if isinstance(part, _Name) else part.replace(old, new, count)
            for part in self.parts
        )
        return Message(*parts, about=self.about)

    def with_names(self, names: Mapping[str, str]) -> str:
        """Returns the text with other names of the arguments.

        A setting such as `strict=True` can have a separate name.
        """
        return "".join(
            part.renamed(names) if isinstance(part, (_Name, _Setting, _Either)) else part
            for part in self.parts
        )


class _Name(str):
    """Name of an argument in a message."""

    def renamed(self, names: Mapping[str, str]) -> str:
        return names.get(self, self)


class _Setting(str):
    """Argument with a value in a message, as in a call: `name=value`."""

    def replace(self, old: str, new: str, /, count: SupportsIndex = -1) -> "_Setting":
        name, _, value = self.partition("=")
        return _Setting(f"{name}={value.replace(old, new, count)}")

    def renamed(self, names: Mapping[str, str]) -> str:
        name, index, value = re.split(r"(\[.*?\])?=", self, maxsplit=1)
        return names.get(self) or f"{names.get(name, name)}{index or ''}={value}"


class _Either(str):
    """Part of a message that is another text on the command line.

    Attributes:
        command: The text on the command line.
    """

    command: str

    def __new__(cls, python: str, command: str) -> "_Either":
        text = super().__new__(cls, python)
        text.command = command
        return text

    def replace(self, old: str, new: str, /, count: SupportsIndex = -1) -> "_Either":
        return _Either(super().replace(old, new, count), self.command.replace(old, new, count))

    def renamed(self, names: Mapping[str, str]) -> str:
        return self.command


def argument(name: str) -> Message:
    """Returns an argument name in backticks for a message; may end in an index: `paths[0]`."""
    return Message("`", *_split_index(name), "`")


def setting(name: str, value: str) -> Message:
    """Returns an argument with its value for a message, as in a call: `name=value`."""
    return Message(_Setting(f"{name}={value}"))


def either(python: str, command: str) -> Message:
    """Returns a message for Python that is another text on the command line."""
    return Message(_Either(python, command))


def message_of(raised: BaseException | str) -> str:
    """Returns the message of an exception or a warning, with the names of arguments marked."""
    first = raised.args[0] if isinstance(raised, BaseException) and raised.args else None
    return first if isinstance(first, Message) else str(raised)


def _split_index(name: str) -> tuple[str, str]:
    """Separates an argument name in a message from an index behind it, as in `paths[0]`."""
    before, bracket, after = name.partition("[")
    return _Name(before), bracket + after
