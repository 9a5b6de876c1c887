"""What a model came to, as one HTML page that needs nothing beside it."""

from catdog_keras.report.writing import write_report

__all__ = ["write_report"]
