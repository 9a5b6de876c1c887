"""Quantization of LiteRT files by LiteRT Quantizer."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from catdog_keras.conversion._formats._format import Array
from catdog_keras.conversion._formats._litert_file import read_model
from catdog_keras.conversion._serving_model import IMAGES

WITH_WEIGHTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def quantize_litert(path: Path, how: str, images: Sequence[Array]) -> None:
    """Quantizes a file in place.

    Args:
        path: The file, without metadata.
        how: `"float16"` for the weights, or `"int8"` for the weights, per channel, and the feature
            maps. The resizing, the scaling and the probabilities stay in float32.
        images: Batches of images for the calibration of int8.
    """
    from litert_quantizer import calibrator, qtyping, quantizer, recipe

    model = read_model(path)
    work = quantizer.Quantizer(str(path))
    results = {}
    if how == "float16":
        for name in WITH_WEIGHTS:
            work.add_weight_only_config(
                ".*",
                qtyping.TFLOperationName[name],
                num_bits=16,
                algorithm_key=quantizer.AlgorithmName.FLOAT_CASTING,
            )
    else:
        work.load_quantization_recipe(recipe.static_wi8_ai8())
        for scope in _scopes_outside_layers(model):
            work.update_quantization_recipe(
                regex=f"^{re.escape(scope)}$",
                operation_name=qtyping.TFLOperationName.ALL_SUPPORTED,
                algorithm_key=quantizer.AlgorithmName.NO_QUANTIZE,
            )
        results = work.calibrate(
            {model.signatureDefs[0].signatureKey.decode(): [{IMAGES: batch} for batch in images]},
            num_threads=os.cpu_count() or 1,
            mode=calibrator.CalibrationMode.CALIBRATION_PROFILER_BASED,
        )
    path.write_bytes(bytes(work.quantize(results).quantized_model))


def _scopes_outside_layers(model: Any) -> Iterator[str]:
    """Yields the scopes of LiteRT operations before the first or after the last with weights.

    The scope of an operation is the names of its outputs, each with a semicolon; the input of the
    file counts as an operation.
    """
    from ai_edge_litert import schema_py_generated as schema

    subgraph = model.subgraphs[0]  # others are branches and loops
    with_weights = {getattr(schema.BuiltinOperator, name) for name in WITH_WEIGHTS}
    kinds = [model.operatorCodes[each.opcodeIndex].builtinCode for each in subgraph.operators]
    layers = [place for place, kind in enumerate(kinds) if kind in with_weights]
    for each in subgraph.inputs:  # quantized as well if they are float32
        yield f"{subgraph.tensors[each].name.decode()};"
    for place, operator in enumerate(subgraph.operators):
        if not layers[0] <= place <= layers[-1]:
            yield "".join(f"{subgraph.tensors[each].name.decode()};" for each in operator.outputs)
