"""Reliability bins: accuracy by predicted confidence."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catdog_keras._intervals import wilson_interval
from catdog_keras._probabilities import FloatArray

CALIBRATION_BINS = 10


@dataclass(frozen=True)
class ReliabilityBin:
    """One bin of a reliability diagram: images predicted with similar confidence.

    Attributes:
        low: Lower edge, excluded; the first bin includes 0.
        high: Upper edge, included.
        num_images: Number of images, at least 1.
        correct: Number of them that were predicted correctly.
        confidence: Mean probability of their predicted classes.

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 1, 1], rows)
        >>> first = evaluation.reliability_bins[0]
        >>> first.num_images, first.confidence, first.accuracy
        (1, 0.6, 1.0)
    """

    low: float
    high: float
    num_images: int
    correct: int
    confidence: float

    @property
    def accuracy(self) -> float:
        """Accuracy in the bin; close to the confidence if the model is calibrated."""
        return self.correct / self.num_images

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """95% confidence interval of the accuracy; see `wilson_interval`."""
        return wilson_interval(self.correct, self.num_images)


def bin_by_confidence(
    confidence: FloatArray, is_correct: npt.NDArray[np.bool_]
) -> tuple[ReliabilityBin, ...]:
    """Returns the nonempty reliability bins of equal width, in ascending order of confidence."""
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    bins = np.digitize(confidence, edges[1:-1], right=True)
    counts = np.bincount(bins, minlength=CALIBRATION_BINS)
    correct = np.bincount(bins[is_correct], minlength=CALIBRATION_BINS)
    sums = np.bincount(bins, weights=confidence, minlength=CALIBRATION_BINS)
    return tuple(
        ReliabilityBin(
            low=float(edges[place]),
            high=float(edges[place + 1]),
            num_images=int(counts[place]),
            correct=int(correct[place]),
            confidence=float(sums[place] / counts[place]),
        )
        for place in np.flatnonzero(counts)
    )
