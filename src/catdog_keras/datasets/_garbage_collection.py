"""Control of the search for unused objects."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Pauses the search for unused objects, which the creation of many objects would start.

    Each search visits all objects of TensorFlow, which takes longer than to create thousands.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
