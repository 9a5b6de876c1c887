"""The graph of a model: connections between its layers, and its output activation."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from catdog_keras._backend.keras_internals import source_layer
from catdog_keras._checks import check_model, describe


def check_graph(model: Any) -> keras.Model:
    """Returns `model`; raises if it is not a built Functional or Sequential model."""
    check_model(model)
    if not hasattr(model, "outputs"):
        remedy = "Build the model first, or pass its inner Functional or Sequential models."
        requirement = "a built Functional or Sequential model"
        raise ValueError(describe("model", requirement, model, remedy))
    return model


def is_graph(layer: keras.Layer) -> bool:
    """Whether a layer is a model that is itself a graph of layers."""
    return isinstance(layer, keras.Model) and hasattr(layer, "outputs")


def is_plain_graph(layer: keras.Layer) -> bool:
    """Whether a layer is a model that computes exactly what its graph of layers computes."""
    return is_graph(layer) and not overrides(layer, "call")


def overrides(model: keras.Model, method: str) -> bool:
    """Returns whether a model or its class has a method of its own, which layer graphs omit."""
    libraries = ("builtins", "keras", "tensorflow", "torch")
    own = [each for each in type(model).__mro__ if each.__module__.split(".")[0] not in libraries]
    return any(method in vars(each) for each in [model, *own])


@dataclass(frozen=True)
class LayerGraph:
    """Connections between the layers of a model, by layer name.

    Attributes:
        sources: For each layer, the layers whose outputs it takes, over all its calls.
        users: For each layer, the layers that take its output; an empty name means an output of the
            model.
        in_training: The layers that are called with `training=True`.
    """

    sources: dict[str, list[str]]
    users: dict[str, list[str]]
    in_training: set[str]

    @classmethod
    def from_model(cls, model: keras.Model) -> "LayerGraph":
        """Reads the graph from the config of a Functional model, whose format is public."""
        config = model.get_config()
        graph = cls({}, {}, set())
        for layer in config["layers"]:
            graph.sources[layer["name"]] = []
            for call in layer["inbound_nodes"]:
                for source in _source_layers(call):
                    graph.sources[layer["name"]].append(source)
                    graph.users.setdefault(source, []).append(layer["name"])
                if call["kwargs"].get("training"):
                    graph.in_training.add(layer["name"])
        for source in _output_layers(config["output_layers"]):
            graph.users.setdefault(source, []).append("")
        return graph


def _source_layers(call: Any) -> Iterator[str]:
    """Yields the names of the layers of a graph whose outputs are arguments of a call."""
    if isinstance(call, dict):
        source = source_layer(call)
        if source is not None:
            yield source
        else:
            for value in call.values():
                yield from _source_layers(value)
    elif isinstance(call, list | tuple):
        for value in call:
            yield from _source_layers(value)


def _output_layers(structure: Any) -> Iterator[str]:
    """Yields the names of the layers in a nested structure of (name, call, position)."""
    if isinstance(structure, dict):
        structure = list(structure.values())
    if structure and isinstance(structure[0], str):
        yield structure[0]
    else:
        for part in structure:
            yield from _output_layers(part)


# Layers that return their inputs unchanged at inference.
_PASS_THROUGH = ("ActivityRegularization", "ClassNames", "Dropout", "Identity")
SIGMOIDS = ("hard_sigmoid", "sigmoid")
PROBABILITIES = ("softmax", *SIGMOIDS)  # activations whose outputs are probabilities


_LIBRARIES = ("keras", "tensorflow", "jax", "torch")


def last_activation(model: keras.Model) -> str | None:
    """Returns the name of the output activation in a model's layer graph, or None if unknown."""
    if not is_plain_graph(model) or len(model.outputs) != 1:
        return None
    last = _last_layer(model)
    if isinstance(last, keras.Model):
        return last_activation(last)
    if type(last).__name__ in ("Softmax", "Sigmoid"):  # a layer, or an operation of keras.ops
        return type(last).__name__.lower()
    if type(last).__module__.split(".")[0] not in ("keras", "catdog_keras"):
        return None  # its `activation` may not be the last step
    activation = getattr(last, "activation", None)
    library = getattr(activation, "__module__", "").split(".")[0]
    # A function of the user may have any name.
    return getattr(activation, "__name__", None) if library in _LIBRARIES else None


def output_layer(model: keras.Model) -> Any:
    """Returns the layer or operation of a model's only output, in nested models too, or None."""
    if not is_plain_graph(model) or len(model.outputs) != 1:
        return None
    if isinstance(model, keras.Sequential):
        last = model.layers[-1]
    else:
        name = next(_output_layers(model.get_config()["output_layers"]))
        last = next((each for each in model.operations if each.name == name), None)
    return output_layer(last) if is_plain_graph(last) else last


# Layers that keep the order of the classes.
_IN_CLASS_ORDER = (*_PASS_THROUGH, "Activation", "Rescaling", "Sigmoid", "Softmax")


def layers_from_end(model: keras.Model) -> Iterator[Any]:
    """Yields the last layers of a model, backwards, to the first that may compute other classes."""
    if not is_plain_graph(model) or len(model.outputs) != 1:
        return
    if isinstance(model, keras.Sequential):
        layers = list(reversed(model.layers))
    else:
        operations = {operation.name: operation for operation in model.operations}
        config = model.get_config()
        sources = LayerGraph.from_model(model).sources
        names = [next(_output_layers(config["output_layers"]))]
        while len(sources.get(names[-1], ())) == 1:
            names.append(sources[names[-1]][0])
        layers = [operations.get(name) for name in names]
    for layer in layers:
        if is_plain_graph(layer):
            yield from layers_from_end(layer)
            return
        yield layer
        if type(layer).__name__ not in _IN_CLASS_ORDER:
            return


def _last_layer(model: keras.Model) -> Any:
    """Returns the last layer or operation of a graph that changes its inputs at inference."""
    if isinstance(model, keras.Sequential):
        layers = list(model.layers)
    else:
        operations = {operation.name: operation for operation in model.operations}
        sources = LayerGraph.from_model(model).sources
        name = next(_output_layers(model.get_config()["output_layers"]))
        layers = [operations.get(name)]
        while _passes_through(layers[0]) and len(sources[name]) == 1:
            name = sources[name][0]
            layers.insert(0, operations.get(name))
    while len(layers) > 1 and _passes_through(layers[-1]):
        layers.pop()
    return layers[-1]


def _passes_through(layer: Any) -> bool:
    """Whether a layer of a graph returns its inputs unchanged, but for the dtype, at inference."""
    if isinstance(layer, keras.layers.Activation):  # as after a mixed-precision model
        return bool(layer.activation is keras.activations.linear)
    return type(layer).__name__ in _PASS_THROUGH
