"""All checks of images and labels in one call, with a page on which findings are decided."""

from catdog_keras.doctor._check_data import check_data
from catdog_keras.doctor._data_report import DataReport

__all__ = ["DataReport", "check_data"]
