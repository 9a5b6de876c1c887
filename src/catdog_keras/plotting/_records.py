"""Validation of records by their attributes, so that plots do not depend on their classes."""

from collections.abc import Mapping, Sequence
from typing import Any

from catdog_keras._checks import describe, describe_received
from catdog_keras._printable import letters


def records_of(value: Any, attribute: str) -> Any:
    """Returns the records that an evaluation has as an attribute, or other values unchanged."""
    return getattr(value, attribute, value)


def evaluations_in(value: Any, attribute: str) -> dict[str, Any]:
    """Returns the evaluation records of a dict or list by name; of other values, an empty dict.

    Evaluations are recognized by an attribute. Those of a list are named "a", "b", ...
    """
    if isinstance(value, (list, tuple)):
        value = {letters(index): each for index, each in enumerate(value)}
    if not isinstance(value, Mapping) or not all(hasattr(e, attribute) for e in value.values()):
        return {}
    return {str(name): each for name, each in value.items()}


def only_evaluation(name: str, value: Any, attribute: str, remedy: str) -> Any:
    """Returns the only evaluation record of a list or dict, and other values unchanged.

    Raises:
        TypeError: If there are several evaluations.
    """
    evaluations = list(evaluations_in(value, attribute).values())
    if len(evaluations) > 1:
        raise TypeError(
            describe_received(name, "one evaluation", f"{len(evaluations)} evaluations", remedy)
        )
    return evaluations[0] if evaluations else value


def remedy_for_model(value: Any) -> str:
    """Returns what to pass in place of a model, which has no records; empty for other values."""
    is_model = hasattr(value, "predict") and hasattr(value, "layers")
    return "Pass `evaluate_classifier(model, dataset)`." if is_model else ""


def check_records(
    name: str, value: Any, requirement: str, attributes: Sequence[str]
) -> Sequence[Any]:
    """Returns the records; raises an error unless they are a sequence with all the attributes."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise TypeError(describe(name, requirement, value, remedy_for_model(value)))
    if not value:
        raise ValueError(describe(name, f"{requirement}, at least one", value))
    for index, record in enumerate(value):
        missing = [attribute for attribute in attributes if not hasattr(record, attribute)]
        if missing:
            raise TypeError(
                describe(f"{name}[{index}]", f"a record with {', '.join(attributes)}", record)
            )
    return value
