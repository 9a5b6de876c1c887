"""Effect of test images that have a twin in the training data on the accuracy."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from catdog_keras._arrays import to_array
from catdog_keras._checks import describe, describe_received
from catdog_keras._intervals import difference_interval, wilson_interval
from catdog_keras._message import argument
from catdog_keras._suggestions import suggests_arguments
from catdog_keras.diagnostics._data_finding import DataFinding
from catdog_keras.evaluation import Evaluation


@dataclass(frozen=True)
class LeakageEffect:
    """Test accuracy with and without the images that have a twin in the training data.

    Attributes:
        num_images: Number of test images.
        correct: Number of them that are predicted correctly.
        num_twins: Number of test images that have a twin in the training data.
        correct_twins: Number of them that are predicted correctly.
        findings: One `DataFinding` of the kind `"leakage"`; empty if there are no twins.

    Example:
        >>> import catdog_keras
        >>> effect = catdog_keras.diagnostics.LeakageEffect(200, 190, 40, 40, ())
        >>> effect.accuracy, effect.accuracy_without, round(effect.difference, 4)
        (0.95, 0.9375, 0.0125)
    """

    num_images: int
    correct: int
    num_twins: int
    correct_twins: int
    findings: tuple[DataFinding, ...]

    @property
    def accuracy(self) -> float:
        """Accuracy on all test images, from 0 to 1."""
        return self.correct / self.num_images

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """95% confidence interval of `accuracy`; see `wilson_interval`."""
        return wilson_interval(self.correct, self.num_images)

    @property
    def accuracy_without(self) -> float:
        """Accuracy on the test images that have no twin in the training data, from 0 to 1."""
        return self._without[0] / self._without[1]

    @property
    def accuracy_without_interval(self) -> tuple[float, float]:
        """95% confidence interval of `accuracy_without`; see `wilson_interval`."""
        return wilson_interval(*self._without)

    @property
    def difference(self) -> float:
        """`accuracy` minus `accuracy_without`: by how much the twins raise the accuracy."""
        return self.accuracy - self.accuracy_without

    @property
    def difference_interval(self) -> tuple[float, float]:
        """95% confidence interval of `difference`.

        The difference equals the share of the twins times the difference of the accuracies on the
        images with and without a twin, which are different images; the interval is scaled alike.

        Source: Newcombe, R. G. (1998), Interval estimation for the difference between independent
        proportions: comparison of eleven methods, Statistics in Medicine 17, 873-890, method 10.
        """
        if not self.num_twins:
            return 0.0, 0.0
        low, high = difference_interval((self.correct_twins, self.num_twins), self._without)
        share = self.num_twins / self.num_images
        return share * low, share * high

    @property
    def _without(self) -> tuple[int, int]:
        return self.correct - self.correct_twins, self.num_images - self.num_twins

    def __str__(self) -> str:
        """Returns both accuracies and their difference, with intervals."""
        if not self.num_twins:
            if self.num_images == 1:
                return "The test image has no twin in the training data."
            return f"None of the {self.num_images} test images has a twin in the training data."
        has = "has a twin" if self.num_twins == 1 else "have a twin"
        low, high = (100 * end for end in self.difference_interval)
        return (
            f"{self.num_twins} of {self.num_images} test images {has} in the training data. "
            f"Accuracy {_with_interval(self.accuracy, self.accuracy_interval)} with them, "
            f"{_with_interval(self.accuracy_without, self.accuracy_without_interval)} without "
            f"them: a difference of {100 * self.difference:+.1f} points, 95% interval "
            f"{low:+.1f} to {high:+.1f}."
        )


@suggests_arguments()
def leakage_effect(correct: Evaluation | npt.ArrayLike, twins: npt.ArrayLike) -> LeakageEffect:
    """Compares the test accuracy with and without images that have a twin in the training data.

    A twin is the same or nearly the same image: a copy, a new compression, a crop, or the next
    frame of a film. A model can recognize it instead of the class, and the test accuracy is then
    too high. Report the accuracy without the twins, or split by groups and train again.

    The function compares different images, so the difference has other causes as well: images that
    are copied often may be easier. Twins that were not found count as images without a twin.

    Args:
        correct: The `Evaluation` of the test images, or an array of shape (images,) of True for
            each test image that is predicted correctly.
        twins: Indices of the test images that have a twin in the training data, from 0 and in any
            order; repeated ones count once. Or an array of shape (images,) of True and False. Of
            pairs (training image, test image), pass the second ones.

    Returns:
        A `LeakageEffect`.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If `correct` is empty, an index is not that of a test image, or each test image
            has a twin.

    See Also:
        `Evaluation`: the predictions, for example from `evaluate_classifier`.

    Example:
        >>> import catdog_keras
        >>> rows = [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]]
        >>> evaluation = catdog_keras.Evaluation(["cat", "dog"], [0, 1, 1, 1], rows)
        >>> effect = catdog_keras.diagnostics.leakage_effect(evaluation, twins=[0, 3])
        >>> effect.accuracy, effect.accuracy_without, effect.difference
        (0.75, 0.5, 0.25)
    """
    files: tuple[str, ...] | None = None
    if isinstance(correct, Evaluation):
        right, files = correct.is_correct, correct.files
    else:
        right = _read_correct(correct)
    indices = _read_twins(twins, len(right))
    if len(indices) == len(right):
        raise ValueError(
            argument("twins")
            + f" must leave test images without a twin; received all {len(right)}. Nothing remains "
            "to measure an accuracy: split the data again, by groups."
        )
    counts = (
        len(right),
        int(np.count_nonzero(right)),
        len(indices),
        int(np.count_nonzero(right[indices])),
    )
    effect = LeakageEffect(*counts, ())
    if not len(indices):
        return effect
    places = tuple(indices.tolist())
    finding = DataFinding(
        "leakage",
        places,
        effect.difference,
        f"{effect} Report the accuracy without them, or split the data by groups and train again.",
        () if files is None else tuple(files[place] for place in places),
    )
    return LeakageEffect(*counts, (finding,))


def _read_correct(correct: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Returns which test images are correct, from the argument `correct` of `leakage_effect`."""
    requirement = "an Evaluation, or an array of True and False of shape (images,)"
    array = _convert_argument("correct", correct, requirement)
    if array.ndim != 1 or not array.size:
        raise ValueError(describe_received("correct", requirement, f"shape {array.shape}"))
    if array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        remedy = "For class indices: `predictions == labels`."
        raise TypeError(describe("correct", requirement, correct, remedy))
    return array.astype(bool)


