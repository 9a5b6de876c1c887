"""Registers the layers with Keras: immediately if Keras is imported, otherwise when it is.

A library for such hooks would be imported with the package. The only one that is kept up, wrapt,
takes 90 ms; the whole package takes a few, so that a command answers at once.
"""

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # at run time this import takes 10 ms
    from importlib.abc import Loader

LAYERS = "catdog_keras.layers"


def register_layers_with_keras() -> None:
    """Imports the layers now if Keras is imported, otherwise right after the import of Keras."""
    if "keras" in sys.modules:
        _import_layers_once()
    else:
        sys.meta_path.insert(0, _KerasFinder())


class _KerasFinder:
    """Finder that lets the other finders find Keras, and adds the registration to its import."""

    def __init__(self) -> None:
        self._searching = False

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Returns the spec of Keras with the additional step; None for all other modules."""
        del path, target
        if name != "keras" or self._searching:
            return None
        self._searching = True  # this finder is asked again, and must not answer
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._searching = False
        if spec is not None and spec.loader is not None:
            spec.loader = _RegisteringLoader(spec.loader)  # type: ignore[assignment]
        return spec


class _RegisteringLoader:
    """Loads Keras with its own loader, then imports the layers.

    The loader is wrapped, not changed: it may be a proxy of another tool with such a hook.
    """

    def __init__(self, loader: "Loader") -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader  # tools that read sources and data expect it
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        _import_layers_once()


def _import_layers_once() -> None:
    """Imports the layers, which registers them with Keras, unless they are being imported."""
    # If the layers are already being imported, in this thread or another one, that import registers
    # them. Waiting here for another thread would be a deadlock, because that thread waits until
    # Keras is imported.
    if LAYERS not in sys.modules:
        importlib.import_module(LAYERS)
