"""Arrays of numbers from tensors of any framework, lists and arrays of other dtypes."""

from typing import Any, TypeAlias

import keras
import numpy as np

from catdog_keras._printable import counted

READ_FILES = "Read image files by `load_images` or `load_image_folder`."

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


def to_array(tensor: Any) -> Array:
    """Converts a tensor of any framework to a NumPy array; raises if it is ragged or masked."""
    if None in getattr(tensor, "shape", ()):  # Keras would fill it with zeros
        raise ValueError(f"its shape is {tensor.shape}")
    if np.ma.is_masked(tensor):  # NumPy would return the values below the mask
        masked = counted(int(np.ma.getmaskarray(tensor).sum()), "masked value")
        raise ValueError(f"it has {masked}. Fill them, as by `filled(0)`, or leave them out.")
    if keras.ops.is_tensor(tensor):
        tensor = keras.ops.convert_to_numpy(tensor)
    elif callable(getattr(tensor, "detach", None)):  # of PyTorch, with another backend
        tensor = tensor.detach().cpu()
        tensor = tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor
    return np.asarray(tensor)


def to_numbers(name: str, part: str, value: Any) -> Array:
    """Converts the images, labels or weights of a batch to an array of numbers.

    The array has a dtype that every framework supports.

    Raises:
        TypeError: If they are a structure of several arrays, or not numbers; the message names what
            was received.
    """
    if isinstance(value, dict) or (
        isinstance(value, (tuple, list)) and _has_arrays_of_inputs(value)
    ):
        remedy = "Models with several inputs or outputs are not supported."
        if isinstance(value, dict):
            found = f"a dict with the keys {', '.join(map(repr, value))}"
        else:
            found = f"a {type(value).__name__} of {len(value)} arrays"
            if shapes := _different_shapes(value):
                found += f" of different shapes, such as {shapes[0]} and {shapes[1]}"
                remedy = "Resize them to one shape."
        raise TypeError(
            f"`{name}` must hold batches with one array of {part}; received {found}. {remedy}"
        )
    try:
        array = to_array(value)
    except Exception as error:  # each framework and container raises its own types
        raise TypeError(
            f"`{name}` must hold {part} as an array of numbers; received a {type(value).__name__} "
            f"that cannot be converted: {str(error).splitlines()[0]}"
        ) from error
    if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
        raise TypeError(
            f"`{name}` must hold {part} as numbers; received {_describe_content(array)}."
            + _how_to_convert_to_numbers(name, part, array)
        )
    if array.dtype in (np.longdouble, np.uint64):
        return array.astype(np.float64)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def to_tensor_or_numbers(name: str, part: str, value: Any) -> Any:
    """Returns a dense tensor of numbers unchanged; converts other arrays as `to_numbers` does."""
    is_tensor = keras.ops.is_tensor(value) and not isinstance(value, np.ndarray)
    if is_tensor and None not in value.shape:
        dtype = keras.backend.standardize_dtype(value.dtype)
        if dtype == "bool" or dtype.strip("0123456789") in ("uint", "int", "float", "bfloat"):
            return value
    return to_numbers(name, part, value)


def _how_to_convert_to_numbers(name: str, part: str, array: Array) -> str:
    """Returns how to convert an array that does not hold numbers."""
    if "labels" in (name, part):
        return " Encode class names as indices, such as names.index(name)."
    if array.dtype.kind in "US" and "images" in (name, part):
        return f" {READ_FILES}"
    if array.dtype.kind == "c":
        return " Pass their real part or magnitude."
    if array.dtype.kind == "O" and array.ndim:
        return ' If all have one shape, convert them: np.array(list(...), "float32").'
    return ""


def _different_shapes(values: Any) -> list[tuple[int, ...]]:
    """Returns the shapes of arrays that are not all of one shape."""
    shapes = {tuple(value.shape) for value in values if hasattr(value, "shape")}
    return sorted(shapes) if len(shapes) > 1 else []


def _has_arrays_of_inputs(values: Any) -> bool:
    """Returns whether a list holds one array per input, not one per image."""
    shapes = {tuple(value.shape) for value in values if hasattr(value, "shape")}
    return len(shapes) > 1 or any(len(shape) > 3 for shape in shapes)


def _describe_content(array: Array) -> str:
    """Describes an array that does not hold numbers."""
    first = array.reshape(-1)[:1].tolist()
    if first and isinstance(first[0], (str, bytes)):
        return f"strings such as {first[0]!r}"
    return f"an array of dtype {array.dtype}"
