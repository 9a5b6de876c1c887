"""Class probabilities: validation, and conversion from logits."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]

# The rows of a softmax in bfloat16 sum to 1 within 0.004.
SUM_TOLERANCE = 0.01
# A probability of 0 for the true class would make the mean loss infinite; scikit-learn clips at the
# same value.
SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)


def are_probability_rows(rows: FloatArray) -> bool:
    """Whether every row is in [0, 1] and sums to 1."""
    return are_in_unit_interval(rows) and bool(
        (np.abs(rows.sum(axis=1) - 1) <= SUM_TOLERANCE).all()
    )


def are_in_unit_interval(rows: FloatArray) -> bool:
    """Whether all values are in [0, 1], as probabilities are."""
    return bool(((rows >= 0) & (rows <= 1 + SUM_TOLERANCE)).all())


def check_probabilities(rows: npt.ArrayLike, shape: tuple[int, int]) -> FloatArray:
    """Returns a float64 copy of the probabilities; raises an error if they are not valid."""
    array = np.array(rows, dtype=np.float64)
    if shape[0] == 0:
        raise ValueError("`labels` must hold at least one image; received none.")
    if array.shape != shape:
        raise ValueError(
            f"`probabilities` must be of shape (images, classes), here {shape}; "
            f"received shape {array.shape}."
        )
    if not are_probability_rows(array):
        raise ValueError(
            "`probabilities` must be rows from 0 to 1 that sum to 1; "
            f"received values from {array.min():g} to {array.max():g}, "
            f"sums from {array.sum(axis=1).min():g} to {array.sum(axis=1).max():g}."
        )
    return array


def normalize_rows(rows: FloatArray) -> FloatArray:
    """Scales rows of probabilities to a sum of 1, which those of a 16-bit softmax do not have."""
    return rows / rows.sum(axis=1, keepdims=True)


def softmax(logits: FloatArray) -> FloatArray:
    """Converts logits `(images, classes)` to probabilities; large logits do not overflow."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)
