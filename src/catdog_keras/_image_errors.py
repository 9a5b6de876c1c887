"""Errors about image files, without what TensorFlow adds to the errors of a dataset."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

# A message of the library about a file, to which TensorFlow adds names of nodes and tracebacks.
_UNUSABLE_IMAGE = re.compile(
    r"ValueError: (['\"].+ (?:has changed since it was checked|could not be decoded): .+)$",
    re.MULTILINE,
)


def message_about_image(error: Exception) -> str | None:
    """Returns the message of the dataset if an image that it cannot use caused the error."""
    found = _UNUSABLE_IMAGE.search(str(error))
    return found[1] if found else None


@contextmanager
def image_errors() -> Iterator[None]:
    """Raises a ValueError that names the file if an image of a dataset cannot be used.

    TensorFlow raises its own error, whose text begins with names of nodes of a graph.
    """
    try:
        yield
    except Exception as error:
        message = message_about_image(error)
        if message is None:
            raise
        raise ValueError(message) from error
