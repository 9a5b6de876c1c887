"""Memory that a model needs for a batch, from a trace that computes nothing."""

import math
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import keras


class UnknownSizeError(ValueError):
    """A trace cannot measure the memory: the size of a value is known only when the model runs."""


@dataclass(frozen=True)
class TracedStep:
    """One operation of a trace.

    Attributes:
        inputs: Indices of the earlier steps whose outputs it reads.
        outputs: Bytes of its outputs.
        inside: Bytes that a function which it calls needs.
    """

    inputs: tuple[int, ...]
    outputs: int
    inside: int = 0


def peak_bytes(model: keras.Model, shape: tuple[int, ...]) -> int:
    """Returns an upper estimate of the memory for the values of a batch, without the weights.

    Every operation counts, also those inside a layer and in the bodies of loops. A framework may
    need less, because it computes some operations together.

    Args:
        model: Model with one input.
        shape: Shape of the batch.

    Raises:
        UnknownSizeError: If the size of a value is known only when the model runs.
    """
    peaks = {"tensorflow": _peak_in_tensorflow, "jax": _peak_in_jax, "torch": _peak_in_torch}
    images = 4 * math.prod(shape)  # float32, as the loaders return them
    return images + peaks[keras.backend.backend()](model, shape)


def largest_sum(steps: Iterable[TracedStep]) -> int:
    """Returns the most memory in use at one time if each traced step starts when its inputs exist.

    Frameworks compute independent steps in parallel, so that many large values can exist at once.
    A step takes the longer, the more bytes it reads and writes.
    """
    steps = list(steps)
    ends: list[int] = []
    changes: list[tuple[int, int]] = []
    for step in steps:
        start = max((ends[source] for source in step.inputs), default=0)
        size = max(step.outputs, step.inside)
        read = sum(steps[source].outputs for source in step.inputs)
        ends.append(start + size + read + 1)
        changes += [(start, size), (ends[-1], step.outputs - size)]
    released = list(ends)
    for end, step in zip(ends, steps, strict=True):
        for source in step.inputs:
            released[source] = max(released[source], end)
    changes += [(time, -step.outputs) for time, step in zip(released, steps, strict=True)]
    largest = total = 0
    for _, change in sorted(changes):  # inputs are released before the next step starts
        total += change
        largest = max(largest, total)
    return largest


def _peak_in_tensorflow(model: keras.Model, shape: tuple[int, ...]) -> int:
    """Memory (`peak_bytes`) from the TensorFlow graph of the model and functions that it calls."""
    import tensorflow as tf

    function = tf.function(lambda images: model(images, training=False), autograph=False)
    images = tf.TensorSpec(shape, model.inputs[0].dtype)
    graph = function.get_concrete_function(images).graph.as_graph_def(add_shapes=True)
    bodies = {each.signature.name: each.node_def for each in graph.library.function}
    peaks: dict[str, int] = {}

    def steps(nodes: Any) -> Iterator[TracedStep]:
        indices: dict[str, int] = {}
        for index, node in enumerate(nodes):
            names = (name.lstrip("^").split(":")[0] for name in node.input)
            called = (value.func.name for value in node.attr.values() if value.HasField("func"))
            inside = max(map(peak, called), default=0)
            yield TracedStep(_known_sources(indices, names), _output_bytes(node), inside)
            indices[node.name] = index

    def peak(name: str) -> int:
        if name not in peaks:
            peaks[name] = largest_sum(steps(bodies[name]))
        return peaks[name]

    return largest_sum(steps(graph.node))


