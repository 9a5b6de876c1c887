"""The score of an epoch on the validation data, which selects the best weights."""

import math
from collections.abc import Mapping
from typing import Any


def validation_score(logs: Mapping[str, Any]) -> list[float] | None:
    """Returns the score that selects the best state: the accuracy, with ties decided by the loss.

    An epoch without a finite loss has the lowest score: a model that returns NaN predicts the first
    class, which can be more accurate than the earlier epochs. None if there are no validation
    metrics.
    """
    if "val_loss" not in logs:
        return None
    accuracies = [name for name in logs if name.startswith("val_") and "acc" in name]
    score = [float(logs[accuracies[0]]) if accuracies else 0.0, -float(logs["val_loss"])]
    return score if all(map(math.isfinite, score)) else [-math.inf, -math.inf]
