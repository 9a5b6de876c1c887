"""Argument validation, with one template for all error messages.

Arguments are checked once, at the public edge, before any work. Every message reads `` `name` must
be <requirement>; received name=<value>. ``, followed by how to fix it if that is known.
"""

import math
import numbers
import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from catdog_keras._message import Message, argument, setting
from catdog_keras._printable import LONGEST_NAME, shorten

if TYPE_CHECKING:
    import keras

Choice = TypeVar("Choice")

LARGEST_INTEGER = 2**63 - 1  # of NumPy and TensorFlow
MAX_SIDE = 10_000  # pixels: one such image takes 1.2 GB as float32
# `pathlib.Path` removes one of the slashes.
_URL = re.compile(r"[a-z][a-z0-9+.-]+://|(?:https?|ftp|file|gs|hf|s3):/", re.IGNORECASE)

DataFormat: TypeAlias = Literal["channels_last", "channels_first"]


def describe(name: str, requirement: str, value: object, remedy: str = "") -> Message:
    """Formats the error message of a check of one argument; `requirement` follows "must be"."""
    text, shape = repr(value), getattr(value, "shape", ())
    if shape and "\n" in text:  # numbers of an array say less than its shape
        received: str = f"an array of shape {tuple(shape)}"
    else:
        received = setting(name, shorten(text, LONGEST_NAME))
    return describe_received(name, requirement, received, remedy)


def describe_received(name: str, requirement: str, received: str, remedy: str = "") -> Message:
    """Formats the error message of a check; `received` describes a value too long to print."""
    message = argument(name) + " must be " + requirement + "; received " + received + "."
    return Message(message, *(" ", remedy) if remedy else (), about=name)


def check_integer(name: str, value: Any, *, minimum: int, maximum: int | None = None) -> int:
    """Returns `value` as an int; raises if it is not an integer in [`minimum`, `maximum`]."""
    requirement = f"an integer of at least {minimum}"
    if maximum is not None:
        requirement = f"an integer from {minimum} to {maximum}"
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(describe(name, requirement, value))
    integer = int(value)
    if maximum is None and integer > LARGEST_INTEGER:
        requirement = f"an integer from {minimum} to {LARGEST_INTEGER}"
    if not minimum <= integer <= (LARGEST_INTEGER if maximum is None else maximum):
        raise ValueError(describe(name, requirement, value))
    return integer


def check_number(
    name: str, value: Any, *, minimum: float, maximum: float, remedy: str = ""
) -> float:
    """Returns `value` as a float; raises if it is not a number in [`minimum`, `maximum`]."""
    requirement = f"a number from {minimum:g} to {maximum:g}"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(describe(name, requirement, value, remedy))
    number = float(value)
    if not minimum <= number <= maximum:  # also false for NaN
        raise ValueError(describe(name, requirement, value, remedy))
    return number


def check_single_tensor(inputs: Any) -> None:
    """Raises a TypeError if the argument `inputs` is a structure, not one tensor of images."""
    if isinstance(inputs, (dict, list, tuple)):
        kind = type(inputs).__name__
        remedy = (
            "Labels, boxes and masks are not transformed. To transform a mask, use "
            "`get_random_transformation` and `transform_images`."
        )
        raise TypeError(describe("inputs", "one tensor of images", kind, remedy))


def check_boolean(name: str, value: Any) -> bool:
    """Returns `value`; raises if it is not True or False."""
    if not isinstance(value, bool):
        raise TypeError(describe(name, "True or False", value))
    return value


def check_path(name: str, value: Any, requirement: str = "a path", remedy: str = "") -> Path:
    """Returns `value` as a path with `~` expanded; raises if it is not a path.

    `remedy` is the hint for a value of another type.
    """
    if not isinstance(value, (str, os.PathLike)) or not isinstance(os.fspath(value), str):
        raise TypeError(describe(name, requirement, value, remedy))
    path = os.fspath(value)
    if not path or "\0" in path:
        raise ValueError(describe(name, f"{requirement}, not empty and without NUL", path))
    if _URL.match(path):
        remedy = "URLs are not opened. Download the files, and pass the path where they are."
        raise ValueError(describe(name, f"{requirement} on this machine, not a URL", path, remedy))
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises for unknown users


def hint_for(value: Any, hints: Mapping[Any, str]) -> str:
    """Returns the hint for a value that other libraries use, or an empty text.

    Case is ignored; True and False are not 1 and 0.
    """
    key = value.lower() if isinstance(value, str) else value
    found = (hint for each, hint in hints.items() if type(each) is type(key) and each == key)
    return next(found, "")


def check_choice(
    name: str,
    value: Any,
    allowed: Collection[Choice],
    hints: Mapping[Any, str] = MappingProxyType({}),
) -> Choice:
    """Returns `value`; raises with a list of the allowed values if it is not one of them.

    `hints` has remedies for values of other libraries.
    """
    for choice in allowed:
        if type(value) is type(choice) and value == choice:
            return choice
    listed = ", ".join(repr(choice) for choice in allowed)
    error = ValueError if type(value) in map(type, allowed) else TypeError
    raise error(describe(name, f"one of {listed}", value, hint_for(value, hints)))


def check_finite(name: str, value: Any) -> float:
    """Returns `value` as a float; raises if it is not a finite number."""
    requirement = "a finite number"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(describe(name, requirement, value))
    if not math.isfinite(value):
        raise ValueError(describe(name, requirement, value))
    return float(value)


