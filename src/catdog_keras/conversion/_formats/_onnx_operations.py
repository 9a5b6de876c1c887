"""Operations of TensorFlow that tf2onnx does not convert, or not exactly."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def _convert_erfc(graph: Any, node: Any, name: str, arguments: Any) -> None:
    """Converts the operation erfc, which exact GELU contains, to ONNX operations: 1 - erf(x)."""
    del arguments
    (values,), kind = node.input, graph.get_dtype(node.output[0])
    shapes, dtypes, outputs = node.output_shapes, node.output_dtypes, node.output
    graph.remove_node(name)
    erf = graph.make_node("Erf", [values], shapes=shapes, dtypes=dtypes)
    erf.skip_conversion = True  # as in ONNX already
    one = graph.make_const(f"{name}_one", np.ones((), _numpy_type_of(kind)))
    graph.make_node(
        "Sub",
        [one.output[0], erf.output[0]],
        name=name,
        outputs=outputs,
        shapes=shapes,
        dtypes=dtypes,
    )


def _convert_nearest(graph: Any, node: Any, name: str, arguments: Any) -> None:
    """Converts resizing by the nearest pixel to ONNX operations, with TensorFlow's rounding.

    tf2onnx uses the operation `Resize`, which divides by the inverse of the scale. It chooses
    another pixel where the position of a pixel is at a border of two, depending on rounding.
    """
    if not node.get_attr_value("half_pixel_centers"):  # of older functions of TensorFlow
        from tf2onnx.onnx_opset.nn import Resize

        Resize.version_11(graph, node)
        return
    del arguments
    images, size = node.input
    shapes, dtypes, outputs = node.output_shapes, node.output_dtypes, node.output
    graph.remove_node(name)

    def add(kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        added = graph.make_node(kind, list(inputs), attr=attributes, op_name_scope=name)
        added.skip_conversion = True
        return str(added.output[0])

    def constant(value: Any, kind: Any) -> str:
        return str(graph.make_const(_unique_node_name(name), np.array(value, kind)).output[0])

    def side(sizes: str, place: int) -> str:
        chosen = add("Gather", [sizes, constant(place, np.int64)], axis=0)
        return add("Cast", [chosen], to=_onnx_float32())

    half, one, zero = (constant(value, np.float32) for value in (0.5, 1.0, 0.0))
    found = add("Shape", [images])
    for axis in (1, 2):
        before, after = side(found, axis), side(size, axis - 1)
        scale = add("Div", [before, after])
        centers = add("Add", [add("Range", [zero, after, one]), half])
        nearest = add("Floor", [add("Mul", [centers, scale])])
        nearest = add("Min", [nearest, add("Sub", [before, one])])
        indices = add("Cast", [nearest], to=_onnx_int64())
        images = add("Gather", [images, indices], axis=axis)
    graph.make_node(
        "Identity", [images], name=name, outputs=outputs, shapes=shapes, dtypes=dtypes
    ).skip_conversion = True


def _unique_node_name(name: str) -> str:
    """Returns a name for an ONNX operation that no other node of a tf2onnx graph has."""
    from tf2onnx import utils

    return str(utils.make_name(name))


def _numpy_type_of(kind: int) -> Any:
    """Returns the NumPy dtype of a tensor type of ONNX."""
    from onnx import helper

    return helper.tensor_dtype_to_np_dtype(kind)


def _onnx_float32() -> int:
    """Returns the number of float32 among the tensor types of ONNX."""
    from onnx import TensorProto

    return int(TensorProto.FLOAT)


def _onnx_int64() -> int:
    """Returns the number of int64 among the tensor types of ONNX."""
    from onnx import TensorProto

    return int(TensorProto.INT64)


# In the form of the argument `custom_op_handlers` of tf2onnx.
HANDLERS: dict[str, tuple[Any, list[Any]]] = {
    "Erfc": (_convert_erfc, []),
    "ResizeNearestNeighbor": (_convert_nearest, []),
}
