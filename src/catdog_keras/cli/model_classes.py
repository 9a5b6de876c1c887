"""Class names of a command's model: from the options, or from the model itself."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from catdog_keras._checks import check_class_names
from catdog_keras._message import argument
from catdog_keras._printable import counted, printable
from catdog_keras.cli.errors import InputError

if TYPE_CHECKING:
    import keras


def check_class_count(model: "keras.Model", class_names: Sequence[str]) -> None:
    """Raises an error unless there is a class name for each output of the model.

    For two classes a single output, that of the second class, is accepted.
    """
    shape, classes = _output_shape(model), len(class_names)
    outputs = shape[-1]
    if len(shape) != 2:
        raise ValueError(
            argument("model")
            + " must have one output of shape (batch, classes); received outputs of shape "
            f"{shape}."
        )
    if (outputs, classes) == (1, 2) or outputs == classes > 1:
        return
    raise InputError(
        f"--class-name must give {_required_names(outputs)}; received {counted(classes, 'name')}: "
        f"{list_class_names(class_names)}{', ...' if classes > 20 else ''}."
    )


def choose_class_names(model: "keras.Model", given: Sequence[str]) -> tuple[str, ...]:
    """Returns the names that the user gave, if any, or those that are saved in the model.

    Raises:
        InputError: If the given names are the saved ones in another order.
        ValueError: If a given name is not valid, or there are neither given nor saved names.
    """
    from catdog_keras.models import get_class_names

    if given:
        names = check_class_names(given)
        with suppress(ValueError):  # there are none in the model
            _check_saved_order(names, get_class_names(model))
        return names
    try:
        return get_class_names(model)
    except ValueError as error:
        raise ValueError(
            argument("model") + " contains no class names. Pass "
            f"{_required_names(_output_shape(model)[-1])}, each with --class-name NAME."
        ) from error


def _check_saved_order(given: tuple[str, ...], saved: tuple[str, ...]) -> None:
    """Raises an InputError if names are those of the model in another order, which relabels it."""
    if given != saved and sorted(given) == sorted(saved):
        raise InputError(
            "--class-name must be in the order of the outputs of MODEL, which contains the names "
            f"{list_class_names(saved)}; received {list_class_names(given)}. "
            "Omit --class-name to use the names of MODEL."
        )


def list_class_names(names: Sequence[str]) -> str:
    """Lists up to 20 class names for a message; those of a file may have control characters."""
    return ", ".join(printable(name[:80]) for name in names[:20])


def _required_names(outputs: int | None) -> str:
    """Describes the class names that --class-name must give for a number of outputs."""
    if outputs == 1:
        return "the names of the labels 0 and 1, in this order, for the one output of MODEL"
    number = "" if outputs is None else f"{outputs:,} "
    return f"the names of the {number}outputs of MODEL, in their order"


def _output_shape(model: "keras.Model") -> tuple[Any, ...]:
    """Returns the shape of a model's only output, which may be in a dict or list."""
    if len(model.outputs) != 1:
        raise ValueError(
            argument("model") + f" must have one output; received one with {len(model.outputs)}."
        )
    return tuple(model.outputs[0].shape)
