"""Warnings that point at the user's line."""

import inspect
import warnings
from pathlib import Path

_PACKAGE = f"{Path(__file__).parent}/"


def warn(message: str) -> None:
    """Issues a `UserWarning` at the line outside of this package that led here."""
    # From Python 3.12 on, `skip_file_prefixes` of `warnings.warn` does this.
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)
