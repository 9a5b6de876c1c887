"""Images ranked by their loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from catdog_keras.evaluation.evaluation import Evaluation


@dataclass(frozen=True)
class PictureLoss:
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
    def right(self) -> bool:
        """Whether the predicted class is the true class; the loss can still be high."""
        return self.predicted_class == self.true_class


def rank_losses(evaluation: Evaluation, k: int) -> list[PictureLoss]:
    """Returns the `k` images with the highest loss, in descending order; ties keep their order."""
    losses, predictions = evaluation.losses, evaluation.predictions
    names, files = evaluation.class_names, evaluation.files
    return [
        PictureLoss(
            index=index,
            file=files[index] if files is not None else None,
            true_class=names[evaluation.labels[index]],
            predicted_class=names[predictions[index]],
            probability=float(evaluation.probabilities[index, predictions[index]]),
            loss=float(losses[index]),
        )
        for index in np.argsort(-losses, kind="stable")[:k].tolist()
    ]
