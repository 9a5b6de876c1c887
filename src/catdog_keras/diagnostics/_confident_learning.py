"""Confident learning: which labels contradict probabilities from a model that did not see them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catdog_keras._probabilities import FloatArray

IntegerArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ConfidentLabels:
    """The classes of which a model is confident, image by image, and their counts.

    Source: Northcutt, C. G., Jiang, L. and Chuang, I. L. (2021), Confident learning: estimating
    uncertainty in dataset labels, Journal of Artificial Intelligence Research 70, 1373-1411,
    equations 1 to 3.

    Attributes:
        likely: Most probable class among those whose probability reaches the threshold of the
            class, of shape (images,); -1 if there is none.
        joint: Confident joint: the number of images by given label (row) and `likely` (column).
        thresholds: Mean probability of each class over the images with this label; infinite for a
            class without images.
    """

    likely: IntegerArray
    joint: IntegerArray
    thresholds: FloatArray

    @classmethod
    def from_probabilities(
        cls, probabilities: FloatArray, labels: IntegerArray
    ) -> "ConfidentLabels":
        """Computes the thresholds, and the class of each image that reaches its threshold."""
        num_classes = probabilities.shape[1]
        counts = np.bincount(labels, minlength=num_classes)
        given = probabilities[np.arange(len(labels)), labels]
        sums = np.bincount(labels, weights=given, minlength=num_classes)
        thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
        # Rounding must not exclude a class whose images all have the same probability.
        reached = probabilities >= thresholds - 1e-9
        likely = np.where(reached, probabilities, -1.0).argmax(axis=1)
        likely = np.where(reached.any(axis=1), likely, -1).astype(np.int64)
        joint = np.zeros((num_classes, num_classes), np.int64)
        confident = likely >= 0
        np.add.at(joint, (labels[confident], likely[confident]), 1)
        return cls(likely, joint, thresholds)

    def estimate_errors(self, labels: IntegerArray) -> float:
        """Estimates the number of wrong labels: each row of `joint` is scaled to its class."""
        counts = np.bincount(labels, minlength=len(self.joint))
        rows = self.joint.sum(axis=1)
        wrong = rows - self.joint.diagonal()
        return float((counts * wrong / np.maximum(rows, 1)).sum())
