"""Lets the reference read docstrings as this package writes them; loaded by mkdocstrings."""

import textwrap
from typing import Any

import griffe


class HouseSections(griffe.Extension):
    """`Example:`, as Keras heads it and always last, becomes griffe's section `Examples:`."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Called for each class, function and attribute once it has been read."""
        if obj.docstring is None:
            return
        if obj.name == "__init__":  # the class says what its arguments mean
            obj.docstring = None
            return
        text, found, example = obj.docstring.value.partition("\nExample:\n")
        if found:
            example = textwrap.indent(textwrap.dedent(example), "    ")
            obj.docstring.value = f"{text}\nExamples:\n{example}"