def _read_twins(twins: npt.ArrayLike, num_images: int) -> npt.NDArray[np.int64]:
    """Returns the indices of `leakage_effect(twins=)` in ascending order, each once."""
    requirement = f"indices of test images from 0 to {num_images - 1}, or True or False for each"
    array = _convert_argument("twins", twins, requirement)
    if array.dtype.kind == "b":
        if array.shape != (num_images,):
            raise ValueError(describe_received("twins", requirement, f"shape {array.shape}"))
        return np.flatnonzero(array)
    if array.ndim == 1 and not array.size:
        return np.empty(0, np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(describe("twins", requirement, twins))
    if array.ndim != 1:
        remedy = "Of pairs (training image, test image), pass the second column."
        raise ValueError(describe_received("twins", requirement, f"shape {array.shape}", remedy))
    wrong = array[(array < 0) | (array >= num_images)]
    if wrong.size:
        raise ValueError(describe("twins", requirement, int(wrong[0])))
    return np.unique(array).astype(np.int64)


def _convert_argument(name: str, value: Any, requirement: str) -> npt.NDArray[Any]:
    """Returns an argument of `leakage_effect` as an array; raises a TypeError for other types."""
    if value is None or isinstance(value, (str, bytes, dict, set)):
        raise TypeError(describe(name, requirement, value))
    try:
        return to_array(value)
    except Exception as error:  # each framework raises its own types
        raise TypeError(describe(name, requirement, value)) from error


def _with_interval(accuracy: float, interval: tuple[float, float]) -> str:
    """Formats an accuracy and its interval for the text of a `LeakageEffect`."""
    return f"{accuracy:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]"
