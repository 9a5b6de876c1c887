"""Single pictures, ranked by how wrong a model was about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from catdog_keras.evaluation.evaluation import Evaluation


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
        """Whether the model named the true class, of which it may yet have been unsure."""
        return self.predicted_class == self.true_class


def rank_losses(evaluation: Evaluation, k: int) -> list[PictureLoss]:
    """Returns the `k` pictures of the largest losses, worst first; of equal ones the earlier."""
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
