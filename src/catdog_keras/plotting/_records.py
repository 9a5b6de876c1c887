"""Validation of records by their attributes, so that plots do not depend on their classes."""

from collections.abc import Sequence
from typing import Any

from catdog_keras._checks import describe


def records_of(value: Any, attribute: str) -> Any:
    """Returns the records that an evaluation has as an attribute, or other values unchanged."""
    return getattr(value, attribute, value)


def check_records(
    name: str, value: Any, requirement: str, attributes: Sequence[str]
) -> Sequence[Any]:
    """Returns the records; raises an error unless they are a sequence with all the attributes."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise TypeError(describe(name, requirement, value))
    if not value:
        raise ValueError(describe(name, f"{requirement}, at least one", value))
    for index, record in enumerate(value):
        missing = [attribute for attribute in attributes if not hasattr(record, attribute)]
        if missing:
            raise TypeError(
                describe(f"{name}[{index}]", f"a record with {', '.join(attributes)}", record)
            )
    return value
