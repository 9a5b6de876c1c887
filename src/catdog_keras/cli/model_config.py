"""Allowlist for the config of a model file, applied before Keras builds anything from it.

`keras.saving.load_model` creates objects by the names in the config and calls functions by name.
Its safe mode excludes the names that are known to be dangerous. Here only the names are allowed
that an image classifier consists of.
"""

import importlib
import json
import math
import sys
from typing import Any

from catdog_keras._printable import printable

PACKAGES = ("catdog_keras", "keras", "keras_hub")
# A nested model counts with every call: a few short configs could otherwise describe a graph of
# billions of layers.
MAX_CALLS = 20_000
MAX_TEXT = 10_000  # characters; TensorFlow copies the name of a layer into each of its operations
# Positions of a convolution's kernel. TensorFlow needs up to 12 KB for each of a depthwise one.
MAX_KERNEL = 2**14
# Dtypes of the constants in a config. A text of any length is a dtype of NumPy, too.
_NUMBERS = frozenset(
    {"bool", "bfloat16", "float16", "float32", "float64", "int8", "int16", "int32", "int64"}
    | {"uint8", "uint16", "uint32", "uint64"}
)
# Objects that Keras writes without a module: tensors of the graph, and plain Python values.
_VALUES = ("__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__")
# Layers that run code from outside of Keras.
_FOREIGN = ("FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper")
_FUNCTIONS = ("activations", "losses", "metrics")
# The tuple is also compared with values that cannot be hashed.
_NOT_FUNCTIONS = ("deserialize", "get", "serialize")


def check_config(text: bytes) -> None:
    """Raises a ValueError unless the config of a model consists of known classes only.

    Args:
        text: Content of `config.json`.
    """
    try:
        config = json.loads(text)
        calls = _check_node(config)
    except RecursionError as error:
        raise ValueError("Its config is nested too deeply.") from error
    except UnicodeDecodeError as error:
        raise ValueError("Its config is not JSON in UTF-8.") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"Its config is not JSON: {error}.") from error
    if calls > MAX_CALLS:
        raise ValueError(f"Its layers are called {calls:,} times in total; allowed: {MAX_CALLS:,}.")
    _check_is_model(config)


def _check_is_model(config: Any) -> None:
    """Raises a ValueError if the outermost object of the config is not a Keras model."""
    import keras

    kind = (
        _find_allowed_class(config) if isinstance(config, dict) and "class_name" in config else None
    )
    if kind is None or not issubclass(kind, keras.Model):
        name = "nothing" if kind is None else f"a {kind.__name__}"
        raise ValueError(f"Its config describes {name}, not a Keras model.")


def _check_node(node: Any) -> int:
    """Checks every object in a part of the config; returns the number of calls of layers."""
    if isinstance(node, list):
        return sum(map(_check_node, node))
    if isinstance(node, str) and len(node) > MAX_TEXT:
        raise ValueError(f"Its config holds a text of {len(node):,} characters: {_quoted(node)}.")
    if not isinstance(node, dict):
        return 0
    import keras

    if node.get("class_name") in ("__numpy__", "__tensor__"):
        constant = node.get("config")
        dtype = constant.get("dtype") if isinstance(constant, dict) else None
        if not isinstance(dtype, str) or dtype not in _NUMBERS:
            raise ValueError(f"Its config holds a constant of the dtype {_quoted(dtype)}.")
    if (positions := _kernel_positions(node.get("kernel_size"))) > MAX_KERNEL:
        raise ValueError(
            f"It contains a kernel of {positions:,} positions; allowed: {MAX_KERNEL:,}."
        )
    is_object = "class_name" in node and node["class_name"] not in _VALUES
    kind = _find_allowed_class(node) if is_object else None
    inner = sum(map(_check_node, node)) + sum(map(_check_node, node.values()))
    if kind is None or not issubclass(kind, keras.Operation):
        return inner
    nodes = node.get("inbound_nodes")
    return (len(nodes) if isinstance(nodes, list) and nodes else 1) * (1 + inner)


def _kernel_positions(kernel_size: Any) -> float:
    """Returns the positions of a kernel in a config; one number is the side of up to three axes."""
    sides = kernel_size if isinstance(kernel_size, list) else [kernel_size] * 3
    return math.prod(side for side in sides if isinstance(side, int | float))


