"""Warnings that point at the user's line, and warnings of other packages that are not shown."""

import inspect
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

_PACKAGE = f"{Path(__file__).parent}{os.sep}"


def warn(message: str, category: type[UserWarning] = UserWarning) -> None:
    """Issues a warning at the line outside of this package that led here."""
    # From Python 3.12 on, `skip_file_prefixes` of `warnings.warn` does this.
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


@contextmanager
def ignore_warnings_of(package: str) -> Iterator[None]:
    """Ignores the warnings that the modules of a package issue, in every thread.

    Threads can enter and leave the block in any order. `warnings.catch_warnings` would restore the
    filters of another thread; here, each block adds an equal filter and removes one of them.
    """
    filters = cast("list[Any]", warnings.filters)
    ignored = ("ignore", None, Warning, re.compile(rf"{re.escape(package)}\b"), 0)
    filters.insert(0, ignored)
    try:
        yield
    finally:
        with suppress(ValueError):  # `warnings.resetwarnings` was called meanwhile
            filters.remove(ignored)