def check_range(
    name: str, value: Any, *, minimum: float, maximum: float, remedy: str = ""
) -> tuple[float, float]:
    """Returns the argument `value` as (low, high); a number r means (-r, r)."""
    requirement = (
        f"a number from 0 to {min(-minimum, maximum):g}, or a pair (low, high) of numbers "
        f"from {minimum:g} to {maximum:g} with low <= high"
    )
    bounds = value if isinstance(value, (tuple, list)) else (value,)
    if any(isinstance(bound, bool) or not isinstance(bound, numbers.Real) for bound in bounds):
        raise TypeError(describe(name, requirement, value, remedy))
    if bounds is not value:
        bounds = (-value, value)
    if len(bounds) != 2 or not minimum <= bounds[0] <= bounds[1] <= maximum:  # false for NaN too
        raise ValueError(describe(name, requirement, value, remedy))
    low, high = bounds
    return float(low), float(high)


def check_window(name: str, value: Any) -> tuple[int, int]:
    """Returns `value` as (height, width); an integer n means (n, n)."""
    requirement = "an integer of at least 1, or a pair (height, width) of them"
    sides = value if isinstance(value, (tuple, list)) else (value, value)
    if any(isinstance(side, bool) or not isinstance(side, numbers.Integral) for side in sides):
        raise TypeError(describe(name, requirement, value))
    if len(sides) != 2 or min(sides) < 1:
        raise ValueError(describe(name, requirement, value))
    height, width = sides
    return int(height), int(width)


def check_size(name: str, value: Any) -> tuple[int, int]:
    """Returns `value` as (height, width); raises if it is not a pair of positive integers."""
    requirement = "a pair (height, width) of integers of at least 1"
    if not isinstance(value, (tuple, list)):
        raise TypeError(describe(name, requirement, value))
    integers = all(
        isinstance(side, numbers.Integral) and not isinstance(side, bool) for side in value
    )
    if not integers:
        raise TypeError(describe(name, requirement, value))
    if len(value) != 2 or min(value) < 1:
        raise ValueError(describe(name, requirement, value))
    if max(value) > MAX_SIDE:
        requirement = f"a pair (height, width) of integers from 1 to {MAX_SIDE}"
        raise ValueError(describe(name, requirement, value))
    height, width = value
    return int(height), int(width)


def check_image_size(name: str, value: Any) -> tuple[int, int]:
    """Returns `value` as (height, width); an integer n means (n, n), at most `MAX_SIDE`."""
    if isinstance(value, (tuple, list)):
        return check_size(name, value)
    requirement = "an integer of at least 1, or a pair (height, width) of them"
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(describe(name, requirement, value))
    side = int(value)
    if not 1 <= side <= MAX_SIDE:
        requirement = f"an integer from 1 to {MAX_SIDE}, or a pair (height, width) of them"
        raise ValueError(describe(name, requirement, value))
    return side, side


def check_input_shape(name: str, value: Any) -> tuple[int, int, int]:
    """Returns the argument `value` as an image's shape; raises unless it is 3 positive integers."""
    requirement = "an image's shape of three integers of at least 1"
    remedy = "For example (160, 160, 3)."
    integers = isinstance(value, (tuple, list)) and all(
        isinstance(n, numbers.Integral) and not isinstance(n, bool) for n in value
    )
    if isinstance(value, numbers.Integral):
        remedy += " The number of classes is another argument: num_classes."
    if not integers:
        raise TypeError(describe(name, requirement, value, remedy))
    if len(value) != 3 or min(value) < 1:
        raise ValueError(describe(name, requirement, value, remedy))
    first, second, third = value
    return int(first), int(second), int(third)


def check_layer(name: str, value: Any) -> "keras.Layer":
    """Returns `value`; raises if it is not a Keras layer or model."""
    import keras  # imported here because the command line checks arguments before it imports Keras

    if not isinstance(value, keras.Layer):
        raise TypeError(describe(name, "a keras.Layer", value))
    return value


def check_model(model: Any, order: str = "The model is the first argument.") -> "keras.Model":
    """Returns `model`; raises if it is not a Keras model.

    `order` is appended to the message if data was received, as of a call with swapped arguments.
    """
    import keras  # imported here as above

    if not isinstance(model, keras.Model):
        remedy = remedy_for_path(model) or (order if _is_data(model) else "")
        raise TypeError(describe("model", "a keras.Model", model, remedy))
    return model


def is_model_path(value: Any) -> bool:
    """Whether a value is the path of a file that Keras saves, by its ending."""
    is_path = isinstance(value, (str, os.PathLike))
    return is_path and str(value).lower().endswith((".keras", ".h5"))


def remedy_for_path(model: Any) -> str:
    """Returns how to load a model if its path was passed, otherwise an empty text."""
    is_path = isinstance(model, (str, os.PathLike))
    return f"Load it: `keras.models.load_model({os.fspath(model)!r})`." if is_path else ""


def _is_data(value: Any) -> bool:
    """Whether an argument to check is data: an array, a dataset or a pair of arrays."""
    if isinstance(value, (tuple, list)):
        return any(hasattr(part, "shape") for part in value)
    is_iterable = hasattr(value, "__iter__") or hasattr(value, "__getitem__")
    return is_iterable and not isinstance(value, (str, bytes, dict, type))


def check_class_names(class_names: Sequence[str], order: str = "") -> tuple[str, ...]:
    """Returns the argument `class_names` as a tuple; raises if it is not distinct strings.

    `order` is appended to the message if data was received, as of a call with swapped arguments.
    """
    requirement = "a list of distinct class names"
    if isinstance(class_names, str) or not isinstance(class_names, Sequence):
        remedy = order if _is_data(class_names) else ""
        raise TypeError(describe("class_names", requirement, class_names, remedy))
    if not all(isinstance(name, str) for name in class_names):
        raise TypeError(describe("class_names", requirement, class_names))
    if not class_names or len(set(class_names)) != len(class_names):
        raise ValueError(describe("class_names", requirement, class_names))
    return tuple(class_names)
