"""Evaluation report as one self-contained HTML page."""

from catdog_keras.report.writing import write_report

__all__ = ["write_report"]
