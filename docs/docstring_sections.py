"""Griffe extension that renders the `Example:` sections of this package's docstrings."""

import textwrap
from typing import Any

import griffe


class HouseSections(griffe.Extension):
    """Converts the last section, `Example:` as in Keras, to griffe's `Examples:`."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Converts the docstring of one class, function or attribute."""
        if obj.docstring is None:
            return
        if obj.name == "__init__":  # the class docstring documents the arguments
            obj.docstring = None
            return
        text, found, example = obj.docstring.value.partition("\nExample:\n")
        if found:
            example = textwrap.indent(textwrap.dedent(example), "    ")
            obj.docstring.value = f"{text}\nExamples:\n{example}"
