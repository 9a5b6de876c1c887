"""Temperature scaling: a model that is as sure as it is right."""

import itertools
import math
import warnings
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from catdog_keras._checks import describe
from catdog_keras._cloning import clone_uncompiled, copy_layer
from catdog_keras._layer_graph import last_activation
from catdog_keras.evaluation.classifier import predict_labelled
from catdog_keras.evaluation.labels import IntegerArray
from catdog_keras.evaluation.probabilities import FloatArray, look_like_probabilities, softmax

# Between them lies the inverse of every temperature, for logits of size 1, that is not the work of
# rounding errors.
LEAST_INVERSE, LARGEST_INVERSE = 1e-4, 1e6

_NOT_LOGITS = (
    "`model` must end in logits; received a model whose outputs are probabilities. "
    "Leave out its softmax or sigmoid."
)


def calibrate(model: keras.Model, validation: Iterable[Any]) -> tuple[keras.Model, float]:
    """Divides a model's logits by the temperature that gives the least log loss.

    A temperature above 1 makes the model less sure. It changes every probability and no decision:
    accuracy, confusion matrix and the order of the classes stay. Choose it on pictures that were
    not trained on, and judge it on others, such as the test.

    Where no temperature is best, because the model makes no mistake on `validation` or is no better
    than a guess there, 1 is kept and a warning says why.

    Guo et al. (2017), On calibration of modern neural networks, section 4.2.

    Args:
        model: a built Functional or Sequential model that ends in logits of shape
            `(batch, classes)`, or `(batch, 1)` for two classes. It stays as it is.
        validation: batches `(images, labels)`, as for `evaluate_classifier`, with pictures of two
            classes or more.

    Returns:
        A copy of the model with one more layer, which scales the logits, and the temperature. The
        copy shares no weights with the model, is not compiled, still ends in logits, and loads
        without `custom_objects` where the model does.

    Raises:
        TypeError: if an argument is of another type.
        ValueError: if the model is not built, is no graph of layers, does not end in logits or
            does not fit the labels, or if `validation` is empty or of one class.

    Example:
        >>> import catdog_keras, keras, numpy as np
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Rescaling(3.0)])
        >>> right_in_3_of_4 = (np.log([[3, 1]] * 4 + [[1, 3]] * 4), [0, 0, 0, 1, 0, 1, 1, 1])
        >>> calibrated, temperature = catdog_keras.calibrate(model, [right_in_3_of_4])
        >>> print(f"{temperature:.3f}")
        3.000
    """
    classes = _check_model(model)
    outputs, labels = predict_labelled(model, validation, classes, "validation")
    if last_activation(model) in ("softmax", "sigmoid"):
        raise ValueError(_NOT_LOGITS)
    if outputs.shape[1] == 1:  # a sigmoid is the softmax of 0 and the logit
        outputs = np.hstack([np.zeros_like(outputs), outputs])
    elif look_like_probabilities(outputs):
        raise ValueError(_NOT_LOGITS)
    if len(np.unique(labels)) == 1:
        raise ValueError(
            "`validation` must hold pictures of at least two classes; "
            f"received only pictures of class {labels[0]}."
        )
    temperature = _best_temperature(outputs, labels)
    return _with_temperature(model, temperature), temperature


def _check_model(model: Any) -> int:
    """Returns the number of classes, or raises if the model has no logits to be scaled."""
    if not isinstance(model, keras.Model):
        raise TypeError(describe("model", "a keras.Model", model))
    if not getattr(model, "outputs", None):
        raise ValueError(describe("model", "a built Functional or Sequential model", model))
    shapes = [tuple(output.shape) for output in model.outputs]
    if len(shapes) != 1 or len(shapes[0]) != 2 or shapes[0][1] is None:
        listed = ", ".join(map(str, shapes))
        raise ValueError(
            f"`model` must have one output of shape (batch, classes); received outputs of {listed}."
        )
    return max(int(shapes[0][1]), 2)


def _best_temperature(logits: FloatArray, labels: IntegerArray) -> float:
    """Returns the temperature of the least log loss; 1, with a warning, where there is none.

    The log loss is convex in the inverse of the temperature: where its slope is 0, it is least.
    """
    margins = logits - logits[np.arange(len(labels)), labels, np.newaxis]
    size = float(np.abs(margins).max()) or 1.0
    margins /= size

    def slope(inverse: float) -> float:
        return float((softmax(inverse * margins) * margins).sum(axis=1).mean())

    low, high = LEAST_INVERSE, LARGEST_INVERSE
    if slope(low) >= 0 or slope(high) <= 0:
        guessing = slope(low) >= 0
        reason = "it is no better than a guess" if guessing else "the model makes no mistake"
        warnings.warn(
            f"No temperature gives the least log loss on `validation`, because {reason} there; "
            "it stays 1.",
            stacklevel=3,
        )
        return 1.0
    for _ in range(60):  # halvings: beyond them float64 does not change
        middle = math.sqrt(low * high)
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return size / low


def _with_temperature(model: keras.Model, temperature: float) -> keras.Model:
    """Returns a copy of the model whose logits are divided by the temperature."""
    copy = clone_uncompiled(model, clone_function=copy_layer, recursive=True)
    copy.set_weights(model.get_weights())
    inputs = copy.inputs[0] if isinstance(copy, keras.Sequential) else copy.input
    logits = copy.outputs[0]
    taken = {layer.name for layer in copy.layers}
    names = (f"temperature_{number}" for number in itertools.count(2))
    name = next(name for name in itertools.chain(["temperature"], names) if name not in taken)
    # In the dtype of the logits: a policy of half precision would round them once more.
    scale = keras.layers.Rescaling(1 / temperature, name=name, dtype=logits.dtype)
    return keras.Model(inputs, scale(logits), name=model.name)
