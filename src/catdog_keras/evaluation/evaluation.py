"""What is known about a classifier once it has seen labelled pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from catdog_keras._checks import check_class_names, check_integer, describe
from catdog_keras.evaluation.intervals import wilson_interval
from catdog_keras.evaluation.labels import (
    IntegerArray,
    baseline_accuracy,
    read_labels,
)

FloatArray: TypeAlias = npt.NDArray[np.float64]

CALIBRATION_BINS = 10
# The rows of a softmax in bfloat16 sum to 1 within 0.004.
SUM_TOLERANCE = 0.01
# A probability of 0 for the true class would make every mean infinite; scikit-learn clips here too.
SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class PictureLoss:
    """One picture and how wrong the model was about it.

    Attributes:
        index: the place of the picture in the evaluation, from 0.
        file: the file of the picture, or None where files are not known.
        true_class: the name of its class.
        predicted_class: the name of the class that the model found most probable.
        probability: the model's probability of `predicted_class`, from 0 to 1.
        loss: the negative natural logarithm of the model's probability of `true_class`.
    """

    index: int
    file: str | None
    true_class: str
    predicted_class: str
    probability: float
    loss: float


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
        probabilities = _check_probabilities(self.probabilities, (len(labels), len(names)))
        for array in (labels, probabilities):
            array.setflags(write=False)
        object.__setattr__(self, "class_names", names)
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "probabilities", probabilities)
        object.__setattr__(self, "files", _check_files(self.files, len(labels)))

    def __len__(self) -> int:
        """Returns the number of pictures."""
        return len(self.labels)

    @property
    def predictions(self) -> IntegerArray:
        """The most probable class index of each picture, of shape `(pictures,)`."""
        return self.probabilities.argmax(axis=1).astype(np.int64)

    @property
    def correct(self) -> int:
        """The number of pictures whose most probable class is the true one."""
        return int(np.count_nonzero(self.predictions == self.labels))

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
        return -np.log(np.clip(of_true_class, SMALLEST_PROBABILITY, 1.0))

    @property
    def log_loss(self) -> float:
        """The mean cross-entropy, in nats: 0 is certain and right, log(classes) is a guess."""
        return float(self.losses.mean())

    @property
    def calibration_error(self) -> float:
        """The expected calibration error, from 0 (confidence is accuracy) to 1.

        Pictures are put into 10 bins of equal width by the probability of their predicted class,
        upper edges included; it is the mean over the pictures of the distance between accuracy
        and mean probability in their bin. On few pictures it is too high by chance alone.

        Guo et al. (2017), On calibration of modern neural networks, section 2.
        """
        confidence = self.probabilities.max(axis=1)
        hits = self.predictions == self.labels
        edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
        bins = np.digitize(confidence, edges[1:-1], right=True)
        # Within a bin, (accuracy - confidence) times its count is the sum of the differences.
        gaps = np.bincount(bins, weights=hits - confidence, minlength=CALIBRATION_BINS)
        return float(np.abs(gaps).sum() / len(self))

    def top_losses(self, k: int = 9) -> list[PictureLoss]:
        """Returns the pictures that the model was most wrong about, worst first.

        Args:
            k: how many, at least 1; all of them where there are fewer.

        Returns:
            Their records, of falling loss; of equal losses the earlier picture comes first.
        """
        k = check_integer("k", k, minimum=1)
        losses, predictions = self.losses, self.predictions
        worst = np.argsort(-losses, kind="stable")[:k]
        return [
            PictureLoss(
                index=index,
                file=self.files[index] if self.files is not None else None,
                true_class=self.class_names[self.labels[index]],
                predicted_class=self.class_names[predictions[index]],
                probability=float(self.probabilities[index, predictions[index]]),
                loss=float(losses[index]),
            )
            for index in worst.tolist()
        ]

    def __repr__(self) -> str:
        """Returns one line; the arrays would fill the screen."""
        return (
            f"Evaluation({len(self)} pictures, {len(self.class_names)} classes, "
            f"accuracy={self.accuracy:.3f})"
        )

    def __str__(self) -> str:
        """Returns a summary in plain words."""
        low, high = self.accuracy_interval
        guess = max(self.counts, key=self.counts.__getitem__)
        return "\n".join(
            [
                f"accuracy           {self.accuracy:.3f}, {self.correct} of {len(self)} pictures, "
                f"95 % interval {low:.3f} to {high:.3f}",
                f"baseline           {baseline_accuracy(self.counts):.3f}, always guessing {guess}",
                f"log loss           {self.log_loss:.3f} nats",
                f"calibration error  {self.calibration_error:.3f} ({CALIBRATION_BINS} bins)",
            ]
        )


def look_like_probabilities(rows: FloatArray) -> bool:
    """Whether every row lies in [0, 1] and sums to 1."""
    in_range = bool(((rows >= 0) & (rows <= 1 + SUM_TOLERANCE)).all())
    return in_range and bool((np.abs(rows.sum(axis=1) - 1) <= SUM_TOLERANCE).all())


def _check_probabilities(rows: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Returns a float64 copy of the probabilities, or raises if they are none."""
    array = np.array(rows, dtype=np.float64)
    if shape[0] == 0:
        raise ValueError("`labels` must hold at least one picture; received none.")
    if array.shape != shape:
        raise ValueError(
            f"`probabilities` must be of shape (pictures, classes), here {shape}; "
            f"received shape {array.shape}."
        )
    if not look_like_probabilities(array):
        raise ValueError(
            "`probabilities` must be rows from 0 to 1 that sum to 1; "
            f"received values from {array.min():g} to {array.max():g}, "
            f"sums from {array.sum(axis=1).min():g} to {array.sum(axis=1).max():g}."
        )
    return array


def _check_files(files: Sequence[str] | None, pictures: int) -> tuple[str, ...] | None:
    """Returns the files as a tuple of strings, or raises if there is not one per picture."""
    if files is None:
        return None
    if isinstance(files, str) or not isinstance(files, Sequence):
        raise TypeError(describe("files", "a list with the file of each picture, or None", files))
    if len(files) != pictures:
        raise ValueError(
            f"`files` must hold one file per picture, here {pictures}; received {len(files)}. "
            "Take the files of the very split that is evaluated."
        )
    return tuple(str(file) for file in files)
