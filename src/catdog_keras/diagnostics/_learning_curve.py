"""Accuracy of a head by the number of training images, and what twice as many would bring."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from catdog_keras._checks import check_integer, describe
from catdog_keras._intervals import score_interval
from catdog_keras._message import argument
from catdog_keras._probabilities import FloatArray
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.diagnostics._argument_names import DATA_NAMES
from catdog_keras.diagnostics._checked_labels import (
    CheckedLabels,
    check_class_sizes,
    check_labels,
)
from catdog_keras.diagnostics._data_finding import DataFinding
from catdog_keras.diagnostics._feature_inputs import check_features
from catdog_keras.diagnostics._folds import assign_folds, training_order
from catdog_keras.diagnostics._linear_head import PENALTIES, HeadInputs, choose_penalty
from catdog_keras.diagnostics._power_law import PowerLaw

_FOLDS = 5
_SUBSETS = 3  # random training subsets per fold and size
_MOST_SIZES, _LEAST_SIZES = 6, 3  # the power law has three parameters
_LEAST_PER_CLASS = 10  # training images of the smallest size that is chosen automatically
_REPLICATES = 1000  # of the bootstrap
_SMALL_GAIN = 0.01

BooleanArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class LearningCurve:
    """Accuracy by the number of training images, with a power law of the error.

    `predict` returns the accuracy of the power law; `plot_learning_curve` draws both.

    Attributes:
        sizes: Numbers of training images, ascending.
        accuracies: Measured accuracy of each size, on images that were not used for training.
        intervals: 95% confidence interval of each accuracy.
        floor: Error of the power law with infinitely many images.
        scale: Error above the floor at the largest size.
        exponent: Exponent of the power law.
        doubled_interval: 95% interval of `doubled_accuracy`.
        gain_interval: 95% interval of `gain`.
        findings: One `DataFinding` of the kind `"learning_curve"`.

    Example:
        >>> import catdog_keras
        >>> curve = catdog_keras.diagnostics.LearningCurve(
        ...     sizes=(100, 200, 400),
        ...     accuracies=(0.8, 0.85, 0.875),
        ...     intervals=((0.75, 0.84), (0.81, 0.88), (0.84, 0.9)),
        ...     floor=0.1, scale=0.025, exponent=1.0,
        ...     doubled_interval=(0.86, 0.91), gain_interval=(0.005, 0.02), findings=(),
        ... )
        >>> curve.doubled_size, round(curve.doubled_accuracy, 4), round(curve.gain, 4)
        (800, 0.8875, 0.0125)
    """

    sizes: tuple[int, ...]
    accuracies: tuple[float, ...]
    intervals: tuple[tuple[float, float], ...]
    floor: float
    scale: float
    exponent: float
    doubled_interval: tuple[float, float]
    gain_interval: tuple[float, float]
    findings: tuple[DataFinding, ...]

    @property
    def doubled_size(self) -> int:
        """Twice the largest number of training images."""
        return 2 * self.sizes[-1]

    @property
    def doubled_accuracy(self) -> float:
        """Predicted accuracy with `doubled_size` training images."""
        return self.predict(self.doubled_size)

    @property
    def gain(self) -> float:
        """By how much the power law rises from the largest size to twice as many images."""
        return self.doubled_accuracy - self.predict(self.sizes[-1])

    def predict(self, size: float) -> float:
        """Returns the accuracy of the power law.

        Args:
            size: Number of training images, above 0. Beyond `doubled_size` no interval is known.

        Returns:
            An accuracy from 0 to 1.
        """
        error = self.floor + self.scale * (size / self.sizes[-1]) ** -self.exponent
        return max(1.0 - error, 0.0)

    def __str__(self) -> str:
        """Returns a line per size, and the prediction."""
        lines = [
            f"{size:,} training images: accuracy {accuracy:.3f} [{low:.3f}, {high:.3f}]"
            for size, accuracy, (low, high) in zip(
                self.sizes, self.accuracies, self.intervals, strict=True
            )
        ]
        low, high = self.doubled_interval
        lines.append(
            f"{self.doubled_size:,} training images, predicted: {self.doubled_accuracy:.3f} "
            f"[{low:.3f}, {high:.3f}]"
        )
        return "\n".join(lines)


@suggests_arguments(DATA_NAMES)
def learning_curve(
    features: Any,
    labels: Any,
    *,
    sizes: Sequence[int] | None = None,
    groups: Any = None,
    seed: int = 0,
) -> LearningCurve:
    """Measures the accuracy by the number of training images; predicts it for twice as many.

    The images are divided into five stratified folds. For each fold, heads (multinomial logistic
    regressions) are trained on random subsets of the other folds and tested on the fold. A power
    law `floor + scale * size ** -exponent` is fitted to the error. Its intervals come from 1,000
    bootstrap samples of images and training subsets; the interval of the prediction is at least as
    wide as that of a measurement on as many images.

    The curve is that of a head on these features. Training on the images themselves, as
    `fine_tune` does, usually gains more from more images. The prediction holds for more images of
    the same kind and labels of the same quality, and is no further than a factor of 2.

    Source: Cortes, C. et al. (1993), Learning curves: asymptotic values and rate of convergence,
    Advances in Neural Information Processing Systems 6; Viering, T. and Loog, M. (2023), The shape
    of learning curves: a review, IEEE Transactions on Pattern Analysis and Machine Intelligence 45,
    7799-7819, on cases where a power law does not hold.

    Args:
        features: Array of shape (images, dimensions), such as from `extract_features`; finite.
        labels: Class indices from 0, of shape (images,), or one-hot rows; at least 5 of each class.
        sizes: At least 3 numbers of training images, or None for up to 6 that halve from the
            largest possible number, four fifths of the images, down to 10 per class.
        groups: The group of each image, such as its film or animal, or None. Images of a group are
            never in training and test together. The intervals then count groups, not images.
        seed: Seed of the folds and subsets, at least 0; the same seed gives the same result.

    Returns:
        A `LearningCurve`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If features, labels and groups are not of the same number of images, features
            are not finite, there is one class, a class has fewer than 5 images, there are fewer
            than 5 groups, or `sizes` are too few, too large or repeated.

    See Also:
        `extract_features`: features of images.
        `plot_learning_curve`: draws the curve.

    Example:
        >>> import catdog_keras, numpy as np
        >>> labels = np.arange(200) % 2
        >>> features = np.random.default_rng(0).normal(size=(200, 8)) + labels[:, None]
        >>> curve = catdog_keras.diagnostics.learning_curve(features, labels)
        >>> curve.sizes, curve.doubled_size
        ((20, 40, 80, 160), 320)
    """
    rows = check_features(features)
    known = check_labels(labels, None, groups, num_images=len(rows))
    check_class_sizes(known, _FOLDS)
    seed = check_integer("seed", seed, minimum=0)
    folds = assign_folds(known.indices, known.groups, _FOLDS, seed)
    largest = len(folds) - int(np.bincount(folds).max())
    chosen = _check_training_sizes(sizes, largest, len(known.names))
    correct = _test_heads(HeadInputs(rows), known, folds, chosen, seed)
    return _fit_power_law(chosen, correct, known, seed)


def fewest_images(num_classes: int) -> int:
    """Returns how many images a learning curve needs if its sizes are chosen automatically."""
    training = _LEAST_PER_CLASS * num_classes * 2 ** (_LEAST_SIZES - 1)
    return math.ceil(training * _FOLDS / (_FOLDS - 1))


def _check_training_sizes(
    sizes: Sequence[int] | None, largest: int, num_classes: int
) -> tuple[int, ...]:
    """Returns the training sizes of a learning curve in ascending order."""
    if sizes is None:
        halves = [round(largest / 2**halvings) for halvings in range(_MOST_SIZES)]
        chosen = [size for size in halves[::-1] if size >= _LEAST_PER_CLASS * num_classes]
        if len(chosen) < _LEAST_SIZES:
            raise ValueError(
                argument("features")
                + f" must have enough images for {_LEAST_SIZES} sizes, which halve down to "
                f"{_LEAST_PER_CLASS} training images per class; received {largest} training "
                f"images of {num_classes} classes. Pass "
                + argument("sizes")
                + " to use smaller ones."
            )
        return tuple(chosen)
    requirement = f"a list of at least {_LEAST_SIZES} different numbers of training images"
    if isinstance(sizes, (str, bytes)) or not hasattr(sizes, "__len__"):
        raise TypeError(describe("sizes", requirement, sizes))
    remedy = f"A fifth of the images is for testing: {largest} remain."
    numbers = [check_integer(f"sizes[{n}]", size, minimum=1) for n, size in enumerate(sizes)]
    if len(set(numbers)) < max(_LEAST_SIZES, len(numbers)):
        raise ValueError(describe("sizes", requirement, sizes))
    if not num_classes <= min(numbers) <= max(numbers) <= largest:
        requirement = f"numbers of training images from {num_classes} to {largest}"
        raise ValueError(describe("sizes", requirement, sizes, remedy))
    return tuple(sorted(numbers))


def _test_heads(
    inputs: HeadInputs,
    labels: CheckedLabels,
    folds: npt.NDArray[np.int64],
    sizes: Sequence[int],
    seed: int,
) -> BooleanArray:
    """Tests each image with heads of each training size of a learning curve.

    Returns:
        Whether the predictions are correct, of shape (subsets, sizes, images).
    """
    random = np.random.default_rng((seed, 1))  # not the numbers that made the folds
    shape = (_SUBSETS, len(sizes), len(PENALTIES), len(folds))
    given, correct = np.empty(shape), np.empty(shape, bool)
    indices, groups = labels.indices, labels.groups
    for fold in range(_FOLDS):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        for subset in range(_SUBSETS):
            within = None if groups is None else groups[train]
            order = train[training_order(indices[train], within, random)]
            for place, size in enumerate(sizes):
                if subset and size > 0.9 * len(train):  # nearly the same images again
                    given[subset, place, :, test] = given[0, place, :, test]
                    correct[subset, place, :, test] = correct[0, place, :, test]
                    continue
                rows = inputs.predict(indices, order[:size], test, len(labels.names))
                given[subset, place, :, test] = rows[:, np.arange(len(test)), indices[test]].T
                correct[subset, place, :, test] = (rows.argmax(axis=2) == indices[test]).T
    best = [choose_penalty(given[:, place]) for place in range(len(sizes))]
    return np.stack([correct[:, place, best[place]] for place in range(len(sizes))], axis=1)


def _fit_power_law(
    sizes: tuple[int, ...], correct: BooleanArray, labels: CheckedLabels, seed: int
) -> LearningCurve:
    """Fits a power law to the measured and to resampled errors of a learning curve."""
    wrong = ~correct
    errors = wrong.mean(axis=(0, 2))
    numbers = np.array(sizes, np.float64)
    count = labels.num_units
    weights = count / np.maximum(errors * (1 - errors), 1 / count)  # of proportions
    law = PowerLaw.fit(numbers, errors[None], weights)
    resampled = PowerLaw.fit(numbers, _resample_errors(wrong, labels, seed), weights)
    predicted, now = resampled.error(2 * sizes[-1]), resampled.error(sizes[-1])
    doubled = 1 - float(law.error(2 * sizes[-1])[0])
    low, high = score_interval(doubled, count)
    ends = np.quantile(1 - predicted, (0.025, 0.975))
    gain_low, gain_high = np.quantile(now - predicted, (0.025, 0.975)).tolist()
    accuracies = tuple((1 - errors).tolist())
    curve = LearningCurve(
        sizes,
        accuracies,
        tuple(score_interval(accuracy, count) for accuracy in accuracies),
        float(law.floor[0]),
        float(law.scale[0]),
        float(law.exponent[0]),
        (min(low, float(ends[0])), max(high, float(ends[1]))),
        (gain_low, gain_high),
        (),
    )
    finding = DataFinding("learning_curve", (), curve.gain, _describe_gain(curve))
    return replace(curve, findings=(finding,))


def _resample_errors(wrong: BooleanArray, labels: CheckedLabels, seed: int) -> FloatArray:
    """Returns learning curves `(replicates, sizes)` of resampled images or groups, and subsets."""
    random = np.random.default_rng((seed, 2))
    subsets, sizes, images = wrong.shape
    units = np.arange(images) if labels.groups is None else labels.groups
    sums = np.zeros((labels.num_units, subsets * sizes))
    np.add.at(sums, units, wrong.reshape(subsets * sizes, images).T)
    counts = np.bincount(units).astype(np.float64)
    errors = np.empty((_REPLICATES, sizes))
    for replicate in range(_REPLICATES):
        weights = random.poisson(1.0, len(counts))
        share = (weights @ sums).reshape(subsets, sizes) / max(float(weights @ counts), 1.0)
        errors[replicate] = share[random.integers(0, subsets, subsets)].mean(axis=0)
    return errors


def _describe_gain(curve: LearningCurve) -> str:
    """Describes a learning curve's accuracy at the most images, and its gain with twice as many."""
    low, high = curve.intervals[-1]
    doubled_low, doubled_high = curve.doubled_interval
    gain_low, gain_high = (100 * end for end in curve.gain_interval)
    if curve.gain_interval[1] < _SMALL_GAIN:
        advice = "More images of this kind bring less than a point; other features may bring more."
    elif curve.gain_interval[0] >= _SMALL_GAIN:
        advice = "More images of this kind are worth collecting."
    else:
        advice = "These data do not decide whether more images bring a point."
    return (
        f"With {curve.sizes[-1]:,} training images the accuracy is {curve.accuracies[-1]:.3f} "
        f"[{low:.3f}, {high:.3f}]. With {curve.doubled_size:,} it would be about "
        f"{curve.doubled_accuracy:.3f} [{doubled_low:.3f}, {doubled_high:.3f}]: a gain of "
        f"{100 * curve.gain:.1f} points [{gain_low:.1f}, {gain_high:.1f}]. {advice}"
    )
