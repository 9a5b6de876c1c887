"""Output of converters that is not about an error: log lines, progress and warnings."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def without_noise() -> Iterator[None]:
    """Discards what converters print and log, and their warnings; errors are still raised.

    They warn about their own code, and print each of their steps. Their errors are exceptions.
    """
    disabled = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