def _output_bytes(node: Any) -> int:
    """Returns the memory in bytes of the outputs of a node in a traced graph of TensorFlow."""
    import tensorflow as tf

    if node.op in ("Placeholder", "ReadVariableOp"):  # inputs and variables, which exist before
        return 0
    if "_output_shapes" not in node.attr and node.op not in ("AssignVariableOp", "Assert", "NoOp"):
        raise UnknownSizeError(f"The sizes of the values in {node.name!r} are unknown.")
    shapes = node.attr["_output_shapes"].list.shape
    if node.op == "FusedBatchNormV3":
        shapes = shapes[:1]  # the others are statistics, and a part without a shape
    values = 0
    for shape in shapes:
        sides = [side.size for side in shape.dim]
        if shape.unknown_rank or min(sides, default=0) < 0:
            raise UnknownSizeError(
                f"The size of its values in {node.name!r} is known only when it runs."
            )
        values += math.prod(sides)
    # A node has no list of output types, but each of them is an attribute.
    types = [tf.as_dtype(value.type) for value in node.attr.values() if value.type]
    width = max((each.size or 0 for each in types), default=1)
    # The tensors that it stacks are in a list, whose size is not in the graph.
    return values * width * (2 if node.op == "TensorListStack" else 1)


def _known_sources(indices: dict[Any, int], keys: Iterable[Any]) -> tuple[int, ...]:
    """Returns the traced steps that compute some values; inputs are computed by none."""
    return tuple({indices[key] for key in keys if key in indices})


def _peak_in_jax(model: keras.Model, shape: tuple[int, ...]) -> int:
    """`peak_bytes` from the program that JAX traces."""
    import jax

    def peak(program: Any) -> int:
        indices: dict[Any, int] = {}
        steps = []
        for index, equation in enumerate(program.eqns):
            sources = _known_sources(
                indices, (each for each in equation.invars if not hasattr(each, "val"))
            )
            size = sum(
                math.prod(out.aval.shape) * out.aval.dtype.itemsize for out in equation.outvars
            )
            inside = max(map(peak, _inner_programs(equation.params)), default=0)
            steps.append(TracedStep(sources, size, inside))
            indices |= dict.fromkeys(equation.outvars, index)
        return largest_sum(steps)

    images = jax.ShapeDtypeStruct(shape, model.inputs[0].dtype)
    return peak(jax.make_jaxpr(lambda images: model(images, training=False))(images).jaxpr)


def _inner_programs(parameters: Any) -> Iterator[Any]:
    """Yields the functions that an operation in a JAX trace calls, as loops and conditions do."""
    for value in keras.tree.flatten(list(parameters.values())):
        program = getattr(value, "jaxpr", value)
        if hasattr(program, "eqns"):
            yield program


def _peak_in_torch(model: keras.Model, shape: tuple[int, ...]) -> int:
    """Memory (`peak_bytes`) from a run on PyTorch's fake tensors, without values."""
    import torch
    from torch._subclasses.fake_tensor import (
        DataDependentOutputException,
        DynamicOutputShapeException,
        FakeTensor,
        FakeTensorMode,
    )
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    class Recorder(TorchDispatchMode):
        """Counts the bytes of the tensors that exist."""

        def __init__(self) -> None:
            super().__init__()
            self.total = self.largest = 0
            self.views: Counter[int] = Counter()

        def __torch_dispatch__(
            self, operation: Any, types: Any, arguments: Any = (), options: Any = None
        ) -> Any:
            outputs = operation(*arguments, **(options or {}))
            for tensor in tree_leaves(outputs):
                if isinstance(tensor, FakeTensor):
                    self.add(tensor)
            return outputs

        def add(self, tensor: Any) -> None:
            storage = tensor.untyped_storage()
            key, size = storage._cdata, storage.nbytes()
            self.views[key] += 1
            if self.views[key] == 1:
                self.total += size
                self.largest = max(self.largest, self.total)
            weakref.finalize(tensor, self.release, key, size)

        def release(self, key: int, size: int) -> None:
            self.views[key] -= 1
            if self.views[key] == 0:
                self.total -= size

    recorder = Recorder()
    with torch.no_grad(), FakeTensorMode(allow_non_fake_inputs=True):
        images = torch.empty(shape, dtype=getattr(torch, model.inputs[0].dtype))
        try:
            with recorder:
                model(images, training=False)
        except (DataDependentOutputException, DynamicOutputShapeException) as error:
            raise UnknownSizeError("What it computes depends on the images.") from error
    return recorder.largest
