"""Infinite datasets of `tf.data` whose cardinality is unknown."""

from typing import Any

INFINITE = -1  # tf.data.INFINITE_CARDINALITY


def repeats_without_end(dataset: Any) -> bool:
    """Whether a `tf.data.Dataset` of unknown cardinality has an infinite one as its only source.

    A filter or `flat_map` after `repeat()` makes the cardinality unknown. The datasets that another
    one reads are not public.
    """
    while not type(dataset).__name__.startswith("_Take"):  # `take` and `take_while` can end it
        cardinality = getattr(dataset, "cardinality", None)
        if cardinality is None or int(cardinality()) >= 0:
            return False
        if int(cardinality()) == INFINITE:
            return True
        sources: list[Any] = list(getattr(dataset, "_inputs", list)())
        if len(sources) != 1:  # `zip` ends with the shortest
            return False
        (dataset,) = sources
    return False
