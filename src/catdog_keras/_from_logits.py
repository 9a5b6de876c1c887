"""Whether a classifier returns logits or probabilities, and the conversion to probabilities."""

from typing import Any

import keras
import numpy as np

from catdog_keras._checks import check_boolean, describe
from catdog_keras._compile import crossentropy_of
from catdog_keras._layer_graph import PROBABILITIES, SIGMOIDS, last_activation
from catdog_keras._message import argument, setting
from catdog_keras._probabilities import (
    FloatArray,
    are_in_unit_interval,
    are_probability_rows,
    normalize_rows,
    softmax,
)
from catdog_keras._warnings import warn

ONE_CLASS_PER_IMAGE = (
    "For one class per image, replace the last activation by a softmax, and train with a "
    "categorical cross-entropy."
)
FALSE = setting("from_logits", "False")


def check_from_logits(value: Any) -> bool | None:
    """Returns the argument `from_logits`; raises if it is not True, False or None."""
    return None if value is None else check_boolean("from_logits", value)


def ends_in_logits(model: keras.Model) -> bool | None:
    """Returns whether a model returns logits by its output activation; None if that is unknown."""
    activation = last_activation(model)
    return activation == "linear" if activation in ("linear", *PROBABILITIES) else None


def returns_logits(model: keras.Model, outputs: FloatArray) -> bool:
    """Returns whether the outputs of a model are logits, for `from_logits=None`.

    The output activation decides; if it is unknown, the values; and where both could have such
    values, the loss that the model is compiled with. Without one, values in [0, 1] are taken as
    probabilities, because all logits of several images are rarely in this range.
    """
    known = ends_in_logits(model)
    if known is not None:
        return known
    if not are_in_unit_interval(outputs):
        return True
    if min(outputs.shape) > 1 and are_probability_rows(outputs):
        return False
    stated = crossentropy_of(model)[1]
    if stated is None and outputs.shape[1] == 1:
        warn(
            f"All outputs lie between 0 and 1 ({outputs.min():.3g} to {outputs.max():.3g}) and are "
            "treated as probabilities. If they are logits, pass "
            + setting("from_logits", "True")
            + "; if they are probabilities, "
            + FALSE
            + "."
        )
    return bool(stated)


def check_ending(model: keras.Model, num_outputs: int | None, from_logits: bool | None) -> None:
    """Raises an error if the output activation contradicts `from_logits`, or has no valid setting.

    Args:
        model: Model whose output activation may be unknown; it is then not checked.
        num_outputs: Number of outputs per image; None if it is unknown.
        from_logits: As for `predict_probabilities`.
    """
    activation = last_activation(model)
    is_sigmoid = activation in SIGMOIDS
    if activation not in PROBABILITIES and crossentropy_of(model) == ("binary", True):
        is_sigmoid, activation = True, "sigmoid in the loss, BinaryCrossentropy(from_logits=True),"
    if is_sigmoid and num_outputs != 1:
        found = "" if num_outputs is None else f"{num_outputs} "
        raise ValueError(
            argument("model")
            + f" must return logits, or probabilities that sum to 1; received {found}independent "
            f"probabilities, as from a {activation} for each class. Neither value of "
            + argument("from_logits")
            + f" is correct for it. {ONE_CLASS_PER_IMAGE}"
        )
    if from_logits and activation in PROBABILITIES:
        remedy = "Its outputs are probabilities: pass " + FALSE + "."
        requirement = f"False for a model that ends in a {activation}"
        raise ValueError(describe("from_logits", requirement, True, remedy))


def check_rows(model: keras.Model, rows: FloatArray) -> None:
    """Raises unless outputs of a model that are not logits are probabilities."""
    if are_probability_rows(rows):
        return
    if are_in_unit_interval(rows) and last_activation(model) != "linear":
        raise ValueError(
            argument("model")
            + f" must return logits, or probabilities that sum to 1; received {rows.shape[1]} "
            "independent probabilities or logits, all in [0, 1]. If they are logits, pass "
            + setting("from_logits", "True")
            + f". Otherwise: {ONE_CLASS_PER_IMAGE}"
        )
    raise ValueError(
        describe(
            "from_logits",
            "True for a model whose outputs are not probabilities",
            False,
            f"Outputs go from {rows.min():g} to {rows.max():g}: pass "
            + setting("from_logits", "True")
            + ".",
        )
    )


def to_probabilities(
    model: keras.Model, outputs: FloatArray, num_classes: int | None, from_logits: bool | None
) -> FloatArray:
    """Converts the outputs of a model, logits or not, to probabilities `(images, classes)`.

    A single output is that of the second of two classes, unless `num_classes` is 1. With
    `from_logits=None`, `returns_logits` decides.

    Raises:
        ValueError: If the model or its outputs contradict `from_logits`.
    """
    check_ending(model, outputs.shape[1], from_logits)
    if from_logits is None:
        from_logits = returns_logits(model, outputs)
    single = outputs.shape[1] == 1 and num_classes != 1
    if single:
        outputs = add_first_class(outputs, from_logits)
    if not from_logits:
        check_rows(model, outputs)
        return normalize_rows(outputs)
    # The logits of a single image can look like probabilities by chance.
    if are_probability_rows(outputs) and not single and min(outputs.shape) > 1:
        raise ValueError(
            describe(
                "from_logits",
                "False for a model whose outputs are probabilities",
                from_logits,
                "Every row is in [0, 1] and sums to 1: pass " + FALSE + ".",
            )
        )
    return softmax(outputs)


def add_first_class(outputs: FloatArray, from_logits: bool) -> FloatArray:
    """Adds the first of two classes to logits or probabilities `(images, 1)` of the second."""
    # sigmoid(x) is the softmax of (0, x)
    return np.hstack([np.zeros_like(outputs) if from_logits else 1 - outputs, outputs])
