"""Evaluation of a classifier: predictions on labeled images and the metrics derived from them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import to_numbers
from catdog_keras._checks import check_class_names, check_integer
from catdog_keras._intervals import wilson_interval
from catdog_keras._printable import printable
from catdog_keras._probabilities import (
    SMALLEST_PROBABILITY,
    FloatArray,
    check_probabilities,
)
from catdog_keras.evaluation._baseline import baseline_accuracy, describe_against_baseline
from catdog_keras.evaluation._class_metrics import (
    AveragedMetrics,
    ClassMetrics,
    average_metrics,
    compute_class_metrics,
)
from catdog_keras.evaluation._file import read_evaluation, write_evaluation
from catdog_keras.evaluation._files import check_files
from catdog_keras.evaluation._labels import IntegerArray, read_labels
from catdog_keras.evaluation._mcnemar import Comparison, compare_correct
from catdog_keras.evaluation._reliability import CALIBRATION_BINS, ReliabilityBin, bin_by_confidence
from catdog_keras.evaluation._roc import RocCurve, compute_roc


@dataclass(frozen=True)
class ExampleLoss:
    """Loss and prediction of one image, as returned by `Evaluation.top_losses`.

    Attributes:
        index: Index of the image in the evaluation, from 0.
        file: File of the image, or None if the files are not known.
        true_class: Name of the true class.
        predicted_class: Name of the most probable class.
        probability: Predicted probability of `predicted_class`, from 0 to 1.
        loss: Cross-entropy: the negative natural logarithm of the predicted probability of
            `true_class`.

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 1, 1], rows)
        >>> worst = evaluation.top_losses(1)[0]
        >>> worst.index, worst.true_class, worst.predicted_class, round(worst.loss, 3)
        (2, 'dog', 'cat', 1.204)
    """

    index: int
    file: str | None
    true_class: str
    predicted_class: str
    probability: float
    loss: float

    @property
    def correct(self) -> bool:
        """Whether the predicted class is the true class; the loss can still be high."""
        return self.predicted_class == self.true_class


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Evaluation:
    """Predictions of a classifier on labeled images, and the metrics computed from them.

    All metrics are computed from the stored probabilities, so they always refer to the same images.
    The arrays are read-only copies.

    Args:
        class_names: Class names, in the order of their indices.
        labels: True class indices, of shape `(images,)`; at least one image.
        probabilities: Array of shape `(images, classes)`; each row is from 0 to 1 and sums to 1.
        files: File of each image, in the same order, or None.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If shapes do not match, a label is not a valid class index, a row of
            `probabilities` is out of range or does not sum to 1, or a file is in the folder of
            another class than its label.

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
        >>> result = catdog_keras.evaluation.Evaluation(["cat", "dog"], [0, 1, 1, 1], rows)
        >>> result.accuracy
        0.75
    """

    class_names: tuple[str, ...]
    labels: IntegerArray
    probabilities: FloatArray
    files: tuple[str, ...] | None

    def __init__(
        self,
        class_names: Sequence[str],
        labels: npt.ArrayLike,
        probabilities: npt.ArrayLike,
        files: Sequence[str] | None = None,
    ) -> None:
        """Checks that the arguments match and stores the arrays read-only."""
        names = check_class_names(class_names)
        indices = read_labels(labels, len(names)).copy()
        rows = check_probabilities(
            to_numbers("probabilities", "rows", probabilities), (len(indices), len(names))
        )
        for array in (indices, rows):
            array.setflags(write=False)
        object.__setattr__(self, "class_names", names)
        object.__setattr__(self, "labels", indices)
        object.__setattr__(self, "probabilities", rows)
        object.__setattr__(self, "files", check_files(files, names, indices))

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self.labels)

    @property
    def predictions(self) -> IntegerArray:
        """Predicted class indices, of shape `(images,)`: the most probable class of each image."""
        return self.probabilities.argmax(axis=1).astype(np.int64)

    @property
    def is_correct(self) -> npt.NDArray[np.bool_]:
        """Whether each image is predicted correctly, of shape `(images,)`."""
        return self.predictions == self.labels

    @property
    def correct(self) -> int:
        """Number of images that are predicted correctly."""
        return int(np.count_nonzero(self.is_correct))

    @property
    def accuracy(self) -> float:
        """Accuracy: the fraction of images that are predicted correctly, from 0 to 1."""
        return self.correct / len(self)

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """95% confidence interval of the accuracy; see `wilson_interval`."""
        return wilson_interval(self.correct, len(self))

    @property
    def counts(self) -> dict[str, int]:
        """Number of images of each class, by name, in the order of `class_names`."""
        numbers = np.bincount(self.labels, minlength=len(self.class_names))
        return dict(zip(self.class_names, numbers.tolist(), strict=True))

    @property
    def baseline(self) -> float:
        """Majority-class baseline: accuracy of always predicting the most frequent class."""
        return baseline_accuracy(self.counts)

    @property
    def baseline_comparison(self) -> Comparison:
        """Comparison of the classifier with the `baseline` on the same images; see `compare`."""
        guess = int(np.bincount(self.labels).argmax())
        names = ("the model", f"always predicting {self.class_names[guess]}")
        return compare_correct(names, self.is_correct, self.labels == guess)

    @property
    def confusion_matrix(self) -> IntegerArray:
        """Confusion matrix of shape `(classes, classes)`: rows are true classes."""
        size = len(self.class_names)
        cells = self.labels * size + self.predictions
        return np.bincount(cells, minlength=size * size).reshape(size, size).astype(np.int64)

    @property
    def losses(self) -> FloatArray:
        """Cross-entropy of each image, of shape `(images,)`, in nats, at least 0.

        Probabilities are clipped at 2.2e-16, so no loss exceeds 36.04.
        """
        of_true_class = self.probabilities[np.arange(len(self)), self.labels]
        # The subtraction from 0 avoids -0.0 for a probability of 1.
        return 0.0 - np.log(np.clip(of_true_class, SMALLEST_PROBABILITY, 1.0))

    @property
    def log_loss(self) -> float:
        """Log loss: the mean cross-entropy in nats; 0 is perfect, log(classes) a uniform guess."""
        return float(self.losses.mean())

    @property
    def class_metrics(self) -> tuple[ClassMetrics, ...]:
        """Precision, recall and F1 score of each class, with intervals, in class order."""
        return compute_class_metrics(self.confusion_matrix, self.class_names)

    @property
    def macro_average(self) -> AveragedMetrics:
        """Macro average of the class scores: all classes have the same weight."""
        return average_metrics(self.class_metrics, weighted=False)

    @property
    def weighted_average(self) -> AveragedMetrics:
        """Weighted average of the class scores: classes are weighted by their number of images."""
        return average_metrics(self.class_metrics, weighted=True)

    @property
    def roc_curves(self) -> tuple[RocCurve, ...]:
        """ROC curve of each class against the rest.

        For two classes only the curve of the second class is returned; the other one is its mirror
        image.
        """
        classes = range(1 if len(self.class_names) == 2 else 0, len(self.class_names))
        return tuple(
            compute_roc(self.class_names[index], self.labels == index, self.probabilities[:, index])
            for index in classes
        )

    @property
    def reliability_bins(self) -> tuple[ReliabilityBin, ...]:
        """Bins of the reliability diagram (calibration curve): 10 bins of equal width.

        Images are binned by the probability of their predicted class. Upper edges are included, and
        empty bins are left out.
        """
        return bin_by_confidence(self.probabilities.max(axis=1), self.is_correct)

    @property
    def calibration_error(self) -> float:
        """Expected calibration error (ECE), from 0 (confidence equals accuracy) to 1.

        It is the mean over the images of the absolute difference between accuracy and mean
        confidence in their bin of `reliability_bins`. With few images it is biased upwards.

        Source: Guo et al. (2017), On calibration of modern neural networks, section 2.
        """
        gaps = (b.num_images * abs(b.accuracy - b.confidence) for b in self.reliability_bins)
        return sum(gaps) / len(self)

    def top_losses(self, k: int = 9) -> list[ExampleLoss]:
        """Returns the images with the highest loss, in descending order.

        Args:
            k: Number of images, at least 1; if there are fewer, all of them are returned.

        Returns:
            Records in descending order of loss; images with equal losses stay in their order.
        """
        k = check_integer("k", k, minimum=1)
        losses, predictions = self.losses, self.predictions
        return [
            ExampleLoss(
                index=index,
                file=None if self.files is None else self.files[index],
                true_class=self.class_names[self.labels[index]],
                predicted_class=self.class_names[predictions[index]],
                probability=float(self.probabilities[index, predictions[index]]),
                loss=float(losses[index]),
            )
            for index in np.argsort(-losses, kind="stable")[:k].tolist()
        ]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Saves labels, probabilities, class names and files as JSON.

        The file is written atomically: it is never left incomplete. `Evaluation.load` restores
        exactly the same numbers.

        Args:
            path: File to write; an existing file is replaced.

        Raises:
            TypeError: If `path` is not a path.
            OSError: If the file cannot be written.
        """
        write_evaluation(
            path, self.class_names, self.labels.tolist(), self.probabilities.tolist(), self.files
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Loads an evaluation that was written by `save`.

        Args:
            path: File to read.

        Returns:
            The evaluation, with the same labels, probabilities, class names and files.

        Raises:
            TypeError: If `path` is not a path.
            ValueError: If the file was not written by `save`; the message gives the location.
            OSError: If the file does not exist.
        """
        return read_evaluation(path, cls)

    def __repr__(self) -> str:
        """Returns one line, without the arrays."""
        return (
            f"Evaluation({len(self)} images, {len(self.class_names)} classes, "
            f"accuracy={self.accuracy:.3f})"
        )

    def __str__(self) -> str:
        """Returns one line each for accuracy, baseline, log loss and calibration error."""
        low, high = self.accuracy_interval
        baseline = self.baseline_comparison
        return "\n".join(
            [
                f"accuracy           {self.accuracy:.3f}, {self.correct} of {len(self)} images, "
                f"95 % interval {low:.3f} to {high:.3f}",
                f"baseline           {self.baseline:.3f}, {printable(baseline.names[1])}; "
                f"{describe_against_baseline(baseline)} (p = {baseline.p_value:.2g})",
                f"log loss           {self.log_loss:.3f} nats",
                f"calibration error  {self.calibration_error:.3f} ({CALIBRATION_BINS} bins)",
            ]
        )
