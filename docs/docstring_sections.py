"""Griffe extension that renders what griffe lacks: sections of docstrings, values of defaults."""

import importlib
import re
import textwrap
from functools import cache
from typing import Any

import griffe

import catdog_keras


class HouseSections(griffe.Extension):
    """Converts `Example:`, as in Keras, to `Examples:`, and links the names of `See Also:`."""

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
        text = re.sub(r"(?<=\nSee Also:\n)(?:    .+\n?)+", _links, text)
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


def _links(section: re.Match[str]) -> str:
    """Returns the lines of one section as a list of links to the pages of the names."""
    return re.sub(
        r"^    `(\w+)`",
        lambda name: f"    - [`{name[1]}`][catdog_keras.{_package_of()[name[1]]}.{name[1]}]",
        section[0],
        flags=re.MULTILINE,
    )


@cache
def _package_of() -> dict[str, str]:
    """Maps each public name to the package whose reference page documents it."""
    packages = [name for name in catdog_keras.__all__ if name.islower() and "_" not in name]
    modules = {name: importlib.import_module(f"catdog_keras.{name}") for name in packages}
    return {name: package for package, module in modules.items() for name in module.__all__}
