"""Griffe extension that renders what griffe lacks: sections of docstrings, values of defaults."""

import importlib
import re
import textwrap
from functools import cache
from typing import Any

import griffe

import catdog_keras


class HouseSections(griffe.Extension):
    """Converts `Example:`, as in Keras, to `Examples:`, and links public names in the text."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Converts the docstring and the defaults of one class, function or attribute."""
        if isinstance(obj, griffe.Function):
            _show_values(obj)
        if obj.docstring is None:
            return
        if obj.name == "__init__":  # the class docstring documents the arguments
            obj.docstring = None
            return
        text, found, example = obj.docstring.value.partition("\nExample:\n")
        text = re.sub(r"(?<=\nSee Also:\n)(?:    .+\n?)+", _as_list, text)
        text = re.sub(r"(?<!\[)`(\w+)`", lambda name: _link(name, obj), text)
        if found:
            example = textwrap.indent(textwrap.dedent(example), "    ")
            text = f"{text}\nExamples:\n{example}"
        obj.docstring.value = text


def _show_values(function: griffe.Function) -> None:
    """Replaces each default that is the name of a constant by its value."""
    for parameter in function.parameters:
        if re.fullmatch(r"[A-Z][A-Z_]+", str(parameter.default)):
            module = importlib.import_module(function.module.path)
            parameter.default = repr(getattr(module, str(parameter.default)))


def _as_list(section: re.Match[str]) -> str:
    """Returns the lines of one section as a list."""
    return re.sub(r"^    (?=`)", "    - ", section[0], flags=re.MULTILINE)


def _link(name: re.Match[str], page: griffe.Object) -> str:
    """Returns a link to the page of a public name, unless it is the page that is documented."""
    package = _package_of().get(name[1])
    if package is None or name[1] in page.path.split("."):
        return name[0]
    return f"[{name[0]}][catdog_keras.{package}.{name[1]}]"


@cache
def _package_of() -> dict[str, str]:
    """Maps each public name to the package whose reference page documents it."""
    packages = [name for name in catdog_keras.__all__ if name.islower() and "_" not in name]
    modules = {name: importlib.import_module(f"catdog_keras.{name}") for name in packages}
    return {name: package for package, module in modules.items() for name in module.__all__}
