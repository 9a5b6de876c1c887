"""Public names of the package and its subpackages, for the message about an unknown name."""

import ast
from pathlib import Path

MOST = 3


def describe_unknown(name: str, public: list[str]) -> str:
    """Returns the message for a name that the package does not have.

    Args:
        name: The unknown name.
        public: The names that the package has.
    """
    from catdog_keras._suggestions import close_names, did_you_mean, letters_of

    message = f"module 'catdog_keras' has no attribute {name!r}."
    places = dict.fromkeys(public, "catdog_keras")
    for subpackage in public:
        for each in _names_of(subpackage):
            places.setdefault(each, f"catdog_keras.{subpackage}")
    if name in places:
        return f"{message} Use `{places[name]}.{name}`."
    letters = letters_of(name)
    parts = [each for each in places if letters and letters in letters_of(each)]
    close = close_names(name, places) if len(letters) > 2 else []
    found = list(dict.fromkeys([*close, *parts]))[:MOST]
    if not found:
        return f"{message} `dir(catdog_keras)` lists its names."
    return f"{message} {did_you_mean([f'`{places[each]}.{each}`' for each in found])}"


def _names_of(subpackage: str) -> list[str]:
    """Returns the public names of a subpackage, which is not imported: it may import TensorFlow."""
    file = Path(__file__).parent / subpackage / "__init__.py"
    if not file.is_file():
        return []
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []
