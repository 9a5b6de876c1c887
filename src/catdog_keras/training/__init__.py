"""Training of a transfer model: the head on cached features, fine-tuning, learning-rate finder."""

from catdog_keras.training._find_learning_rate import LRFinderResult, find_learning_rate
from catdog_keras.training._fine_tune import fine_tune
from catdog_keras.training._fine_tune_config import FineTuneConfig
from catdog_keras.training._fit_head import fit_head

__all__ = ["FineTuneConfig", "LRFinderResult", "find_learning_rate", "fine_tune", "fit_head"]
