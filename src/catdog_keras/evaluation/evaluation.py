"""What is known about a classifier once it has seen labelled pictures."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from catdog_keras._checks import check_class_names, check_integer
from catdog_keras._intervals import wilson_interval
from catdog_keras.evaluation.class_scores import (
    AverageScores,
    ClassScores,
    average_scores,
    score_classes,
)
from catdog_keras.evaluation.comparison import Comparison, compare_hits
from catdog_keras.evaluation.evaluation_file import read_evaluation, write_evaluation
from catdog_keras.evaluation.labels import (
    IntegerArray,
    baseline_accuracy,
    check_files,
    read_labels,
)
from catdog_keras.evaluation.picture_loss import PictureLoss, rank_losses
from catdog_keras.evaluation.probabilities import (
    SMALLEST_PROBABILITY,
    FloatArray,
    check_probabilities,
)
from catdog_keras.evaluation.reliability import ReliabilityBin, bin_by_confidence
from catdog_keras.evaluation.roc import RocCurve, trace_roc
from catdog_keras.evaluation.summary import summarise


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """Predictions of a classifier on labelled pictures, and the numbers that follow from them.

    Everything is computed from the probabilities stored here, so two numbers of one evaluation
    always speak of the same pictures. The arrays are copies and cannot be written to.

    Args:
        class_names: the names of the classes, in the order of their indices.
        labels: the true class indices, of shape `(pictures,)`, at least one picture.
        probabilities: of shape `(pictures, classes)`; each row from 0 to 1, summing to 1.
        files: the file of each picture, in the same order, or None.

    Raises:
        TypeError: if an argument is of another type.
        ValueError: if shapes disagree, a label names no class, or rows are no probabilities.

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
        >>> result = catdog_keras.evaluation.Evaluation(["cat", "dog"], [0, 1, 1, 1], rows)
        >>> result.accuracy
        0.75
    """

    class_names: Sequence[str]
    labels: IntegerArray
    probabilities: FloatArray
    files: Sequence[str] | None = None

    def __post_init__(self) -> None:
        """Checks the fields against each other and freezes them."""
        names = check_class_names(self.class_names)
        labels = read_labels(self.labels, len(names)).copy()
        probabilities = check_probabilities(self.probabilities, (len(labels), len(names)))
        for array in (labels, probabilities):
            array.setflags(write=False)
        object.__setattr__(self, "class_names", names)
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "probabilities", probabilities)
        object.__setattr__(self, "files", check_files(self.files, len(labels)))

    def __len__(self) -> int:
        """Returns the number of pictures."""
        return len(self.labels)

    @property
    def predictions(self) -> IntegerArray:
        """The most probable class index of each picture, of shape `(pictures,)`."""
        return self.probabilities.argmax(axis=1).astype(np.int64)

    @property
    def hits(self) -> npt.NDArray[np.bool_]:
        """Whether the most probable class of each picture is the true one."""
        return self.predictions == self.labels

    @property
    def correct(self) -> int:
        """The number of pictures whose most probable class is the true one."""
        return int(np.count_nonzero(self.hits))

    @property
    def accuracy(self) -> float:
        """The share of pictures whose most probable class is the true one, from 0 to 1."""
        return self.correct / len(self)

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the accuracy; see `wilson_interval`."""
        return wilson_interval(self.correct, len(self))

    @property
    def counts(self) -> dict[str, int]:
        """The number of pictures of each class, by name, in the order of `class_names`."""
        numbers = np.bincount(self.labels, minlength=len(self.class_names))
        return dict(zip(self.class_names, numbers.tolist(), strict=True))

    @property
    def baseline(self) -> float:
        """The accuracy of naming the most frequent class for each of these very pictures."""
        return baseline_accuracy(self.counts)

    @property
    def baseline_comparison(self) -> Comparison:
        """The classifier beside the `baseline`, on the same pictures; see `compare`."""
        guess = int(np.bincount(self.labels).argmax())
        names = ("the model", f"always guessing {self.class_names[guess]}")
        return compare_hits(names, self.hits, self.labels == guess)

    @property
    def confusion_matrix(self) -> IntegerArray:
        """Counts of shape `(classes, classes)`: rows are true classes, columns predicted ones."""
        size = len(self.class_names)
        cells = self.labels * size + self.predictions
        return np.bincount(cells, minlength=size * size).reshape(size, size).astype(np.int64)

    @property
    def losses(self) -> FloatArray:
        """The cross-entropy of each picture, of shape `(pictures,)`, in nats, at least 0.

        A probability below 2.2e-16 counts as that, so no loss exceeds 36.04.
        """
        of_true_class = self.probabilities[np.arange(len(self)), self.labels]
        # From 0, so that certain and right is no -0.
        return 0.0 - np.log(np.clip(of_true_class, SMALLEST_PROBABILITY, 1.0))

    @property
    def log_loss(self) -> float:
        """The mean cross-entropy, in nats: 0 is certain and right, log(classes) is a guess."""
        return float(self.losses.mean())

    @property
    def class_scores(self) -> tuple[ClassScores, ...]:
        """Precision, recall and F1 of each class, with intervals, in the order of the classes."""
        return score_classes(self.confusion_matrix, self.class_names)

    @property
    def macro_average(self) -> AverageScores:
        """The mean of the classes' scores, in which each class counts the same."""
        return average_scores(self.class_scores, weighted=False)

    @property
    def weighted_average(self) -> AverageScores:
        """The mean of the classes' scores, weighted by how many pictures a class has."""
        return average_scores(self.class_scores, weighted=True)

    @property
    def roc_curves(self) -> tuple[RocCurve, ...]:
        """The ROC curve of each class against the rest.

        Of two classes it is the second one's alone: the first one's is the same, seen from behind.
        """
        classes = range(1 if len(self.class_names) == 2 else 0, len(self.class_names))
        return tuple(
            trace_roc(self.class_names[index], self.labels == index, self.probabilities[:, index])
            for index in classes
        )

    @property
    def reliability_bins(self) -> tuple[ReliabilityBin, ...]:
        """The pictures by the probability of their predicted class, in 10 bins of equal width.

        Upper edges are included, and bins without pictures are left out.
        """
        return bin_by_confidence(self.probabilities.max(axis=1), self.hits)

    @property
    def calibration_error(self) -> float:
        """The expected calibration error, from 0 (confidence is accuracy) to 1.

        It is the mean over the pictures of the distance between accuracy and mean confidence in
        their bin of `reliability_bins`. On few pictures it is too high by chance alone.

        Guo et al. (2017), On calibration of modern neural networks, section 2.
        """
        gaps = (b.pictures * abs(b.accuracy - b.confidence) for b in self.reliability_bins)
        return sum(gaps) / len(self)

    def top_losses(self, k: int = 9) -> list[PictureLoss]:
        """Returns the pictures that the model was most wrong about, worst first.

        Args:
            k: how many, at least 1; all of them where there are fewer.

        Returns:
            Their records, of falling loss; of equal losses the earlier picture comes first.
        """
        return rank_losses(self, check_integer("k", k, minimum=1))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes labels, probabilities, class names and files as JSON, whole or not at all.

        `Evaluation.load` gives back the very same numbers, from which all others follow.

        Args:
            path: the file; one that is there is replaced.

        Raises:
            TypeError: if `path` is no path.
            OSError: if it cannot be written.
        """
        write_evaluation(
            path, self.class_names, self.labels.tolist(), self.probabilities.tolist(), self.files
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Reads an evaluation that `save` wrote.

        Args:
            path: the file.

        Returns:
            The evaluation, with the same labels, probabilities, class names and files.

        Raises:
            TypeError: if `path` is no path.
            ValueError: if the file is not what `save` writes; the message says where.
            OSError: if there is no such file.
        """
        return read_evaluation(path, cls)

    def __repr__(self) -> str:
        """Returns one line; the arrays would fill the screen."""
        return (
            f"Evaluation({len(self)} pictures, {len(self.class_names)} classes, "
            f"accuracy={self.accuracy:.3f})"
        )

    def __str__(self) -> str:
        """Returns a summary in plain words."""
        return summarise(self)
