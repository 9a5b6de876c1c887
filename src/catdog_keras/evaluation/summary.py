"""Text summary of an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catdog_keras.evaluation.comparison import Comparison
from catdog_keras.evaluation.reliability import CALIBRATION_BINS

if TYPE_CHECKING:
    from catdog_keras.evaluation.evaluation import Evaluation


def summarise(evaluation: Evaluation) -> str:
    """Returns one line each for accuracy, baseline, log loss and calibration error."""
    pictures, (low, high) = len(evaluation), evaluation.accuracy_interval
    versus = evaluation.baseline_comparison
    return "\n".join(
        [
            f"accuracy           {evaluation.accuracy:.3f}, {evaluation.correct} of {pictures} "
            f"pictures, 95 % interval {low:.3f} to {high:.3f}",
            f"baseline           {evaluation.baseline:.3f}, {versus.names[1]}; "
            f"{tell_beside_baseline(versus)} (p = {versus.p_value:.2g})",
            f"log loss           {evaluation.log_loss:.3f} nats",
            f"calibration error  {evaluation.calibration_error:.3f} ({CALIBRATION_BINS} bins)",
        ]
    )


def tell_beside_baseline(versus: Comparison) -> str:
    """Describes whether a model is above or below its baseline, and whether significantly."""
    if versus.difference == 0:
        return "the model is no better than it"
    side = "above" if versus.difference > 0 else "below"
    sure = f"surely {side} it" if versus.significant else f"{side} it, but not surely"
    return f"the model is {sure}"
