"""Suggestions for names that are misspelled, or that other libraries use."""

import difflib
import functools
import inspect
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import ParamSpec, TypeVar

from catdog_keras._message import Message, argument

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Instance = TypeVar("Instance")

Synonyms = Mapping[str, tuple[tuple[str, ...], str]]
"""For names of other libraries, the arguments or attributes that mean the same, and a hint."""


def letters_of(name: str) -> str:
    """Reduces a name to letters, in lower case, and digits, to suggest similar names."""
    return re.sub(r"[\W_]", "", name).lower()


def close_names(name: str, known: Collection[str], most: int = 3, cutoff: float = 0.6) -> list[str]:
    """Suggests at most `most` known names that are similar to a name, the most similar first."""
    by_letters = {letters_of(each): each for each in known}
    found = difflib.get_close_matches(letters_of(name), by_letters, n=most, cutoff=cutoff)
    return [by_letters[each] for each in found]


def did_you_mean(names: Sequence[str]) -> Message:
    """Returns suggestions as a question that lists the names: "Did you mean a, b or c?"."""
    listed = Message(names[0])
    for place, name in enumerate(names[1:], 2):
        listed = listed + (" or " if place == len(names) else ", ") + name
    return Message("Did you mean ", listed, "?")


def find_meant(
    name: str, known: Collection[str], synonyms: Synonyms, cutoff: float = 0.75
) -> tuple[tuple[str, ...], str]:
    """Suggests known names that an unknown one may stand for, and a hint; both may be empty.

    Synonyms of names that are not known are not used.
    """
    possible = {}
    for each, (meant, hint) in synonyms.items():
        left = tuple(name for name in meant if name in known)
        if left or not meant:
            possible[each] = left, hint
    # `Translate` or `zoom_factors` is a misspelled name of another library.
    close = close_names(name, [*known, *possible], most=1, cutoff=cutoff)
    found = name if name in possible else (close[0] if close else None)
    return possible.get(found, ((found,), "")) if found else ((), "")


def check_argument_names(
    function: Callable[..., object],
    given: Collection[str],
    synonyms: Synonyms = MappingProxyType({}),
    further: Collection[str] = (),
) -> None:
    """Raises a TypeError if an argument is unknown, and suggests the one that was meant.

    Args:
        function: The function or constructor that is called.
        given: Names of arguments.
        synonyms: Names of other libraries.
        further: Names that it accepts beyond its signature.
    """
    parameters = inspect.signature(function).parameters.values()
    listed = [
        each for each in parameters if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
    ]
    own = [each.name for each in listed if each.name != "self"]
    called = function.__qualname__.removesuffix(".__init__").split(".")[-1]
    for name in given:
        if name not in own and name not in further:
            raise TypeError(_describe_unknown_argument(called, name, own, further, synonyms))


def _describe_unknown_argument(
    function: str, name: str, own: list[str], further: Collection[str], synonyms: Synonyms
) -> Message:
    """Formats the error for an argument that a function does not have, with a suggestion."""
    message = argument(name) + f" is not an argument of {function}."
    meant, hint = find_meant(name, [*own, *further], synonyms)
    if meant:
        message = message + " " + did_you_mean([argument(each) for each in meant])
    elif not hint:
        message = message + f" Its arguments are {', '.join(own)}."
    return message + (f" {hint}" if hint else "")


def _most_positional(function: Callable[..., object]) -> float:
    """Returns how many arguments a function takes by position; others are suggested by name."""
    parameters = inspect.signature(function).parameters.values()
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return math.inf
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in kinds for each in parameters)


def _describe_too_many(function: Callable[..., object], given: int, remedy: str) -> str:
    """Formats the error that suggests which arguments to pass by name."""
    parameters = [
        each for each in inspect.signature(function).parameters.values() if each.name != "self"
    ]
    by_name = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    by_position = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    given -= "self" in inspect.signature(function).parameters
    called = function.__qualname__.removesuffix(".__init__").split(".")[-1]
    if by_name and not remedy:
        remedy = f"Pass others by name: {', '.join(by_name)}."
    return (
        (
            f"{called} takes {len(by_position)} arguments by position, {', '.join(by_position)}; "
            f"received {given}. {remedy}"
        )
        .rstrip()
        .replace("takes 1 arguments", "takes 1 argument")
    )


def suggests_arguments(
    synonyms: Synonyms = MappingProxyType({}),
    further: Collection[str] = (),
    by_position: str = "",
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Decorates a function so that an unknown argument raises an error with a suggestion.

    It is raised before that of Python on a missing argument. Too many arguments by position raise
    one with the names of others, or with the hint `by_position`. The other arguments are those of
    `check_argument_names`.
    """

    def decorate(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        most = _most_positional(function)

        @functools.wraps(function)
        def checked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            if kwargs:
                check_argument_names(function, kwargs, synonyms, further)
            if len(args) > most:
                raise TypeError(_describe_too_many(function, len(args), by_position))
            return function(*args, **kwargs)

        # For `inspect.getfullargspec`, by which Keras reads the arguments of layers.
        checked.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
        return checked

    return decorate


def suggests_init_arguments(synonyms: Synonyms) -> Callable[[type[Instance]], type[Instance]]:
    """Decorates a dataclass, whose `__init__` is generated, as `suggests_arguments` a function."""

    def decorate(kind: type[Instance]) -> type[Instance]:
        kind.__init__ = suggests_arguments(synonyms)(kind.__init__)  # type: ignore[method-assign]
        return kind

    return decorate


def suggests_attributes(synonyms: Synonyms) -> Callable[[type[Instance]], type[Instance]]:
    """Decorates a class so that an unknown attribute raises an error with a suggestion.

    Type checkers still report unknown attributes.
    """

    def find(instance: object, name: str) -> object:
        kind = type(instance)
        if hasattr(kind, name):  # a property that raised an AttributeError, which is raised again
            return object.__getattribute__(instance, name)
        message = f"{kind.__name__!r} object has no attribute {name!r}."
        if not name.startswith("_"):
            fields = getattr(kind, "__dataclass_fields__", ())
            known = [each for each in (*fields, *dir(kind)) if not each.startswith("_")]
            meant, hint = find_meant(name, known, synonyms)
            listed = did_you_mean([f"`{each}`" for each in meant]) if meant else ""
            message = " ".join(filter(None, (message, listed, hint)))
        # With `name`, Python does not append its own suggestion.
        raise AttributeError(message, name=name)

    def decorate(kind: type[Instance]) -> type[Instance]:
        kind.__getattr__ = find  # type: ignore[attr-defined]
        return kind

    return decorate
