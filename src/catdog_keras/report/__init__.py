"""Evaluation report as one self-contained HTML page."""

from catdog_keras.report._write_report import ModelReport, write_report

__all__ = ["ModelReport", "write_report"]