def _find_allowed_class(node: dict[str, Any]) -> type | None:
    """Returns the class of an object in the config, or None for a function; refuses all others."""
    name, module = node["class_name"], node.get("module")
    registered = node.get("registered_name")
    if not isinstance(name, str) or not isinstance(module, str | None):
        raise ValueError(  # noqa: TRY004 - an invalid file, not an invalid argument
            f"Its config holds {_quoted(name)}, which is not the name of a class."
        )
    if name == "function":
        _check_function(node)
        return None
    _import_keras_hub(module, registered)
    custom = isinstance(registered, str) and ">" in registered
    found = _registered_class(str(registered)) if custom else _exported_class(name, module)
    if not isinstance(found, type) or not issubclass(found, _allowed_base_classes()):
        where = registered if custom else module
        origin = f" of {_quoted(where)}" if where else ""
        raise ValueError(  # noqa: TRY004
            f"It contains {_quoted(name)}{origin}, which is not a layer of "
            f"{', '.join(PACKAGES[:-1])} or {PACKAGES[-1]}."
        )
    if found.__name__ in _FOREIGN:
        raise ValueError(f"It contains a layer of class {found.__name__}, which runs other code.")
    if hasattr(found, "load_assets"):
        raise ValueError(f"It contains a layer of class {found.__name__}, which reads other files.")
    return found


def _check_function(node: dict[str, Any]) -> None:
    """Raises a ValueError unless a config's function is an activation, loss or metric of Keras."""
    import keras

    name, module = node.get("config"), node.get("module")
    spaces = [space for space in _FUNCTIONS if module in ("builtins", f"keras.{space}")]
    found = [getattr(getattr(keras, space), str(name), None) for space in spaces]
    if name in _NOT_FUNCTIONS or not any(map(callable, found)):
        raise ValueError(
            f"It contains the function {_quoted(name)}, which is not an activation, loss or metric "
            "of Keras."
        )


def _import_keras_hub(*names: Any) -> None:
    """Imports KerasHub if one of a config's names belongs to it, which registers its classes."""
    if any(
        isinstance(name, str) and name.startswith(("keras_hub.", "keras_hub>")) for name in names
    ):
        try:
            importlib.import_module("keras_hub")
        except ImportError as error:
            raise ValueError("It contains layers of keras_hub, which is not installed.") from error


def _registered_class(name: str) -> Any:
    """Returns a class of a config that this package or KerasHub registered with Keras, or None."""
    import keras

    package = name.split(">")[0]
    if package not in PACKAGES:
        return None
    found = keras.saving.get_registered_object(name)
    if found is None and package == "catdog_keras":
        # Registers the optimizer of fine-tuned models; commands that do not train import it here.
        importlib.import_module("catdog_keras.training")
        found = keras.saving.get_registered_object(name)
    return found


def _exported_class(name: str, module: str | None) -> Any:
    """Returns the attribute of a Keras or KerasHub module that a model config names, or None.

    No module is imported by the name in a file. Configs of earlier versions have no module; the
    name is then one of a layer or an initializer, for example.
    """
    import keras

    if module is None:
        spaces = (keras.layers, keras.initializers, keras.regularizers, keras.constraints)
        return next(filter(None, (getattr(space, name, None) for space in spaces)), None)
    if module.split(".")[0] not in PACKAGES:
        return None
    return vars(sys.modules[module]).get(name) if module in sys.modules else None


def _allowed_base_classes() -> tuple[type, ...]:
    """Returns the classes of Keras from one of which every class in a config must be derived."""
    import keras

    return (
        keras.Operation,  # of which layers and models are subclasses
        keras.Initializer,
        keras.regularizers.Regularizer,
        keras.constraints.Constraint,
        keras.dtype_policies.DTypePolicy,
        keras.dtype_policies.DTypePolicyMap,
        keras.quantizers.Quantizer,
        keras.quantizers.QuantizationConfig,
        keras.random.SeedGenerator,
        keras.Loss,
        keras.Metric,
        keras.Optimizer,
        keras.optimizers.schedules.LearningRateSchedule,
    )


def _quoted(value: Any) -> str:
    """Returns a value of the config in quotes, without control characters and of limited length."""
    text = printable(value if isinstance(value, str) else repr(value))
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
