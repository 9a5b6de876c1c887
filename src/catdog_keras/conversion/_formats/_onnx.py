"""ONNX files, which onnxruntime runs."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras import _backend
from catdog_keras._backend.keras_internals import every_layer
from catdog_keras.conversion._embedded_metadata import ExportMetadata
from catdog_keras.conversion._formats._format import Array, ExportFormat, Run
from catdog_keras.conversion._formats._noise import without_noise
from catdog_keras.conversion._formats._onnx_operations import HANDLERS
from catdog_keras.conversion._serving_model import IMAGES, PROBABILITIES

OPSET = 18  # onnxruntime 1.14 and later; the first with all operations that are used here
# onnxruntime reads it when it is imported; otherwise it writes an identifier to a temporary file.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
AXES = {IMAGES: ("batch", "height", "width"), PROBABILITIES: ("batch",)}  # of any size
MIN_FLOAT16_VALUES = 64  # smaller tensors hold constants of operations, not weights


class Onnx(ExportFormat):
    """ONNX: one file with all weights; metadata are its `metadata_props`."""

    name = "onnx"
    suffix = ".onnx"
    packages = ("onnx", "onnxruntime", "tf2onnx")
    quantizations = {"int8": (), "float16": ()}  # noqa: RUF012

    def recognizes(self, path: Path) -> bool:
        return path.is_file() and path.suffix.lower() == self.suffix

    def write(self, model: keras.Model, path: Path, class_names: Sequence[str]) -> None:
        import onnx

        del class_names
        with without_noise():
            # Keras's `export` does not pass constants and handlers of operations to tf2onnx.
            _convert_graph(_backend.freeze_graph(model, IMAGES, PROBABILITIES), path)
        nodes = onnx.load(path).graph.node  # tf2onnx copies operations that it does not know
        missing = {
            node.op_type + _layer_of_node(node.name, model)
            for node in nodes
            if not onnx.defs.has(node.op_type, node.domain)
        }
        if missing:
            listed = ", ".join(sorted(missing))
            raise ValueError(f"ONNX has no operation for these of TensorFlow: {listed}.")

    def quantize(self, path: Path, how: str, images: Sequence[Array]) -> None:
        if how == "float16":
            _store_in_float16(path)
        else:
            _quantize_to_int8(path, images)

    def add_metadata(self, path: Path, metadata: ExportMetadata) -> None:
        import onnx

        model = onnx.load(path)
        onnx.helper.set_model_props(model, metadata.to_strings())
        _name_axes(model.graph)
        onnx.save(model, path)

    def read_metadata(self, path: Path) -> ExportMetadata:
        import onnx

        model = onnx.load(path)
        return ExportMetadata.from_strings({each.key: each.value for each in model.metadata_props})

    def load(self, path: Path, threads: int) -> Run:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )

        def run(images: Array) -> npt.NDArray[np.float32]:
            (probabilities,) = session.run([PROBABILITIES], {IMAGES: images})
            return np.asarray(probabilities)

        return run


def _layer_of_node(node: str, model: keras.Model) -> str:
    """Returns which layer contains an ONNX node; TensorFlow appends a number to some names."""
    names = {layer.name for layer in every_layer(model)}
    for part in reversed(node.split("/")[:-1]):
        for name in (part, re.sub(r"_\d+$", "", part)):
            if name in names:
                return f" of the layer {name!r}"
    return ""


def _convert_graph(graph: _backend.FrozenGraph, path: Path) -> None:
    """Converts a frozen graph of TensorFlow to an ONNX file, by tf2onnx."""
    import tf2onnx

    tf2onnx.convert.from_graph_def(
        graph.graph_def,
        input_names=[graph.images],
        output_names=[graph.probabilities],
        tensors_to_rename={graph.images: IMAGES, graph.probabilities: PROBABILITIES},
        opset=OPSET,
        custom_op_handlers=dict(HANDLERS),
        output_path=str(path),
    )


def _name_axes(graph: Any) -> None:
    """Names the axes of any size, which viewers and `onnxruntime` show; tf2onnx numbers them."""
    for tensor in (*graph.input, *graph.output):
        for name, axis in zip(AXES[tensor.name], tensor.type.tensor_type.shape.dim, strict=False):
            axis.dim_param = name


def _store_in_float16(path: Path) -> None:
    """Stores the weights of an ONNX file in float16, which are cast to float32 when loaded.

    The computation stays in float32: processors have few kernels for float16.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(path)
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < MIN_FLOAT16_VALUES:
            continue
        name, stored = tensor.name, f"{tensor.name}_float16"
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)
    onnx.save(model, path)


def _quantize_to_int8(path: Path, images: Sequence[Array]) -> None:
    """Quantizes ONNX layers between resizing and probabilities, weights per channel."""
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.batches: Iterator[Array] = iter(images)

        def get_next(self) -> dict[str, Any] | None:
            batch = next(self.batches, None)
            return None if batch is None else {IMAGES: batch}

    prepared = path.with_name(f"prepared-{path.name}")
    with without_noise():
        # Symbolic shapes need SymPy, and change nothing here: after the resize all sizes are fixed.
        quant_pre_process(path, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            path,
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            # 7 bits: processors without VNNI instructions add two products in 16 bits, which
            # overflow with 8 bits. The file would predict something else there.
            reduce_range=True,
            nodes_to_exclude=_nodes_outside_layers(prepared),
        )
    prepared.unlink()
    _number_tensors(path)


def _number_tensors(path: Path) -> None:
    """Replaces names of inner ONNX tensors, whose paths take 6% of a quantized MobileNetV2."""
    import onnx

    model = onnx.load(path)
    graph = model.graph
    del graph.value_info[:]  # the runtime infers these shapes
    names = {each.name: each.name for each in (*graph.input, *graph.output)} | {"": ""}

    def number(name: str) -> str:
        return names.setdefault(name, str(len(names)))

    for tensor in graph.initializer:
        tensor.name = number(tensor.name)
    for node in graph.node:
        node.input[:] = map(number, node.input)
        node.output[:] = map(number, node.output)
    onnx.save(model, path)


def _nodes_outside_layers(path: Path) -> list[str]:
    """Returns ONNX nodes before the first layer with weights, and those after the last one."""
    import onnx

    nodes = onnx.load(path).graph.node
    layers = [
        place for place, node in enumerate(nodes) if node.op_type in ("Conv", "MatMul", "Gemm")
    ]
    return [node.name for node in (*nodes[: layers[0]], *nodes[layers[-1] + 1 :])]
