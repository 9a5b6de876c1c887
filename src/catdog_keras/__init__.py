"""Keras-native components for image classification; use one of them, or all.

The public names are available here and in their subpackages; `evaluation.compare` and
`evaluation.calibrate` only there. A subpackage is imported when one of its names is first used:
importing this package imports neither Keras nor TensorFlow.

Importing this package registers its layers with Keras, so a saved model that contains them loads
without `custom_objects`. If Keras is not imported yet, the layers are registered as soon as it is.
"""

import lazy_loader

from catdog_keras._registration import register_layers_with_keras

__version__ = "0.1.0"

# The names are listed in `__init__.pyi`.
_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    """Imports a public name when it is first used; suggests similar ones for an unknown name."""
    if name in __all__ or name.startswith("_"):
        return _load(name)
    from catdog_keras._public_names import describe_unknown

    # With `name`, Python does not append its own suggestion.
    raise AttributeError(describe_unknown(name, __all__), name=name)


register_layers_with_keras()
