"""Temperature scaling of a model's logits."""

import itertools
import math
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from catdog_keras._batches import with_labels
from catdog_keras._checks import check_model, describe
from catdog_keras._cloning import assign_weights, clone_uncompiled, copy_layer
from catdog_keras._layer_graph import last_activation
from catdog_keras._probabilities import FloatArray, are_probability_rows, softmax
from catdog_keras._read_labels import IntegerArray
from catdog_keras._suggestions import suggests_arguments
from catdog_keras._warnings import warn
from catdog_keras.evaluation._argument_names import CALIBRATE_NAMES
from catdog_keras.evaluation._evaluate_classifier import predict_labeled

# Bounds of the search for the inverse temperature, for logits scaled to size 1. An optimum outside
# of them would be a rounding artifact.
LEAST_INVERSE, LARGEST_INVERSE = 1e-4, 1e6

_NOT_LOGITS = (
    "`model` must end in logits; received a model whose outputs are probabilities. "
    "Remove its softmax or sigmoid."
)


@suggests_arguments(CALIBRATE_NAMES)
def calibrate(
    model: keras.Model,
    validation: Iterable[Any],
    y: npt.ArrayLike | None = None,
    *,
    batch_size: int | None = None,
) -> tuple[keras.Model, float]:
    """Temperature scaling: divides a model's logits by the temperature with the lowest log loss.

    A temperature above 1 makes the model less confident. Temperature scaling changes every
    probability but no prediction: accuracy, confusion matrix and the ranking of the classes stay
    the same. Fit the temperature on images that the model was not trained on, and measure
    calibration on different ones, for example the test split.

    If the log loss has no minimum, because the model makes no mistake on `validation` or is no
    better than a guess there, the temperature stays 1 and a warning gives the reason. The function
    also warns if the images are not in the range that `infer_input_range` returns.

    Source: Guo et al. (2017), On calibration of modern neural networks, section 4.2.

    Args:
        model: Built Functional or Sequential model that ends in logits of shape `(batch, classes)`,
            or `(batch, 1)` for two classes. It is not modified.
        validation: Batches `(images, labels)`, as for `evaluate_classifier`, with images of at
            least two classes. Or an array of images.
        y: The labels if `validation` is an array of images, as for `evaluate_classifier`.
        batch_size: Images in each batch of an array, at least 1; None for 32. A dataset has its own
            batches.

    Returns:
        A copy of the model with one more layer, which scales the logits, and the temperature. The
        copy shares no weights with the model, is not compiled, still ends in logits, and loads
        without `custom_objects` if the model does.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the model is not built, is not a graph of layers, does not end in logits or
            does not match the labels, or if `validation` is empty or has images of one class only.

    See Also:
        `plot_reliability`: plots the calibration before and after.

    Example:
        >>> import catdog_keras, keras, numpy as np
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Rescaling(3.0)])
        >>> right_in_3_of_4 = (np.log([[3, 1]] * 4 + [[1, 3]] * 4), [0, 0, 0, 1, 0, 1, 1, 1])
        >>> calibrated, temperature = catdog_keras.evaluation.calibrate(model, [right_in_3_of_4])
        >>> print(f"{temperature:.3f}")
        3.000

        Of arrays:

        >>> calibrated, temperature = catdog_keras.evaluation.calibrate(model, *right_in_3_of_4)
    """
    classes = _check_calibratable(model)
    validation = with_labels("validation", validation, y, batch_size)
    outputs, labels = predict_labeled(model, validation, classes, "validation")
    if last_activation(model) in ("softmax", "sigmoid"):
        raise ValueError(_NOT_LOGITS)
    if outputs.shape[1] == 1:  # sigmoid(x) is the softmax of (0, x)
        outputs = np.hstack([np.zeros_like(outputs), outputs])
    elif are_probability_rows(outputs):
        raise ValueError(_NOT_LOGITS)
    if len(np.unique(labels)) == 1:
        raise ValueError(
            "`validation` must hold images of at least two classes; "
            f"received only images of class {labels[0]}."
        )
    temperature = _best_temperature(outputs, labels)
    return _with_temperature(model, temperature), temperature


def _check_calibratable(model: Any) -> int:
    """Returns the number of classes; raises an error if the model cannot be calibrated."""
    check_model(model)
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
    """Returns the temperature that calibrates best, by log loss; 1, with a warning, if none does.

    The log loss is convex in the inverse temperature, so it is lowest where its slope is 0.
    """
    margins = logits - logits[np.arange(len(labels)), labels, np.newaxis]
    size = float(np.abs(margins).max()) or 1.0
    margins /= size

    def slope(inverse: float) -> float:
        return float((softmax(inverse * margins) * margins).sum(axis=1).mean())

    low, high = LEAST_INVERSE, LARGEST_INVERSE
    if slope(low) >= 0 or slope(high) <= 0:
        guessing = slope(low) >= 0
        reason = (
            "the model is not better than guessing"
            if guessing
            else "no image has a higher logit for a wrong class than for the true one"
        )
        warn(
            f"No temperature minimizes the log loss on `validation`, because {reason}; the "
            "temperature stays 1.",
        )
        return 1.0
    for _ in range(60):  # bisection; more steps do not change a float64
        middle = math.sqrt(low * high)
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return size / low


def _with_temperature(model: keras.Model, temperature: float) -> keras.Model:
    """Returns a calibrated copy of the model: its logits are divided by the temperature."""
    copy = clone_uncompiled(model, clone_function=copy_layer, recursive=True)
    assign_weights(copy, model.get_weights())
    inputs = copy.inputs[0] if isinstance(copy, keras.Sequential) else copy.input
    logits = copy.outputs[0]
    taken = {layer.name for layer in copy.layers}
    names = (f"temperature_{number}" for number in itertools.count(2))
    name = next(name for name in itertools.chain(["temperature"], names) if name not in taken)
    # Use the dtype of the logits: a half-precision policy would round them a second time.
    scale = keras.layers.Rescaling(1 / temperature, name=name, dtype=logits.dtype)
    return keras.Model(inputs, scale(logits), name=model.name)
