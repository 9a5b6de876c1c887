"""Counts of images above each threshold, from which ROC and precision-recall curves follow."""

import numpy as np
import numpy.typing as npt

from catdog_keras._probabilities import FloatArray
from catdog_keras._read_labels import IntegerArray


def count_above_thresholds(
    positive: npt.NDArray[np.bool_], scores: FloatArray
) -> tuple[FloatArray, IntegerArray, IntegerArray]:
    """Counts the images whose score is at least each threshold.

    Args:
        positive: Whether each image is of the class, of shape `(images,)`.
        scores: Scores of shape `(images,)`; at least one image.

    Returns:
        The distinct scores in descending order, and for each of them the numbers of true and false
        positives. Images with equal scores cross a threshold together.
    """
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    last_of_equals = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
    true_positives = np.cumsum(positive[order])[last_of_equals]
    return falling[last_of_equals], true_positives, last_of_equals + 1 - true_positives
