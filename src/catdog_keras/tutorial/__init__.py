"""The tutorial's four steps, end to end: look, count, train four models, compare, test."""

from catdog_keras.tutorial._results import ModelResult, TutorialResult
from catdog_keras.tutorial._run import run_tutorial

__all__ = ["ModelResult", "TutorialResult", "run_tutorial"]
