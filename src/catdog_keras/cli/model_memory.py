"""Check of the memory that a loaded model needs, before it runs."""

import math
import warnings
from typing import TYPE_CHECKING

from catdog_keras._checks import describe
from catdog_keras.cli.errors import InputError, short_reason
from catdog_keras.cli.memory_limit import limited_memory

if TYPE_CHECKING:
    import keras

MAX_BYTES = 2**33  # of all values that exist at one time for a batch
BYTES_PER_WEIGHT = 8  # of copies in another dtype; two quantized weights share one byte
UNCHECKED = "load it with --trust-model, but only from a source whose programs you would run."


def check_memory(model: "keras.Model", path: str, shape: tuple[int, int, int, int]) -> None:
    """Raises an error if a model needs more memory for a batch than is reasonable.

    The model is traced, so that this takes little memory. A single image may need its share of the
    memory of a batch: values whose size does not depend on the batch are limited by this.

    Args:
        model: The model.
        path: Its file, for error messages.
        shape: Shape of a batch.

    Raises:
        InputError: If the model cannot process images of this size.
        ValueError: If it needs too much memory, or if this is unknown.
    """
    batch, *image = shape
    weights = sum(math.prod(each.shape) for each in model.weights)
    free = BYTES_PER_WEIGHT * weights
    share = MAX_BYTES // batch + free
    for size, limit in {batch: MAX_BYTES + free, 1: share}.items():
        with limited_memory(weights):
            needed = _needed_bytes(model, path, (size, *image))
        if needed > limit:
            images = f"a batch of {size} images" if size > 1 else "one image"
            remedy = (
                f"It needs about {needed / 1e9:,.1f} GB for {images}; allowed: "
                f"{limit / 1e9:,.1f} GB. " + ("Reduce --batch-size, or " if batch > 1 else "")
            )
            remedy += UNCHECKED if batch > 1 else UNCHECKED.capitalize()
            raise ValueError(describe("model", "a model that fits into memory", path, remedy))
        if needed <= share:
            return


def _needed_bytes(model: "keras.Model", path: str, shape: tuple[int, ...]) -> int:
    """Returns the bytes of memory that the model takes for a batch, by tracing it.

    Raises:
        InputError: If the model cannot process images of this size.
        ValueError: If a size is known only when the model runs.
    """
    from catdog_keras._backend.traced_memory import UnknownSizeError, peak_bytes

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are shown when the model runs
            return peak_bytes(model, shape)
    except UnknownSizeError as error:
        remedy = f"{error} If this is intended, {UNCHECKED}"
        raise ValueError(describe("model", "a model of a known size", path, remedy)) from error
    except Exception as error:  # Keras and the frameworks raise various errors
        remedy = f"For images of {shape[1]} x {shape[2]} pixels Keras says: {short_reason(error)}"
        raise InputError(describe("MODEL", "a model of images", path, remedy)) from error
