"""Outputs of a classifier for a dataset."""

import itertools
import re
import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any, TypeAlias

import keras
import numpy as np

from catdog_keras._arrays import to_tensor_or_numbers
from catdog_keras._backend import prefers_predict_on_batch
from catdog_keras._backend.keras_internals import OUT_OF_DATA_WARNING
from catdog_keras._image_errors import image_errors
from catdog_keras._input_shape import check_batch_shape
from catdog_keras._layer_graph import is_graph
from catdog_keras._message import argument
from catdog_keras._probabilities import FloatArray
from catdog_keras._range_check import RangeCheck

Tensors: TypeAlias = Any  # a tensor of any framework, or a nested structure of them


def check_inputs(name: str, model: keras.Model, images: Tensors) -> Tensors:
    """Returns images to predict as tensors or arrays of numbers that fit the inputs of a model.

    Args:
        name: Argument name of the images or their dataset, for error messages.
        model: Model with one or several inputs. A subclassed model can take any shape.
        images: One array of images; for a model with several inputs a structure of arrays.

    Raises:
        TypeError: If they are not numbers, or not one array for a model with one input.
        ValueError: If their shape is not the input shape of the model.
    """
    read = partial(to_tensor_or_numbers, name, "images")
    wanted = model.inputs if is_graph(model) else None
    structure = getattr(model, "input", None)  # an AttributeError for a Sequential model
    is_single = wanted is not None and len(wanted) == 1 and not keras.tree.is_nested(structure)
    arrays: Tensors
    if isinstance(images, dict) and wanted and all(each.name in images for each in wanted):
        # As in Keras, the names decide, and further entries are ignored.
        arrays = {each.name: read(images[each.name]) for each in wanted}
        leaves = list(arrays.values())
        arrays = leaves[0] if is_single else arrays
    elif is_single:
        arrays = read(images)
        leaves = [arrays]
    else:
        arrays = keras.tree.map_structure(read, images)
        leaves = keras.tree.flatten(arrays)
    shapes = [tuple(array.shape) for array in leaves]
    inputs = shapes if wanted is None else [tuple(tensor.shape) for tensor in wanted]
    if not shapes or not all(map(len, shapes)):
        raise ValueError(f"`{name}` must hold batches of images; received shape ().")
    if len(shapes) != len(inputs):
        raise ValueError(
            f"`{name}` must hold {len(inputs)} arrays for the inputs of {model.name!r}; "
            f"received {len(shapes)}."
        )
    for shape, expected in zip(shapes, inputs, strict=True):
        check_batch_shape(name, shape, (None, *expected[1:]))
    return arrays


def predict_batch(name: str, model: keras.Model, images: Tensors) -> Tensors:
    """Returns the outputs for a batch of images; describes the images if the model fails.

    Each framework raises its own types, for example for images that are too small for a
    convolution. Errors about a lack of memory are not about the images.
    """
    try:
        return model.predict_on_batch(images)
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        if isinstance(error, MemoryError) or re.search("exhausted|out of memory", cause, re.I):
            raise
        found = ", ".join(
            f"{tuple(array.shape)} and dtype {keras.backend.standardize_dtype(array.dtype)}"
            for array in keras.tree.flatten(images)
        )
        raise ValueError(
            f"`{name}` must hold images that {model.name!r} can process; "
            f"received a batch of shape {found}. The model raised {cause.splitlines()[0]}"
        ) from error


def predict_batches(
    model: keras.Model, batches: Iterator[Tensors], name: str
) -> Iterator[tuple[Tensors, int]]:
    """Yields outputs and the number of images before them, for one batch or several at a time.

    `name` is the argument name of the images. The first batch is always predicted alone, so that an
    incompatible model fails at once, and because `predict` on JAX loses batches while it builds a
    new model.
    """
    seen, check = 0, RangeCheck(model)
    batches = _seen_by(check, name, batches)
    for images in batches:
        check.warn()
        outputs = predict_batch(name, model, images)
        yield outputs, seen
        seen += len(keras.tree.flatten(outputs)[0])
        if not prefers_predict_on_batch():
            break
    second = next(batches, None)
    if second is not None:
        yield _predict_generator(model, itertools.chain([second], batches)), seen
    check.warn(is_complete=True)


def _seen_by(check: RangeCheck, name: str, batches: Iterator[Tensors]) -> Iterator[Tensors]:
    """Yields the batches to predict, each inspected by `check` before; `predict` uses a thread."""
    for images in batches:
        check.see(name, images)
        yield images


def _predict_generator(model: keras.Model, batches: Iterator[Tensors]) -> Tensors:
    """Returns the outputs of all batches; hides the warning that Keras raises when they end."""
    with warnings.catch_warnings(), image_errors():
        warnings.filterwarnings("ignore", message=OUT_OF_DATA_WARNING)
        return model.predict(((images,) for images in batches), verbose=0)


def check_outputs(outputs: Tensors, num_classes: int | None, seen: int) -> FloatArray:
    """Returns predictions in float64; raises if they are not finite, or not one per class.

    For two classes a single output, that of the second class, is accepted.

    Args:
        outputs: Outputs of the model for a batch.
        num_classes: Expected number of classes; None accepts any number.
        seen: Number of images before this batch, for error messages.
    """
    structure = keras.tree.flatten(outputs)
    if len(structure) != 1:
        raise ValueError(
            argument("model") + " must have one output of shape (batch, classes); "
            f"received a model with {len(structure)} outputs."
        )
    array = np.asarray(structure[0]).astype(np.float64)
    if num_classes is None and array.ndim != 2:
        raise ValueError(
            argument("model") + " must have one output of shape (batch, classes); "
            f"received outputs of shape {array.shape}."
        )
    single = num_classes == 2 and array.ndim == 2 and array.shape[1] == 1
    if num_classes is not None and not single and array.shape[1:] != (num_classes,):
        shape = ", ".join(["batch", *map(str, array.shape[1:])])
        raise ValueError(
            argument("model") + f" must have one output per class, here {num_classes}; "
            f"received outputs of shape ({shape}). Do "
            + argument("class_names")
            + " belong to this model?"
        )
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        index = int(np.argmin(finite))
        raise ValueError(
            argument("model") + " must return finite numbers; "
            f"received {array[index].tolist()} for the image at index {seen + index}. "
            "Check its weights and this image."
        )
    return array
