"""Evaluation of a classifier: predictions on labeled images and the metrics derived from them."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import to_numbers
from catdog_keras._checks import check_class_names, check_integer
from catdog_keras._intervals import mean_interval, wilson_interval
from catdog_keras._printable import counted, printable
from catdog_keras._probabilities import (
    SMALLEST_PROBABILITY,
    FloatArray,
    check_probabilities,
)
from catdog_keras._read_labels import IntegerArray, read_labels
from catdog_keras._suggestions import suggests_arguments, suggests_attributes
from catdog_keras.evaluation._argument_names import EVALUATION_NAMES
from catdog_keras.evaluation._attribute_names import EVALUATION_ATTRIBUTES
from catdog_keras.evaluation._baseline import baseline_accuracy, describe_against_baseline
from catdog_keras.evaluation._class_metrics import (
    AveragedMetrics,
    ByClass,
    ClassMetrics,
    average_metrics,
    compute_class_metrics,
)
from catdog_keras.evaluation._evaluation_file import read_evaluation, write_evaluation
from catdog_keras.evaluation._image_paths import check_class_folders, check_image_paths
from catdog_keras.evaluation._mcnemar import Comparison, compare_correct
from catdog_keras.evaluation._notebook_html import render_evaluation
from catdog_keras.evaluation._precision_recall import (
    PrecisionRecallCurve,
    compute_precision_recall,
)
from catdog_keras.evaluation._reliability import CALIBRATION_BINS, ReliabilityBin, bin_by_confidence
from catdog_keras.evaluation._roc import RocCurve, compute_roc

if TYPE_CHECKING:
    import pandas

AnyEvaluation = TypeVar("AnyEvaluation", bound="Evaluation")


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


@suggests_attributes(EVALUATION_ATTRIBUTES)
@dataclass(frozen=True, init=False, eq=False, repr=False)
class Evaluation:
    """Predictions of a classifier on labeled images, and the metrics computed from them.

    All metrics are computed from the stored probabilities, so they always refer to the same images.
    The arrays are read-only copies.

    Args:
        class_names: Class names, in the order of their indices.
        labels: True class indices, of shape `(images,)`; at least one image.
        probabilities: Array of shape `(images, classes)`, values from 0 to 1; each row sums to 1.
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
        >>> result.balanced_accuracy == (1 + 2 / 3) / 2
        True
        >>> result.to_dict()["confusion_matrix"]
        [[1, 0], [1, 2]]
    """

    class_names: tuple[str, ...]
    labels: IntegerArray
    probabilities: FloatArray
    files: tuple[str, ...] | None

    @suggests_arguments(EVALUATION_NAMES)
    def __init__(
        self,
        class_names: Sequence[str],
        labels: npt.ArrayLike,
        probabilities: npt.ArrayLike,
        files: Sequence[str] | None = None,
    ) -> None:
        """Checks that the arguments match and stores the arrays read-only."""
        names = check_class_names(class_names, "The class names are the first argument.")
        indices = read_labels(labels, len(names)).copy()
        rows = check_probabilities(
            to_numbers("probabilities", "rows", probabilities), (len(indices), len(names))
        )
        checked_files = check_image_paths(files, len(indices))
        if checked_files is not None:
            check_class_folders(checked_files, names, indices)
        for array in (indices, rows):
            array.setflags(write=False)
        object.__setattr__(self, "class_names", names)
        object.__setattr__(self, "labels", indices)
        object.__setattr__(self, "probabilities", rows)
        object.__setattr__(self, "files", checked_files)

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
    def balanced_accuracy(self) -> float:
        """Balanced accuracy: the mean recall of the classes, from 0 to 1.

        All classes have the same weight, however many images they have, and always predicting one
        class gives 1 / (number of classes). Classes without images are left out.
        """
        return self.macro_average.recall

    @property
    def balanced_accuracy_interval(self) -> tuple[float, float]:
        """95% confidence interval of the balanced accuracy.

        It is Wilson's interval for the number of images with which an accuracy would be as certain.
        In simulations of 2 to 1,000 classes with 1 to 1,000 images each, it contained the true
        value in at least 90% of the tests, and in 93 to 97% if all classes had the same number of
        images, at least 5, and the same recall, from 0.5 to 0.95.

        Source: Korn, E. L. and Graubard, B. I. (1998), Confidence intervals for proportions with
        small expected number of positive counts estimated from survey data, Survey Methodology 24,
        193-201, for the effective number of images.
        """
        with_images = [each for each in self.class_metrics if each.num_images]
        return mean_interval(
            [each.recall for each in with_images], [each.num_images for each in with_images]
        )

    @property
    def f1(self) -> float:
        """Macro F1 score: the mean F1 score of the classes, from 0 to 1; see `macro_average`.

        `class_metrics` has the F1 score of each class, with intervals.
        """
        return self.macro_average.f1

    def top_k_accuracy(self, k: int = 5) -> float:
        """Returns the fraction of images whose true class is among the `k` most probable ones.

        Of classes with equal probabilities, the one with the lower index counts as more probable,
        so that `top_k_accuracy(1)` equals `accuracy`.

        Args:
            k: Number of classes, at least 1; the result is 1 if there are at most `k` classes.

        Returns:
            A fraction from 0 to 1.

        Raises:
            TypeError: If `k` is not an integer.
            ValueError: If `k` is less than 1.
        """
        return self._count_top_k(k) / len(self)

    def top_k_accuracy_interval(self, k: int = 5) -> tuple[float, float]:
        """Returns the 95% confidence interval of `top_k_accuracy`; see `wilson_interval`."""
        return wilson_interval(self._count_top_k(k), len(self))

    def _count_top_k(self, k: int) -> int:
        k = check_integer("k", k, minimum=1)
        order = np.argsort(-self.probabilities, axis=1, kind="stable")[:, :k]
        return int(np.count_nonzero(order == self.labels[:, None]))

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
        majority_class = int(np.bincount(self.labels).argmax())
        names = ("the model", f"always predicting {self.class_names[majority_class]}")
        return compare_correct(names, self.is_correct, self.labels == majority_class)

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
    def class_metrics(self) -> ByClass[ClassMetrics]:
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
    def roc_curves(self) -> ByClass[RocCurve]:
        """ROC curve of each class against the rest.

        For two classes only the curve of the second class is returned; the other one is its mirror
        image.
        """
        classes = range(1 if len(self.class_names) == 2 else 0, len(self.class_names))
        return ByClass(
            compute_roc(self.class_names[index], self.labels == index, self.probabilities[:, index])
            for index in classes
        )

    @property
    def precision_recall_curves(self) -> ByClass[PrecisionRecallCurve]:
        """Precision-recall curve of each class against the rest, in class order."""
        return ByClass(
            compute_precision_recall(name, self.labels == index, self.probabilities[:, index])
            for index, name in enumerate(self.class_names)
        )

    @property
    def mean_average_precision(self) -> float:
        """Mean average precision (mAP): the mean over the classes that have images, from 0 to 1.

        `precision_recall_curves` has the average precision of each class, with intervals.
        """
        curves = [curve for curve in self.precision_recall_curves if curve.positives]
        return sum(curve.average_precision for curve in curves) / len(curves)

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

    def to_dict(self) -> dict[str, Any]:
        """Returns the main metrics as JSON values, for example to log them.

        Left out are the macro averages of precision and recall (the second is the balanced
        accuracy), `weighted_average`, `top_k_accuracy` and `reliability_bins`. `save` writes the
        predictions, from which all metrics can be computed.

        Returns:
            A dict of numbers, strings and lists: `images`, the number of images; `class_names`;
            `accuracy`, `balanced_accuracy`, with intervals; `f1`; `baseline`; `baseline_p_value`,
            which belongs to `baseline_comparison`; `log_loss`; `calibration_error`;
            `mean_average_precision`; `confusion_matrix`; `classes`, the number of images,
            precision, recall, F1 score and average precision of each class, with intervals;
            `roc_areas`, the area under each curve of `roc_curves`, with intervals. An undefined
            metric and its interval are None.
        """
        return {
            "images": len(self),
            "class_names": list(self.class_names),
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "balanced_accuracy": self.balanced_accuracy,
            "balanced_accuracy_interval": list(self.balanced_accuracy_interval),
            "f1": self.f1,
            "baseline": self.baseline,
            "baseline_p_value": self.baseline_comparison.p_value,
            "log_loss": self.log_loss,
            "calibration_error": self.calibration_error,
            "mean_average_precision": self.mean_average_precision,
            "confusion_matrix": self.confusion_matrix.tolist(),
            "classes": [
                {
                    "name": scores.class_name,
                    "images": scores.num_images,
                    "precision": _none_if_nan(scores.precision),
                    "precision_interval": _interval_as_list(scores.precision_interval),
                    "recall": _none_if_nan(scores.recall),
                    "recall_interval": _interval_as_list(scores.recall_interval),
                    "f1": _none_if_nan(scores.f1),
                    "f1_interval": _interval_as_list(scores.f1_interval),
                    "average_precision": _none_if_nan(curve.average_precision),
                    "average_precision_interval": _interval_as_list(
                        curve.average_precision_interval
                    ),
                }
                for scores, curve in zip(
                    self.class_metrics, self.precision_recall_curves, strict=True
                )
            ],
            "roc_areas": [
                {
                    "name": curve.class_name,
                    "auc": _none_if_nan(curve.auc),
                    "auc_interval": _interval_as_list(curve.auc_interval),
                }
                for curve in self.roc_curves
            ],
        }

    def to_frame(self) -> pandas.DataFrame:
        """Returns a pandas data frame with one row per image, for example to filter errors.

        Needs pandas, which this package does not install.

        Returns:
            A data frame with the columns `file` (None if the files are not known), `true_class`,
            `predicted_class`, `correct` and `loss`, and `probability of <name>` for each class. Its
            index is that of the images.

        Raises:
            ImportError: If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            message = "`to_frame` needs pandas. Install it with `pip install pandas`."
            raise ImportError(message) from error
        names = np.array(self.class_names, dtype=object)
        columns = {
            "file": list(self.files) if self.files is not None else [None] * len(self),
            "true_class": names[self.labels],
            "predicted_class": names[self.predictions],
            "correct": self.is_correct,
            "loss": self.losses,
        }
        for name, probabilities in zip(self.class_names, self.probabilities.T, strict=True):
            columns[f"probability of {name}"] = probabilities
        return pandas.DataFrame(columns)

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
        return read_evaluation(path, cls._restore)

    @classmethod
    def _restore(cls, files: Sequence[str] | None, **fields: Any) -> Self:
        # Does not check the folder names again: if labels came from a table, folders may have the
        # names of other classes.
        return with_files(cls(**fields), files)

    def __repr__(self) -> str:
        """Returns one line, without the arrays."""
        return (
            f"Evaluation({counted(len(self), 'image')}, {len(self.class_names)} classes, "
            f"accuracy={self.accuracy:.3f})"
        )

    def _repr_html_(self) -> str:
        """Returns a table of the metrics and one of the classes, for notebooks."""
        return render_evaluation(self.to_dict())

    def __str__(self) -> str:
        """Returns one line for each of the main metrics."""
        low, high = self.accuracy_interval
        balanced_low, balanced_high = self.balanced_accuracy_interval
        baseline = self.baseline_comparison
        return "\n".join(
            [
                f"accuracy           {self.accuracy:.3f}, {self.correct} of "
                f"{counted(len(self), 'image')}, "
                f"95% interval {low:.3f} to {high:.3f}",
                f"balanced accuracy  {self.balanced_accuracy:.3f}, mean recall of the classes, "
                f"95% interval {balanced_low:.3f} to {balanced_high:.3f}",
                f"baseline           {self.baseline:.3f}, {printable(baseline.names[1])}; "
                f"{describe_against_baseline(baseline)} (p = {baseline.p_value:.2g})",
                f"log loss           {self.log_loss:.3f} nats",
                f"calibration error  {self.calibration_error:.3f} ({CALIBRATION_BINS} bins)",
            ]
        )


def with_files(evaluation: AnyEvaluation, files: Sequence[str] | None) -> AnyEvaluation:
    """Returns a copy with `files`, without comparing folder names with labels.

    If labels are from a table or from file names, folders may have the names of other classes.
    """
    copied = copy.copy(evaluation)
    object.__setattr__(copied, "files", check_image_paths(files, len(evaluation)))
    return copied


def _none_if_nan(value: float) -> float | None:
    """Returns None for NaN (an evaluation's undefined ratio), which JSON cannot represent."""
    return None if math.isnan(value) else value


def _interval_as_list(interval: tuple[float, float]) -> list[float] | None:
    """Returns the ends of an evaluation's interval as a list, or None for an undefined one."""
    return None if math.isnan(interval[0]) else list(interval)
