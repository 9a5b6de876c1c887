"""Evaluation report as one self-contained HTML page."""

from catdog_keras.report._write_report import write_report

__all__ = ["write_report"]
