"""Cross-validated accuracy with which measured properties alone predict the label."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from catdog_keras._intervals import mean_interval

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

FOLDS = 5
FEWEST_BINS, MOST_BINS = 4, 16
IMAGES_PER_BIN = 5  # of the smallest class, on average
# The predictions of cross-validation are not independent. Without any relation of column and label
# the variance of the accuracy is up to 1.9 times that of independent predictions (40 to 2,000
# images, continuous and discrete columns), so that half the number of images is used.
VARIANCE_RATIO = 2


def balanced_accuracy(
    columns: Floats, labels: Integers, seed: int, confidence: float
) -> tuple[float, tuple[float, float]]:
    """Returns the cross-validated balanced accuracy of a histogram classifier, with its interval.

    The classifier compares, for each class, the fractions of its training images in the bins of
    each column; the columns are treated as independent. All classes have the same prior
    probability.

    Source: Noirhomme et al. (2014), Biased binomial assessment of cross-validated estimation of
    classification accuracies, for the variance.

    Args:
        columns: Properties of shape `(images, columns)`.
        labels: Class of each image, from 0, without gaps.
        seed: Seed of the folds.
        confidence: Confidence level of the interval.

    Returns:
        The mean over the classes of the fraction of correctly classified images, and its interval.
    """
    counts = np.bincount(labels)
    correct = np.zeros(len(labels), bool)
    for train, test in _stratified_folds(labels, seed):
        scores = _log_likelihoods(columns[train], labels[train], columns[test], len(counts))
        correct[test] = scores.argmax(1) == labels[test]
    shares = (np.bincount(labels, weights=correct) / counts).tolist()
    effective = [max(count // VARIANCE_RATIO, 1) for count in counts.tolist()]
    return sum(shares) / len(shares), mean_interval(shares, effective, confidence)


def _stratified_folds(labels: Integers, seed: int) -> Iterator[tuple[Integers, Integers]]:
    """Yields training and test positions of stratified folds for the property classifier."""
    generator = np.random.default_rng(seed)
    fold_of = np.empty(len(labels), np.int64)
    for each in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == each))
        fold_of[members] = np.arange(len(members)) % FOLDS
    for fold in range(FOLDS):
        yield np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)


def _log_likelihoods(train: Floats, labels: Integers, test: Floats, num_classes: int) -> Floats:
    """Returns the log likelihood of each class for each test image."""
    smallest = np.bincount(labels, minlength=num_classes).min()
    bins = int(np.clip(smallest // IMAGES_PER_BIN, FEWEST_BINS, MOST_BINS))
    scores = np.zeros((len(test), num_classes))
    for column in range(train.shape[1] if len(train) else 0):
        quantiles = np.quantile(train[:, column], np.arange(1, bins) / bins, method="inverted_cdf")
        edges = np.unique(quantiles)
        place, tested = (np.searchsorted(edges, each[:, column]) for each in (train, test))
        counts = np.zeros((len(edges) + 1, num_classes))
        np.add.at(counts, (place, labels), 1)
        smoothed = (counts + 1) / (counts.sum(0) + len(counts))  # Laplace: no bin has probability 0
        scores += np.log(smoothed)[tested]
    return scores
