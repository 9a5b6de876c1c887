"""Nearest neighbors in feature space, by the cosine of centered features."""

import numpy as np

from catdog_keras.diagnostics._feature_inputs import Floats, Integers

BLOCK = 512  # rows of similarities that are computed at once


def center_and_normalize(features: Floats) -> Floats:
    """Subtracts the mean of all rows and scales each to length 1, for neighbors by cosine.

    Features after a ReLU are all positive, so that their cosine is high for any two images.
    """
    centered = features - features.mean(0)
    norms = np.linalg.norm(centered, axis=1, keepdims=True)
    return np.divide(centered, norms, out=np.zeros_like(centered), where=norms > 0)


def nearest_neighbors(rows: Floats, count: int) -> tuple[Integers, Floats]:
    """Returns the positions and cosines of the `count` most similar other rows, highest first.

    Args:
        rows: Rows of length 1, of shape `(n, d)`.
        count: Number of neighbors, below `n`.

    Returns:
        Two arrays of shape `(n, count)`.
    """
    places = np.empty((len(rows), count), np.int64)
    cosines = np.empty((len(rows), count), np.float32)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK] @ rows.T
        lines = np.arange(len(block))
        block[lines, start + lines] = -2  # the row itself
        best = np.argpartition(-block, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(block, best, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        places[start : start + BLOCK] = np.take_along_axis(best, order, axis=1)
        cosines[start : start + BLOCK] = np.take_along_axis(values, order, axis=1)
    return places, cosines
