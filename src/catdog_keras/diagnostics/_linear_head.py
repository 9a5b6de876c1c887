"""Multinomial logistic regression on features, and its out-of-fold probabilities."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from catdog_keras._probabilities import FloatArray

Rows = npt.NDArray[np.float32]
IntegerArray = npt.NDArray[np.int64]

# Weights of the L2 penalty relative to the mean loss, for inputs of mean squared norm 1.
# The one with the lowest log loss on images that the head was not trained on is used.
PENALTIES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
_MAX_STEPS = 300  # features of images take 30 to 100
_TOLERANCE = 1e-5  # largest entry of the gradient; probabilities are then exact to 0.005
_SMALLEST = 1e-12  # of a probability in the log loss, and of a standard deviation
_SMALLEST_SQUARE = 1e-6  # of a principal component, relative to the largest; others are rounding
_MAX_BYTES = 2**28  # of the logits of all penalties, which are computed together


class HeadInputs:
    """Standardized features of all images, from which heads are trained on subsets.

    The features are rotated to their principal components. The penalty does not depend on the
    rotation, and a diagonal matrix then bounds the second derivatives of the loss for every subset,
    so that a step of the training is a division. No labels are used.

    Source: Boehning, D. (1992), Multinomial logistic regression algorithm, Annals of the Institute
    of Statistical Mathematics 44, 197-200 (the bound); Nesterov's acceleration, restarted as by
    O'Donoghue and Candes (2015), Adaptive restart for accelerated gradient schemes, Foundations of
    Computational Mathematics 15, 715-732.
    """

    def __init__(self, features: Rows) -> None:
        """Standardizes and rotates features of shape (images, dimensions)."""
        rows = features - features.mean(axis=0)
        rows /= np.maximum(rows.std(axis=0), _SMALLEST)
        rows /= np.sqrt(max(float(np.square(rows).sum(axis=1).mean()), _SMALLEST))
        if rows.shape[1] <= rows.shape[0]:
            squares, rotation = np.linalg.eigh(rows.T @ rows)
            rows = rows @ rotation
        else:  # fewer coordinates than dimensions: the images span no more
            squares, rotation = np.linalg.eigh(rows @ rows.T)
            rows = rotation * np.sqrt(np.maximum(squares, 0.0))
        kept = squares > _SMALLEST_SQUARE * squares[-1]
        kept[-1] = True  # also if all features are constant
        self._rows = np.ascontiguousarray(rows[:, kept], np.float32)
        self._squares = squares[kept].astype(np.float32)

    def predict(
        self,
        labels: IntegerArray,
        train: IntegerArray,
        test: IntegerArray,
        num_classes: int,
        penalties: Sequence[float] = PENALTIES,
    ) -> FloatArray:
        """Trains a head per penalty on the images `train`, and predicts the images `test`.

        Returns:
            Probabilities of shape (penalties, images of `test`, classes).
        """
        together = max(1, _MAX_BYTES // (4 * len(train) * num_classes))
        parts = []
        for start in range(0, len(penalties), together):
            chosen = penalties[start : start + together]
            parts.append(self._predict(labels[train], train, test, num_classes, chosen))
        return np.concatenate(parts)

    def _predict(
        self,
        labels: IntegerArray,
        train: IntegerArray,
        test: IntegerArray,
        num_classes: int,
        penalties: Sequence[float],
    ) -> FloatArray:
        rows, squares = self._rows[train], self._squares
        mean = rows.mean(axis=0)
        rows -= mean  # makes the bound of the intercepts independent of that of the weights
        tested = self._rows[test] - mean
        if 2 * len(train) <= rows.shape[1]:  # the weights are in the span of the images
            rows, squares, basis = _principal_components(rows)
            tested = tested @ basis
        # The logits of two classes are opposite numbers, so that one column is computed.
        columns = 1 if num_classes == 2 else num_classes
        shape = (rows.shape[1], len(penalties), columns)
        penalty = np.array(penalties, np.float32)[:, None]
        step = 1 / (0.5 * squares[:, None, None] / len(train) + penalty)
        weights = ahead = np.zeros(shape, np.float32)
        counts = np.bincount(labels, minlength=num_classes) + 0.5  # a class may have no image
        start = np.log(counts / counts.sum()).astype(np.float32)
        start = (start[1:] - start[:1]) / 2 if columns == 1 else start
        intercepts = ahead_intercepts = np.tile(start, (len(penalties), 1))
        momentum = 1.0
        for _ in range(_MAX_STEPS):
            residuals = _softmax_in_place(_head_logits(rows, ahead, ahead_intercepts))
            residuals[np.arange(len(train)), :, labels] -= 1
            residuals = residuals[:, :, -columns:] / len(train)
            slope = (rows.T @ residuals.reshape(len(train), -1)).reshape(shape) + penalty * ahead
            slope_intercepts = residuals.sum(axis=0)
            if max(np.abs(slope).max(), np.abs(slope_intercepts).max()) < _TOLERANCE:
                break
            new = ahead - step * slope
            new_intercepts = ahead_intercepts - 2 * slope_intercepts
            uphill = np.vdot(slope, new - weights)
            uphill += np.vdot(slope_intercepts, new_intercepts - intercepts)
            momentum = 1.0 if uphill > 0 else momentum
            following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            share = np.float32((momentum - 1) / following)
            ahead = new + share * (new - weights)
            ahead_intercepts = new_intercepts + share * (new_intercepts - intercepts)
            weights, intercepts, momentum = new, new_intercepts, following
        logits = _head_logits(tested, ahead, ahead_intercepts)
        return np.asarray(
            _softmax_in_place(logits.astype(np.float64)).transpose(1, 0, 2), np.float64
        )


def choose_penalty(given: FloatArray) -> int:
    """Returns the index of the penalty with which the linear head has the lowest log loss.

    Args:
        given: Probabilities of the labels of images, with the penalties on the axis before the
            last one.
    """
    losses = -np.log(np.maximum(given, _SMALLEST)).mean(axis=-1)
    return int(losses.reshape(-1, losses.shape[-1]).mean(axis=0).argmin())


def predict_out_of_fold(
    inputs: HeadInputs,
    labels: IntegerArray,
    folds: IntegerArray,
    num_classes: int,
    trusted: npt.NDArray[np.bool_] | None = None,
) -> FloatArray:
    """Predicts each image with a head that was trained on the images of all other folds.

    The penalty is the same in all folds.

    Args:
        inputs: Features of all images.
        labels: Class indices of the images.
        folds: The fold of each image, from 0.
        num_classes: Number of classes.
        trusted: Which images are used for training and to choose the penalty; None for all.

    Returns:
        Probabilities of shape (images, classes).
    """
    trusted = np.ones(len(labels), bool) if trusted is None else trusted
    found = np.empty((len(PENALTIES), len(labels), num_classes))
    for fold in range(int(folds.max()) + 1):
        train, test = np.flatnonzero((folds != fold) & trusted), np.flatnonzero(folds == fold)
        found[:, test] = inputs.predict(labels, train, test, num_classes)
    known = np.flatnonzero(trusted)
    return found[choose_penalty(found[:, known, labels[known]])]


def _principal_components(rows: Rows) -> tuple[Rows, Rows, Rows]:
    """Returns fewer rows than dimensions as principal components, for the linear head.

    Returns:
        The rotated rows, their sums of squares, and the basis of shape (dimensions, components).
    """
    squares, rotation = np.linalg.eigh(rows @ rows.T)
    kept = squares > _SMALLEST_SQUARE * squares[-1]
    kept[-1] = True
    scale = np.sqrt(np.maximum(squares[kept], _SMALLEST))
    basis = rows.T @ (rotation[:, kept] / scale)
    return np.ascontiguousarray(rotation[:, kept] * scale), squares[kept], basis


def _head_logits(rows: Rows, weights: Rows, intercepts: Rows) -> Rows:
    """Returns logits of shape (images, penalties, classes); one column stands for two classes."""
    products = rows @ weights.reshape(len(weights), -1)
    logits = products.reshape(len(rows), *weights.shape[1:]) + intercepts
    return np.concatenate([-logits, logits], axis=2) if logits.shape[2] == 1 else logits


def _softmax_in_place(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Softmax of the linear head's outputs over the last axis, computed in place."""
    logits -= logits.max(axis=-1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=-1, keepdims=True)
    return logits
