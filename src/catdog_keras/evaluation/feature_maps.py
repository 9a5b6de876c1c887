"""Feature maps inside a model: finding them, and replacing attributes for one forward pass."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import keras

from catdog_keras._backend import resolve_data_format
from catdog_keras._checks import describe

Operation: TypeAlias = Any  # a layer, or an operation of keras.ops in a Functional model

_TO_PROBABILITIES = (keras.activations.softmax, keras.activations.sigmoid)


def in_order(model: keras.Model) -> Iterator[Operation]:
    """Yields the operations of a model in execution order, a nested model after its contents."""
    for operation in getattr(model, "operations", model.layers):
        if isinstance(operation, keras.Model):
            yield from in_order(operation)
        yield operation


def find_last(model: keras.Model, operations: Sequence[Operation]) -> int:
    """Returns the index of the last feature map; raises an error if there is none."""
    for place in reversed(range(len(operations))):
        if _is_map(operations, place):
            return place
    raise ValueError(
        "`model` must have a layer whose output is a feature map of more than one place; "
        f"received a model without one, {model.name!r}."
    )


def _is_map(operations: Sequence[Operation], place: int) -> bool:
    """Whether an output has height and width, at least one of them above 1 or unknown."""
    operation = operations[place]
    shape = getattr(getattr(operation, "output", None), "shape", ())
    if len(shape) != 4 or isinstance(operation, keras.layers.InputLayer):
        return False
    first = is_channels_first(nearest_first(operations, place))
    return any(side != 1 for side in (shape[2:] if first else shape[1:3]))


def find_given(
    model: keras.Model, operations: Sequence[Operation], layer: str | keras.Layer
) -> int:
    """Returns the index of the requested layer; raises an error unless exactly one matches."""
    if not isinstance(layer, (str, keras.Layer)):
        raise TypeError(describe("layer", "the name of a layer, a keras.Layer or None", layer))
    places = [n for n, known in enumerate(operations) if layer in (known, known.name)]
    if len(places) != 1:
        maps = [o.name for n, o in enumerate(operations) if _is_map(operations, n)]
        remedy = f"Of several layers of one name pass the layer itself. Maps: {', '.join(maps)}."
        requirement = f"a layer of {model.name!r} or the name of one"
        raise ValueError(describe("layer", requirement, layer, remedy))
    return places[0]


def nearest_first(operations: Sequence[Operation], place: int) -> list[Operation]:
    """Returns the operations from `place` to the end, then those before it in reverse order."""
    return [*operations[place:], *reversed(operations[:place])]


def is_channels_first(operations: Iterable[Operation]) -> bool:
    """Whether the first operation that has a data format is channels first."""
    known = (getattr(operation, "data_format", None) for operation in operations)
    return resolve_data_format(next(filter(None, known), None)) == "channels_first"


@contextmanager
def replaced(operation: Operation, **attributes: Any) -> Iterator[None]:
    """Context manager that temporarily replaces attributes of an operation.

    Keras has no hook for the output of a layer. `object.__setattr__` bypasses the attribute
    tracking of Keras; an instance attribute overrides the method of the class and is removed
    afterwards.
    """
    before = {name: vars(operation)[name] for name in attributes if name in vars(operation)}
    for name, value in attributes.items():
        object.__setattr__(operation, name, value)
    try:
        yield
    finally:
        for name in attributes:
            object.__delattr__(operation, name)
        for name, value in before.items():
            object.__setattr__(operation, name, value)


@contextmanager
def logits_of(operations: Sequence[Operation]) -> Iterator[None]:
    """Context manager that removes a final softmax or sigmoid.

    Where these saturate, their gradient vanishes.
    """
    last = next(o for o in reversed(operations) if not hasattr(o, "outputs"))
    if isinstance(last, keras.layers.Softmax):
        with replaced(last, call=lambda inputs, *_, **__: inputs):
            yield
    elif getattr(last, "activation", None) in _TO_PROBABILITIES:
        with replaced(last, activation=keras.activations.linear):
            yield
    else:
        yield
