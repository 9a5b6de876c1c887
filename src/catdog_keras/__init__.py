"""Keras-native components for image classification; use one of them, or all.

The public names are available here and in their subpackages; `evaluation.compare` and
`evaluation.calibrate` only there. A subpackage is imported when one of its names is first used:
importing this package imports neither Keras nor TensorFlow.

Importing this package registers its layers with Keras, so a saved model that contains them loads
without `custom_objects`. If Keras is not imported yet, the layers are registered as soon as it is.
"""

import importlib
import sys
from types import ModuleType

import lazy_loader
from wrapt import register_post_import_hook

__version__ = "0.1.0"

# The names are listed in `__init__.pyi`.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def _register_layers(_: ModuleType) -> None:
    # If the layers are already being imported, in this thread or another one, that import registers
    # them. Waiting here for another thread would be a deadlock, because that thread waits until
    # Keras is imported.
    if f"{__name__}.layers" not in sys.modules:
        importlib.import_module(f"{__name__}.layers")


# Calls the function immediately if Keras is already imported.
register_post_import_hook(_register_layers, "keras")
